"""The monthly partitions of recorded values: made ahead of time, and dropped when their time is over."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from kernel.errors import Refusal

FRAMES: Final = "thermal_telemetryframe"
READINGS: Final = "thermal_meterreading"
TABLES: Final = (FRAMES, READINGS)
MONTHS_AHEAD: Final = 3
FIRST_YEAR: Final = 1990
LOCK: Final = 0x6865_6174
"""Advisory lock of everybody who makes or drops partitions."""

# A table is made on its own and then attached, because that blocks neither readers nor writers of the others.
_MAKE = """
CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE);
ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}+00') TO ('{end}+00');
"""


class InstantOutOfRange(Refusal):
    """An instant for which no value can have been recorded."""

    sentence = "%(at)s is not a time at which a meter was read."


def first_of_month(at: dt.datetime) -> dt.date:
    """Return the first day of the month, in UTC, in which the instant lies."""
    on = at.astimezone(dt.UTC).date()
    if on.year < FIRST_YEAR:
        raise InstantOutOfRange(at=at.isoformat())
    return on.replace(day=1)


def next_month(month: dt.date) -> dt.date:
    """Return the first day of the following month.

    >>> next_month(dt.date(2026, 12, 1))
    datetime.date(2027, 1, 1)
    """
    return (month + dt.timedelta(days=32)).replace(day=1)


def months_back(month: dt.date, count: int) -> dt.date:
    """Return the first day of the month `count` months earlier.

    >>> months_back(dt.date(2026, 2, 1), 25)
    datetime.date(2024, 1, 1)
    """
    months = month.year * 12 + month.month - 1 - count
    return dt.date(months // 12, months % 12 + 1, 1)


def oldest_kept_at(*, now: dt.datetime) -> dt.datetime | None:
    """Return the instant from which frames, and what tells of them, are kept; None if it is for ever."""
    kept_months = settings.THERMAL_KEEP_FRAMES_MONTHS
    if not kept_months:
        return None
    oldest_on = months_back(first_of_month(now), kept_months)
    return dt.datetime(oldest_on.year, oldest_on.month, 1, tzinfo=dt.UTC)


def name_of(table: str, month: dt.date) -> str:
    """Return the name of a month's partition.

    >>> name_of(READINGS, dt.date(2026, 10, 1))
    'thermal_meterreading_2026_10'
    """
    return f"{table}_{month:%Y_%m}"


@transaction.atomic
def make_ahead(*, now: dt.datetime, months: int = MONTHS_AHEAD) -> int:
    """Return the count of partitions made for this month and the coming ones."""
    month = first_of_month(now)
    wanted = [months_back(month, -ahead) for ahead in range(months + 1)]
    return sum(ensure(table=table, months=wanted) for table in TABLES)


@transaction.atomic
def ensure_for(*, table: str, instants: Iterable[dt.datetime]) -> int:
    """Return the count of partitions made so that rows at these instants can be stored."""
    days = {(at.year, at.month): at for at in instants}
    return ensure(table=table, months={first_of_month(at) for at in days.values()})


@transaction.atomic
def ensure(*, table: str, months: Iterable[dt.date]) -> int:
    """Return the count of partitions that were missing and have been made."""
    wanted = {name_of(table, month): month for month in months}
    if not _absent(wanted):
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        missing = _absent(wanted)
        for name in missing:
            month = wanted[name]
            cursor.execute(_MAKE.format(name=name, table=table, start=month, end=next_month(month)))
    return len(missing)


def _absent(names: Iterable[str]) -> list[str]:
    """Return the names of which there is no table yet."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM unnest(%s::text[]) name WHERE to_regclass(name) IS NULL ORDER BY name", [list(names)]
        )
        return [name for (name,) in cursor.fetchall()]


@transaction.atomic
def drop_expired(*, now: dt.datetime) -> list[str]:
    """Return the names of the partitions dropped because their months are older than what is kept.

    Settings say for how many months frames and readings are kept; 0 keeps them for ever, which is the default of
    readings: bills are made from them, and tax law wants them for a decade.
    """
    kept_months = {FRAMES: settings.THERMAL_KEEP_FRAMES_MONTHS, READINGS: settings.THERMAL_KEEP_READINGS_MONTHS}
    dropped: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        # Rather try again tomorrow than make the pollers queue behind a drop that itself waits for a reader.
        cursor.execute("SET LOCAL lock_timeout = '5s'")
        for table, kept in kept_months.items():
            for name in _expired(table, kept, now):
                cursor.execute(f"DROP TABLE {name}")
                dropped.append(name)
    return dropped


def _expired(table: str, kept_months: int, now: dt.datetime) -> list[str]:
    """Return the partitions of a table that end before the time that is kept."""
    if not kept_months:
        return []
    oldest = name_of(table, months_back(first_of_month(now), kept_months))
    return [name for name in existing(table) if name < oldest]


def existing(table: str) -> list[str]:
    """Return the names of a table's partitions, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        names = [name for (name,) in cursor.fetchall()]
    return sorted(name for name in names if re.fullmatch(rf"{table}_\d{{4}}_\d\d", name))
