"""Corrections of what meters told: proposed by one person, applied by another where much heat depends on it.

Nothing stored is changed. A register set right is a new version of its reading; heat that no register told stands in
rows of its own, which count while their correction is applied.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import transaction

from accounts.models import User
from hosting.models import DeliveryPoint, Meter, MeterPlacement
from kernel.errors import Refusal
from kernel.money import round_half_up
from kernel.periods import QUARTER_HOUR, Period, local_date, local_month
from thermal.domain import estimation
from thermal.domain.estimation import Method
from thermal.models import CorrectedReading, Correction, EstimatedHeat, MeterReading, ValidationFinding
from thermal.queries import intervals
from thermal.queries.estimation import facts_for, quarters_of
from thermal.queries.register_readings import readings_in
from thermal.services import marking, partitions, validating

APPROVE: Final = "thermal.approve_correction"
DEFAULT_APPROVAL_RATIO: Final = 0.05
PLACES: Final = 4


class NothingToCorrect(Refusal):
    """A correction that changes nothing."""

    sentence = "Nothing is changed by this correction."


class NobodyMeasuredThere(Refusal):
    """A meter that stood nowhere at the time has no heat to correct."""

    sentence = "Meter %(meter)s stood nowhere at %(at)s."


class RegisterStaysUnknown(Refusal):
    """A stretch whose ends no reading knows cannot be divided."""

    sentence = "Meter %(meter)s has no reading on both sides of this time, or its register did not rise between them."


class NotQuarterHours(Refusal):
    """Estimated heat belongs to whole quarter hours."""

    sentence = "Choose whole quarter hours, the last of them over."


class NeedsAnotherPerson(Refusal):
    """Nobody approves what they proposed."""

    sentence = "You proposed this correction; somebody else must decide on it."


class NotYoursToDecide(Refusal):
    """The decision belongs to approvers."""

    sentence = "Corrections are approved by an approver."


class AlreadyDecided(Refusal):
    """A correction is decided once."""

    sentence = "This correction is decided already."


class ReadingsChanged(Refusal):
    """Between proposal and approval somebody corrected the same reading."""

    sentence = "The reading of %(at)s was corrected meanwhile; propose the correction anew."


@dataclass(frozen=True, slots=True)
class Edit:
    """The register in kWh that counts at an instant; None takes the reading away."""

    at: dt.datetime
    energy_kwh: Decimal | None


def approval_ratio() -> float:
    """The share of a month's heat above which a second person decides."""
    ratio: float = getattr(settings, "THERMAL_APPROVAL_RATIO", DEFAULT_APPROVAL_RATIO)
    return ratio


@transaction.atomic
def edit_registers(
    *, meter: Meter, edits: Sequence[Edit], reason: str, by: User, now: dt.datetime, finding: ValidationFinding | None
) -> Correction:
    """The correction that sets registers right; applied at once where little heat depends on it.

    Raises
    ------
    NobodyMeasuredThere, NothingToCorrect
    """
    lock_meter(meter)
    ordered = sorted(edits, key=lambda edit: edit.at)
    if not ordered:
        raise NothingToCorrect
    rows = [_row(meter, edit) for edit in ordered]
    if all(row.before_version is not None and row.energy_before_kwh == row.energy_kwh for row in rows):
        raise NothingToCorrect
    placement = placement_at(meter, ordered[0].at)
    effect_kwh = max((_effect(meter, row) for row in rows), key=abs)
    correction = _propose(
        Correction(
            kind=Correction.Kind.EDIT, site=placement.site, meter=meter, delivery_point=placement.delivery_point,
            finding=finding, starts_at=ordered[0].at, ends_at=ordered[-1].at, heat_kwh=effect_kwh, reason=reason,
            author=by, proposed_at=now,
        )
    )  # fmt: skip
    _keep_readings(correction, rows)
    return _apply_if_small(correction, now)


