"""Corrections: who may read them, which wait for whom, and the readings that they start from."""

import datetime as dt
from decimal import Decimal
from typing import Any, Final

from django.db.models import BooleanField, Case, Q, QuerySet, Sum, When

from hosting.models import DeliveryPoint, Meter
from kernel.periods import Period
from thermal.models import Correction, HeatInterval, MeterReading, ValidationFinding
from thermal.queries import outdated_estimates, validation

# The permission that offtakers do not have: they see the outcome, estimated shares included.
REVIEW: Final = "thermal.review_correction"
APPROVE: Final = "thermal.approve_correction"
A_SECOND: Final = dt.timedelta(seconds=1)


def visible_corrections(user: Any) -> QuerySet[Correction]:
    """The corrections that the person may read, those that wait for the person's decision first."""
    rows: QuerySet[Correction] = Correction.objects.visible_to(user)
    if not user.has_perm(REVIEW):
        return rows.none()
    theirs = Q(state=Correction.State.PROPOSED) & ~Q(author=user) if user.has_perm(APPROVE) else Q(pk__in=[])
    ranked = rows.annotate(waits_for_you=Case(When(theirs, then=True), default=False, output_field=BooleanField()))
    found: QuerySet[Any] = outdated_estimates.with_readings_since(ranked)
    return found.order_by("-waits_for_you", "-proposed_at")


def waiting_count(user: Any) -> int:
    """How many corrections wait for a second person."""
    return visible_corrections(user).filter(state=Correction.State.PROPOSED).count()


def finding_for(user: Any, pk: str, *, meter: Meter | None = None, point: DeliveryPoint | None = None) -> Any:
    """The open finding that a correction is to answer, if the person sees it and it speaks of the meter or point."""
    if not pk.isdigit():
        return None
    rows = validation.visible_findings(user).filter(pk=pk, state=ValidationFinding.State.OPEN)
    if meter is not None:
        rows = rows.filter(meter=meter)
    if point is not None:
        rows = rows.filter(Q(delivery_point=point) | Q(meter__placements__delivery_point=point)).distinct()
    return rows.select_related("meter", "site", "delivery_point").first()


def reading_instant(meter: Meter, at: dt.datetime) -> dt.datetime:
    """The exact instant of the meter's only reading within the typed second, or the instant itself."""
    rows = MeterReading.objects.filter(meter=meter, at__gte=at, at__lt=at + A_SECOND)
    instants = list(rows.order_by("at").values_list("at", flat=True).distinct()[:2])
    return instants[0] if len(instants) == 1 else at


def register_at(meter: Meter, at: dt.datetime) -> Decimal | None:
    """The register in kWh that counts at an instant."""
    row = MeterReading.objects.filter(meter=meter, at=at).order_by("-version").first()
    return row.energy_kwh if row else None


def counted_kwh(point: DeliveryPoint, period: Period) -> Decimal:
    """What the ledger counts there in the period already, in kWh."""
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=period.start, start__lt=period.end)
    heat: Decimal | None = rows.aggregate(heat=Sum("heat_kwh"))["heat"]
    return heat or Decimal(0)
