"""Arithmetic and decisions of prices, service levels and bills, on plain values."""
