"""Register values of one meter from a file: checked row by row, stored once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from hosting.models import Meter
from kernel import csvfiles, money, units
from kernel.csvfiles import Row
from kernel.errors import Refusal
from thermal.domain import clocks, readings
from thermal.domain.validation import sequence
from thermal.models import MeterReading
from thermal.services import recording, validating
from thermal.services.partitions import FIRST_YEAR
from thermal.services.recording import FUTURE_TOLERANCE, NewReading

REGISTER_UNITS: Final = {
    name: readings.CANONICAL_UNITS[name]
    for name in (
        "energy_kwh", "volume_m3", "supply_energy_m3c", "return_energy_m3c",
        "power_kw", "flow_m3h", "supply_c", "return_c",
    )
}  # fmt: skip
"""Values that a file may bring, in the units in which they are kept."""

# Of fewer rows nobody can say in which order they stand.
FEWEST_ROWS_FOR_CLOCK: Final = 4

NEVER_NEGATIVE: Final = ("energy_kwh", "volume_m3", "supply_energy_m3c", "return_energy_m3c")


class ValueIsNegative(Refusal):
    """A register below zero."""

    sentence = "Line %(line)s, column “%(column)s”: %(value)s is negative; a register only counts up from zero."


class ValueIsTooLarge(Refusal):
    """A register with more digits than any meter shows."""

    sentence = "Line %(line)s, column “%(column)s”: %(value)s is more than any meter shows."


class RowHasNoValue(Refusal):
    """A row of which every value is empty."""

    sentence = "Line %(line)s has a time and no value."


class TimeIsImpossible(Refusal):
    """A time at which nobody can have read a meter."""

    sentence = "Line %(line)s: nobody can have read a meter at %(at)s."


class ValuesContradict(Refusal):
    """Two different values for one instant."""

    sentence = "Line %(line)s: for %(at)s there is another value: %(field)s %(known)s instead of %(told)s."


class NothingToImport(Refusal):
    """A choice of columns that brings no register."""

    sentence = "Say which columns hold the registers; the file has: %(found)s."


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column of the file holds what."""

    time: str = "time"
    values: dict[str, str] = field(default_factory=dict)
    """Column by field (`energy_kwh`, ...); empty takes the columns that are named like a field."""
    unit_by_field: dict[str, str] = field(default_factory=dict)
    """Unit in which a column is written, where it differs from the field's."""
    decimal_comma: bool = False

    def chosen(self, table: csvfiles.Table) -> dict[str, str]:
        """Return the column by field for this file, after checking that all are there."""
        chosen = self.values or {name: name for name in REGISTER_UNITS if name in table.columns}
        if not chosen:
            raise NothingToImport(found=", ".join(table.columns))
        table.require(self.time, *chosen.values())
        return chosen


@dataclass(slots=True)
class ImportReport:
    """What came of a file."""

    row_count: int = 0
    new_count: int = 0
    """Readings stored, or that would be stored in a dry run."""
    repeated_count: int = 0
    """Readings that were known already."""
    problems: list[str] = field(default_factory=list)
    """One sentence, with its line number, for each row that was not taken."""
    first_at: dt.datetime | None = None
    last_at: dt.datetime | None = None
    is_dry_run: bool = False
    contradicted: list[dt.datetime] = field(default_factory=list)
    """Instants for which something else is known already."""
    clock_steps: list[tuple[dt.datetime, dt.timedelta]] = field(default_factory=list)
    """Where the file's times go back although the register went on: at what time, and by how much."""


@transaction.atomic
def import_readings(
    *,
    meter: Meter,
    content: bytes,
    columns: Columns,
    time_zone: ZoneInfo | None,
    by: User | None,
    now: dt.datetime,
    is_dry_run: bool = False,
) -> ImportReport:
    """Return the report of importing a file of register values.

    Good rows are stored and bad ones reported with their line, so that a corrected file can simply be imported
    again: what is known already is passed over, and another value for a known instant is a problem and never
    overwrites anything.
    """
    table = csvfiles.open_table(content)
    report = ImportReport(is_dry_run=is_dry_run)
    told = _told(table, _Origin(meter, columns, columns.chosen(table), time_zone, by, now), report)
    known = _known(meter, told)
    new = [reading for at, (line, reading) in told.items() if _is_new(line, reading, known.get(at, []), report)]
    report.new_count = len(new)
    report.first_at, report.last_at = min(told, default=None), max(told, default=None)
    if new and not is_dry_run:
        report.new_count = recording.record_readings(readings=new, now=now)
    if not is_dry_run:
        _tell(meter, report, now)
    return report


