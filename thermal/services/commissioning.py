"""Commissioning a device: look at it, compare it with the display of its meter, and accept or reject it.

The values that a verdict rests on are those of the stored look, never those that a browser sends back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import jobs
from hosting.models import DeliveryPoint, Device, Meter, MeterPlacement
from hosting.models.field import TOLD_PROTOCOLS
from kernel.errors import Refusal
from thermal.domain import commissioning, plausibility
from thermal.domain.commissioning import Comparison, Tolerances, Typed
from thermal.domain.plausibility import Finding, Told
from thermal.domain.readings import CANONICAL_UNITS, MISSING_TEXTS, Missing, PointSpec, register_slots
from thermal.models import DeviceAcceptance, DeviceProbe, MeterReading, TelemetryFrame
from thermal.queries import commissioning as queries
from thermal.services import polling

JOB_KIND: Final = "thermal.probe"
TASK: Final = "thermal.probe_device"
DEFAULT_LONGEST_AGE: Final = dt.timedelta(hours=1)
"""A look this old says nothing about the display that is read now."""
ERROR_LENGTH: Final = 300
KEPT_PROBES: Final = dt.timedelta(days=7)


class LookIsNotOver(Refusal):
    """Nothing can be judged before the device has answered."""

    sentence = "The device has not answered yet."


class DeviceToldNothing(Refusal):
    """Silence cannot be accepted."""

    sentence = "The device told no value, so there is nothing to accept."


class LookIsTooOld(Refusal):
    """The display has counted on since."""

    sentence = "The values are more than %(minutes)s minutes old: look at the device again."


class ReadOtherwiseNow(Refusal):
    """The profile, meter or address changed since the look."""

    sentence = "The device is read otherwise than when it was looked at: look at it again."


class DisplayNotRead(Refusal):
    """Without the display there is nothing to compare with."""

    sentence = "Type what the display of meter %(serial)s shows."


class DifferencesNeedNote(Refusal):
    """Whoever accepts a doubt, or rejects a device, says why."""

    sentence = "Say in the note why: %(count)s findings speak against the values."


class RejectionNeedsNote(Refusal):
    """A rejection without a reason helps nobody."""

    sentence = "Say in the note what is wrong."


@dataclass(frozen=True, slots=True)
class Examination:
    """What a look at a device comes to: each value beside the display, and everything that speaks against them."""

    told: list[Told]
    comparisons: list[Comparison]
    findings: list[Finding]
    clock_offset_s: float | None


def longest_age() -> dt.timedelta:
    """How old a look may be when it is judged."""
    age: dt.timedelta = getattr(settings, "THERMAL_COMMISSIONING_LONGEST_AGE", DEFAULT_LONGEST_AGE)
    return age


def tolerances() -> Tolerances:
    """How far display and telegram may lie apart without a note."""
    given: dict[str, Any] = getattr(settings, "THERMAL_COMMISSIONING_TOLERANCES", {})
    return Tolerances(**given)


def _ranges() -> plausibility.Ranges:
    return plausibility.PLAUSIBLE | getattr(settings, "THERMAL_PLAUSIBLE_RANGES", {})


@transaction.atomic
def ask_for_probe(*, device: Device, by: User | None, now: dt.datetime) -> DeviceProbe:
    """A look at the device, waiting for a worker that reaches it."""
    job = jobs.queue(kind=JOB_KIND, title=_("Look at %(device)s") % {"device": device.code}, by=by, now=now)
    wiring = queries.wiring_of(device).as_json()
    device.probes.filter(asked_at__lt=now - KEPT_PROBES).delete()
    probe = DeviceProbe.objects.create(device=device, job=job, asked_by=by, asked_at=now, wiring=wiring)
    transaction.on_commit(lambda: current_app.send_task(TASK, args=[probe.pk]))
    return probe


def carry_out(*, probe_id: int, clock: Callable[[], dt.datetime]) -> DeviceProbe:
    """The look, with what the device told; a second delivery of the task changes nothing."""
    probe = DeviceProbe.objects.select_related("device__controller__site", "job").get(pk=probe_id)
    if probe.told_at is not None or probe.job is None or probe.job.is_over:
        return probe
    jobs.start(job_id=probe.job.pk, now=clock(), total_count=1)
    told = _look(probe.device, now=clock())
    return _finish(probe, told, clock())


def _look(device: Device, *, now: dt.datetime) -> polling.Probe:
    """What the device tells now, or told last where the field speaks first and nobody can ask."""
    if device.controller.protocol in TOLD_PROTOCOLS:
        return told_last(device)
    return polling.probe_device(device=device, now=now)


@transaction.atomic
def _finish(probe: DeviceProbe, told: polling.Probe, now: dt.datetime) -> DeviceProbe:
    _note_told(probe, told, now)
    if probe.job is not None:
        address = reverse("thermal:device_commissioning", args=[probe.device_id])
        count = sum(value.value is not None for value in told.values)
        message = _("%(count)s of %(total)s values") % {"count": count, "total": len(told.values)}
        jobs.finish(job_id=probe.job.pk, now=now, message=message, result_url=address)
    return probe


def _note_told(probe: DeviceProbe, told: polling.Probe, at: dt.datetime) -> None:
    probe.told_at, probe.error = at, told.error[:ERROR_LENGTH]
    probe.told = [asdict(value) for value in told.values]
    probe.identification, probe.latency_ms = told.identification, told.latency_ms
    probe.request_count = told.request_count
    probe.save()


@transaction.atomic
def record_probe(*, device: Device, told: polling.Probe, by: User | None, now: dt.datetime) -> DeviceProbe:
    """A look that somebody took by other means, such as a laptop at the device."""
    wiring = queries.wiring_of(device).as_json()
    probe = DeviceProbe(device=device, asked_by=by, asked_at=now, wiring=wiring)
    _note_told(probe, told, now)
    return probe


def told_last(device: Device) -> polling.Probe:
    """The values that a device which speaks first told last, registers as exactly as they were stored."""
    frame = TelemetryFrame.objects.filter(device=device).order_by("-at").first()
    points = specs_of(device)
    values = list(frame.values) if frame is not None and frame.profile_id == device.profile_id else []
    exact = _registers_told(device, points)
    rows = []
    for point in points:
        number = values[point.slot] if point.slot < len(values) else None
        text = exact.get(point.slot) or (None if number is None else f"{number:.7g}")
        reason = "" if text is not None else MISSING_TEXTS[Missing.NOT_TOLD]
        unit = CANONICAL_UNITS.get(point.quantity, "").removesuffix("1")
        rows.append(polling.ProbedValue(point.slot, point.key, point.name, text, unit, reason, point.quantity))
    return polling.Probe(rows, "", "", 0.0, 0)


def _registers_told(device: Device, points: list[PointSpec]) -> dict[int, str]:
    """The stored registers of the device's meter by slot."""
    reading = MeterReading.objects.filter(meter=device.meter_id).order_by("-at", "-version").first()
    if reading is None or device.meter_id is None:
        return {}
    told = {slot: getattr(reading, name, None) for name, slot in register_slots(points).items()}
    return {slot: f"{value:f}" for slot, value in told.items() if isinstance(value, Decimal)}


