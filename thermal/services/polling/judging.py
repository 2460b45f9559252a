"""Judging what devices answered: what of it is stored, and when they are asked again."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from thermal.domain import clocks, pacing
from thermal.domain.pacing import Circuit
from thermal.domain.readings import WHOLE_REGISTERS, Answer, Missing
from thermal.models import MeterReading
from thermal.services.polling import moments
from thermal.services.polling.accounting import PollCount
from thermal.services.polling.claiming import DueController, DueDevice, PlannedProfile
from thermal.services.polling.moments import Steps
from thermal.services.recording import LARGEST_REAL, NewFrame, NewReading

CLOCK_TOLERANCE: Final = dt.timedelta(minutes=3)
ERROR_LENGTH: Final = 300
SERIAL_DIGITS: Final = 8


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
    refusals: dict[str, Any] | None = None

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
            None if self.refusals is None else json.dumps(self.refusals),
        )


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
    if answer.refusals is not None:
        verdict.refusals = {"profile": profile.id} | answer.refusals
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
    told = [value for value in answer.values if value is not None]
    # A sum of numbers among which one is infinite, or none, is no number that fits either.
    if not told or (max(told) < LARGEST_REAL and min(told) > -LARGEST_REAL and math.isfinite(sum(told))):
        return
    for slot, value in enumerate(answer.values):
        if value is not None and not -LARGEST_REAL < value < LARGEST_REAL:
            answer.values[slot] = None
            answer.missing[slot] = Missing.INVALID


def _told_count(profile: PlannedProfile, answer: Answer) -> int:
    """Return how many points of the profile the answer tells."""
    if None not in answer.values and len(answer.values) >= len(profile.points):
        return len(profile.points)
    return sum(answer.values[point.slot] is not None or point.slot in answer.exact for point in profile.points)


def _counted(profile: PlannedProfile, device: DueDevice, answer: Answer, at: dt.datetime) -> PollCount:
    """Return what one poll adds to the accounts of its device."""
    told, is_told = _told_count(profile, answer), answer.told
    latency_ms = round(answer.latency_s * 1000) if is_told else 0
    return PollCount(
        device_id=device.id,
        polled_on=at.date(),
        answered_count=int(is_told),
        failed_count=int(not is_told),
        unreached_count=int(not is_told and not _was_asked(answer)),
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
        if abs(device_at - at) > CLOCK_TOLERANCE:
            side = "ahead" if device_at > at else "behind"
            _complain(verdict, f"The clock of the device is {abs(verdict.clock_offset_s):.0f} s {side}.")
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
    if device_at and not came_late and _is_old(device_at, device, profile):
        return f"The meter tells an old telegram, of {device_at:%Y-%m-%d %H:%M} UTC; its registers are not stored."
    return None


def _is_old(device_at: dt.datetime, device: DueDevice, profile: PlannedProfile) -> bool:
    """Return whether a telegram is of a time before the last one, more than setting a clock explains."""
    zone = None if profile.options.get("clock") == "utc" else ZoneInfo(device.time_zone)
    last_at = device.last_device_at
    return last_at is not None and device_at < last_at - clocks.may_go_back(last_at, zone)


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
