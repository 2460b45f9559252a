"""Build an audit pack into a file."""

from argparse import ArgumentParser
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from compliance.services import packs
from hosting.models import Site
from kernel.errors import Refusal


def instant(text: str) -> datetime:
    """The instant that the text names; an offset is required, Z for UTC."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(text)
    return at


class Command(BaseCommand):
    """Writes the pack of some sites and days to a file; the same facts and as-of time give the same bytes."""

    help = "Build an audit pack of some sites and days into a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take sites, days, the instant of knowledge, the file, and whose eyes to use."""
        parser.add_argument("--site", action="append", required=True, metavar="CODE", help="may be given several times")
        parser.add_argument("--from", type=date.fromisoformat, required=True, dest="first_on", help="first day")
        parser.add_argument("--to", type=date.fromisoformat, required=True, dest="last_on", help="last day, included")
        parser.add_argument("--as-of", type=instant, help="ISO 8601 with offset; now unless given")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE.zip")
        parser.add_argument("--user", metavar="E-MAIL", help="hold only what this person may see")

    def handle(self, **options: Any) -> None:
        """Write the file and say its fingerprint."""
        now = timezone.now()
        codes = sorted(set(options["site"]))
        sites = list(Site.objects.filter(code__in=codes).order_by("code"))
        if unknown := set(codes) - {site.code for site in sites}:
            raise CommandError(f"There is no site {', '.join(sorted(unknown))}.")
        user = self._person(options["user"])
        wanted = packs.Wanted(sites, options["first_on"], options["last_on"], options["as_of"] or now)
        path: Path = options["output"]
        partial = path.with_name(f"{path.name}.part")
        try:
            with partial.open("w+b") as target:
                made = packs.write_to(wanted=wanted, target=target, user=user, now=now)
                digest, size_bytes = packs.fingerprint(target)
            partial.replace(path)
        except Refusal as refusal:
            raise CommandError(refusal.detail) from refusal
        finally:
            partial.unlink(missing_ok=True)
        self.stdout.write(f"{path}: {made.file_count} files, {size_bytes} bytes, SHA-256 {digest}")

    @staticmethod
    def _person(email: str | None) -> User | None:
        if email is None:
            return None
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"Nobody logs in as {email}.")
        return user
