"""Import register values of one meter from a CSV file."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from hosting.models import Meter
from kernel.errors import Refusal
from thermal.services import importing

COLUMN_OPTIONS: Final = {
    "energy": "energy_kwh",
    "volume": "volume_m3",
    "e8": "supply_energy_m3c",
    "e9": "return_energy_m3c",
    "power": "power_kw",
    "flow": "flow_m3h",
    "supply": "supply_c",
    "return": "return_c",
}


class Command(BaseCommand):
    """Import a file; the exit status is 1 if any row was not taken."""

    help = (
        "Import register values of one meter from a CSV file. Times are ISO 8601 with an offset from UTC, or without "
        "one in the zone given by --timezone. Importing a file twice stores nothing twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the meter, the file and how to read it."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--meter", required=True, metavar="SERIAL")
        parser.add_argument("--time-column", default="time", metavar="NAME")
        for option, name in COLUMN_OPTIONS.items():
            parser.add_argument(f"--{option}-column", dest=f"column_{name}", metavar="NAME", help=f"holds {name}")
            unit = importing.REGISTER_UNITS[name]
            parser.add_argument(f"--{option}-unit", dest=f"unit_{name}", metavar="UNIT", help=f"{unit} without")
        parser.add_argument("--timezone", type=_zone, metavar="ZONE", help="such as Europe/Berlin")
        parser.add_argument("--decimal-comma", action="store_true", help="numbers are written like 1,5")
        parser.add_argument("--dry-run", action="store_true", help="check everything and store nothing")
        parser.add_argument("--by", metavar="EMAIL", help="the user who answers for the import")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, and say what came of it."""
        try:
            report = importing.import_readings(
                meter=_meter(options["meter"]),
                content=_content(options["file"]),
                columns=_columns(options),
                time_zone=options["timezone"],
                by=_user(options["by"]),
                now=timezone.now(),
                is_dry_run=options["dry_run"],
            )
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        self._print(report)
        if report.problems:
            sys.exit(1)

    def _print(self, report: importing.ImportReport) -> None:
        """Print each problem and the sums."""
        for problem in report.problems:
            self.stderr.write(problem)
        verb = "would be stored" if report.is_dry_run else "stored"
        self.stdout.write(
            f"{report.row_count} rows: {report.new_count} readings {verb}, {report.repeated_count} known already, "
            f"{len(report.problems)} problems."
        )
        if report.first_at and report.last_at:
            self.stdout.write(f"From {report.first_at.isoformat()} to {report.last_at.isoformat()}.")


def _zone(name: str) -> ZoneInfo:
    """Return the time zone of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"There is no time zone “{name}”.") from None


def _meter(serial: str) -> Meter:
    """Return the meter with this serial number."""
    meter = Meter.objects.filter(serial=serial).first()
    if meter is None:
        raise CommandError(f"There is no meter “{serial}”.")
    return meter


def _content(path: Path) -> bytes:
    """Return the bytes of the file."""
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CommandError(f"{path} cannot be read: {problem.strerror}.") from None


def _user(email: str | None) -> User | None:
    """Return the user who answers for the import."""
    if not email:
        return None
    user = User.objects.filter(email__iexact=email).first()
    if user is None:
        raise CommandError(f"There is no user “{email}”.")
    return user


def _columns(options: dict[str, Any]) -> importing.Columns:
    """Return the choice of columns."""
    names = COLUMN_OPTIONS.values()
    return importing.Columns(
        time=options["time_column"],
        values={name: options[f"column_{name}"] for name in names if options[f"column_{name}"]},
        unit_by_field={name: options[f"unit_{name}"] for name in names if options[f"unit_{name}"]},
        decimal_comma=options["decimal_comma"],
    )
