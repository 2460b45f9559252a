"""Calendars, judgements and states on plain values."""
