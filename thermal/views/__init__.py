"""Pages of heat and alarms."""
