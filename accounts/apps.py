"""The app's entry in Django's registry."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    """Users, roles, what each may see, and the change history."""

    name = "accounts"

    def ready(self) -> None:
        """Keep the groups of the roles in step with the permissions that exist."""
        from accounts import authentication, checks, receivers  # noqa: F401, PLC0415

        post_migrate.connect(receivers.sync_roles, dispatch_uid="accounts.sync_roles")
