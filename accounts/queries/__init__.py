"""What pages read about people and changes."""
