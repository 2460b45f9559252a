"""How long settling a year of 1,000 delivery points takes from one-minute data, and the frame-by-frame way beside it.

    python -m benchmarks.settlement_year [--points 10] [--days 30] [--workers 2] [--naive-days 1]
    python -m benchmarks.settlement_year --points 1000 --days 365 --keep FOLDER     # the whole of it

Every delivery point is a site of its own with two devices that tell a frame each minute (supply, return, flow, demand;
IT and rejected power) and a register reading each quarter hour, seven minutes past its bounds. Frames lie in the order
of time, as polling leaves them. They are filled in, settled by several processes at once, compared and thrown away,
one stretch of days after another, as a portal that keeps them for a month would: a month of 1,000 points takes 12 GB.
With --keep, the portal stays in FOLDER, and a run that was stopped goes on with the first stretch it has not finished.

Only the settlement is timed; what a shorter run says of the whole year is printed as an extrapolation. After each
stretch the heat of every point must equal the difference of its registers to the last digit, and the IT energy of every
site its power times the time. The naive way asks for the frames and readings of each quarter hour, computes in Python
and saves row by row, for delivery points only; its result is compared with the ledger.
"""

from __future__ import annotations

import argparse
import datetime as dt
import itertools
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks import ground, settlement_speed

START = settlement_speed.START
QUARTER = settlement_speed.QUARTER
DAY = dt.timedelta(days=1)
WHOLE_POINTS, WHOLE_DAYS = 1000, 365

SERVED = "ARRAY[45 + sin(minute / 97.0), 33 + sin(minute / 61.0), 1.5 + sin(minute / 7.0), 1]"
RACKS = "ARRAY[18 + minute %% 5, 2]"
# The clock of each device is some seconds late, as clocks are; frames never fall on a bound.
FRAMES = """
INSERT INTO thermal_telemetryframe (device_id, at, profile_id, "values")
SELECT d.id, %(start)s::timestamptz + minute * interval '1 minute' + (d.id %% 50 + 1) * interval '1 second',
       d.profile_id, {values}::real[]
FROM generate_series(%(first)s, %(last)s - 1) minute CROSS JOIN hosting_device d
WHERE d.profile_id = %(profile)s AND NOT minute = ANY(%(left_out)s) ORDER BY minute
"""
READINGS = """
INSERT INTO thermal_meterreading
    (meter_id, at, version, energy_kwh, volume_m3, supply_c, received_at, source, reason)
SELECT p.meter_id, %(start)s::timestamptz + n * %(minutes)s * interval '1 minute' + interval '7 minutes', 1,
       0.05 * n * %(minutes)s + 0.01 * (n %% 5), 0.001 * n * %(minutes)s, 45, %(start)s, 'poll', ''
FROM hosting_meterplacement p CROSS JOIN generate_series(%(first)s, %(last)s) n
WHERE NOT n * %(minutes)s + 7 = ANY(%(left_out)s) ORDER BY n
ON CONFLICT DO NOTHING
"""
# Points whose heat is not the difference of their registers, and sites whose IT energy is not 20 kW times the time.
WRONG = """
SELECT
    (SELECT count(*) FROM hosting_deliverypoint dp WHERE (
        SELECT (count(*), sum(heat_kwh)) FROM thermal_heatinterval
        WHERE delivery_point_id = dp.id AND start >= %(start)s AND start < %(end)s
    ) IS DISTINCT FROM (%(quarters)s::bigint, %(heat_kwh)s::numeric)),
    (SELECT count(*) FROM hosting_site site WHERE coalesce((
        SELECT abs(sum(it_kwh) - %(it_kwh)s) FROM thermal_siteinterval
        WHERE site_id = site.id AND start >= %(start)s AND start < %(end)s
    ), 1e9) > 1e-4 * %(it_kwh)s)
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some days of all points: what was settled, and how long it took."""

    first_day: int
    last_day: int
    frames: int
    quarters: int
    seconds: float
    processor_s: float


