"""Users and what belongs to them."""

from accounts.models.access import ApiToken, Audience, DemoMark, Invitation, Membership
from accounts.models.jobs import Job
from accounts.models.users import User

__all__ = ["ApiToken", "Audience", "DemoMark", "Invitation", "Job", "Membership", "User"]
