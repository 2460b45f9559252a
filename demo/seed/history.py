"""Months of history, recorded by the same functions that record what is polled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from django.db import connection, transaction

from demo.field import INSTALLATIONS, Installation
from demo.plant.state import PlantState
from demo.plant.timeline import Snapshot
from demo.record import PlantRecord
from demo.seed.channels import Channel, channels_of
from thermal.models import TelemetryFrame
from thermal.services import recording
from thermal.services.recording import NewFrame, NewReading

# Controllers tell their powers often enough to be integrated; a meter's registers speak for themselves.
FRAME_S: Final = 300.0
READING_S: Final = 900.0
ANALYZE_ROWS: Final = 2_000
CHUNK: Final = dt.timedelta(days=16)


def fill_history(*, record: PlantRecord, now: dt.datetime) -> Iterator[tuple[str, dt.datetime, int]]:
    """Site, instant reached and rows stored, as what is missing up to now is recorded piece by piece."""
    states: dict[str, PlantState] = {}
    for installation in INSTALLATIONS:
        yield from _fill_site(record, installation, now, states)
    record.save_checkpoints(states)


def recorded_until(installation: Installation, otherwise: dt.datetime) -> dt.datetime:
    """The instant after which the controller of a site has no frame yet."""
    frames = TelemetryFrame.objects.filter(device__code=f"{installation.code.lower()}-plant")
    latest = frames.order_by("-at").values_list("at", flat=True).first()
    return latest or otherwise


def _fill_site(
    record: PlantRecord, installation: Installation, now: dt.datetime, states: dict[str, PlantState]
) -> Iterator[tuple[str, dt.datetime, int]]:
    epoch = dt.datetime.fromtimestamp(record.history().epoch_s, dt.UTC)
    reached = recorded_until(installation, epoch - dt.timedelta(seconds=1))
    channels = channels_of(installation, epoch)
    timeline = record.timeline(installation.plant, not_after_s=max(reached, epoch).timestamp())
    while reached < now:
        until = min(reached + CHUNK, now)
        # Open at the start: the last recorded instant is not recorded again.
        start_s = max(reached.timestamp() + 1e-3, epoch.timestamp())
        snapshots = list(timeline.samples(start_s, until.timestamp(), FRAME_S))
        stored = _record(channels, snapshots, now)
        reached = until
        yield installation.code, until, stored
    # One look at everything, now: no device counts as silent before it is polled for the first time.
    last = timeline.at(now.timestamp())
    recording.record_frames(frames=_frames(channels, [last], every=True), now=now)
    states[installation.code] = timeline.checkpoint


@transaction.atomic
def _record(channels: Sequence[Channel], snapshots: Sequence[Snapshot], now: dt.datetime) -> int:
    """The count of new rows; all of a piece or nothing, because frames tell how far the history has come."""
    stored = recording.record_frames(frames=_frames(channels, snapshots), now=now)
    stored += recording.record_readings(readings=_readings(channels, snapshots), now=now)
    if stored < ANALYZE_ROWS:
        return stored
    with connection.cursor() as cursor:
        # The next piece is looked up against this one; without statistics the database would read all of it.
        cursor.execute("ANALYZE thermal_meterreading, thermal_telemetryframe, thermal_dirtymark")
    return stored


def _frames(channels: Sequence[Channel], snapshots: Sequence[Snapshot], *, every: bool = False) -> Iterator[NewFrame]:
    for snapshot in snapshots:
        at = dt.datetime.fromtimestamp(snapshot.at_s, dt.UTC)
        for channel in channels:
            wanted = every or channel.reading is None or snapshot.at_s % READING_S == 0
            if wanted and channel.answers(snapshot):
                yield NewFrame(channel.device.pk, at, channel.device.profile_id, channel.frame(snapshot))


def _readings(channels: Sequence[Channel], snapshots: Sequence[Snapshot]) -> Iterator[NewReading]:
    for snapshot in snapshots:
        if snapshot.at_s % READING_S == 0:
            for channel in channels:
                if channel.reading is not None and channel.answers(snapshot):
                    yield channel.reading(snapshot)