@transaction.atomic
def distribute(
    *, meter: Meter, period: Period, reason: str, by: User, now: dt.datetime, finding: ValidationFinding | None
) -> Correction:
    """The correction that divides a register difference over its quarter hours; the total stays as it was measured.

    Raises
    ------
    RegisterStaysUnknown
        Where no reading lies on both sides of the period, or the register fell or stood still.
    """
    lock_meter(meter)
    placement = placement_at(meter, period.start)
    known = readings_in({meter.pk: period}).get(meter.pk, [])
    before = max((one for one in known if one.at <= period.start), key=lambda one: one.at, default=None)
    after = min((one for one in known if one.at >= period.end), key=lambda one: one.at, default=None)
    if before is None or after is None or after.energy_kwh <= before.energy_kwh or placement.delivery_point is None:
        raise RegisterStaysUnknown(meter=meter)
    gap = Period(before.at, after.at)
    found = estimation.estimate(
        facts_for(placement.delivery_point, gap, known_kwh=after.energy_kwh - before.energy_kwh),
        method=Method.REGISTERS,
    )
    correction = _propose(
        Correction(
            kind=Correction.Kind.DISTRIBUTE, site=placement.site, meter=meter,
            delivery_point=placement.delivery_point, finding=finding, method=found.method, starts_at=gap.start,
            ends_at=gap.end, heat_kwh=Decimal(0), reason=reason, author=by, proposed_at=now,
        )
    )  # fmt: skip
    _keep_readings(correction, _steps_between(meter, before.energy_kwh, gap, found.heat_kwh))
    return _apply_if_small(correction, now)


@transaction.atomic
def add_estimate(
    *,
    point: DeliveryPoint,
    period: Period,
    reason: str,
    by: User,
    now: dt.datetime,
    finding: ValidationFinding | None,
    method: Method | None = None,
) -> Correction:
    """The correction that adds heat which no register told, by the best method that the facts allow.

    Raises
    ------
    NotQuarterHours
        Where the period is not made of quarter hours that are over.
    estimation.NothingToEstimateFrom, estimation.MethodNotPossible
    """
    starts = quarters_of(period)
    if not starts or starts[0] != period.start or starts[-1] + QUARTER_HOUR != period.end or period.end > now:
        raise NotQuarterHours
    found = estimation.estimate(facts_for(point, period), method=method)
    correction = _propose(
        Correction(
            kind=Correction.Kind.ADD, site=point.site, meter=finding.meter if finding else None, delivery_point=point,
            finding=finding, method=found.method, passed_over=[one.value for one in found.passed_over],
            starts_at=period.start, ends_at=period.end, heat_kwh=found.total_kwh, reason=reason, author=by,
            proposed_at=now,
        )
    )  # fmt: skip
    EstimatedHeat.objects.bulk_create(
        EstimatedHeat(correction=correction, delivery_point=point, start=start, heat_kwh=heat)
        for start, heat in zip(starts, found.heat_kwh, strict=True)
    )
    return _apply_if_small(correction, now)


@transaction.atomic
def approve(*, correction: Correction, by: User, note: str = "", now: dt.datetime) -> Correction:
    """The correction, applied after a second person agreed.

    Raises
    ------
    NeedsAnotherPerson, NotYoursToDecide, AlreadyDecided, ReadingsChanged
    """
    correction = _undecided(correction, by)
    correction.approver, correction.note = by, note[:300]
    return _apply(correction, now)


@transaction.atomic
def reject(*, correction: Correction, by: User, note: str, now: dt.datetime) -> Correction:
    """The correction, rejected; nothing changes."""
    correction = _undecided(correction, by)
    correction.state, correction.approver, correction.note = Correction.State.REJECTED, by, note[:300]
    correction.decided_at = now
    correction.save()
    return correction


