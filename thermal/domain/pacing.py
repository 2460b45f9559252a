"""When to ask next, and whom to leave alone for a while."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

LONGEST_BACKOFF_S: Final = 300
FAILURES_TO_OPEN: Final = 3
LATE_AFTER_S: Final = 5
"""More than twice the step at which the schedule looks for what is due."""
CYCLE_SHARE: Final = 0.75
SHORTEST_CYCLE_S: Final = 10.0
LONGEST_CYCLE_S: Final = 240.0
LEASE_MARGIN_S: Final = 15.0
"""What a claim holds beyond the longest time that asking may take, so that what came in time can still be stored."""
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
SPREAD: Final = 7919
"""A prime: neighbors in the numbering of controllers get phases far apart."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """Whether a device is worth asking, and when again."""

    state: str
    failure_count: int
    retry_at: dt.datetime | None


def next_poll_at(*, now: dt.datetime, every_s: int, number: int) -> dt.datetime:
    """Return the next instant of a controller's own rhythm after now.

    Each controller has a phase of its own, so that those with one period do not all come due at once; polls that
    were missed are not made up for.

    Examples
    --------
    >>> now = dt.datetime(2026, 11, 22, 20, 0, 30, tzinfo=dt.UTC)
    >>> next_poll_at(now=now, every_s=60, number=0).isoformat()
    '2026-11-22T20:01:00+00:00'
    >>> next_poll_at(now=now, every_s=60, number=1).isoformat()
    '2026-11-22T20:00:59+00:00'
    """
    phase = number * SPREAD % every_s
    passed = (now - EPOCH).total_seconds() - phase
    return EPOCH + dt.timedelta(seconds=(passed // every_s + 1) * every_s + phase)


def cycle_limit_s(*, every_s: int) -> float:
    """Return for how many seconds all devices behind one address may be asked: most of the time between two polls.

    Examples
    --------
    >>> [cycle_limit_s(every_s=every_s) for every_s in (2, 60, 900)]
    [10.0, 45.0, 240.0]
    """
    return min(max(CYCLE_SHARE * every_s, SHORTEST_CYCLE_S), LONGEST_CYCLE_S)


def is_late(*, due_at: dt.datetime | None, now: dt.datetime) -> bool:
    """Return whether a poll begins so long after its time that this was not kept.

    Examples
    --------
    >>> now = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
    >>> [is_late(due_at=now - dt.timedelta(seconds=late_s), now=now) for late_s in (5, 6)]
    [False, True]
    """
    return due_at is not None and (now - due_at).total_seconds() > LATE_AFTER_S


def after_success() -> Circuit:
    """Return the state of a device that answered."""
    return Circuit("closed", 0, None)


def after_failure(*, now: dt.datetime, failure_count: int, every_s: int) -> Circuit:
    """Return the state of a device that failed again: left alone twice as long each time, 5 minutes at most.

    Examples
    --------
    >>> now = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
    >>> [after_failure(now=now, failure_count=n, every_s=60).retry_at.minute for n in range(4)]
    [1, 2, 4, 5]
    >>> [after_failure(now=now, failure_count=n, every_s=60).state for n in range(4)]
    ['closed', 'closed', 'open', 'open']
    """
    failures = failure_count + 1
    pause_s = min(LONGEST_BACKOFF_S, every_s * 2 ** min(failures - 1, 10))
    state = "open" if failures >= FAILURES_TO_OPEN else "closed"
    return Circuit(state, failures, now + dt.timedelta(seconds=pause_s))


def is_reading_due(*, last_at: dt.datetime | None, now: dt.datetime, every_s: int) -> bool:
    """Return whether a register reading belongs to this instant: one for each step of the clock.

    Examples
    --------
    >>> quarter = dt.datetime(2026, 11, 22, 20, 15, tzinfo=dt.UTC)
    >>> is_reading_due(last_at=quarter - dt.timedelta(seconds=1), now=quarter, every_s=900)
    True
    >>> is_reading_due(last_at=quarter, now=quarter + dt.timedelta(minutes=14), every_s=900)
    False
    """
    return last_at is None or step_of(last_at, every_s=every_s) < step_of(now, every_s=every_s)


def step_of(at: dt.datetime, *, every_s: int) -> int:
    """Return the number of the step of the clock in which the instant lies.

    Examples
    --------
    >>> step_of(dt.datetime(1970, 1, 1, 0, 30, tzinfo=dt.UTC), every_s=900)
    2
    """
    return int((at - EPOCH).total_seconds() // every_s)
