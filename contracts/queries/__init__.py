"""Reads of offtakers, contracts, service levels and bills."""
