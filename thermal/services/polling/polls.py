"""One batch from question to stored row."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection, transaction

from hosting.network import field_network
from thermal.domain import pacing
from thermal.domain.pacing import Circuit
from thermal.domain.readings import WHOLE_REGISTERS, Answer, Missing
from thermal.models import MeterReading
from thermal.services import alarms, recording
from thermal.services.polling import accounting, moments
from thermal.services.polling.accounting import PollCount
from thermal.services.polling.asking import Outcome, ask_batch
from thermal.services.polling.claiming import Batch, DueController, DueDevice, PlannedProfile
from thermal.services.polling.moments import Steps
from thermal.services.recording import NewFrame, NewReading

CLOCK_TOLERANCE: Final = dt.timedelta(minutes=3)
CLOCK_MAY_GO_BACK: Final = dt.timedelta(hours=2)
"""A meter's clock goes back an hour in autumn; more than that is an old telegram."""
ERROR_LENGTH: Final = 300
SERIAL_DIGITS: Final = 8

_RELEASE = """
UPDATE hosting_controller controller SET next_poll_at = done.next_poll_at, claimed_until = NULL, claim_token = NULL
FROM unnest(%(ids)s::bigint[], %(nexts)s::timestamptz[]) done (id, next_poll_at)
WHERE controller.id = done.id AND controller.claim_token = %(token)s
RETURNING controller.id
"""

_NOTE = """
UPDATE hosting_device device
SET last_polled_at = noted.at, last_error = noted.error, circuit = noted.circuit,
    failure_count = noted.failure_count, retry_at = noted.retry_at, last_latency_ms = noted.latency_ms,
    last_success_at = coalesce(noted.success_at, device.last_success_at),
    clock_offset_s = coalesce(noted.clock_offset_s, device.clock_offset_s)
FROM unnest(%(id)s::bigint[], %(at)s::timestamptz[], %(error)s::text[], %(circuit)s::text[],
            %(failure_count)s::int[], %(retry_at)s::timestamptz[], %(latency_ms)s::float8[],
            %(success_at)s::timestamptz[], %(clock_offset_s)s::float8[])
     noted (id, at, error, circuit, failure_count, retry_at, latency_ms, success_at, clock_offset_s)
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
)


@dataclass(slots=True)
class Polled:
    """What a batch came to."""

    controller_count: int = 0
    answered_count: int = 0
    failed_count: int = 0
    frame_count: int = 0
    reading_count: int = 0


def poll_batch(*, batch: Batch, now: dt.datetime) -> Polled:
    """Return what came of asking and storing a batch; each part is stored as soon as it is in.

    Nothing is held open in the database while devices are asked. If the process dies, what is stored is complete
    and the rest is claimed anew after the lease.
    """
    polled = Polled()
    if batch.controllers:
        async_to_sync(_poll)(batch, now, polled)
    return polled


async def _poll(batch: Batch, now: dt.datetime, polled: Polled) -> None:
    """Ask, and store piece by piece."""
    async for outcomes in ask_batch(batch, network=field_network()):
        await sync_to_async(_store_and_judge)(batch, outcomes, now, polled)


def _store_and_judge(batch: Batch, outcomes: list[Outcome], now: dt.datetime, polled: Polled) -> None:
    """Store what came, then let the alarms look at it; what is stored stays even if they cannot."""
    latest, devices = store(batch=batch, outcomes=outcomes, now=now, polled=polled)
    alarms.evaluate(now=latest, devices=devices)


@transaction.atomic
def store(*, batch: Batch, outcomes: list[Outcome], now: dt.datetime, polled: Polled) -> tuple[dt.datetime, list[int]]:
    """Return the latest instant and the devices stored; releases the controllers in the same transaction.

    Only what is still claimed under the batch's token is stored: if the claim ran out, another worker is at it.
    """
    kept = _release(batch.token, outcomes, now)
    judged: list[Verdict] = []
    for outcome in outcomes:
        if outcome.controller.id in kept:
            judged += judge_all(batch.profiles, outcome.answers, controller=outcome.controller, now=now)
    latest = max((verdict.at for verdict in judged), default=now)
    frames = [verdict.frame for verdict in judged if verdict.frame]
    readings = [verdict.reading for verdict in judged if verdict.reading]
    stored = recording.stored_frames(frames=frames, now=latest)
    # A poll is one poll, however many instants the device told of; the last answer says how it is now.
    final = list({verdict.device_id: verdict for verdict in judged}.values())
    for verdict in final:
        verdict.count.frame_count = min(stored[verdict.device_id], verdict.count.answered_count)
    polled.frame_count += stored.total()
    polled.reading_count += recording.record_readings(readings=readings, now=latest) if readings else 0
    note(final)
    accounting.add_polls(counts=[verdict.count for verdict in final])
    answered_count = sum(verdict.frame is not None for verdict in final)
    polled.controller_count += len(kept)
    polled.answered_count += answered_count
    polled.failed_count += len(final) - answered_count
    return latest, [verdict.device_id for verdict in final]


def _release(token: uuid.UUID, outcomes: list[Outcome], now: dt.datetime) -> set[int]:
    """Return the controllers that were still ours; they are free again and due at their next time."""
    nexts = {
        outcome.controller.id: pacing.next_poll_at(
            now=now, every_s=outcome.controller.poll_s, number=outcome.controller.id
        )
        for outcome in sorted(outcomes, key=lambda outcome: outcome.controller.id)
    }
    with connection.cursor() as cursor:
        cursor.execute(_RELEASE, {"ids": list(nexts), "nexts": list(nexts.values()), "token": token})
        return {controller_id for (controller_id,) in cursor.fetchall()}


@dataclass(slots=True)
class Verdict:
    """What is stored of one device's answer."""

    device_id: int
    at: dt.datetime
    error: str
    circuit: Circuit
    latency_ms: float
    count: PollCount
    frame: NewFrame | None = None
    reading: NewReading | None = None
    clock_offset_s: float | None = None

    def note(self) -> tuple[Any, ...]:
        """Return the values of the device's row, in the order of the columns."""
        state = self.circuit
        success_at = self.at if self.frame else None
        return (
            self.device_id,
            self.at,
            self.error[:ERROR_LENGTH],
            state.state,
            state.failure_count,
            state.retry_at,
            self.latency_ms,
            success_at,
            self.clock_offset_s,
        )


