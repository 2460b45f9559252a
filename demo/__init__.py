"""A simulated plant on loopback and the data of a small provider."""