def specs_of(device: Device) -> list[PointSpec]:
    """The points of the device's profile."""
    return [
        PointSpec(point.slot, point.key, point.name, point.quantity, point.unit, point.address)
        for point in device.profile.points.order_by("slot")
    ]


def examine(*, probe: DeviceProbe, typed: Typed, now: dt.datetime) -> Examination:
    """What the look comes to beside what was typed; nothing is stored."""
    device = probe.device
    told = [Told(**row) for row in probe.told]
    specs, options = specs_of(device), device.profile.options
    step = device.meter.register_step if device.meter else None
    comparisons = commissioning.compare(
        told,
        typed,
        step_kwh=step,
        counted_kwh=_counted_kwh(told, device.meter, now - (probe.told_at or now)),
        tolerances=tolerances(),
    )
    offset_s = commissioning.clock_offset_s(told, zone=_clock_zone(device), at=probe.told_at or now)
    findings = [
        *commissioning.serial_doubts(
            told=probe.identification, typed=typed.serial, recorded=device.meter.serial if device.meter else ""
        ),
        *commissioning.differences(comparisons, told, specs, options),
        *_doubts(told, specs, options, _subject_of(device, now)),
        *plausibility.clock_doubt(offset_s),
    ]
    return Examination(told, comparisons, findings, offset_s)


def _doubts(
    told: list[Told], specs: list[PointSpec], options: dict[str, Any], subject: plausibility.Subject
) -> list[Finding]:
    """What speaks against the values; one that another order would explain is told once, by that order."""
    orders = plausibility.order_doubts(told, specs, options, subject)
    explained = {finding.facts["point"] for finding in orders}
    return orders + [
        finding
        for finding in plausibility.doubts(told, subject)
        if finding.code != "value_out_of_range" or finding.facts["point"] not in explained
    ]


def _clock_zone(device: Device) -> dt.tzinfo:
    """The zone that the device's clock is set to: its site's, unless the profile says UTC."""
    return dt.UTC if device.profile.options.get("clock") == "utc" else ZoneInfo(device.controller.site.time_zone)


