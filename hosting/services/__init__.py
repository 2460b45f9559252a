"""Writes of the inventory, one use case each."""
