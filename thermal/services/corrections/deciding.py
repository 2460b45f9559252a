"""Deciding on corrections, and putting them in force."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from accounts.models import User
from hosting.models import Meter
from kernel.errors import Refusal
from kernel.periods import Period
from thermal.models import CorrectedReading, Correction, MeterReading, ValidationFinding
from thermal.services import marking, partitions, validating

APPROVE: Final = "thermal.approve_correction"
_COPIED: Final = (
    "volume_m3", "supply_energy_m3c", "return_energy_m3c", "power_kw", "flow_m3h", "supply_c", "return_c",
    "operating_h", "error_h", "info_code", "device_at",
)  # fmt: skip


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


@transaction.atomic
def approve(*, correction: Correction, by: User, note: str = "", now: dt.datetime) -> Correction:
    """The correction, applied after a second person agreed.

    Raises
    ------
    NeedsAnotherPerson, NotYoursToDecide, AlreadyDecided, ReadingsChanged
    """
    correction = _undecided(correction, by)
    correction.approver, correction.note = by, note[:300]
    return apply(correction, now)


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
    """The correction, taken back: a proposal by its author, or estimated heat because the truth came in.

    Registers set right are set right again instead. Where a second person had to agree to an estimate, a second person
    takes it back: as much of the bill depends on it.

    Raises
    ------
    AlreadyDecided
        Where it does not count, or is not an estimate that can be taken back.
    NeedsAnotherPerson, NotYoursToDecide
    """
    correction = _locked(correction)
    counted = correction.state == Correction.State.APPLIED
    if not (counted and correction.kind == Correction.Kind.ADD) and correction.state != Correction.State.PROPOSED:
        raise AlreadyDecided
    if not counted and correction.author_id != by.pk:
        raise NotYoursToDecide
    if counted and correction.needs_approval:
        _require_second_person(correction, by)
    correction.state, correction.note, correction.decided_at = Correction.State.WITHDRAWN, note[:300], now
    correction.withdrawn_by = by
    correction.save()
    if counted:
        _mark(correction, now)
    return correction


def lock_meter(meter: Meter) -> None:
    """Let one transaction at a time version the readings of a meter."""
    Meter.objects.select_for_update().get(pk=meter.pk)


def apply_if_small(correction: Correction, now: dt.datetime) -> Correction:
    """The correction, in force unless a second person has to agree."""
    return correction if correction.needs_approval else apply(correction, now)


def apply(correction: Correction, now: dt.datetime) -> Correction:
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


def _undecided(correction: Correction, by: User) -> Correction:
    correction = _locked(correction)
    if correction.state != Correction.State.PROPOSED:
        raise AlreadyDecided
    _require_second_person(correction, by)
    return correction


def _require_second_person(correction: Correction, by: User) -> None:
    if correction.author_id == by.pk:
        raise NeedsAnotherPerson
    if not by.has_perm(APPROVE):
        raise NotYoursToDecide


def _locked(correction: Correction) -> Correction:
    rows = Correction.objects.select_for_update(of=("self",)).select_related("delivery_point__site", "meter", "site")
    locked: Correction = rows.get(pk=correction.pk)
    return locked


def _write_versions(correction: Correction, now: dt.datetime) -> None:
    """Store the new versions of the readings; what else a reading tells is copied from where it was told."""
    rows = list(correction.readings.all())
    if not rows or correction.meter is None:
        return
    partitions.ensure_for(table=partitions.READINGS, instants={_midnight(row.at) for row in rows})
    instants = {row.at for row in rows} | {row.told_at for row in rows if row.told_at}
    latest: dict[dt.datetime, MeterReading] = {}
    for reading in MeterReading.objects.filter(meter=correction.meter, at__in=instants).order_by("version"):
        latest[reading.at] = reading
    fresh = []
    for row in rows:
        current = latest.get(row.at)
        if (current.version if current else None) != row.before_version:
            raise ReadingsChanged(at=row.at)
        fresh.append(_version(correction, row, latest.get(row.told_at) if row.told_at else current, now))
    MeterReading.objects.bulk_create(fresh)
    marking.mark_recorded(readings=[(correction.meter.pk, row.at) for row in rows], now=now)


def _version(
    correction: Correction, row: CorrectedReading, told: MeterReading | None, now: dt.datetime
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
    for name in _COPIED if told else ():
        setattr(reading, name, getattr(told, name))
    return reading


def _midnight(at: dt.datetime) -> dt.datetime:
    return at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _mark(correction: Correction, now: dt.datetime) -> None:
    """Have the ledger settled anew wherever the estimate counts."""
    if correction.kind == Correction.Kind.ADD:
        marking.mark_period(site=correction.site, period=Period(correction.starts_at, correction.ends_at), now=now)
