"""Maintenance, water treatment, permits, incidents and audit packs."""
