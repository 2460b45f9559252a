"""Take a device profile out as a YAML file."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from hosting.models import DeviceProfile
from hosting.queries import profiles


class Command(BaseCommand):
    """Print one version of a profile, the latest unless another is named, as YAML."""

    help = "Print a device profile as YAML, the latest version unless --profile-version names another."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the key and the version."""
        parser.add_argument("key", help="key of the profile")
        parser.add_argument("--profile-version", type=int, help="which version")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print the file."""
        rows = DeviceProfile.objects.filter(key=options["key"]).order_by("-version")
        if options["profile_version"]:
            rows = rows.filter(version=options["profile_version"])
        profile = rows.first()
        if profile is None:
            raise CommandError(f"There is no such profile as “{options['key']}”.")
        self.stdout.write(profiles.yaml_of(profile), ending="")
