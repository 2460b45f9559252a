"""Names, or removes, files that belong to nothing."""

from argparse import ArgumentParser
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.utils import timezone

from portal import stored_files


class Command(BaseCommand):
    """Files older than a day that no row names: listed, and removed with --delete."""

    help = "Lists the files of the storage that no record names; --delete removes them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Nothing is removed unless asked for."""
        parser.add_argument("--delete", action="store_true", help="remove them")

    def handle(self, *_args: Any, **options: Any) -> None:
        """List, remove if asked, count."""
        names = list(stored_files.orphans(now=timezone.now()))
        for name in names:
            self.stdout.write(name)
            if options["delete"]:
                default_storage.delete(name)
        done = "removed" if options["delete"] else "found"
        self.stdout.write(f"{len(names)} files without a record {done}.")
