"""How long settling a year of 1,000 delivery points takes from one-minute data, and the frame-by-frame way beside it.

    python -m benchmarks.settlement_year [--points 10] [--days 30] [--reading-minutes 15] [--naive-days 1]
    python -m benchmarks.settlement_year --points 1000 --days 365     # the whole of it: hours

Every delivery point is a site of its own with two devices that tell a frame each minute (supply, return, flow, demand;
IT and rejected power) and a register reading each quarter hour, seven minutes past its bounds. Frames are filled in and
thrown away month by month, as a portal that keeps them for a month would. Only the settlement is timed, in one session;
what a shorter run says of the whole year is printed as an extrapolation. The naive way asks for the frames and readings
of each quarter hour, computes in Python and saves row by row, for delivery points only; its result is compared with the
ledger.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from decimal import Decimal
from statistics import fmean
from typing import Any

from benchmarks import ground, settlement_speed

START = settlement_speed.START
QUARTER = settlement_speed.QUARTER
DAY = dt.timedelta(days=1)
MONTH_DAYS = 30
WHOLE_POINTS, WHOLE_DAYS = 1000, 365

SERVED = "ARRAY[45 + sin(minute / 97.0), 33 + sin(minute / 61.0), 1.5 + sin(minute / 7.0), 1]"
RACKS = "ARRAY[18 + minute %% 5, 2]"
# The clock of each device is some seconds late, as clocks are; frames never fall on a bound.
FRAMES = """
INSERT INTO thermal_telemetryframe (device_id, at, profile_id, "values")
SELECT d.id, %(start)s::timestamptz + minute * interval '1 minute' + (d.id %% 50 + 1) * interval '1 second',
       d.profile_id, {values}::real[]
FROM hosting_device d CROSS JOIN generate_series(%(first)s, %(last)s - 1) minute
WHERE d.profile_id = %(profile)s AND NOT minute = ANY(%(left_out)s) ORDER BY 1, 2
"""
READINGS = """
INSERT INTO thermal_meterreading
    (meter_id, at, version, energy_kwh, volume_m3, supply_c, received_at, source, reason)
SELECT p.meter_id, %(start)s::timestamptz + n * %(minutes)s * interval '1 minute' + interval '7 minutes', 1,
       0.05 * n * %(minutes)s + 0.01 * (n %% 5), 0.001 * n * %(minutes)s, 45, %(start)s, 'poll', ''
FROM hosting_meterplacement p CROSS JOIN generate_series(%(first)s, %(last)s) n
WHERE NOT n * %(minutes)s + 7 = ANY(%(left_out)s) ORDER BY 1, 2
"""


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


def fill(first_day: int, last_day: int, reading_minutes: int, left_out: list[int]) -> int:
    """The count of frames put in for some days, with those just around them; earlier frames are thrown away.

    Minutes since the start that are ``left_out`` have neither frames nor readings.
    """
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    from hosting.models import DeviceProfile  # noqa: PLC0415

    count = 0
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE thermal_telemetryframe")
        for profile, values in zip(DeviceProfile.objects.order_by("pk"), (SERVED, RACKS), strict=True):
            first, last = first_day * 1440 - 20, last_day * 1440 + 20
            facts: dict[str, Any] = {
                "start": START, "first": first, "last": last, "profile": profile.pk, "left_out": left_out,
            }  # fmt: skip
            cursor.execute(FRAMES.format(values=values), facts)
            count += cursor.rowcount
        first, last = (day * 1440 // reading_minutes for day in (first_day, last_day))
        facts = {"start": START, "minutes": reading_minutes, "left_out": left_out}
        cursor.execute(READINGS, facts | {"first": first + (1 if first else 0), "last": last})
        cursor.execute("ANALYZE")
    return count


def settle(sites: list[Any], first_day: int, last_day: int) -> tuple[float, Any]:
    """Seconds that settling some days of the sites took, and what it did."""
    from kernel.periods import Period  # noqa: PLC0415 -- Django is set up by now
    from thermal.services import marking, settlement  # noqa: PLC0415

    now = START + (last_day + 1) * DAY
    for site in sites:
        marking.mark_period(site=site, period=Period(START + first_day * DAY, START + last_day * DAY), now=now)
    began = time.perf_counter()
    done = settlement.settle_marked(now=now)
    return time.perf_counter() - began, done


def settle_naively(site: Any, days: int) -> tuple[float, dict[dt.datetime, tuple[Decimal, float]]]:
    """Seconds that the frame-by-frame way took for one site, and its heat and mean supply by quarter hour."""
    from django.db import transaction  # noqa: PLC0415 -- Django is set up by now

    from thermal.models import HeatInterval, TelemetryFrame  # noqa: PLC0415

    point = site.delivery_points.get()
    placement = point.placements.get()
    device = point.measurements.first().device
    found: dict[dt.datetime, tuple[Decimal, float]] = {}
    began = time.perf_counter()
    with transaction.atomic():
        HeatInterval.objects.filter(delivery_point=point, start__lt=START + days * DAY).delete()
        for number in range(days * 96):
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


def compare(site: Any, days: int, fast_s: float) -> None:
    """Run the naive way over some days and print how much slower it is, and whether it agrees."""
    from thermal.models import HeatInterval  # noqa: PLC0415 -- Django is set up by now

    seconds, found = settle_naively(site, days)
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
    options.add_argument("--reading-minutes", type=int, default=15)
    options.add_argument("--naive-days", type=int, default=1)
    return options.parse_args()


def main() -> None:
    """Fill and settle month by month, print the rate, and settle the last month again."""
    chosen = chosen_options()
    with ground.throw_away_portal():
        sites = build(chosen.points, chosen.days)
        seconds, quarters, first = 0.0, 0, 0
        while first < chosen.days:
            last = min(first + MONTH_DAYS, chosen.days)
            frames = fill(first, last, chosen.reading_minutes, [])
            took, done = settle(sites, first, last)
            seconds, quarters = seconds + took, quarters + done.quarters
            print(f"days {first} to {last}: {frames:,} frames, {done.quarters:,} quarter hours in {took:.1f} s")
            first, newest = last, first
        report(chosen, seconds, quarters)
        again, _done = settle(sites, newest, chosen.days)
        print(f"days {newest} to {chosen.days} again with nothing changed: {again:.1f} s; the first time {took:.1f} s")
        compare(sites[0], min(chosen.naive_days, chosen.days), seconds / quarters)


def report(chosen: argparse.Namespace, seconds: float, quarters: int) -> None:
    """Print what was measured, and apart from it what that would be for the whole year."""
    each_s = seconds / quarters
    print(f"measured: {chosen.points} points, {chosen.days} days, two one-minute frames and a reading each")
    print(f"          {chosen.reading_minutes} min: {quarters:,} quarter hours in {seconds:.1f} s, {1 / each_s:,.0f}/s")
    if (chosen.points, chosen.days) != (WHOLE_POINTS, WHOLE_DAYS):
        hours = each_s * WHOLE_POINTS * WHOLE_DAYS * 96 / 3600
        print(f"extrapolated, not run: {WHOLE_POINTS:,} points, {WHOLE_DAYS} days in {hours:.1f} h of one session,")
        print(f"          which is {hours * 3600 / WHOLE_DAYS:.0f} s for each day of all points")


if __name__ == "__main__":
    main()
