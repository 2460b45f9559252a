"""Corrections as the floors above read them."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Max, Min, Sum

from hosting.models import DeliveryPoint
from kernel.periods import QUARTER_HOUR, Period
from thermal.models import Correction, EstimatedHeat


@dataclass(frozen=True, slots=True)
class AddedHeat:
    """Estimated heat in kWh that one correction adds to a period."""

    correction_id: int
    method: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    heat_kwh: Decimal


def added_heat(point: DeliveryPoint, period: Period) -> list[AddedHeat]:
    """The heat that applied corrections add to the quarter hours of the period, by correction."""
    rows = EstimatedHeat.objects.filter(
        delivery_point=point, start__gte=period.start, start__lt=period.end,
        correction__state=Correction.State.APPLIED,
    )  # fmt: skip
    sums = rows.order_by("correction").values("correction_id", "correction__method")
    return [
        AddedHeat(
            row["correction_id"], row["correction__method"], row["first"], row["last"] + QUARTER_HOUR, row["heat"]
        )
        for row in sums.annotate(first=Min("start"), last=Max("start"), heat=Sum("heat_kwh"))
    ]


def standing(ids: list[int]) -> set[int]:
    """Those among the corrections that are applied now."""
    return set(Correction.objects.filter(pk__in=ids, state=Correction.State.APPLIED).values_list("pk", flat=True))
