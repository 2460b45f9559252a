"""Setting registers right, and dividing the difference between two of them."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from hosting.models import Meter, MeterPlacement
from kernel.errors import Refusal
from kernel.money import round_half_up
from kernel.periods import QUARTER_HOUR, Period, local_date, local_midnight
from thermal.domain import estimation
from thermal.domain.differences import Reading
from thermal.domain.estimation import Method
from thermal.models import CorrectedReading, Correction, MeterReading, ValidationFinding
from thermal.queries.estimation import facts_for, quarters_of
from thermal.queries.register_readings import readings_in
from thermal.services.corrections.deciding import apply_if_small, lock_meter
from thermal.services.corrections.proposing import propose

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


@dataclass(frozen=True, slots=True)
class Edit:
    """The register in kWh that counts at an instant; None takes the reading away.

    `told_at` names the reading whose volume and temperatures go with it, where that is another one: a reading that
    moves to its right instant moves as a whole.
    """

    at: dt.datetime
    energy_kwh: Decimal | None
    told_at: dt.datetime | None = None


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
    rows = _rows(meter, ordered)
    if all(row.before_version is not None and row.energy_before_kwh == row.energy_kwh for row in rows):
        raise NothingToCorrect
    placement = placement_at(meter, ordered[0].at)
    effect_kwh = max(_effects(meter, rows), key=abs)
    correction = propose(
        Correction(
            kind=Correction.Kind.EDIT, site=placement.site, meter=meter, delivery_point=placement.delivery_point,
            finding=finding, starts_at=ordered[0].at, ends_at=ordered[-1].at, heat_kwh=effect_kwh, reason=reason,
            author=by, proposed_at=now,
        )
    )  # fmt: skip
    _keep_readings(correction, rows)
    return apply_if_small(correction, now)


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
    rows = _rows(meter, _steps_between(before.energy_kwh, gap, found.heat_kwh))
    correction = propose(
        Correction(
            kind=Correction.Kind.DISTRIBUTE, site=placement.site, meter=meter,
            delivery_point=placement.delivery_point, finding=finding, method=found.method, starts_at=gap.start,
            ends_at=gap.end, heat_kwh=Decimal(0), reason=reason, author=by, proposed_at=now,
        ),
        _shifted_kwh(meter, rows, placement.site.zone),
    )  # fmt: skip
    _keep_readings(correction, rows)
    return apply_if_small(correction, now)


def placement_at(meter: Meter, at: dt.datetime) -> MeterPlacement:
    """Where the meter stood at an instant; its last quarter there counts too."""
    return _standing(_placements(meter), meter, at)


def _placements(meter: Meter) -> list[MeterPlacement]:
    """Where the meter stood, the latest first."""
    rows = MeterPlacement.objects.filter(meter=meter).select_related("site", "delivery_point__site")
    return list(rows.order_by("-valid_from"))


def _standing(placements: Sequence[MeterPlacement], meter: Meter, at: dt.datetime) -> MeterPlacement:
    for one in placements:
        if one.valid_from <= at and (one.valid_until is None or at <= one.valid_until):
            return one
    raise NobodyMeasuredThere(meter=meter, at=at)


def _rows(meter: Meter, edits: Sequence[Edit]) -> list[CorrectedReading]:
    """What stands at each instant, and what is to count instead."""
    placements = _placements(meter)
    current: dict[dt.datetime, MeterReading] = {}
    instants = [edit.at for edit in edits]
    for reading in MeterReading.objects.filter(meter=meter, at__in=instants).order_by("version"):
        current[reading.at] = reading
    rows = []
    for edit in edits:
        _standing(placements, meter, edit.at)
        before = current.get(edit.at)
        rows.append(
            CorrectedReading(
                at=edit.at,
                before_version=before.version if before else None,
                energy_before_kwh=before.energy_kwh if before else None,
                energy_kwh=None if edit.energy_kwh is None else round_half_up(edit.energy_kwh, PLACES),
                told_at=edit.told_at,
            )
        )
    return rows


def _effects(meter: Meter, rows: Sequence[CorrectedReading]) -> list[Decimal]:
    """By how many kWh each register changes; without one before, against the line between its neighbors."""
    window = Period(rows[0].at - QUARTER_HOUR, rows[-1].at + QUARTER_HOUR)
    known = readings_in({meter.pk: window}).get(meter.pk, [])
    instants = [one.at for one in known]
    found = []
    for row in rows:
        left, right = bisect_left(instants, row.at), bisect_right(instants, row.at)
        line = _line(known[left - 1] if left else None, known[right] if right < len(known) else None, row.at)
        was = row.energy_before_kwh if row.energy_before_kwh is not None else line
        becomes = row.energy_kwh if row.energy_kwh is not None else line
        found.append(Decimal(0) if was is None or becomes is None else becomes - was)
    return found


def _shifted_kwh(meter: Meter, rows: Sequence[CorrectedReading], zone: ZoneInfo) -> Decimal:
    """The most that the registers change where one local month ends and the next begins, in kWh."""
    if not rows:
        return Decimal(0)
    ends = [effect for row, effect in zip(rows, _effects(meter, rows), strict=True) if _is_month_start(row.at, zone)]
    return max(ends, key=abs, default=Decimal(0))


def _is_month_start(at: dt.datetime, zone: ZoneInfo) -> bool:
    day = local_date(at, zone)
    return day.day == 1 and local_midnight(day, zone) == at


def _line(before: Reading | None, after: Reading | None, at: dt.datetime) -> Decimal | None:
    """The register in kWh on the line between two readings."""
    if before is None or after is None:
        return None
    share = Decimal((at - before.at) / (after.at - before.at))
    return round_half_up(before.energy_kwh + (after.energy_kwh - before.energy_kwh) * share, PLACES)


def _steps_between(first_kwh: Decimal, gap: Period, heat_kwh: Sequence[Decimal]) -> list[Edit]:
    """The registers at the quarter hours inside the gap."""
    edits, register = [], first_kwh
    for start, heat in zip(quarters_of(gap), heat_kwh, strict=True):
        register += heat
        if start + QUARTER_HOUR < gap.end:
            edits.append(Edit(start + QUARTER_HOUR, register))
    return edits


def _keep_readings(correction: Correction, rows: Sequence[CorrectedReading]) -> None:
    for row in rows:
        row.correction = correction
    CorrectedReading.objects.bulk_create(rows)
