"""Estimates that true readings caught up with: registers of the estimated time that came after the estimate.

From then on the ledger counts both, what the meter told and what was estimated, until somebody withdraws the estimate
or estimates what is still missing anew.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import BooleanField, Case, Count, Exists, Max, Min, OuterRef, Q, QuerySet, Value, When

from hosting.models import DeliveryPoint, MeterPlacement
from kernel.periods import Period
from thermal.models import Correction, MeterReading

# What a correction writes is no news from the meter.
TOLD: Final = (MeterReading.Source.POLL, MeterReading.Source.IMPORT, MeterReading.Source.MANUAL)


@dataclass(frozen=True, slots=True)
class Arrival:
    """The readings within an estimated stretch that came after the estimate: how many, and from when to when."""

    count: int
    first_at: dt.datetime
    last_at: dt.datetime


def counted() -> QuerySet[Correction]:
    """The estimates that count now."""
    rows: QuerySet[Correction] = Correction.objects.filter(
        kind=Correction.Kind.ADD, state=Correction.State.APPLIED, delivery_point__isnull=False
    )
    return rows


def with_readings_since(rows: QuerySet[Correction]) -> QuerySet[Correction]:
    """The corrections, each with whether readings of its estimated stretch arrived since (`is_outdated`)."""
    arrived = _arrived(OuterRef("delivery_point"), OuterRef("starts_at"), OuterRef("ends_at"), OuterRef("decided_at"))
    counts = Q(kind=Correction.Kind.ADD, state=Correction.State.APPLIED) & Exists(arrived)
    return rows.annotate(
        is_outdated=Case(When(counts, then=Value(True)), default=Value(False), output_field=BooleanField())  # noqa: FBT003
    )


def at_delivery_point(point: DeliveryPoint, period: Period) -> list[Correction]:
    """The estimates for part of the period, oldest first, of which readings arrived since."""
    rows = counted().filter(delivery_point=point, starts_at__lt=period.end, ends_at__gt=period.start)
    return [row for row in rows.order_by("starts_at") if arrival_of(row) is not None]


def arrival_of(correction: Correction) -> Arrival | None:
    """The readings that arrived since the estimate was put in force; None where it does not count or none came."""
    if correction.kind != Correction.Kind.ADD or correction.state != Correction.State.APPLIED:
        return None
    rows = _arrived(
        correction.delivery_point_id, correction.starts_at, correction.ends_at, correction.decided_at
    ).aggregate(count=Count("at", distinct=True), first=Min("at"), last=Max("at"))
    return Arrival(rows["count"], rows["first"], rows["last"]) if rows["count"] else None


def _arrived(point: Any, starts_at: Any, ends_at: Any, decided_at: Any) -> QuerySet[MeterReading]:
    """The readings of the stretch that came after the decision, of meters that stood there from its start to its end.

    While a meter is exchanged nobody measures: what the two meters tell before and after is no news about the gap.
    """
    ends_later = Q(meter__placements__valid_until__isnull=True) | Q(meter__placements__valid_until__gte=ends_at)
    rows: QuerySet[MeterReading] = MeterReading.objects.filter(
        ends_later, meter__placements__delivery_point=point, meter__placements__valid_from__lte=starts_at,
        meter__placements__role=MeterPlacement.Role.DELIVERED_HEAT, at__gt=starts_at, at__lt=ends_at,
        received_at__gt=decided_at, source__in=TOLD, energy_kwh__isnull=False,
    )  # fmt: skip
    return rows.order_by()
