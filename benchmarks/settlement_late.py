"""What one late hour among a settled year costs, against settling the year again.

    python -m benchmarks.settlement_late [--points 1] [--days 365] [--hours 5]
    python -m benchmarks.settlement_late --points 1000 --days 3 --hours 1     # everybody's hour is late

Delivery points as in `settlement_year`: two frames a minute each, a register reading each quarter hour. Some hours, far
from each other, are left out and all days are settled; then each hour arrives late, of all points, is recorded as polls
are, a hundred points at a time, and what it marked is settled. The naive way beside it settles all days again; it must
find nothing left to change.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import time
from decimal import Decimal
from typing import Any

from benchmarks import ground, settlement_year

MINUTE = dt.timedelta(minutes=1)
POINTS_AT_ONCE = 100


def late_hours(days: int, count: int) -> list[int]:
    """The minutes since the start at which the late hours begin."""
    return [days * (number + 1) // (count + 1) * 1440 + 600 for number in range(count)]


def left_out(starts: list[int]) -> list[int]:
    """All minutes of the late hours."""
    return [minute for start in starts for minute in range(start, start + 60)]


def record_late(first: int, now: dt.datetime) -> float:
    """Seconds that recording the frames and readings of one hour of all points took, marks included."""
    from hosting.models import Site  # noqa: PLC0415 -- Django is set up by now
    from thermal.services import recording  # noqa: PLC0415

    seconds, sites = 0.0, list(Site.objects.order_by("pk"))
    for number in range(0, len(sites), POINTS_AT_ONCE):
        frames, readings = late_values(sites[number : number + POINTS_AT_ONCE], first)
        began = time.perf_counter()
        recording.record_frames(frames=frames, now=now)
        recording.record_readings(readings=readings, now=now)
        seconds += time.perf_counter() - began
    return seconds


def late_values(sites: list[Any], first: int) -> tuple[list[Any], list[Any]]:
    """The frames and the readings of some sites in the hour that begins some minutes after the start."""
    from django.db.models import Count  # noqa: PLC0415 -- Django is set up by now

    from hosting.models import Device, MeterPlacement  # noqa: PLC0415
    from thermal.services import recording  # noqa: PLC0415

    start = settlement_year.START
    frames = [
        recording.NewFrame(
            device.pk, start + minute * MINUTE + dt.timedelta(seconds=device.pk % 50 + 1), device.profile_id,
            [44.0, 33.0, 1.5, 1.0][: device.slots],
        )
        for device in Device.objects.filter(controller__site__in=sites).annotate(slots=Count("measurements"))
        for minute in range(first, first + 60)
    ]  # fmt: skip
    readings = [
        recording.NewReading(
            meter_id=meter, at=start + minute * MINUTE, energy_kwh=Decimal(minute - 7) / 20 + Decimal("0.02"),
            volume_m3=Decimal(minute - 7) / 1000, supply_c=Decimal(45),
        )
        for meter in MeterPlacement.objects.filter(site__in=sites).values_list("meter_id", flat=True)
        for minute in range(first + 7, first + 60, 15)
    ]  # fmt: skip
    return frames, readings


def settle_late(now: dt.datetime) -> tuple[float, Any]:
    """Seconds that settling what is marked took, and what it did."""
    from thermal.services import settlement  # noqa: PLC0415 -- Django is set up by now

    began = time.perf_counter()
    done = settlement.settle_marked(now=now)
    return time.perf_counter() - began, done


def main() -> None:
    """Settle days with holes, let the hours arrive, settle all days again."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--points", type=int, default=1)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--hours", type=int, default=5)
    chosen = options.parse_args()
    starts = late_hours(chosen.days, chosen.hours)
    now = settlement_year.START + (chosen.days + 1) * settlement_year.DAY
    with ground.throw_away_portal():
        settlement_year.build(chosen.points, chosen.days)
        frames = settlement_year.fill(0, chosen.days, 15, left_out(starts))
        first = settlement_year.settle(0, chosen.days)
        print(
            f"{chosen.points} points, {chosen.days} days, {frames:,} frames: {first.quarters:,} quarter hours settled"
        )
        print(f"in {first.seconds:.1f} s by one worker, {first.processor_s:.1f} s of processor", flush=True)
        late_s = []
        for start in starts:
            recorded_s = record_late(start, now)
            settled_s, done = settle_late(now)
            late_s.append(settled_s)
            print(
                f"a late hour: recorded in {recorded_s * 1000:,.0f} ms, settled in {settled_s * 1000:,.0f} ms:"
                f" {done.quarters:,} quarter hours looked at, {done.heat_rows:,} + {done.site_rows:,} rows rewritten"
            )
        again, each_s = settlement_year.settle(0, chosen.days), statistics.median(late_s)
        print(f"all days again: {again.seconds:.1f} s, {again.rows} rows left to rewrite")
        times = again.seconds / each_s
        print(f"a late hour costs {each_s * 1000:,.0f} ms (median), {times:,.0f} times less than all days")


if __name__ == "__main__":
    main()
