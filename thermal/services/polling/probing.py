"""A look at one device, of which nothing is stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from asgiref.sync import async_to_sync

from hosting.models import Device
from hosting.network import field_network
from thermal.domain.readings import CANONICAL_UNITS, MISSING_TEXTS, Answer, Missing, PointSpec
from thermal.services.polling.asking import ask_batch
from thermal.services.polling.claiming import Batch, batch_of


@dataclass(frozen=True, slots=True)
class ProbedValue:
    """One point as a device told it just now."""

    slot: int
    key: str
    name: str
    value: str | None
    unit: str
    reason: str
    """Why there is no value; empty if there is one."""
    quantity: str = ""
    raw: str = ""
    """What stood on the wire, in hexadecimal digits, where the language shows it."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What a device told when it was looked at."""

    values: list[ProbedValue]
    error: str
    identification: str
    latency_ms: float
    request_count: int

    @property
    def answered(self) -> bool:
        """True if at least one value came."""
        return any(value.value is not None for value in self.values)


def probe_device(*, device: Device, now: dt.datetime) -> Probe:
    """Return every value of the device with its unit, or why it is missing; nothing is stored."""
    batch = batch_of(device=device, now=now)
    answer = async_to_sync(_ask)(batch)
    points = batch.profiles[device.profile_id].points
    return Probe(
        values=[_value(point, answer) for point in points],
        error=answer.error,
        identification=answer.identification,
        latency_ms=round(answer.latency_s * 1000, 1),
        request_count=answer.request_count,
    )


async def _ask(batch: Batch) -> Answer:
    """Return the answer of the only device."""
    async for outcomes in ask_batch(batch, network=field_network()):
        for outcome in outcomes:
            for _device, answer in outcome.answers:
                return answer
    return Answer(0, error="The device is not polled: it or its controller is switched off.")


def _value(point: PointSpec, answer: Answer) -> ProbedValue:
    """Return one point for showing."""
    unit = CANONICAL_UNITS.get(point.quantity, "")
    unit = "" if unit == "1" else unit
    exact = answer.exact.get(point.slot)
    number = answer.values[point.slot] if point.slot < len(answer.values) else None
    if isinstance(exact, dt.datetime):
        text: str | None = exact.isoformat(sep=" ")
    elif exact is not None:
        text = f"{exact:f}"
    else:
        text = None if number is None else f"{number:.7g}"
    reason = "" if text is not None else MISSING_TEXTS[answer.missing.get(point.slot, Missing.NOT_TOLD)]
    raw = (answer.raw or {}).get(point.slot, "")
    return ProbedValue(point.slot, point.key, point.name, text, unit, reason, point.quantity, raw)
