"""How fast a year of quarter hours is settled, and how long the row-by-row way takes for the same.

    python -m benchmarks.settlement_speed [--points 10] [--days 365] [--naive-days 30]

Every delivery point has a register reading each quarter hour, seven minutes past its bounds, so that each bound is
interpolated; every site has IT power each five minutes. The naive way asks for the readings around each bound one by
one, computes in Python and saves row by row; it is run over fewer days, and its result is compared with the ledger.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from benchmarks import ground

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
STEP = Decimal("0.0001")


def fill(point_count: int, days: int) -> list[Any]:
    """The sites, each with one delivery point, its meter's readings and five-minute IT power."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    from hosting.models import Measurement, MeterPlacement  # noqa: PLC0415
    from tests.makers import hosting, thermal  # noqa: PLC0415

    thermal.make_partitions(START, months=days // 28 + 3)
    sites, end = [], START + dt.timedelta(days=days)
    for number in range(point_count):
        site = hosting.make_site(code=f"bench-{number}")
        point = hosting.make_delivery_point(site)
        placement: MeterPlacement = hosting.make_placement(
            delivery_point=point, valid_from=START - dt.timedelta(minutes=8), first_register=Decimal(number)
        )
        device = thermal.make_plant_device(
            site, [Measurement.Role.IT_POWER, Measurement.Role.SUPPLY_TEMPERATURE], delivery_point=point
        )
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO thermal_meterreading (meter_id, at, version, energy_kwh, volume_m3, received_at, source,"
                " reason) SELECT %s, at, 1, %s + 0.7013 * n + 0.1 * (n %% 5), 0.01 * n, at, 'poll', ''"
                " FROM generate_series(0, %s) n, LATERAL (SELECT %s::timestamptz + n * interval '15 minutes') t (at)",
                [placement.meter_id, number, days * 96, START + dt.timedelta(minutes=7)],
            )
            cursor.execute(
                'INSERT INTO thermal_telemetryframe (device_id, at, profile_id, "values")'
                " SELECT %s, at, %s, ARRAY[18 + extract(hour FROM at) / 10, 42]::real[]"
                " FROM generate_series(%s::timestamptz, %s, interval '5 minutes') at",
                [device.pk, device.profile_id, START, end],
            )
        sites.append(site)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return sites


def settle_all(sites: list[Any], days: int) -> tuple[float, int]:
    """Seconds that settlement took, and the quarter hours settled."""
    from kernel.periods import Period  # noqa: PLC0415
    from thermal.services import marking, settlement  # noqa: PLC0415

    period = Period(START, START + dt.timedelta(days=days))
    now = START + dt.timedelta(days=days + 1)
    for site in sites:
        marking.mark_period(site=site, period=period, now=now)
    began = time.perf_counter()
    done = settlement.settle_marked(now=now)
    return time.perf_counter() - began, done.quarters


def settle_naively(site: Any, days: int) -> tuple[float, dict[dt.datetime, Decimal]]:
    """Seconds that the row-by-row way took for one site, and the heat by quarter hour."""
    from django.db import transaction  # noqa: PLC0415

    from thermal.models import HeatInterval  # noqa: PLC0415

    point = site.delivery_points.get()
    placement = point.placements.get()
    found: dict[dt.datetime, Decimal] = {}
    began = time.perf_counter()
    with transaction.atomic():
        HeatInterval.objects.filter(delivery_point=point, start__lt=START + dt.timedelta(days=days)).delete()
        for number in range(days * 96):
            start = START + number * QUARTER
            first, last = (register_at(placement, at) for at in (start, start + QUARTER))
            found[start] = last - first
            HeatInterval.objects.create(
                delivery_point=point,
                start=start,
                heat_kwh=last - first,
                quality=0,
                meter_id=placement.meter_id,
                rule_version=1,
                settled_at=START,
            )
        seconds = time.perf_counter() - began
        transaction.set_rollback(True)
    return seconds, found


def register_at(placement: Any, at: dt.datetime) -> Decimal:
    """The register at an instant, from the readings before and after it."""
    from thermal.models import MeterReading  # noqa: PLC0415

    readings = MeterReading.objects.filter(meter=placement.meter_id)
    after = readings.filter(at__gte=at).earliest("at")
    before = readings.filter(at__lte=at).order_by("-at").first()
    before_at, before_kwh = (
        (before.at, before.energy_kwh) if before else (placement.valid_from, placement.first_register)
    )
    assert before_kwh is not None
    assert after.energy_kwh is not None
    if after.at == before_at:
        return Decimal(after.energy_kwh)
    rise = after.energy_kwh - before_kwh
    passed = Decimal((at - before_at).total_seconds()) / Decimal((after.at - before_at).total_seconds())
    return Decimal(before_kwh) + (rise * passed).quantize(STEP, ROUND_HALF_UP)


def main() -> None:
    """Fill, settle both ways, compare and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=10)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--naive-days", type=int, default=30)
    chosen = options.parse_args()
    with ground.throw_away_portal():
        sites = fill(chosen.points, chosen.days)
        seconds, quarters = settle_all(sites, chosen.days)
        per_year = seconds / chosen.points / chosen.days * 365
        print(f"set-based: {quarters:,} quarter hours of {chosen.points} sites in {seconds:.1f} s")
        print(f"           {quarters / seconds:,.0f} quarter hours/s, {per_year:.2f} s per delivery point and year")
        again, _ = settle_all(sites, chosen.days)
        print(f"settled again with nothing changed: {again:.1f} s")
        compare(sites[0], chosen.naive_days, seconds / quarters)


def compare(site: Any, days: int, fast_s: float) -> None:
    """Run the naive way over some days and print how much slower it is, and whether it agrees."""
    from thermal.models import HeatInterval  # noqa: PLC0415

    ledger = dict(
        HeatInterval.objects.filter(
            delivery_point__site=site, start__gte=START, start__lt=START + dt.timedelta(days=days)
        ).values_list("start", "heat_kwh")
    )
    seconds, found = settle_naively(site, days)
    each_s = seconds / len(found)
    print(f"row by row: {len(found):,} quarter hours of one site in {seconds:.1f} s, {1 / each_s:,.0f}/s (heat only)")
    print(f"            {each_s / fast_s:.0f} times slower; both agree: {found == ledger}")


if __name__ == "__main__":
    main()