@transaction.atomic
def withdraw(*, correction: Correction, by: User, note: str, now: dt.datetime) -> Correction:
    """The estimated heat, no longer counted: the truth came in. Registers set right are set right again instead.

    Raises
    ------
    AlreadyDecided
        Where it does not count, or is not an estimate that can be taken back.
    """
    correction = _locked(correction)
    if correction.state != Correction.State.APPLIED or correction.kind != Correction.Kind.ADD:
        raise AlreadyDecided
    correction.state, correction.note, correction.decided_at = Correction.State.WITHDRAWN, note[:300], now
    correction.save()
    _mark(correction, now)
    return correction


def placement_at(meter: Meter, at: dt.datetime) -> MeterPlacement:
    """Where the meter stood at an instant; its last quarter there counts too."""
    rows = MeterPlacement.objects.filter(meter=meter, valid_from__lte=at).exclude(valid_until__lt=at)
    placement = rows.select_related("site", "delivery_point__site").order_by("-valid_from").first()
    if placement is None:
        raise NobodyMeasuredThere(meter=meter, at=at)
    return placement


def lock_meter(meter: Meter) -> None:
    """Let one transaction at a time version the readings of a meter."""
    Meter.objects.select_for_update().get(pk=meter.pk)


def _row(meter: Meter, edit: Edit) -> CorrectedReading:
    placement_at(meter, edit.at)
    current = MeterReading.objects.filter(meter=meter, at=edit.at).order_by("-version").first()
    return CorrectedReading(
        at=edit.at,
        before_version=current.version if current else None,
        energy_before_kwh=current.energy_kwh if current else None,
        energy_kwh=None if edit.energy_kwh is None else round_half_up(edit.energy_kwh, PLACES),
    )


def _effect(meter: Meter, row: CorrectedReading) -> Decimal:
    """By how many kWh the register at an instant changes; without one before, against the line between neighbors."""
    window = Period(row.at - QUARTER_HOUR, row.at + QUARTER_HOUR)
    near = [one for one in readings_in({meter.pk: window}).get(meter.pk, []) if one.at != row.at]
    before = max((one for one in near if one.at < row.at), key=lambda one: one.at, default=None)
    after = min((one for one in near if one.at > row.at), key=lambda one: one.at, default=None)
    line = None
    if before is not None and after is not None:
        share = Decimal((row.at - before.at) / (after.at - before.at))
        line = round_half_up(before.energy_kwh + (after.energy_kwh - before.energy_kwh) * share, PLACES)
    was = row.energy_before_kwh if row.energy_before_kwh is not None else line
    becomes = row.energy_kwh if row.energy_kwh is not None else line
    return Decimal(0) if was is None or becomes is None else becomes - was


def _steps_between(
    meter: Meter, first_kwh: Decimal, gap: Period, heat_kwh: Sequence[Decimal]
) -> list[CorrectedReading]:
    """The registers at the quarter hours inside the gap."""
    rows, register = [], first_kwh
    for start, heat in zip(quarters_of(gap), heat_kwh, strict=True):
        register += heat
        if start + QUARTER_HOUR < gap.end:
            rows.append(_row(meter, Edit(start + QUARTER_HOUR, register)))
    return rows


def _keep_readings(correction: Correction, rows: Sequence[CorrectedReading]) -> None:
    for row in rows:
        row.correction = correction
    CorrectedReading.objects.bulk_create(rows)


def _propose(correction: Correction) -> Correction:
    """The correction, stored, with how much of the month's heat depends on it."""
    if not correction.reason.strip():
        raise validating.ReasonIsMissing
    correction.reason = correction.reason.strip()[:300]
    correction.bill_ratio = _bill_ratio(correction)
    correction.needs_approval = correction.bill_ratio is None or correction.bill_ratio > approval_ratio()
    correction.save()
    return correction


