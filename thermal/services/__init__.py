"""Writes of recorded values, the ledger and alarms."""
