"""Whole stretches of readings set right: told in another unit, or under a wrong clock."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from hosting.models import Meter
from kernel.errors import Refusal
from kernel.periods import Period
from thermal.domain.differences import Reading
from thermal.models import Correction, ValidationFinding
from thermal.queries.register_readings import readings_in
from thermal.services.corrections.deciding import lock_meter
from thermal.services.corrections.editing import Edit, edit_registers


class NoReadingsThere(Refusal):
    """Nothing was read in the stretch."""

    sentence = "Meter %(meter)s has no reading in this time."


class FactorIsNoFactor(Refusal):
    """A register times nothing, or times less, is none."""

    sentence = "The factor must be greater than zero and other than one."


class NothingIsShifted(Refusal):
    """A shift of no time moves nothing."""

    sentence = "Name by how much the times are wrong."


@transaction.atomic
def rescale_registers(
    *,
    meter: Meter,
    period: Period,
    factor: Decimal,
    reason: str,
    by: User,
    now: dt.datetime,
    finding: ValidationFinding | None,
) -> Correction:
    """The correction that multiplies the registers of a stretch, as by 1000 where MWh were told as kWh.

    Raises
    ------
    FactorIsNoFactor, NoReadingsThere
    """
    if not factor.is_finite() or factor <= 0 or factor == 1:
        raise FactorIsNoFactor
    edits = [Edit(one.at, one.energy_kwh * factor) for one in _told_in(meter, period)]
    return edit_registers(meter=meter, edits=edits, reason=reason, by=by, now=now, finding=finding)


@transaction.atomic
def shift_readings(
    *,
    meter: Meter,
    period: Period,
    by_time: dt.timedelta,
    reason: str,
    by: User,
    now: dt.datetime,
    finding: ValidationFinding | None,
) -> Correction:
    """The correction that moves the readings of a stretch to their right instants, with all that they told.

    A reading is withdrawn at the wrong instant and written at the right one; what was told at the right instant
    before, gives way.

    Raises
    ------
    NothingIsShifted, NoReadingsThere
    """
    if not by_time:
        raise NothingIsShifted
    told = _told_in(meter, period)
    moved = [Edit(one.at + by_time, one.energy_kwh, told_at=one.at) for one in told]
    reached = {edit.at for edit in moved}
    left = [Edit(one.at, None) for one in told if one.at not in reached]
    return edit_registers(meter=meter, edits=[*moved, *left], reason=reason, by=by, now=now, finding=finding)


def _told_in(meter: Meter, period: Period) -> list[Reading]:
    """The readings that count in the half-open stretch."""
    lock_meter(meter)
    known = readings_in({meter.pk: period}).get(meter.pk, [])
    found = [one for one in known if period.start <= one.at < period.end]
    if not found:
        raise NoReadingsThere(meter=meter)
    return found
