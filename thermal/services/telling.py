"""Storing what sources tell by themselves, judged like what a poll brings."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection, transaction

from thermal.domain.readings import Answer
from thermal.models import MeterReading
from thermal.services import alarms, recording
from thermal.services.polling import accounting, judging, polls
from thermal.services.polling.claiming import Batch, DueDevice

_KNOWN = """
SELECT frame.device_id, frame.at
FROM unnest(%(devices)s::bigint[], %(ats)s::timestamptz[]) asked (device_id, at)
JOIN thermal_telemetryframe frame ON frame.device_id = asked.device_id AND frame.at = asked.at
"""

Told = tuple[DueDevice, Answer]


@transaction.atomic
def record_told(
    *, batch: Batch, told: Sequence[Told], now: dt.datetime, source: str = MeterReading.Source.POLL
) -> list[bool]:
    """Return for each answer whether it was new; frames, readings, states and accounts of the devices are written.

    Each answer knows when it was measured, and no two of them tell of one device at one instant.
    """
    (controller,) = batch.controllers
    judged = judging.judge_all(batch.profiles, told, controller=controller, now=now)
    frames = [verdict.frame for verdict in judged if verdict.frame]
    known = _known([(frame.device_id, frame.at) for frame in frames])
    new = [verdict.frame is not None and (verdict.device_id, verdict.frame.at) not in known for verdict in judged]
    recording.stored_frames(frames=frames, now=now)
    readings = [dataclasses.replace(verdict.reading, source=source) for verdict in judged if verdict.reading]
    if readings:
        recording.record_readings(readings=readings, now=now)
    for verdict, is_new in zip(judged, new, strict=True):
        verdict.count.frame_count = int(is_new)
    latest = sorted(judged, key=lambda verdict: verdict.frame.at if verdict.frame else now)
    polls.note({verdict.device_id: verdict for verdict in latest}.values())
    accounting.add_polls(counts=[verdict.count for verdict in judged])
    return new


def evaluate_later(*, devices: set[int], now: dt.datetime) -> None:
    """Let the alarms look at the devices once everything is stored; what is stored stays even if they cannot."""
    transaction.on_commit(lambda: alarms.evaluate(now=now, devices=devices), robust=True)


def _known(frames: Sequence[tuple[int, dt.datetime]]) -> set[tuple[int, dt.datetime]]:
    """Return those of the devices and instants for which a frame is stored."""
    with connection.cursor() as cursor:
        columns: dict[str, Any] = {"devices": [device for device, _at in frames], "ats": [at for _device, at in frames]}
        cursor.execute(_KNOWN, columns)
        return set(cursor.fetchall())
