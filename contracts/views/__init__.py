"""Pages of contracts, billing and the offtaker."""
