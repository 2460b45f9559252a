"""Mean powers of stretches of time from a file, as IT energy that has no register.

A mean over an hour is not a value at an instant. It is stored as frames a quarter hour apart and one just before the
end, all of the mean: settlement joins instants by lines and so gets the energy of the hour, and nothing of a gap.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from hosting.models import Device, Measurement
from kernel import csvfiles, units
from kernel.csvfiles import Row
from kernel.errors import Refusal
from kernel.periods import QUARTER_HOUR, Period
from thermal.domain import local_hours
from thermal.domain.clocks import TimeIsNotIso
from thermal.services import recording
from thermal.services.partitions import FIRST_YEAR
from thermal.services.recording import FUTURE_TOLERANCE, NewFrame

JUST_BEFORE: Final = dt.timedelta(microseconds=1)


class DeviceTellsNoPower(Refusal):
    """A device of whose values none is a power."""

    sentence = "Device %(device)s has no measurement with the role %(role)s."


class PowerIsNegative(Refusal):
    """A server that feeds the grid."""

    sentence = "Line %(line)s, column “%(column)s”: %(value)s is negative; IT takes power and gives none."


class TimeIsOutside(Refusal):
    """A time at which nobody can have measured."""

    sentence = "Line %(line)s: nobody can have measured at %(at)s."


@dataclass(frozen=True, slots=True)
class PowerColumns:
    """Which column of the file holds what, and how it is written."""

    time: str = "time"
    power: str = "power_kw"
    unit: str = "kW"
    mean_over: dt.timedelta = dt.timedelta(hours=1)
    decimal_comma: bool = False


@dataclass(slots=True)
class PowerReport:
    """What came of a file."""

    row_count: int = 0
    stretch_count: int = 0
    """Stretches with a mean, each stored or known already."""
    frame_count: int = 0
    """Frames that were new."""
    gaps: list[Period] = field(default_factory=list)
    """What the file leaves open between its first and last stretch: unknown, and no zero load."""
    problems: list[str] = field(default_factory=list)
    energy_kwh: float = 0.0
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Mean:
    line: int
    wall: dt.datetime
    power_kw: float


@transaction.atomic
def import_power(
    *,
    device: Device,
    content: bytes,
    columns: PowerColumns,
    time_zone: ZoneInfo,
    by: User | None,
    now: dt.datetime,
    role: str = Measurement.Role.IT_POWER,
    is_dry_run: bool = False,
) -> PowerReport:
    """Return the report of importing mean powers of a device, newest or oldest first.

    Good rows are stored and bad ones reported with their line; importing a file twice stores nothing twice.
    """
    slot = _slot(device, role)
    table = csvfiles.open_table(content)
    table.require(columns.time, columns.power)
    report = PowerReport(is_dry_run=is_dry_run)
    stretches = _stretches(_means(table, columns, report), columns, time_zone, now, report)
    report.stretch_count = len(stretches)
    report.energy_kwh = sum(float(period.hours) * power_kw for period, power_kw in stretches)
    report.gaps = [
        Period(before.end, after.start) for (before, _p), (after, _q) in pairwise(stretches) if before.end < after.start
    ]
    if not is_dry_run:
        # Asked beforehand: while rows travel by COPY the connection answers nothing else.
        size = max(device.profile.points.count(), slot + 1)
        report.frame_count = recording.record_frames(frames=_frames(device, (slot, size), stretches), now=now)
    return report


def _slot(device: Device, role: str) -> int:
    measurement = device.measurements.filter(role=role).order_by("slot").first()
    if measurement is None:
        raise DeviceTellsNoPower(device=device.code, role=role)
    return measurement.slot


def _means(table: csvfiles.Table, columns: PowerColumns, report: PowerReport) -> list[_Mean]:
    """The good rows, oldest first; a footer is no row and is told with its line."""
    means = []
    for row in table.each():
        report.row_count += 1
        try:
            if isinstance(row, Refusal):
                raise row
            means.append(_mean(row, columns))
        except Refusal as refusal:
            report.problems.append(refusal.detail)
    if len(means) > 1 and means[0].wall > means[-1].wall:
        means.reverse()
    return means


def _mean(row: Row, columns: PowerColumns) -> _Mean:
    text = row.required(columns.time)
    try:
        wall = dt.datetime.fromisoformat(text)
    except ValueError:
        raise row.wrong(columns.time, TimeIsNotIso(text=text).detail) from None
    told = row.decimal(columns.power, comma=columns.decimal_comma)
    if told < 0:
        raise PowerIsNegative(line=row.line, column=columns.power, value=told)
    return _Mean(row.line, wall, float(units.convert(told, columns.unit, "kW")))


def _stretches(
    means: Sequence[_Mean], columns: PowerColumns, zone: ZoneInfo, now: dt.datetime, report: PowerReport
) -> list[tuple[Period, float]]:
    """What each mean covers, in order; one that overlaps what the file has told before is a problem."""
    told = Counter(mean.wall for mean in means)
    seen: Counter[dt.datetime] = Counter()
    found: list[tuple[Period, float]] = []
    for mean in means:
        try:
            period = _covered(mean, columns, zone, told[mean.wall], seen[mean.wall])
            seen[mean.wall] += 1
            if period.end > now + FUTURE_TOLERANCE or period.start.year < FIRST_YEAR:
                raise TimeIsOutside(line=mean.line, at=mean.wall.isoformat())
            if found and period.start < found[-1][0].end:
                raise TimeIsToldTwice(line=mean.line, at=mean.wall.isoformat())
        except Refusal as refusal:
            report.problems.append(refusal.detail)
            continue
        found.append((period, mean.power_kw))
    return found


class TimeIsToldTwice(Refusal):
    """Two means of one time, where the clocks showed it once."""

    sentence = "Line %(line)s: %(at)s is told already."


def _covered(mean: _Mean, columns: PowerColumns, zone: ZoneInfo, told: int, place: int) -> Period:
    if mean.wall.tzinfo is not None:
        start = mean.wall.astimezone(dt.UTC)
        return Period(start, start + columns.mean_over)
    return local_hours.covered(mean.wall, columns.mean_over, zone, told=told, place=place)


def _frames(device: Device, place: tuple[int, int], stretches: Sequence[tuple[Period, float]]) -> Iterator[NewFrame]:
    """The frames that say a mean for all of its stretch, in the order of time; `place` is slot and count of slots."""
    slot, size = place
    for period, power_kw in stretches:
        values = [power_kw if number == slot else None for number in range(size)]
        at = period.start
        while at < period.end - JUST_BEFORE:
            yield NewFrame(device.pk, at, device.profile_id, values)
            at += QUARTER_HOUR
        yield NewFrame(device.pk, period.end - JUST_BEFORE, device.profile_id, values)
