"""What accounts does when others are done."""

from typing import Any

from allauth.mfa.signals import authenticator_removed
from django.apps import AppConfig
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import roles
from accounts.middleware import SECOND_FACTOR


def sync_roles(app_config: AppConfig, using: str, **_facts: Any) -> None:
    """Give the roles their permissions of the app that was just migrated."""
    if app_config.label in roles.FLOORS and using == "default":
        roles.sync([app_config.label])


@receiver(authenticator_removed, dispatch_uid="accounts.forget_second_factor")
def forget_second_factor(request: HttpRequest, **_facts: Any) -> None:
    """Look again whether the person still has a second factor."""
    request.session.pop(SECOND_FACTOR, None)
