"""Protocols, polling, recorded values, the heat ledger, KPIs and alarms."""
