"""What one late hour among a settled year costs, against settling the year again.

    python -m benchmarks.settlement_late [--days 365] [--hours 5]

One delivery point as in `settlement_year`: two frames a minute, a register reading each quarter hour. Some hours, far
from each other, are left out and the year is settled; then each hour arrives late, is recorded as a poll is, and what
it marked is settled. The naive way beside it settles the whole year again; it must find nothing left to change.
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


def late_hours(days: int, count: int) -> list[int]:
    """The minutes since the start at which the late hours begin."""
    return [days * (number + 1) // (count + 1) * 1440 + 600 for number in range(count)]


def left_out(starts: list[int]) -> list[int]:
    """All minutes of the late hours."""
    return [minute for start in starts for minute in range(start, start + 60)]


def record_late(first: int, now: dt.datetime) -> float:
    """Seconds that recording the frames and readings of one hour took, marks included."""
    from hosting.models import Device, MeterPlacement  # noqa: PLC0415 -- Django is set up by now
    from thermal.services import recording  # noqa: PLC0415

    start, meter = settlement_year.START, MeterPlacement.objects.get().meter_id
    frames = [
        recording.NewFrame(
            device.pk, start + minute * MINUTE + dt.timedelta(seconds=device.pk % 50 + 1), device.profile_id,
            [44.0, 33.0, 1.5, 1.0][: device.measurements.count()],
        )
        for device in Device.objects.all()
        for minute in range(first, first + 60)
    ]  # fmt: skip
    readings = [
        recording.NewReading(
            meter_id=meter, at=start + minute * MINUTE, energy_kwh=Decimal(minute - 7) / 20 + Decimal("0.02"),
            volume_m3=Decimal(minute - 7) / 1000, supply_c=Decimal(45),
        )
        for minute in range(first + 7, first + 60, 15)
    ]  # fmt: skip
    began = time.perf_counter()
    recording.record_frames(frames=frames, now=now)
    recording.record_readings(readings=readings, now=now)
    return time.perf_counter() - began


def settle_late(now: dt.datetime) -> tuple[float, Any]:
    """Seconds that settling what is marked took, and what it did."""
    from thermal.services import settlement  # noqa: PLC0415 -- Django is set up by now

    began = time.perf_counter()
    done = settlement.settle_marked(now=now)
    return time.perf_counter() - began, done


def main() -> None:
    """Settle a year with holes, let the hours arrive, settle the year again."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--days", type=int, default=365)
    options.add_argument("--hours", type=int, default=5)
    chosen = options.parse_args()
    starts = late_hours(chosen.days, chosen.hours)
    now = settlement_year.START + (chosen.days + 1) * settlement_year.DAY
    with ground.throw_away_portal():
        sites = settlement_year.build(1, chosen.days)
        frames = settlement_year.fill(0, chosen.days, 15, left_out(starts))
        first_s, done = settlement_year.settle(sites, 0, chosen.days)
        print(f"{chosen.days} days, {frames:,} frames: {done.quarters:,} quarter hours settled in {first_s:.1f} s")
        late_s = []
        for start in starts:
            recorded_s = record_late(start, now)
            settled_s, done = settle_late(now)
            late_s.append(settled_s)
            print(
                f"a late hour: recorded in {recorded_s * 1000:.0f} ms, settled in {settled_s * 1000:.0f} ms:"
                f" {done.quarters} quarter hours looked at, {done.heat_rows} + {done.site_rows} rows rewritten"
            )
        again_s, done = settlement_year.settle(sites, 0, chosen.days)
        each_s = statistics.median(late_s)
        print(f"the year again: {again_s:.1f} s, {done.heat_rows} + {done.site_rows} rows left to rewrite")
        print(f"a late hour costs {each_s * 1000:.0f} ms (median), {again_s / each_s:,.0f} times less than the year")


if __name__ == "__main__":
    main()
