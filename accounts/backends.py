"""Who counts as logged in."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.utils import timezone


class PeopleBackend(AuthenticationBackend):
    """Log-in by e-mail and password, closed to those whose access has ended, at log-in and at every request."""

    def user_can_authenticate(self, user: Any) -> bool:
        """Whether the person is active and within the time of access."""
        return bool(user.has_access_at(timezone.now()))
