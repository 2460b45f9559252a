"""Instants from the times that people and files write down."""

from __future__ import annotations

import datetime as dt
from typing import Final
from zoneinfo import ZoneInfo

from kernel.errors import Refusal


class TimeIsNotIso(Refusal):
    """A time in some other notation, which would have to be guessed."""

    sentence = "“%(text)s” is not a time such as 2026-10-25T02:30:00+01:00."


class TimeHasNoOffset(Refusal):
    """A local time without a word about where."""

    sentence = "“%(text)s” has no offset from UTC, and no time zone is given."


class TimeDoesNotExist(Refusal):
    """A local time that the clocks skipped in spring."""

    sentence = "“%(text)s” does not exist in %(zone)s: the clocks were put forward over it."


class TimeIsAmbiguous(Refusal):
    """A local time that the clocks showed twice in autumn."""

    sentence = "“%(text)s” happened twice in %(zone)s: the clocks were put back. Give the offset from UTC."


JITTER: Final = dt.timedelta(minutes=3)
"""By how much a clock may be set back when it is synchronized."""
CHANGE: Final = dt.timedelta(hours=2)
"""What a wall clock, and a meter that follows it late or never, may be off when the clocks change."""
NEAR_A_CHANGE: Final = dt.timedelta(days=2)


def may_go_back(at: dt.datetime, zone: ZoneInfo | None) -> dt.timedelta:
    """Return by how much a meter's clock may be behind what it showed before; without a zone it shows UTC.

    Examples
    --------
    >>> berlin = ZoneInfo("Europe/Berlin")
    >>> may_go_back(dt.datetime(2026, 10, 25, 2, tzinfo=dt.UTC), berlin)
    datetime.timedelta(seconds=7200)
    >>> may_go_back(dt.datetime(2026, 11, 25, 2, tzinfo=dt.UTC), berlin)
    datetime.timedelta(seconds=180)
    """
    if zone is None:
        return JITTER
    offsets = {(at + days).astimezone(zone).utcoffset() for days in (-NEAR_A_CHANGE, NEAR_A_CHANGE)}
    return CHANGE if len(offsets) > 1 else JITTER


def instant_of(text: str, zone: ZoneInfo | None) -> dt.datetime:
    """Return the instant, in UTC, that an ISO 8601 time means; without an offset it is a wall clock of the zone.

    Examples
    --------
    >>> instant_of("2018-01-02T23:00:00Z", None).isoformat()
    '2018-01-02T23:00:00+00:00'
    >>> instant_of("2026-07-01 12:00", ZoneInfo("Europe/Berlin")).isoformat()
    '2026-07-01T10:00:00+00:00'
    """
    try:
        at = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        raise TimeIsNotIso(text=text) from None
    if not dt.MINYEAR < at.year < dt.MAXYEAR:  # in another zone it might be in no year at all
        raise TimeIsNotIso(text=text)
    if at.tzinfo is not None:
        return at.astimezone(dt.UTC)
    if zone is None:
        raise TimeHasNoOffset(text=text)
    first, second = (at.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if first == second:
        return first
    if first > second:
        raise TimeDoesNotExist(text=text, zone=zone.key)
    raise TimeIsAmbiguous(text=text, zone=zone.key)
