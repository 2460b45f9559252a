"""Check an audit pack against its manifest."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from compliance.services import packs, verification


class Command(BaseCommand):
    """Compares every file of a pack with the manifest; exit status 1 and the first wrong file otherwise."""

    help = "Compare every file of an audit pack with its manifest."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file, and the fingerprint that the portal shows."""
        parser.add_argument("file", type=Path, metavar="FILE.zip")
        parser.add_argument("--sha256", default="", help="fingerprint of the whole file, as the pack's page shows it")

    def handle(self, **options: Any) -> None:
        """Say what is wrong, the first wrong file first."""
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        with path.open("rb") as file:
            digest, size_bytes = packs.fingerprint(file)
            verdict = verification.verify(file)
        for fault in verdict.faults:
            self.stderr.write(f"WRONG {fault.path}: {fault.problem}")
        if not verdict.is_good:
            raise CommandError(f"{verdict.faults[0].path} {verdict.faults[0].problem}", returncode=1)
        if options["sha256"] and options["sha256"].lower() != digest:
            raise CommandError(f"{path} {'has another fingerprint'}: {digest}", returncode=1)
        self.stdout.write(f"OK {verdict.file_count} files, {size_bytes} bytes, SHA-256 {digest}")
