"""The data of a small provider: three sites, their people, contracts, records and history."""
