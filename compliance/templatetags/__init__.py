"""Tags of the compliance pages."""
