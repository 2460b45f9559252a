"""Pages of duties, water, permits, incidents, documents and packs."""
