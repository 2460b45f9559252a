"""What people and schedules do to the records: one use case each."""
