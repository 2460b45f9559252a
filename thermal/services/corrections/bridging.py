"""The heat that passes while a meter is exchanged: nobody measures it, so it is estimated and labelled."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from hosting.models import DeliveryPoint, MeterPlacement
from kernel.money import round_half_up
from kernel.periods import QUARTER_HOUR, Period
from thermal.domain import estimation
from thermal.domain.estimation import PLACES, Estimate
from thermal.models import Correction
from thermal.queries.estimation import facts_for, quarters_of
from thermal.services.corrections.deciding import apply_if_small
from thermal.services.corrections.estimating import has_estimate, keep_quarters
from thermal.services.corrections.proposing import propose


@dataclass(frozen=True, slots=True)
class Bridge:
    """The estimated heat of the part of each quarter hour in which nobody measured."""

    gap: Period
    starts: Sequence[dt.datetime]
    heat_kwh: Sequence[Decimal]
    found: Estimate

    @property
    def total_kwh(self) -> Decimal:
        """The heat of the gap in kWh."""
        return sum(self.heat_kwh, Decimal(0))

    @property
    def partly_count(self) -> int:
        """How many of the quarter hours were measured for a part."""
        return sum(1 for start in self.starts if unmeasured_ratio(start, self.gap) < 1)


def bridge(point: DeliveryPoint, gap: Period) -> Bridge:
    """The heat of the gap, by the best method that the facts allow.

    A quarter hour that was measured for a part gets its estimate for the other part only: the two registers tell the
    rest. Volumes are left out, because those of such a quarter hour are of its measured part.

    Raises
    ------
    estimation.NothingToEstimateFrom
    """
    starts = quarters_of(gap)
    facts = dataclasses.replace(facts_for(point, gap), passages=())
    found = estimation.estimate(facts)
    heat = [
        round_half_up(kwh * unmeasured_ratio(start, gap), PLACES)
        for start, kwh in zip(starts, found.heat_kwh, strict=True)
    ]
    return Bridge(gap, starts, heat, found)


@transaction.atomic
def estimate_exchange(
    *, ended: MeterPlacement, fitted: MeterPlacement, by: User, now: dt.datetime
) -> Correction | None:
    """The correction that adds what passed between removal and fitting; None where there is nothing to add or tell.

    Where no method has its facts the stretch stays a gap, and somebody can estimate it later.
    """
    point = fitted.delivery_point
    if point is None or ended.valid_until is None or ended.valid_until >= fitted.valid_from:
        return None
    gap = Period(ended.valid_until, fitted.valid_from)
    DeliveryPoint.objects.select_for_update().get(pk=point.pk)
    whole = Period(quarters_of(gap)[0], quarters_of(gap)[-1] + QUARTER_HOUR)
    if has_estimate(point, whole):
        return None
    try:
        found = bridge(point, gap)
    except estimation.NothingToEstimateFrom:
        return None
    zone = point.site.zone
    words = {"start": _short(gap.start, zone), "end": _short(gap.end, zone), "reason": fitted.reason}
    reason = _("Nobody measured from %(start)s to %(end)s while the meter was exchanged. %(reason)s") % words
    correction = propose(
        Correction(
            kind=Correction.Kind.ADD, site=point.site, meter=ended.meter, delivery_point=point,
            method=found.found.method, passed_over=[one.value for one in found.found.passed_over],
            weather_ratio=found.found.weather_ratio, starts_at=whole.start, ends_at=whole.end,
            heat_kwh=found.total_kwh, reason=reason, author=by,
            proposed_at=now,
        )
    )  # fmt: skip
    keep_quarters(correction, found.starts, found.heat_kwh)
    return apply_if_small(correction, now)


def unmeasured_ratio(start: dt.datetime, gap: Period) -> Decimal:
    """The share (of one) of a quarter hour in which nobody measured."""
    inside = Period(start, start + QUARTER_HOUR).overlap(gap)
    return Decimal(0) if inside is None else Decimal(inside.duration / QUARTER_HOUR)


def _short(at: dt.datetime, zone: dt.tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
