"""Users, roles, what each may see, and the change history."""
