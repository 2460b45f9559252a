"""Reads that join the four apps."""
