"""Storing what was read: once per device or meter and instant, never changed, in bulk.

Polling, imports and back-fills all come through here. Rows travel by COPY into a temporary table and from there
into the partitions; what is there already stays as it is, so that recording a thing twice stores it once.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from django.db import connection, transaction

from kernel.errors import Refusal
from thermal.models import MeterReading
from thermal.services import marking, partitions

FUTURE_TOLERANCE: Final = dt.timedelta(minutes=3)
LARGEST_REAL: Final = 3.4028235e38
SMALLEST_REAL: Final = 1.2e-38
CHUNK_ROWS: Final = 2000
FIRST_VERSION: Final = "1"


class InstantInFuture(Refusal):
    """A value that claims to have been read later than now."""

    sentence = "A value of %(at)s cannot have been read yet; it is %(now)s."


class InstantHasNoZone(Refusal):
    """A time that could mean several instants."""

    sentence = "%(at)s has no time zone, so it is not an instant."


@dataclass(frozen=True, slots=True)
class NewFrame:
    """All values of one read of one device, in the slots of its profile; None where one is missing."""

    device_id: int
    at: dt.datetime
    profile_id: int
    values: Sequence[float | None]
    quality: bytes | None = None
    """One byte for each slot, the `Missing` reason; None if nothing is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReading:
    """The registers of one meter at one instant."""

    meter_id: int
    at: dt.datetime
    energy_kwh: Decimal | None = None
    volume_m3: Decimal | None = None
    supply_energy_m3c: Decimal | None = None
    return_energy_m3c: Decimal | None = None
    power_kw: Decimal | None = None
    flow_m3h: Decimal | None = None
    supply_c: Decimal | None = None
    return_c: Decimal | None = None
    operating_h: Decimal | None = None
    error_h: Decimal | None = None
    info_code: int | None = None
    device_at: dt.datetime | None = None
    received_at: dt.datetime | None = None
    """When it reached us; now, if it is not given."""
    source: str = MeterReading.Source.POLL
    payload_hash: bytes | None = None
    author_id: int | None = None
    reason: str = ""


Row = TypeVar("Row", NewFrame, NewReading)

FRAME_COLUMNS: Final = "device_id, at, profile_id, values, quality"
READING_FIELDS: Final = tuple(field.name for field in dataclasses.fields(NewReading))
READING_COLUMNS: Final = ", ".join((*READING_FIELDS, "version"))

_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_{table} (LIKE {table} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS;
TRUNCATE incoming_{table};
"""

# Of each quarter hour only the first and last instant go on to be marked: all others lie between these two.
_KEEP = """
WITH stored AS (
    INSERT INTO {table} ({columns})
    SELECT {columns} FROM incoming_{table} ORDER BY {owner}, at
    ON CONFLICT DO NOTHING RETURNING {owner}, at
)
SELECT {owner}, min(at), max(at), count(*) FROM stored
GROUP BY {owner}, date_bin('15 minutes', at, 'epoch')
"""


@transaction.atomic
def record_frames(*, frames: Iterable[NewFrame], now: dt.datetime) -> int:
    """Return how many frames were new and are stored now; the quarter hours they touch are marked.

    Numbers that a single-precision field cannot hold count as missing.
    """
    return sum(stored_frames(frames=frames, now=now).values())


@transaction.atomic
def stored_frames(*, frames: Iterable[NewFrame], now: dt.datetime) -> Counter[int]:
    """Return, by device, how many frames were new and are stored now; for those who keep accounts of them."""
    instants: set[dt.datetime] = set()
    lines = (_frame_line(frame) for frame in _checked(frames, now, instants))
    stored = _store(partitions.FRAMES, "device_id", FRAME_COLUMNS, lines, instants)
    marking.mark_recorded(frames=_ends(stored), now=now)
    counts: Counter[int] = Counter()
    for device_id, _first, _last, count in stored:
        counts[device_id] += count
    return counts


@transaction.atomic
def record_readings(*, readings: Iterable[NewReading], now: dt.datetime) -> int:
    """Return how many readings were new and are stored now; the quarter hours they touch are marked.

    Registers keep four decimals (temperatures three, hours two), rounded half up.
    """
    instants: set[dt.datetime] = set()
    lines = (_reading_line(reading, now) for reading in _checked(readings, now, instants))
    stored = _store(partitions.READINGS, "meter_id", READING_COLUMNS, lines, instants)
    marking.mark_recorded(readings=_ends(stored), now=now)
    return sum(row[3] for row in stored)


def _checked(rows: Iterable[Row], now: dt.datetime, instants: set[dt.datetime]) -> Iterator[Row]:
    """Yield the rows and note the days they lie on; a time that cannot be is refused."""
    latest = now + FUTURE_TOLERANCE
    for row in rows:
        if row.at.tzinfo is None:
            raise InstantHasNoZone(at=row.at)
        if row.at > latest:
            raise InstantInFuture(at=row.at, now=now)
        instants.add(row.at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0))
        yield row


def _ends(stored: list[tuple[int, dt.datetime, dt.datetime, int]]) -> list[tuple[int, dt.datetime]]:
    """Return the first and last instant of each stored quarter hour, with its device or meter."""
    return [(owner, at) for owner, first, last, _count in stored for at in (first, last)]


def _store(
    table: str, owner: str, columns: str, lines: Iterable[str], instants: set[dt.datetime]
) -> list[tuple[int, dt.datetime, dt.datetime, int]]:
    """Return, by owner and quarter hour, what was stored of the lines."""
    with connection.cursor() as cursor:
        cursor.execute(_STAGE.format(table=table))
        with cursor.copy(f"COPY incoming_{table} ({columns}) FROM STDIN") as copy:
            for chunk in _chunks(lines):
                copy.write(chunk)
        # The lines have all been seen now, and with them their instants.
        if not instants:
            return []
        partitions.ensure_for(table=table, instants=instants)
        cursor.execute(_KEEP.format(table=table, owner=owner, columns=columns))
        return list(cursor.fetchall())


def _chunks(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines in pieces that are worth a call each."""
    pending: list[str] = []
    for line in lines:
        pending.append(line)
        if len(pending) == CHUNK_ROWS:
            yield "".join(pending)
            pending.clear()
    if pending:
        yield "".join(pending)


def _frame_line(frame: NewFrame) -> str:
    """Return the frame as a line of COPY's text format."""
    values = ",".join(map(_real, frame.values))
    quality = "\\N" if frame.quality is None else f"\\\\x{frame.quality.hex()}"
    return f"{frame.device_id}\t{frame.at.isoformat()}\t{frame.profile_id}\t{{{values}}}\t{quality}\n"


def _real(value: float | None) -> str:
    """Return a sensor value as the database reads it."""
    if value is None:
        return "NULL"
    size = abs(value)
    if SMALLEST_REAL < size < LARGEST_REAL:
        return f"{value:.9g}"
    return "0" if size <= SMALLEST_REAL else "NULL"


def _reading_line(reading: NewReading, now: dt.datetime) -> str:
    """Return the reading as a line of COPY's text format."""
    cells = [_cell(getattr(reading, name)) for name in READING_FIELDS]
    if reading.received_at is None:
        cells[READING_FIELDS.index("received_at")] = now.isoformat()
    return "\t".join((*cells, FIRST_VERSION)) + "\n"


def _cell(value: Any) -> str:
    """Return a value as COPY's text format has it."""
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    if isinstance(value, bytes):
        return f"\\\\x{value.hex()}"
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
