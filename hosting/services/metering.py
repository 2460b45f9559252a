"""Putting meters in place, exchanging them, taking them away."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from hosting import signals
from hosting.models import DeliveryPoint, Meter, MeterPlacement, Site
from kernel.errors import Refusal


class PlacementHasEnded(Refusal):
    """The meter no longer stands there."""

    sentence = "Meter %(meter)s was taken away already."


class SwapBeforeStart(Refusal):
    """A meter cannot leave before it came."""

    sentence = "Meter %(meter)s has stood there only since %(since)s; choose a later time."


class RegisterWentBack(Refusal):
    """The final register is below the first one and the meter cannot have rolled over."""

    sentence = "The final register %(final)s of meter %(meter)s is below its first register %(first)s."


class PlaceIsTaken(Refusal):
    """Two meters cannot stand at one place at one time."""

    sentence = "%(problem)s"


@dataclass(frozen=True, slots=True)
class Registers:
    """What a meter shows when it comes or goes.

    Parameters
    ----------
    main
        The billing register [kWh, or m³ of a water meter].
    volume_m3
        The volume register of a heat meter [m³].
    """

    main: Decimal
    volume_m3: Decimal | None = None


@transaction.atomic
def place_meter(
    *,
    meter: Meter,
    site: Site,
    role: MeterPlacement.Role,
    at: dt.datetime,
    registers: Registers,
    delivery_point: DeliveryPoint | None = None,
    reason: str = "",
    by: User,
) -> MeterPlacement:
    """The placement of a meter that comes to stand at a place."""
    placement = MeterPlacement(
        meter=meter,
        site=site,
        delivery_point=delivery_point,
        role=role,
        valid_from=at,
        first_register=registers.main,
        first_volume_m3=registers.volume_m3,
        reason=reason,
        recorded_by=by,
    )
    _store(placement)
    return placement


@transaction.atomic
def remove_meter(
    *, placement: MeterPlacement, at: dt.datetime, registers: Registers, reason: str, by: User
) -> MeterPlacement:
    """The placement, ended with the register that the meter showed when it was taken away."""
    stored = MeterPlacement.objects.select_for_update().get(pk=placement.pk)
    if stored.valid_until is not None:
        raise PlacementHasEnded(meter=stored.meter)
    if at <= stored.valid_from:
        raise SwapBeforeStart(
            meter=stored.meter,
            since=stored.valid_from.astimezone(stored.site.zone).isoformat(sep=" ", timespec="minutes"),
        )
    if registers.main < stored.first_register and not may_have_rolled_over(stored, registers.main):
        raise RegisterWentBack(meter=stored.meter, first=stored.first_register, final=registers.main)
    stored.valid_until = at
    stored.final_register = registers.main
    stored.final_volume_m3 = registers.volume_m3
    stored.reason = reason
    stored.recorded_by = by
    _store(stored)
    return stored


@transaction.atomic
def swap_meter(
    *,
    placement: MeterPlacement,
    successor: Meter,
    removed_at: dt.datetime,
    fitted_at: dt.datetime,
    final: Registers,
    first: Registers,
    reason: str,
    by: User,
    now: dt.datetime,
) -> MeterPlacement:
    """The placement of the new meter, in the place of the old one.

    Both registers are kept: the period's energy is the old meter's final register minus
    its start plus the new meter's end minus its first register. The stretch between
    removal and fitting is not measured by anyone: who listens to `meter_swapped` estimates it, or it stays a gap.
    """
    ended = remove_meter(placement=placement, at=removed_at, registers=final, reason=reason, by=by)
    if fitted_at < removed_at:
        raise PlaceIsTaken(problem=_("The new meter cannot be fitted before the old one is removed."))
    fitted = place_meter(
        meter=successor,
        site=ended.site,
        role=MeterPlacement.Role(ended.role),
        delivery_point=ended.delivery_point,
        at=fitted_at,
        registers=first,
        reason=reason,
        by=by,
    )
    signals.meter_swapped.send(sender=MeterPlacement, ended=ended, fitted=fitted, by=by, now=now)
    return fitted


def may_have_rolled_over(placement: MeterPlacement, final: Decimal) -> bool:
    """Whether a lower final register is plausible: the first stood near the top, the final near zero."""
    modulus = placement.meter.register_step * Decimal(10) ** placement.meter.register_digits
    return placement.first_register >= modulus * Decimal("0.9") and final <= modulus * Decimal("0.1")


def check(row: Meter | MeterPlacement) -> None:
    """Refuse what the model or the database would not take, in words.

    Raises
    ------
    PlaceIsTaken
    """
    try:
        row.full_clean()
    except ValidationError as refused:
        raise PlaceIsTaken(problem=" ".join(refused.messages)) from refused


def _store(placement: MeterPlacement) -> None:
    check(placement)
    placement.save()
