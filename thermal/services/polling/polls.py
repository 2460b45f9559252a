"""One batch from question to stored row."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction

from hosting.network import field_network
from thermal.domain import pacing
from thermal.services import alarms, recording
from thermal.services.polling import accounting, literals
from thermal.services.polling.asking import FLUSH_S
from thermal.services.polling.claiming import BATCH_SIZE, Batch, claim_due
from thermal.services.polling.judging import Verdict, judge_all
from thermal.services.polling.looping import Arrival, Asking

Clock = Callable[[], dt.datetime]
ROLL_S: Final = 60.0
"""For how long one task goes on claiming; the others may end, so that a worker can be told to stop."""
IN_FLIGHT: Final = 2 * BATCH_SIZE
"""Controllers that one process asks at the same time; each takes a socket."""
CLAIM_EVERY: Final = dt.timedelta(seconds=1)

_RELEASE = """
UPDATE hosting_controller controller SET next_poll_at = done.next_poll_at, claimed_until = NULL, claim_token = NULL
FROM unnest(%(ids)s::bigint[], %(nexts)s::timestamptz[], %(tokens)s::uuid[]) done (id, next_poll_at, token)
WHERE controller.id = done.id AND controller.claim_token = done.token
RETURNING done.id, done.token
"""

_NOTE = """
UPDATE hosting_device device
SET last_polled_at = noted.at, last_error = noted.error, circuit = noted.circuit,
    failure_count = noted.failure_count, retry_at = noted.retry_at, last_latency_ms = noted.latency_ms,
    last_success_at = coalesce(noted.success_at, device.last_success_at),
    clock_offset_s = coalesce(noted.clock_offset_s, device.clock_offset_s),
    refusals = coalesce(noted.refusals::jsonb, device.refusals)
FROM unnest(%(id)s::bigint[], %(at)s::timestamptz[], %(error)s::text[], %(circuit)s::text[],
            %(failure_count)s::int[], %(retry_at)s::timestamptz[], %(latency_ms)s::float8[],
            %(success_at)s::timestamptz[], %(clock_offset_s)s::float8[], %(refusals)s::text[])
     noted (id, at, error, circuit, failure_count, retry_at, latency_ms, success_at, clock_offset_s, refusals)
WHERE device.id = noted.id
"""

NOTE_COLUMNS: Final = (
    "id",
    "at",
    "error",
    "circuit",
    "failure_count",
    "retry_at",
    "latency_ms",
    "success_at",
    "clock_offset_s",
    "refusals",
)


@dataclass(slots=True)
class Polled:
    """What a batch came to."""

    controller_count: int = 0
    answered_count: int = 0
    failed_count: int = 0
    frame_count: int = 0
    reading_count: int = 0


def poll_due(*, clock: Clock, for_s: float = ROLL_S, on_more: Callable[[], object] | None = None) -> Polled:
    """Return what came of polling whatever is due, until nothing is, or for some time.

    While some controllers are being asked, others are claimed and what has come in is stored: who waits for a dead
    device, or for a long bus, keeps nobody waiting. After the given time nothing more is claimed. `on_more` is called
    when there is more than one claim takes, so that another worker can come to help.
    """
    asking, polled = Asking(field_network()), Polled()
    until = clock() + dt.timedelta(seconds=for_s)
    claim_at = clock()
    try:
        while True:
            now = clock()
            if claim_at <= now < until and asking.count <= IN_FLIGHT - BATCH_SIZE:
                batch = claim_due(now=now)
                asking.start(batch, now=now)
                if batch.is_full and on_more is not None:
                    on_more()
                    on_more = None
                if batch.is_full and asking.count <= IN_FLIGHT - BATCH_SIZE:
                    continue
                claim_at = now if batch.is_full else now + CLAIM_EVERY
            if asking.is_over:
                return polled
            _store_arrivals(asking.take(wait_s=FLUSH_S), polled)
    finally:
        asking.stop()


def poll_batch(*, batch: Batch, now: dt.datetime) -> Polled:
    """Return what came of asking and storing a batch; each part is stored as soon as it is in.

    Nothing is held open in the database while devices are asked. If the process dies, what is stored is complete
    and the rest is claimed anew after the lease.
    """
    asking, polled = Asking(field_network()), Polled()
    try:
        asking.start(batch, now=now)
        while not asking.is_over:
            _store_arrivals(asking.take(wait_s=FLUSH_S), polled)
    finally:
        asking.stop()
    return polled


def _store_arrivals(arrivals: Sequence[Arrival], polled: Polled) -> None:
    """Store what came, then let the alarms look at it; what is stored stays even if they cannot."""
    if arrivals:
        latest, devices = store(arrivals=arrivals, polled=polled)
        alarms.evaluate(now=latest, devices=devices)


@transaction.atomic
def store(*, arrivals: Sequence[Arrival], polled: Polled) -> tuple[dt.datetime, list[int]]:
    """Return the latest instant and the devices stored; releases the controllers in the same transaction.

    Only what is still claimed under its batch's token is stored: if the claim ran out, another worker is at it.
    """
    kept = _release(arrivals)
    judged: list[Verdict] = []
    for arrival in arrivals:
        controller, now = arrival.outcome.controller, arrival.now
        if (controller.id, arrival.batch.token) in kept:
            judged += judge_all(arrival.batch.profiles, arrival.outcome.answers, controller=controller, now=now)
    latest = max((verdict.at for verdict in judged), default=arrivals[0].now)
    readings = [verdict.reading for verdict in judged if verdict.reading]
    stored = recording.stored_frames(frames=[verdict.frame for verdict in judged if verdict.frame], now=latest)
    final = _final(judged)
    for verdict in final:
        verdict.count.frame_count = stored[verdict.device_id]
    polled.frame_count += stored.total()
    polled.reading_count += recording.record_readings(readings=readings, now=latest) if readings else 0
    note(final)
    accounting.add_polls(counts=[verdict.count for verdict in final])
    polled.controller_count += len(kept)
    polled.answered_count += sum(verdict.count.answered_count for verdict in final)
    polled.failed_count += sum(verdict.count.failed_count for verdict in final)
    return latest, [verdict.device_id for verdict in final]


def _final(judged: Sequence[Verdict]) -> list[Verdict]:
    """Return one verdict for each device: a poll is one poll, however many instants the device told of.

    The last answer says how the device is now; its count takes up the values of the others.
    """
    final: dict[int, Verdict] = {}
    for verdict in judged:
        earlier = final.get(verdict.device_id)
        if earlier is not None:
            verdict.count.take_up_values(earlier.count)
        final[verdict.device_id] = verdict
    return list(final.values())


def _release(arrivals: Iterable[Arrival]) -> set[tuple[int, uuid.UUID]]:
    """Return the controllers that were still ours, with the token; they are free again and due at their next time."""
    rows = sorted(
        (
            controller.id,
            pacing.next_poll_at(now=arrival.now, every_s=controller.poll_s, number=controller.id),
            arrival.batch.token,
        )
        for arrival, controller in ((arrival, arrival.outcome.controller) for arrival in arrivals)
    )
    ids, nexts, tokens = zip(*rows, strict=True)
    facts = {"ids": literals.plain(ids), "nexts": literals.texts(nexts), "tokens": literals.plain(tokens)}
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, facts)
        return set(cursor.fetchall())


def note(judged: Iterable[Verdict]) -> None:
    """Write how each device answered onto its row."""
    rows = sorted((verdict.note() for verdict in judged), key=lambda row: row[0])
    if rows:
        by_name = zip(NOTE_COLUMNS, zip(*rows, strict=True), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, {name: literals.texts(column) for name, column in by_name})
