"""Prints the one-time link with which the first administrator comes in."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.urls import reverse
from django.utils import timezone

from accounts.services import people


class Command(BaseCommand):
    """`manage.py first_admin_link`: works while the portal has nobody."""

    help = "Print a one-time link that creates the first administrator, while there is nobody in the portal."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the portal answers."""
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="where the portal answers")

    def handle(self, *_args: Any, base_url: str, **_options: Any) -> None:
        """Print the link, or that it is too late for one."""
        try:
            key = people.first_administrator_key(now=timezone.now())
        except people.PortalHasPeople as refusal:
            self.stdout.write(str(refusal))
            return
        link = base_url.rstrip("/") + reverse("accounts:join", args=[key])
        self.stdout.write(f"Open this link within 24 hours to become the first administrator:\n\n  {link}\n")
