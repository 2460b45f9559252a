"""Adding heat that no register told."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from hosting.models import DeliveryPoint
from kernel.errors import Refusal
from kernel.periods import QUARTER_HOUR, Period
from thermal.domain import estimation
from thermal.domain.estimation import Method
from thermal.models import Correction, EstimatedHeat, ValidationFinding
from thermal.queries.estimation import facts_for, quarters_of
from thermal.services.corrections.deciding import apply_if_small
from thermal.services.corrections.proposing import propose


class NotQuarterHours(Refusal):
    """Estimated heat belongs to whole quarter hours."""

    sentence = "Choose whole quarter hours, the last of them over."


class EstimatedAlready(Refusal):
    """Two estimates of one quarter hour would add up."""

    sentence = "An estimate for part of this time counts or waits already; withdraw it first."


def check_estimable(point: DeliveryPoint, period: Period, now: dt.datetime) -> list[dt.datetime]:
    """The starts of the quarter hours, once nothing forbids to estimate them.

    Raises
    ------
    NotQuarterHours
        Where the period is not made of quarter hours that are over.
    EstimatedAlready
    """
    starts = quarters_of(period) if period.start < period.end else []
    if not starts or starts[0] != period.start or starts[-1] + QUARTER_HOUR != period.end or period.end > now:
        raise NotQuarterHours
    if has_estimate(point, period):
        raise EstimatedAlready
    return starts


def has_estimate(point: DeliveryPoint, period: Period) -> bool:
    """Whether an estimate for part of the period counts or waits."""
    states = [Correction.State.PROPOSED, Correction.State.APPLIED]
    others = Correction.objects.filter(kind=Correction.Kind.ADD, delivery_point=point, state__in=states)
    return others.filter(starts_at__lt=period.end, ends_at__gt=period.start).exists()


def keep_quarters(correction: Correction, starts: Sequence[dt.datetime], heat_kwh: Sequence[Decimal]) -> None:
    """Store the estimated heat of each quarter hour."""
    EstimatedHeat.objects.bulk_create(
        EstimatedHeat(correction=correction, delivery_point=correction.delivery_point, start=start, heat_kwh=heat)
        for start, heat in zip(starts, heat_kwh, strict=True)
    )


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
    NotQuarterHours, EstimatedAlready, estimation.NothingToEstimateFrom, estimation.MethodNotPossible
    """
    # One estimate of a delivery point at a time, or two at once would not see each other.
    DeliveryPoint.objects.select_for_update().get(pk=point.pk)
    starts = check_estimable(point, period, now)
    found = estimation.estimate(facts_for(point, period), method=method)
    correction = propose(
        Correction(
            kind=Correction.Kind.ADD, site=point.site, meter=finding.meter if finding else None, delivery_point=point,
            finding=finding, method=found.method, passed_over=[one.value for one in found.passed_over],
            weather_ratio=found.weather_ratio, starts_at=period.start, ends_at=period.end,
            heat_kwh=found.total_kwh, reason=reason, author=by,
            proposed_at=now,
        )
    )  # fmt: skip
    keep_quarters(correction, starts, found.heat_kwh)
    return apply_if_small(correction, now)
