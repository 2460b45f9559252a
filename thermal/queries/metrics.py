"""Counts of polling and settlement for monitoring: by protocol and site, never by offtaker or device."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

_POLLS: Final = """
SELECT controller.protocol, site.code,
       coalesce(sum(day.poll_count), 0), coalesce(sum(day.failed_count), 0), coalesce(sum(day.late_count), 0),
       coalesce(sum(day.answered_count), 0), coalesce(sum(day.latency_sum_ms), 0)
FROM thermal_deviceday day
JOIN hosting_device device ON device.id = day.device_id
JOIN hosting_controller controller ON controller.id = device.controller_id
JOIN hosting_site site ON site.id = controller.site_id
WHERE day.polled_on = %(today)s
GROUP BY 1, 2 ORDER BY 1, 2
"""
_CIRCUITS: Final = """
SELECT controller.protocol, site.code, device.circuit, count(*)
FROM hosting_device device
JOIN hosting_controller controller ON controller.id = device.controller_id
JOIN hosting_site site ON site.id = controller.site_id
WHERE device.enabled AND controller.enabled
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
# A controller that was never polled is due since it was made, which nobody wrote down: it counts, without a delay.
_DUE: Final = """
SELECT protocol, count(*),
       coalesce(max(extract(epoch FROM %(now)s - next_poll_at)), 0)::float8
FROM hosting_controller
WHERE enabled AND port IS NOT NULL AND (next_poll_at IS NULL OR next_poll_at <= %(now)s)
GROUP BY 1 ORDER BY 1
"""
_DIRTY: Final = """
SELECT count(*), coalesce(extract(epoch FROM %(now)s - min(start)), 0)::float8 FROM thermal_dirtymark
"""


@dataclass(frozen=True, slots=True)
class Polls:
    """What polling came to since midnight UTC, for one protocol at one site."""

    protocol: str
    site: str
    poll_count: int
    failed_count: int
    late_count: int
    answered_count: int
    latency_sum_s: float


@dataclass(frozen=True, slots=True)
class Due:
    """The controllers of one protocol that are due and not yet polled, and how long the first one waits."""

    protocol: str
    controller_count: int
    lag_s: float


def polls_today(now: dt.datetime) -> list[Polls]:
    """The counts of the day (UTC) so far."""
    today = now.astimezone(dt.UTC).date()
    return [
        Polls(protocol, site, int(polls), int(failed), int(late), int(answered), float(latency_ms) / 1000)
        for protocol, site, polls, failed, late, answered, latency_ms in _rows(_POLLS, today=today)
    ]


def circuits() -> list[tuple[str, str, str, int]]:
    """Protocol, site, state of the circuit, and how many devices are in it."""
    return [(protocol, site, state, int(count)) for protocol, site, state, count in _rows(_CIRCUITS)]


def due(now: dt.datetime) -> list[Due]:
    """How far polling lags, by protocol; nothing where nobody waits."""
    return [Due(protocol, int(count), float(lag_s)) for protocol, count, lag_s in _rows(_DUE, now=now)]


def unsettled(now: dt.datetime) -> tuple[int, float]:
    """How many quarter hours wait for settlement, and how long ago the first of them began, in seconds."""
    ((count, age_s),) = _rows(_DIRTY, now=now)
    return int(count), float(age_s)


def _rows(sql: str, **facts: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, facts)
        return list(cursor.fetchall())
