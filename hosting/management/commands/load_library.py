"""Bring the profiles that ship with the product into the inventory."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts import history
from hosting.queries import profiles
from hosting.services import profile_files


class Command(BaseCommand):
    """Add the profiles of the library, all or those named; what is stored already is left alone."""

    help = "Add the profiles of the library, all or the named ones. Doing so again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the keys."""
        parser.add_argument("keys", nargs="*", metavar="KEY", help="key of a profile; without any, all")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Load, and say what became of each."""
        entries = {entry.draft.key: entry for entry in profiles.library()}
        unknown = sorted(set(options["keys"]) - entries.keys())
        if unknown:
            raise CommandError(f"The library has no “{unknown[0]}”. It has: {', '.join(entries)}.")
        wanted = [entries[key] for key in options["keys"] or entries]
        with history.reason("profile library"):
            for saved in profile_files.load_library(entries=wanted, by=None):
                self.stdout.write(f"{saved.profile.key} v{saved.profile.version}, {saved.outcome}")
