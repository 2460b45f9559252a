"""Seals the credentials of all controllers with the first of the present keys."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hosting.services import secrets


class Command(BaseCommand):
    """`manage.py reseal_secrets`, after a new key was put before the old one in HEATLEDGER_FIELD_KEY."""

    help = "Seal the credentials of all controllers with the first key of HEATLEDGER_FIELD_KEY."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Say how many were sealed; exit status 1 if some did not open."""
        resealed = secrets.reseal_secrets()
        self.stdout.write(f"{resealed.count} credentials sealed with the first key.")
        if resealed.unopened:
            raise CommandError(f"No present key opens those of: {', '.join(resealed.unopened)}.", returncode=1)
