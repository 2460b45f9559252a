"""Judge what was recorded, by hand."""

import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Max, Min
from django.utils import timezone

from hosting.models import Meter, MeterPlacement
from kernel.periods import Period, local_midnight
from thermal.models import MeterReading, ValidationFinding
from thermal.services import validating


class Command(BaseCommand):
    """Judge what is marked, or a stretch of some meters, with the months that it touches."""

    help = "Judge what is marked; with --meter, --from or --to, judge those again, and the months that they touch."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the scope."""
        parser.add_argument("--meter", metavar="SERIAL", help="only this meter")
        parser.add_argument("--from", dest="first", type=dt.date.fromisoformat, metavar="DAY", help="first local day")
        parser.add_argument("--to", dest="until", type=dt.date.fromisoformat, metavar="DAY", help="day after the last")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Judge, and say what came of it."""
        now = timezone.now()
        if not (options["meter"] or options["first"] or options["until"]):
            done = validating.validate_marked(now=now)
        else:
            windows = _windows(options["meter"], options["first"], options["until"], now)
            done = validating.validate_meters(windows=windows, now=now)
            if windows:
                whole = Period(min(w.start for w in windows.values()), max(w.end for w in windows.values()))
                of_meters = windows if options["meter"] else None
                done += validating.validate_months(period=whole, now=now, meters=of_meters)
                if not options["meter"]:
                    done += validating.validate_sites(windows=_site_windows(windows), now=now)
        waiting = ValidationFinding.objects.filter(state=ValidationFinding.State.OPEN).count()
        self.stdout.write(
            f"{done.meters} meters and {done.sites} sites judged: {done.opened} findings new, {done.changed} changed, "
            f"{done.closed} closed; {waiting} are open."
        )


def _windows(serial: str | None, first: dt.date | None, until: dt.date | None, now: dt.datetime) -> dict[int, Period]:
    """The stretch to judge of each meter: what was asked for, or all that was ever read."""
    meters = Meter.objects.filter(serial=serial) if serial else Meter.objects.all()
    if serial and not meters.exists():
        raise CommandError(f"There is no meter “{serial}”.")
    windows = {}
    for meter in meters.filter(placements__isnull=False).distinct():
        placement = meter.placements.select_related("site").latest("valid_from")
        read = MeterReading.objects.filter(meter=meter).aggregate(first=Min("at"), last=Max("at"))
        if read["first"] is None:
            continue
        zone = placement.site.zone
        start = local_midnight(first, zone) if first else read["first"]
        end = min(local_midnight(until, zone), now) if until else read["last"] + dt.timedelta(microseconds=1)
        if start < end:
            windows[meter.pk] = Period(start, end)
    return windows


def _site_windows(windows: dict[int, Period]) -> dict[int, Period]:
    """The stretch of each site where these meters stand: that of all its meters."""
    found: dict[int, Period] = {}
    for meter, site in MeterPlacement.objects.filter(meter__in=windows).values_list("meter_id", "site_id"):
        known, own = found.get(site), windows[meter]
        found[site] = Period(min(known.start, own.start), max(known.end, own.end)) if known else own
    return found
