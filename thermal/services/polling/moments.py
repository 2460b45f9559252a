"""Answers that know when they were measured: queued by a broker, pushed by a source, written into a file.

They come late, out of order and several at once. Each is stored at its own time; of the registers, one reading for
each step of the clock, whichever came first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from thermal.domain import pacing
from thermal.domain.readings import Answer, Missing
from thermal.services import partitions
from thermal.services.polling.claiming import DueDevice, PlannedProfile
from thermal.services.recording import FUTURE_TOLERANCE

_READ = """
SELECT reading.meter_id, reading.at
FROM unnest(%(meters)s::bigint[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[]) asked (meter_id, first, last)
JOIN thermal_meterreading reading
  ON reading.meter_id = asked.meter_id AND reading.at >= asked.first AND reading.at < asked.last
"""
_EDGE: Final = dt.timedelta(days=1)
"""No step of the clock is longer, so that every reading of a step at the edge is found."""


@dataclass(slots=True)
class Steps:
    """The steps of the clock for which each meter has a reading."""

    taken: set[tuple[int, int]] = field(default_factory=set)

    def take(self, device: DueDevice, at: dt.datetime) -> bool:
        """Return whether the step of the instant was free; it is taken now."""
        key = (device.meter_id or 0, pacing.step_of(at, every_s=device.reading_s))
        is_free = key not in self.taken
        self.taken.add(key)
        return is_free


def taken_steps(answers: Iterable[tuple[DueDevice, dt.datetime]]) -> Steps:
    """Return the steps around these instants that have a reading already; one query for all meters."""
    asked: dict[int, list[dt.datetime]] = {}
    every_s: dict[int, int] = {}
    for device, at in answers:
        if device.meter_id is not None:
            asked.setdefault(device.meter_id, []).append(at)
            every_s[device.meter_id] = device.reading_s
    if not asked:
        return Steps()
    facts: dict[str, Any] = {
        "meters": list(asked),
        "firsts": [min(instants) - _EDGE for instants in asked.values()],
        "lasts": [max(instants) + _EDGE for instants in asked.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_READ, facts)
        return Steps({(meter, pacing.step_of(at, every_s=every_s[meter])) for meter, at in cursor.fetchall()})


def set_clock(profile: PlannedProfile, device: DueDevice, answer: Answer, *, now: dt.datetime) -> None:
    """Make the answer's instant one of UTC; what cannot have been measured then, or is not kept, is not told."""
    if answer.at is None:
        return
    answer.at = instant(answer.at, device, profile)
    problem = untimely(answer.at, now=now)
    if problem:
        answer.miss([point.slot for point in profile.points], Missing.INVALID)
        answer.values = [None] * answer.slot_count
        answer.exact.clear()
        answer.error = f"{answer.error} {problem}".strip()


def instant(told: dt.datetime, device: DueDevice, profile: PlannedProfile) -> dt.datetime:
    """Return the instant that a device tells; without an offset, its clock shows the site's time or, if so set, UTC."""
    if told.tzinfo is None:
        told = told.replace(tzinfo=dt.UTC if profile.options.get("clock") == "utc" else ZoneInfo(device.time_zone))
    return told.astimezone(dt.UTC)


def untimely(at: dt.datetime, *, now: dt.datetime) -> str:
    """Return why nothing can be stored at the instant; empty if it can."""
    if at > now + FUTURE_TOLERANCE:
        return f"A value of {at:%Y-%m-%d %H:%M:%S} UTC cannot have been measured yet."
    oldest_at = partitions.oldest_kept_at(now=now)
    if at.year < partitions.FIRST_YEAR or (oldest_at and at < oldest_at):
        return f"A value of {at:%Y-%m-%d %H:%M:%S} UTC is older than anything that is kept."
    return ""
