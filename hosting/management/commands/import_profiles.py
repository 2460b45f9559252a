"""Bring device profiles in from YAML files."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from accounts import history, refusals
from hosting.services import profile_files
from kernel.errors import Refusal


class Command(BaseCommand):
    """Store each file as a profile, or as the next version of one; the same file again changes nothing."""

    help = (
        "Bring device profiles in from YAML files. The same content again changes nothing; a change is a new version."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the files."""
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="YAML file of one profile")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import each file by itself; one that is refused keeps no other from coming in."""
        failed = [path for path in options["files"] if not self._import(path)]
        if failed:
            sys.exit(1)

    def _import(self, path: Path) -> bool:
        try:
            with history.reason(f"import of {path.name}"):
                saved = profile_files.import_file(file_name=path.name, content=path.read_bytes(), by=None)
        except OSError as error:
            self.stderr.write(f"{path}: {error.strerror}")
            return False
        except Refusal as refusal:
            self.stderr.write(refusals.words_of(refusal))
            return False
        self.stdout.write(f"{path.name}: {saved.profile.key} v{saved.profile.version}, {saved.outcome}")
        return True