def _counted_kwh(told: list[Told], meter: Meter | None, elapsed: dt.timedelta) -> Decimal:
    """What the meter may have counted between the look and the display, by its power or the greatest it can have."""
    powers = [point.number for point in told if point.quantity == "power_kw" and point.number is not None]
    power_kw = powers[0] if powers else (meter.max_kw if meter else None) or 0.0
    return Decimal(str(round(max(power_kw, 0.0) * elapsed.total_seconds() / 3600, 4)))


def _subject_of(device: Device, now: dt.datetime) -> plausibility.Subject:
    """What the values of the device are held against."""
    meter = device.meter
    known: dict[str, Any] = {}
    if meter is not None:
        known = {"max_kw": meter.max_kw, "qp_m3h": meter.qp_m3h}
        known["sensor_in_return"] = meter.sensor_side != Meter.SensorSide.SUPPLY
        placement = standing_placement(meter, now)
        if placement is not None and placement.delivery_point is not None:
            known["is_water"] = placement.delivery_point.medium == DeliveryPoint.Medium.WATER
    return commissioning.subject_of(
        ranges=_ranges(),
        digits=meter.register_digits if meter else None,
        step=meter.register_step if meter else None,
        **known,
    )


def standing_placement(meter: Meter, now: dt.datetime) -> MeterPlacement | None:
    """Where the meter stands now."""
    rows = meter.placements.filter(valid_from__lte=now, valid_until=None)
    return rows.select_related("delivery_point").first()


@transaction.atomic
def accept_device(
    *, probe: DeviceProbe, typed: Typed, note: str, by: User | None, now: dt.datetime
) -> DeviceAcceptance:
    """The acceptance of what the device told; anything that speaks against it needs a note.

    Raises
    ------
    LookIsNotOver, DeviceToldNothing, LookIsTooOld, ReadOtherwiseNow
        Where the look cannot carry an acceptance.
    DisplayNotRead
        Where the device reads a meter and no register of its display was typed.
    DifferencesNeedNote
        Where findings stand against it without a word about them.
    """
    _refuse_unfit(probe, now)
    device = probe.device
    examined = examine(probe=probe, typed=typed, now=now)
    registers = {row.slot for row in examined.told if row.quantity in commissioning.REGISTERS}
    if device.meter is not None and not registers & {row.slot for row in examined.comparisons}:
        raise DisplayNotRead(serial=device.meter.serial)
    if examined.findings and not note.strip():
        raise DifferencesNeedNote(count=len(examined.findings))
    return _record(DeviceAcceptance.Verdict.ACCEPTED, probe, typed, examined, note=note, by=by, now=now)


@transaction.atomic
def reject_device(
    *, probe: DeviceProbe, typed: Typed, note: str, by: User | None, now: dt.datetime
) -> DeviceAcceptance:
    """The rejection of what the device told, with what is wrong; it also ends an acceptance before it."""
    if probe.told_at is None:
        raise LookIsNotOver
    if probe.wiring != queries.wiring_of(probe.device).as_json():
        raise ReadOtherwiseNow
    if not note.strip():
        raise RejectionNeedsNote
    examined = examine(probe=probe, typed=typed, now=now)
    return _record(DeviceAcceptance.Verdict.REJECTED, probe, typed, examined, note=note, by=by, now=now)


def _refuse_unfit(probe: DeviceProbe, now: dt.datetime) -> None:
    """Refuse a look that cannot carry an acceptance."""
    if probe.told_at is None:
        raise LookIsNotOver
    if not probe.answered:
        raise DeviceToldNothing
    if now - probe.told_at > longest_age():
        raise LookIsTooOld(minutes=round(longest_age().total_seconds() / 60))
    if probe.wiring != queries.wiring_of(probe.device).as_json():
        raise ReadOtherwiseNow


def _record(
    verdict: DeviceAcceptance.Verdict,
    probe: DeviceProbe,
    typed: Typed,
    examined: Examination,
    *,
    note: str,
    by: User | None,
    now: dt.datetime,
) -> DeviceAcceptance:
    device = probe.device
    wiring = queries.wiring_of(device)
    placement = standing_placement(device.meter, now) if device.meter else None
    return DeviceAcceptance.objects.create(
        device=device,
        **asdict(wiring),
        register_map=queries.register_map_of(device.profile),
        placement=placement,
        verdict=verdict,
        by=by,
        at=now,
        told_at=probe.told_at or now,
        told={"values": probe.told, "serial": probe.identification, "clock_offset_s": examined.clock_offset_s},
        typed={
            "serial": typed.serial,
            "values": [asdict(row) | {"difference": row.difference} for row in examined.comparisons],
        },
        findings=[asdict(finding) for finding in examined.findings],
        finding_codes=[finding.code for finding in examined.findings],
        note=note.strip(),
    )
