"""Users and what belongs to them."""

from accounts.models.users import User

__all__ = ["User"]
