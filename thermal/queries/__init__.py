"""Reads of what was recorded and settled."""
