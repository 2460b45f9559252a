"""Gives the groups of the roles exactly the permissions that the table of roles says."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import roles


class Command(BaseCommand):
    """`manage.py sync_roles`; `migrate` does the same."""

    help = "Give each role's group exactly the permissions of the table in accounts/roles.py."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Sync and say how much changed."""
        self.stdout.write(f"{roles.sync()} permissions changed.")