def _bill_ratio(correction: Correction) -> float | None:
    """The share of the month's heat that the correction changes; None where the month has none to compare with."""
    if not correction.heat_kwh:
        return 0.0
    point = correction.delivery_point
    if point is None:
        return None
    day = local_date(correction.starts_at, point.site.zone)
    month = local_month(day.year, day.month, point.site.zone)
    heat = intervals.heat_kwh(delivery_point=point, period=month)
    return float(abs(correction.heat_kwh) / heat) if heat else None


def _apply_if_small(correction: Correction, now: dt.datetime) -> Correction:
    return correction if correction.needs_approval else _apply(correction, now)


def _undecided(correction: Correction, by: User) -> Correction:
    correction = _locked(correction)
    if correction.state != Correction.State.PROPOSED:
        raise AlreadyDecided
    if correction.author_id == by.pk:
        raise NeedsAnotherPerson
    if not by.has_perm(APPROVE):
        raise NotYoursToDecide
    return correction


def _locked(correction: Correction) -> Correction:
    rows = Correction.objects.select_for_update(of=("self",)).select_related("delivery_point__site", "meter", "site")
    locked: Correction = rows.get(pk=correction.pk)
    return locked


def _apply(correction: Correction, now: dt.datetime) -> Correction:
    """The correction, in force: readings have their new versions, the ledger is marked, the finding is resolved."""
    if correction.meter is not None:
        lock_meter(correction.meter)
        _write_versions(correction, now)
    correction.state, correction.decided_at = Correction.State.APPLIED, now
    correction.save()
    _mark(correction, now)
    if correction.finding is not None and correction.finding.is_open:
        resolved = ValidationFinding.State.EDITED if correction.kind == "edit" else ValidationFinding.State.ESTIMATED
        validating.resolve(
            finding=correction.finding, state=resolved, by=correction.approver or correction.author,
            reason=correction.reason, now=now,
        )  # fmt: skip
    return correction


def _write_versions(correction: Correction, now: dt.datetime) -> None:
    """Store the new versions of the readings; what else a reading tells is copied from the version before."""
    rows = list(correction.readings.all())
    if not rows or correction.meter is None:
        return
    partitions.ensure_for(table=partitions.READINGS, instants={_midnight(row.at) for row in rows})
    current = {
        (reading.at, reading.version): reading
        for reading in MeterReading.objects.filter(meter=correction.meter, at__in=[row.at for row in rows])
    }
    latest = {at: max(version for other, version in current if other == at) for at, _version in current}
    fresh = []
    for row in rows:
        if latest.get(row.at) != row.before_version:
            raise ReadingsChanged(at=row.at)
        fresh.append(_version(correction, row, current.get((row.at, row.before_version or 0)), now))
    MeterReading.objects.bulk_create(fresh)
    marking.mark_recorded(readings=[(correction.meter.pk, row.at) for row in rows], now=now)


def _version(
    correction: Correction, row: CorrectedReading, before: MeterReading | None, now: dt.datetime
) -> MeterReading:
    source = MeterReading.Source
    reading = MeterReading(
        meter=correction.meter,
        at=row.at,
        version=(row.before_version or 0) + 1,
        energy_kwh=row.energy_kwh,
        received_at=now,
        source=source.DISTRIBUTED if correction.kind == Correction.Kind.DISTRIBUTE else source.CORRECTION,
        author=correction.author,
        approver=correction.approver,
        reason=correction.reason[:200],
    )
    for name in _COPIED if before else ():
        setattr(reading, name, getattr(before, name))
    return reading


_COPIED: Final = (
    "volume_m3", "supply_energy_m3c", "return_energy_m3c", "power_kw", "flow_m3h", "supply_c", "return_c",
    "operating_h", "error_h", "info_code", "device_at",
)  # fmt: skip


def _midnight(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _mark(correction: Correction, now: dt.datetime) -> None:
    """Have the ledger settled anew wherever the estimate counts."""
    if correction.kind == Correction.Kind.ADD:
        marking.mark_period(site=correction.site, period=Period(correction.starts_at, correction.ends_at), now=now)
