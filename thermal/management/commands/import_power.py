"""Import mean powers of a device from a CSV file."""

from __future__ import annotations

import datetime as dt
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from hosting.models import Device, Measurement
from kernel.errors import Refusal
from thermal.services import importing_power


class Command(BaseCommand):
    """Import a file; the exit status is 1 if any row was not taken."""

    help = (
        "Import mean powers of a device that has no register, such as a server's own measurement. Times name the "
        "beginning of what a mean covers; without an offset they are wall clocks of --timezone. Importing a file twice "
        "stores nothing twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the device, the file and how to read it."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--device", required=True, metavar="CODE")
        parser.add_argument("--role", default=Measurement.Role.IT_POWER.value, choices=Measurement.Role.values)
        parser.add_argument("--time-column", default="time", metavar="NAME")
        parser.add_argument("--power-column", default="power_kw", metavar="NAME")
        parser.add_argument("--power-unit", default="kW", metavar="UNIT")
        parser.add_argument("--mean-over", type=int, default=3600, metavar="SECONDS", help="what a mean covers")
        parser.add_argument("--timezone", required=True, metavar="ZONE", help="such as America/New_York")
        parser.add_argument("--decimal-comma", action="store_true", help="numbers are written like 1,5")
        parser.add_argument("--dry-run", action="store_true", help="check everything and store nothing")
        parser.add_argument("--by", metavar="EMAIL", help="the user who answers for the import")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Import, and say what came of it."""
        columns = importing_power.PowerColumns(
            time=options["time_column"],
            power=options["power_column"],
            unit=options["power_unit"],
            mean_over=dt.timedelta(seconds=options["mean_over"]),
            decimal_comma=options["decimal_comma"],
        )
        try:
            report = importing_power.import_power(
                device=_device(options["device"]),
                content=options["file"].read_bytes(),
                columns=columns,
                time_zone=ZoneInfo(options["timezone"]),
                by=User.objects.filter(email__iexact=options["by"] or "").first(),
                now=timezone.now(),
                role=options["role"],
                is_dry_run=options["dry_run"],
            )
        except Refusal as refusal:
            raise CommandError(refusal.detail) from None
        except (ZoneInfoNotFoundError, ValueError):
            raise CommandError(f"There is no time zone “{options['timezone']}”.") from None
        except OSError as problem:
            raise CommandError(f"{options['file']} cannot be read: {problem.strerror}.") from None
        self._print(report)
        if report.problems:
            sys.exit(1)

    def _print(self, report: importing_power.PowerReport) -> None:
        """Print each problem and the sums."""
        for problem in report.problems:
            self.stderr.write(problem)
        verb = "would be stored" if report.is_dry_run else f"stored in {report.frame_count} new frames"
        open_hours = sum(float(gap.hours) for gap in report.gaps)
        self.stdout.write(
            f"{report.row_count} rows: {report.stretch_count} means {verb}, {report.energy_kwh:.3f} kWh; "
            f"{len(report.gaps)} gaps of {open_hours:g} h together stay open; {len(report.problems)} problems."
        )


def _device(code: str) -> Device:
    """Return the device with this code."""
    device = Device.objects.filter(code=code).select_related("profile").first()
    if device is None:
        raise CommandError(f"There is no device “{code}”.")
    return device
