"""Pages that join the four apps."""
