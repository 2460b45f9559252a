"""Settle the heat ledger by hand."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Min
from django.utils import timezone

from hosting.models import Site
from kernel.errors import Refusal
from kernel.periods import Period, local_midnight
from thermal.models import MeterReading, TelemetryFrame
from thermal.services import settlement


class Command(BaseCommand):
    """Settle what is marked, or mark a period or everything first."""

    help = "Settle the marked quarter hours; with --site, --from, --to or --all, settle those again, marked or not."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the scope."""
        parser.add_argument("--site", metavar="CODE", help="only this site")
        parser.add_argument("--from", dest="first", type=dt.date.fromisoformat, metavar="DAY", help="first local day")
        parser.add_argument("--to", dest="until", type=dt.date.fromisoformat, metavar="DAY", help="day after the last")
        parser.add_argument("--all", action="store_true", help="everything ever recorded")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Settle, and say what was done."""
        now = timezone.now()
        if options["all"] and (options["first"] or options["until"]):
            raise CommandError("--all takes no --from or --to.")
        sites = _sites(options["site"])
        if options["all"] or options["first"] or options["until"]:
            done = settlement.NOTHING
            for site in sites:
                try:
                    period = _period(site, options["first"], options["until"], now)
                except Refusal as refusal:
                    raise CommandError(str(refusal)) from refusal
                if period:
                    done += settlement.settle_period(site=site, period=period, now=now)
        else:
            done = settlement.settle_marked(now=now, site=sites[0] if options["site"] else None)
        self.stdout.write(
            f"{done.quarters} quarter hours settled: "
            f"{done.heat_rows} rows of delivery points, {done.site_rows} rows of sites "
            f"and {done.equipment_rows} rows of equipment written."
        )


def _sites(code: str | None) -> list[Site]:
    if code is None:
        return list(Site.objects.order_by("code"))
    try:
        return [Site.objects.get(code=code)]
    except Site.DoesNotExist:
        raise CommandError(f"There is no site “{code}”.") from None


def _period(site: Site, first: dt.date | None, until: dt.date | None, now: dt.datetime) -> Period | None:
    """The local days asked for, from the first recorded value to now where a bound was not given."""
    start = local_midnight(first, site.zone) if first else _first_value(site)
    end = min(local_midnight(until, site.zone), now) if until else now
    return Period(start, end) if start else None


def _first_value(site: Site) -> dt.datetime | None:
    readings = MeterReading.objects.filter(meter__placements__site=site)
    frames = TelemetryFrame.objects.filter(device__measurements__site=site)
    placed = site.placements.aggregate(first=Min("valid_from"))["first"] if readings.exists() else None
    found = [placed, frames.aggregate(first=Min("at"))["first"]]
    return min((at for at in found if at is not None), default=None)