def build(point_count: int, days: int) -> list[Any]:
    """The sites, each with a delivery point, its meter and two devices; the first one's devices make the profiles."""
    from hosting.models import Measurement  # noqa: PLC0415 -- Django is set up by now
    from tests.makers import hosting, thermal  # noqa: PLC0415

    thermal.make_partitions(START, months=days // 28 + 3)
    role = Measurement.Role
    served = [role.SUPPLY_TEMPERATURE, role.RETURN_TEMPERATURE, role.FLOW, role.DEMAND]
    racks = [role.IT_POWER, role.REJECTED_POWER]
    sites, profiles = [], [_profile(roles) for roles in (served, racks)]
    for number in range(point_count):
        site = hosting.make_site(code=f"bench-{number}")
        point = hosting.make_delivery_point(site)
        hosting.make_placement(delivery_point=point, valid_from=START - dt.timedelta(minutes=8))
        controller = hosting.make_controller(site)
        for profile, roles, anchors in zip(profiles, (served, racks), ({"delivery_point": point}, {}), strict=True):
            device = hosting.make_device(controller, profile=profile)
            for slot, one in enumerate(roles):
                hosting.make_measurement(device, one, slot, **anchors)
        sites.append(site)
    return sites


def _profile(roles: list[Any]) -> Any:
    from tests.makers import hosting  # noqa: PLC0415 -- Django is set up by now

    return hosting.make_profile([{"key": one.value, "quantity": "ratio"} for one in roles])


def fill(first_day: int, last_day: int, reading_minutes: int, left_out: list[int], pool: Any = None) -> int:
    """The count of frames put in for some days, with those just around them; earlier frames are thrown away.

    Minutes since the start that are ``left_out`` have neither frames nor readings.
    """
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE thermal_telemetryframe")
    bounds = [first_day * 1440 - 20, *(day * 1440 for day in range(first_day + 1, last_day)), last_day * 1440 + 20]
    pieces = [(first, last, left_out) for first, last in itertools.pairwise(bounds)]
    count = sum((pool.map if pool else map)(fill_frames, pieces))
    with connection.cursor() as cursor:
        first, last = (day * 1440 // reading_minutes for day in (first_day, last_day))
        facts: dict[str, Any] = {"start": START, "minutes": reading_minutes, "left_out": left_out}
        cursor.execute(READINGS, facts | {"first": first, "last": last})
        cursor.execute("ANALYZE")
    return count


def fill_frames(piece: tuple[int, int, list[int]]) -> int:
    """The count of frames put in from a minute since the start to another."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    from hosting.models import DeviceProfile  # noqa: PLC0415

    first, last, left_out = piece
    count = 0
    with connection.cursor() as cursor:
        for profile, values in zip(DeviceProfile.objects.order_by("pk"), (SERVED, RACKS), strict=True):
            facts: dict[str, Any] = {
                "start": START, "first": first, "last": last, "profile": profile.pk, "left_out": left_out,
            }  # fmt: skip
            cursor.execute(FRAMES.format(values=values), facts)
            count += cursor.rowcount
    return count


@dataclass(frozen=True, slots=True)
class Settling:
    """What settling some days took and did; rows are those written."""

    seconds: float
    processor_s: float
    quarters: int
    rows: int


def settle(first_day: int, last_day: int, pool: Any = None, workers: int = 1) -> Settling:
    """What settling some days of all sites took and did."""
    from hosting.models import Site  # noqa: PLC0415 -- Django is set up by now
    from kernel.periods import Period  # noqa: PLC0415
    from thermal.services import marking  # noqa: PLC0415

    now = START + (last_day + 1) * DAY
    for site in Site.objects.all():
        marking.mark_period(site=site, period=Period(START + first_day * DAY, START + last_day * DAY), now=now)
    began = time.perf_counter()
    done = list((pool.map if pool else map)(settle_marked, [now] * workers))
    seconds = time.perf_counter() - began
    return Settling(
        seconds,
        sum(one.processor_s for one in done),
        sum(one.quarters for one in done),
        sum(one.rows for one in done),
    )


def settle_marked(now: dt.datetime) -> Settling:
    """What one worker settled until no mark was free."""
    from thermal.services import settlement  # noqa: PLC0415 -- Django is set up by now

    began, busy_s = time.perf_counter(), processor_s()
    done = settlement.settle_marked(now=now)
    rows = done.heat_rows + done.site_rows
    return Settling(time.perf_counter() - began, processor_s() - busy_s, done.quarters, rows)


def processor_s() -> float:
    """Seconds that our session kept a processor of PostgreSQL busy: what counts where others use the machine too."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        status = Path(f"/proc/{cursor.fetchone()[0]}/stat")
    if not status.exists():
        return 0.0
    user, system = status.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def check(first_day: int, last_day: int, reading_minutes: int) -> None:
    """Stop unless the sums of some days are what was filled in."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    heat_kwh = register_at(last_day, reading_minutes) - register_at(first_day, reading_minutes)
    facts: dict[str, Any] = {
        "start": START + first_day * DAY, "end": START + last_day * DAY, "quarters": (last_day - first_day) * 96,
        "heat_kwh": heat_kwh, "it_kwh": (last_day - first_day) * 24 * 20.0,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(WRONG, facts)
        points, sites = cursor.fetchone()
    if points or sites:
        raise SystemExit(f"days {first_day} to {last_day}: {points} points and {sites} sites have wrong sums")
    print(f"           each point has {heat_kwh} kWh, as its registers say, and each site its IT energy", flush=True)


def register_at(day: int, reading_minutes: int) -> Decimal:
    """The register at the start of a day, on the line between the readings around it."""
    number = day * 1440 // reading_minutes
    before, after = (
        Decimal(n * reading_minutes) / 20 + Decimal(n % 5) / 100 if n >= 0 else Decimal(0) for n in (number - 1, number)
    )
    passed = Decimal(reading_minutes - 7) / reading_minutes
    return before + ((after - before) * passed).quantize(settlement_speed.STEP, ROUND_HALF_UP)


def settle_naively(site: Any, first_day: int, last_day: int) -> tuple[float, dict[dt.datetime, tuple[Decimal, float]]]:
    """Seconds that the frame-by-frame way took for one site, and its heat and mean supply by quarter hour."""
    from django.db import transaction  # noqa: PLC0415 -- Django is set up by now

    from thermal.models import HeatInterval, TelemetryFrame  # noqa: PLC0415

    point = site.delivery_points.get()
    placement = point.placements.get()
    device = point.measurements.first().device
    found: dict[dt.datetime, tuple[Decimal, float]] = {}
    began = time.perf_counter()
    with transaction.atomic():
        since, until = START + first_day * DAY, START + last_day * DAY
        HeatInterval.objects.filter(delivery_point=point, start__gte=since, start__lt=until).delete()
        for number in range(first_day * 96, last_day * 96):
            start = START + number * QUARTER
            frames = list(TelemetryFrame.objects.filter(device=device, at__gte=start, at__lt=start + QUARTER))
            told = [(one.values[0] or 0.0, one.values[2] or 0.0) for one in frames]
            supply_c = round(fmean(supply for supply, _flow in told), 3)
            weighed = sum(supply * flow for supply, flow in told) / sum(flow for _supply, flow in told)
            first, last = (settlement_speed.register_at(placement, at) for at in (start, start + QUARTER))
            found[start] = (last - first, supply_c)
            HeatInterval.objects.create(
                delivery_point=point, start=start, heat_kwh=last - first, supply_mean_c=supply_c,
                supply_vw_c=round(weighed, 3), quality=0, meter_id=placement.meter_id, rule_version=1,
                settled_at=START,
            )  # fmt: skip
        seconds = time.perf_counter() - began
        transaction.set_rollback(True)
    return seconds, found


def compare(site: Any, newest: Stretch, days: int) -> None:
    """Run the naive way over some days and print how much slower it is, and whether it agrees."""
    from thermal.models import HeatInterval  # noqa: PLC0415 -- Django is set up by now

    fast_s = newest.seconds / newest.quarters
    seconds, found = settle_naively(site, newest.first_day, min(newest.first_day + days, newest.last_day))
    rows = HeatInterval.objects.filter(delivery_point__site=site, start__in=found)
    ledger = {row.start: (row.heat_kwh, row.supply_mean_c) for row in rows}
    agree = all(
        ledger[start][0] == heat and abs((ledger[start][1] or 0) - supply_c) < 0.0011
        for start, (heat, supply_c) in found.items()
    )
    each_s = seconds / len(found)
    print(
        f"frame by frame: {len(found):,} quarter hours of one point in {seconds:.1f} s, {1 / each_s:,.0f}/s (no site)"
    )
    print(f"                {each_s / fast_s:.1f} times slower; both agree: {agree}")


def chosen_options() -> argparse.Namespace:
    """What the command line asks for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=10)
    options.add_argument("--days", type=int, default=30)
    options.add_argument("--stretch-days", type=int, default=30, help="as many days of frames as the disk has room for")
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--reading-minutes", type=int, default=15)
    options.add_argument("--naive-days", type=int, default=1)
    options.add_argument("--keep", type=Path, metavar="FOLDER")
    return options.parse_args()


@dataclass(slots=True)
class Progress:
    """What is done of a run, kept beside the portal that is kept."""

    path: Path | None
    points: int
    stretches: list[Stretch]

    @classmethod
    def of(cls, folder: Path | None, points: int) -> Progress:
        """What an earlier run of as many points left in the folder, or nothing."""
        path = folder / "progress.json" if folder else None
        if path is None or not path.exists():
            return cls(path, points, [])
        told = json.loads(path.read_text())
        if told["points"] != points:
            raise SystemExit(f"{folder} has a run of {told['points']} points; give --points {told['points']}")
        return cls(path, points, [Stretch(**one) for one in told["stretches"]])

    def add(self, one: Stretch) -> None:
        """Keep what was done."""
        self.stretches.append(one)
        if self.path:
            self.path.write_text(json.dumps({"points": self.points, "stretches": [asdict(s) for s in self.stretches]}))

    def left(self, days: int, stretch_days: int) -> list[tuple[int, int]]:
        """The days that are still to be settled, first and last of each stretch."""
        first = max((one.last_day for one in self.stretches), default=0)
        return [(day, min(day + stretch_days, days)) for day in range(first, days, stretch_days)]


def main() -> None:
    """Fill, settle and compare stretch by stretch, print the rate, and settle the last stretch again."""
    chosen = chosen_options()
    with ground.throw_away_portal(chosen.keep), workers_of(chosen.workers) as pool:
        from django.db import transaction  # noqa: PLC0415 -- Django is set up by now

        from hosting.models import Site  # noqa: PLC0415

        progress = Progress.of(chosen.keep, chosen.points)
        if not Site.objects.exists():
            with transaction.atomic():
                build(chosen.points, WHOLE_DAYS)
        for first, last in progress.left(chosen.days, chosen.stretch_days):
            progress.add(run_stretch(chosen, pool, first, last))
        report(chosen, progress.stretches)
        newest = progress.stretches[-1]
        again = settle(newest.first_day, newest.last_day, pool, chosen.workers)
        print(
            f"days {newest.first_day} to {newest.last_day} again with nothing changed: {again.seconds:.1f} s"
            f" ({again.processor_s:.1f} s of processor), {again.rows} rows written;"
            f" the first time {newest.seconds:.1f} s ({newest.processor_s:.1f} s)"
        )
        compare(Site.objects.earliest("pk"), newest, chosen.naive_days)


def workers_of(count: int) -> ProcessPoolExecutor:
    """Processes of their own with Django set up, as the workers of a portal are."""
    import django  # noqa: PLC0415 -- reads the addresses of the portal

    return ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn"), initializer=django.setup)


def run_stretch(chosen: argparse.Namespace, pool: ProcessPoolExecutor, first: int, last: int) -> Stretch:
    """Some days of all points filled in, settled and compared."""
    began = time.perf_counter()
    frames = fill(first, last, chosen.reading_minutes, [], pool)
    print(f"days {first} to {last}: {frames:,} frames filled in in {time.perf_counter() - began:.1f} s", flush=True)
    done = settle(first, last, pool, chosen.workers)
    rate = done.quarters / done.seconds
    print(f"           {done.quarters:,} quarter hours settled in {done.seconds:.1f} s, {rate:,.0f}/s", flush=True)
    print(f"           {done.processor_s:.1f} s of processor in PostgreSQL", flush=True)
    check(first, last, chosen.reading_minutes)
    return Stretch(first, last, frames, done.quarters, done.seconds, done.processor_s)


def report(chosen: argparse.Namespace, stretches: list[Stretch]) -> None:
    """Print what was measured, and apart from it what that would be for the whole year."""
    seconds, quarters = sum(one.seconds for one in stretches), sum(one.quarters for one in stretches)
    days, each_s = stretches[-1].last_day, seconds / quarters
    print(f"measured: {chosen.points} points, {days} days, two one-minute frames and a reading each")
    print(f"          {chosen.reading_minutes} min: {quarters:,} quarter hours by {chosen.workers} workers")
    busy_s = sum(one.processor_s for one in stretches)
    print(f"          in {seconds:.1f} s, {1 / each_s:,.0f}/s, on {os.cpu_count()} cores; {busy_s:.1f} s of processor,")
    print(f"          {busy_s / quarters * 1e6:.0f} µs for each quarter hour", flush=True)
    if (chosen.points, days) != (WHOLE_POINTS, WHOLE_DAYS):
        minutes = each_s * WHOLE_POINTS * WHOLE_DAYS * 96 / 60
        print(f"extrapolated, not run: {WHOLE_POINTS:,} points, {WHOLE_DAYS} days in {minutes:.0f} minutes,")
        print(f"          which is {minutes * 60 / WHOLE_DAYS:.0f} s for each day of all points")


if __name__ == "__main__":
    main()