def note(judged: Iterable[Verdict]) -> None:
    """Write how each device answered onto its row."""
    rows = sorted((verdict.note() for verdict in judged), key=lambda row: row[0])
    if rows:
        columns = {name: list(column) for name, column in zip(NOTE_COLUMNS, zip(*rows, strict=True), strict=True)}
        with connection.cursor() as cursor:
            cursor.execute(_NOTE, columns)


def judge_all(
    profiles: Mapping[int, PlannedProfile],
    answers: Sequence[tuple[DueDevice, Answer]],
    *,
    controller: DueController,
    now: dt.datetime,
) -> list[Verdict]:
    """Return what to store of each answer, and when to ask the devices again."""
    for device, answer in answers:
        moments.set_clock(profiles[device.profile_id], device, answer, now=now)
    timed = [(device, answer.at) for device, answer in answers if answer.at]
    steps = moments.taken_steps(timed) if timed else Steps()
    return [
        judge(profiles[device.profile_id], device, answer, controller=controller, steps=steps, now=now)
        for device, answer in answers
    ]


def judge(
    profile: PlannedProfile,
    device: DueDevice,
    answer: Answer,
    *,
    controller: DueController,
    steps: Steps,
    now: dt.datetime,
) -> Verdict:
    """Return what to store of an answer, and when to ask the device again."""
    at = _milliseconds(now + dt.timedelta(seconds=answer.elapsed_s))
    _drop_oversized(answer)
    count = _counted(profile, device, answer, at)
    count.late_count = int(pacing.is_late(due_at=controller.due_at, now=now))
    verdict = Verdict(device.id, at, answer.error, pacing.after_success(), round(answer.latency_s * 1000, 1), count)
    if answer.told:
        verdict.frame = NewFrame(device.id, answer.at or at, profile.id, answer.values, answer.quality)
        _judge_registers(verdict, profile, device, answer, steps)
    elif _was_asked(answer):
        verdict.circuit = pacing.after_failure(now=at, failure_count=device.failure_count, every_s=controller.poll_s)
        verdict.error = verdict.error or "The device told none of its values."
    else:
        verdict.circuit = Circuit(device.circuit, device.failure_count, None)
    return verdict


def _drop_oversized(answer: Answer) -> None:
    """Take out the numbers that no frame can hold, so that what is told is what is stored."""
    for slot, value in enumerate(answer.values):
        if value is not None and not -recording.LARGEST_REAL < value < recording.LARGEST_REAL:
            answer.values[slot] = None
            answer.missing[slot] = Missing.INVALID


def _counted(profile: PlannedProfile, device: DueDevice, answer: Answer, at: dt.datetime) -> PollCount:
    """Return what one poll adds to the accounts of its device."""
    told = sum(answer.values[point.slot] is not None or point.slot in answer.exact for point in profile.points)
    latency_ms = round(answer.latency_s * 1000) if answer.told else 0
    return PollCount(
        device_id=device.id,
        polled_on=at.date(),
        answered_count=int(answer.told),
        failed_count=int(not answer.told),
        unreached_count=int(not answer.told and not _was_asked(answer)),
        expected_value_count=len(profile.points),
        told_value_count=told,
        missing_value_count=len(profile.points) - told,
        request_count=answer.request_count,
        latency_sum_ms=latency_ms,
        latency_max_ms=latency_ms,
    )


