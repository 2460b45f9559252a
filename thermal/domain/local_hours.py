"""What a mean over a local hour covers, where clocks change."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from kernel.periods import Period
from thermal.domain.clocks import TimeDoesNotExist


def covered(wall: dt.datetime, length: dt.timedelta, zone: ZoneInfo, *, told: int, place: int) -> Period:
    """Return what the mean that is told under a wall-clock time covers.

    Parameters
    ----------
    wall
        The time as the file writes it, without offset: the beginning of the stretch.
    length
        How long a stretch is.
    zone
        The zone of the wall clock.
    told, place
        How often the file tells this time, and the how manieth this one is, from 0. Where the clocks were put back, a
        time told twice is two stretches, and one told once is the mean over both.

    Raises
    ------
    TimeDoesNotExist
        Where the clocks were put forward over it.

    Examples
    --------
    >>> from datetime import datetime, timedelta
    >>> new_york, hour = ZoneInfo("America/New_York"), timedelta(hours=1)
    >>> covered(datetime(2024, 11, 3, 1), hour, new_york, told=1, place=0).hours
    Decimal('2')
    >>> covered(datetime(2024, 11, 3, 1), hour, new_york, told=2, place=1).start.isoformat()
    '2024-11-03T06:00:00+00:00'
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(dt.UTC) for fold in (0, 1))
    if first > second:
        raise TimeDoesNotExist(text=f"{wall:%Y-%m-%d %H:%M}", zone=zone.key)
    if first == second:
        return Period(first, first + length)
    if told > 1:
        start = first if place == 0 else second
        return Period(start, start + length)
    return Period(first, second + length)
