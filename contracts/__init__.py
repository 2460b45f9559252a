"""Offtakers, contracts, prices, service levels and invoices."""
