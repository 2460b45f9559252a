"""What people change about people: one use case each."""