def _milliseconds(at: dt.datetime) -> dt.datetime:
    """Return the instant without what no field device can know."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _was_asked(answer: Answer) -> bool:
    """Return whether the silence is the device's own."""
    return any(reason is not Missing.NOT_ASKED for reason in answer.missing.values()) or not answer.missing


def _judge_registers(
    verdict: Verdict, profile: PlannedProfile, device: DueDevice, answer: Answer, steps: Steps
) -> None:
    """Add a reading of the device's meter, if one is due and nothing speaks against it."""
    at = answer.at or verdict.at
    exact = {name: answer.exact.get(slot) for name, slot in profile.plan.register_slots.items()}
    device_at = _device_instant(exact.get("device_time"), device, profile)
    if device_at is not None:
        verdict.clock_offset_s = (device_at - at).total_seconds()
        if device_at - at > CLOCK_TOLERANCE:
            _complain(verdict, f"The clock of the device is {verdict.clock_offset_s:.0f} s ahead.")
    if device.meter_id is None:
        return
    objection = _objection(device, answer, profile, device_at)
    if objection:
        _complain(verdict, objection)
    elif _is_reading_due(device, exact, steps if answer.at else None, at):
        values, problem = _storable(exact)
        if problem:
            _complain(verdict, problem)
        if any(values.get(name) is not None for name in WHOLE_REGISTERS):
            verdict.reading = NewReading(
                meter_id=device.meter_id,
                at=at,
                device_at=device_at,
                received_at=verdict.at,
                payload_hash=answer.payload_hash,
                **values,
            )


def _is_reading_due(
    device: DueDevice, exact: Mapping[str, Decimal | dt.datetime | None], steps: Steps | None, at: dt.datetime
) -> bool:
    """Return whether registers of this instant are to be kept; what comes late may lie between known readings."""
    if steps is None:
        return pacing.is_reading_due(last_at=device.last_reading_at, now=at, every_s=device.reading_s)
    return any(exact.get(name) is not None for name in WHOLE_REGISTERS) and steps.take(device, at)


def _complain(verdict: Verdict, problem: str) -> None:
    """Add a problem to what the operator reads about the device."""
    verdict.error = f"{verdict.error} {problem}".strip()


def _objection(device: DueDevice, answer: Answer, profile: PlannedProfile, device_at: dt.datetime | None) -> str | None:
    """Return why the registers may not be taken for those of the device's meter."""
    serial = device.meter_serial or ""
    told = answer.identification
    checkable = serial.isdecimal() and len(serial) == SERIAL_DIGITS and profile.options.get("check_serial", True)
    if told and checkable and told != serial:
        return f"Meter {told} answers where meter {serial} is expected; its registers are not stored."
    came_late = answer.at is not None
    if device_at and device.last_device_at and not came_late and device_at < device.last_device_at - CLOCK_MAY_GO_BACK:
        return f"The meter tells an old telegram, of {device_at:%Y-%m-%d %H:%M} UTC; its registers are not stored."
    return None


def _device_instant(told: Any, device: DueDevice, profile: PlannedProfile) -> dt.datetime | None:
    """Return the instant that the device's clock shows; it is set to the site's time unless it or the profile says."""
    if not isinstance(told, dt.datetime):
        return None
    return moments.instant(told, device, profile)


def _whole_digits() -> dict[str, int]:
    """Return how many digits before the point each register field has room for."""
    fields = {name: MeterReading._meta.get_field(name) for name in NewReading.__dataclass_fields__}
    return {
        name: getattr(model_field, "max_digits") - getattr(model_field, "decimal_places")  # noqa: B009 (untyped fields)
        for name, model_field in fields.items()
        if getattr(model_field, "max_digits", None) is not None
    }


def _storable(exact: dict[str, Decimal | dt.datetime | None]) -> tuple[dict[str, Any], str]:
    """Return the values that fit their fields, and a complaint about those that cannot be true."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    digits = _whole_digits()
    for name, value in exact.items():
        if not isinstance(value, Decimal):
            continue
        if name == "info_code":
            values[name] = int(value) if 0 <= value < 2**63 else None
        elif abs(value) < Decimal(10) ** digits[name]:
            values[name] = value
        else:
            problems.append(f"{name} of {value:.3e} cannot be true.")
    return values, " ".join(problems)