def _tell(meter: Meter, report: ImportReport, now: dt.datetime) -> None:
    """Keep for the review what only this file shows: two exports that disagree, a clock that was put back."""
    for at, back in report.clock_steps:
        validating.tell_clock_step(meter=meter, at=at, back=back, now=now)
    disagreed = sorted(set(report.contradicted) - {at for at, _back in report.clock_steps})
    if disagreed:
        values = {"row_count": len(disagreed)}
        validating.tell_contradiction(meter=meter, first_at=disagreed[0], last_at=disagreed[-1], values=values, now=now)


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where the rows come from and how they are to be understood."""

    meter: Meter
    columns: Columns
    chosen: dict[str, str]
    time_zone: ZoneInfo | None
    by: User | None
    now: dt.datetime


Told = dict[dt.datetime, tuple[int, NewReading]]
"""By instant, the line that tells it and what it tells."""


def _told(table: csvfiles.Table, origin: _Origin, report: ImportReport) -> Told:
    """Return the good rows of the file; the others become problems of the report."""
    told: Told = {}
    in_order: list[NewReading] = []
    for row in table.each():
        report.row_count += 1
        if isinstance(row, Refusal):
            report.problems.append(row.detail)
            continue
        try:
            reading = _reading(row, origin)
            in_order.append(reading)
            _add(told, row.line, reading, report)
        except Refusal as refusal:
            report.problems.append(refusal.detail)
    report.clock_steps = _clock_steps(in_order)
    return told


def _clock_steps(in_order: list[NewReading]) -> list[tuple[dt.datetime, dt.timedelta]]:
    """Return where the times of the file go back although its register went on; a file may be newest first."""
    rows = [(one.at, float(one.energy_kwh)) for one in in_order if one.energy_kwh is not None]
    if len(rows) < FEWEST_ROWS_FOR_CLOCK:
        return []
    if rows[-1][0] < rows[0][0]:
        rows.reverse()
    lengths = sorted(abs(after[0] - before[0]) for before, after in pairwise(rows))
    usual = lengths[len(lengths) // 2]
    return [(rows[index][0], back + usual) for index, back in sequence.clock_steps(rows)]


def _known(meter: Meter, told: Told) -> dict[dt.datetime, list[dict[str, Decimal | None]]]:
    """Return what is stored for the instants, the latest version first."""
    known: dict[dt.datetime, list[dict[str, Decimal | None]]] = {}
    if told:
        stored = MeterReading.objects.filter(meter=meter, at__gte=min(told), at__lte=max(told))
        for row in stored.order_by("at", "-version").values("at", *REGISTER_UNITS):
            known.setdefault(row.pop("at"), []).append(row)
    return known


def _reading(row: Row, origin: _Origin) -> NewReading:
    """Return the reading of one row."""
    at = _instant(row, origin)
    values: dict[str, Any] = {
        name: _register(row, name, column, origin.columns) for name, column in origin.chosen.items() if row.text(column)
    }
    if not values:
        raise RowHasNoValue(line=row.line)
    return NewReading(
        meter_id=origin.meter.pk,
        at=at,
        received_at=origin.now,
        source=MeterReading.Source.IMPORT,
        author_id=origin.by.pk if origin.by else None,
        **values,
    )


def _instant(row: Row, origin: _Origin) -> dt.datetime:
    """Return when the row's values were read."""
    text = row.required(origin.columns.time)
    try:
        at = clocks.instant_of(text, origin.time_zone)
    except Refusal as refusal:
        raise row.wrong(origin.columns.time, refusal.detail) from None
    if at > origin.now + FUTURE_TOLERANCE or at.year < FIRST_YEAR:
        raise TimeIsImpossible(line=row.line, at=at.isoformat())
    return at


def _register(row: Row, name: str, column: str, columns: Columns) -> Decimal:
    """Return one value in its field's unit and with its field's decimals."""
    told = row.decimal(column, comma=columns.decimal_comma)
    unit = columns.unit_by_field.get(name)
    value = units.convert(told, unit, REGISTER_UNITS[name]) if unit else told
    kept = MeterReading._meta.get_field(name)
    places, digits = getattr(kept, "decimal_places", 4), getattr(kept, "max_digits", 16)
    if abs(value) >= Decimal(10) ** (digits - places):
        raise ValueIsTooLarge(line=row.line, column=column, value=told)
    if value < 0 and name in NEVER_NEGATIVE:
        raise ValueIsNegative(line=row.line, column=column, value=told)
    return money.round_half_up(value, places)


def _add(told: Told, line: int, reading: NewReading, report: ImportReport) -> None:
    """Add the reading to those of the file, unless the file has told it before."""
    if reading.at not in told:
        told[reading.at] = (line, reading)
        return
    _line, earlier = told[reading.at]
    _refuse_contradiction(line, reading, {name: getattr(earlier, name) for name in REGISTER_UNITS}, report)
    report.repeated_count += 1


def _is_new(line: int, reading: NewReading, known: list[dict[str, Decimal | None]], report: ImportReport) -> bool:
    """Return whether nothing is stored for the instant yet; what contradicts every stored version is a problem."""
    if not known:
        return True
    if any(_agrees(reading, version) for version in known):
        report.repeated_count += 1
        return False
    try:
        _refuse_contradiction(line, reading, known[0], report)
    except ValuesContradict as refusal:
        report.problems.append(refusal.detail)
    return False


def _agrees(reading: NewReading, known: dict[str, Decimal | None]) -> bool:
    """Return whether all that the reading tells is known."""
    return all(getattr(reading, name) in (None, value) for name, value in known.items())


def _refuse_contradiction(
    line: int, reading: NewReading, known: dict[str, Decimal | None], report: ImportReport
) -> None:
    """Refuse a reading of which a value differs from the known one."""
    for name, value in known.items():
        told = getattr(reading, name)
        if told is not None and told != value:
            report.contradicted.append(reading.at)
            stored = "nothing" if value is None else f"{value:f}"
            raise ValuesContradict(line=line, at=reading.at.isoformat(), field=name, known=stored, told=f"{told:f}")
