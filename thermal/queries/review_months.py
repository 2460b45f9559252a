"""The review by meter and month: how much rests on registers, and what is open."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from hosting.models import DeliveryPoint, Meter, MeterPlacement
from kernel.periods import Period
from thermal.models import ValidationFinding
from thermal.models.validation import Severity
from thermal.queries import validation

# A bill rests on registers for at least this share of its quarter hours; the contract may ask for another one.
ENOUGH_RATIO = 0.98


@dataclass(frozen=True, slots=True)
class Row:
    """A meter at its delivery point in a month."""

    placement: MeterPlacement
    share: validation.QualityShare | None
    counts: dict[int, int]

    @property
    def open_count(self) -> int:
        """How many findings wait."""
        return sum(self.counts.values())

    @property
    def level(self) -> str:
        """How the month stands."""
        if self.counts.get(Severity.BLOCK):
            return "bad"
        if self.share is None:
            return "unknown"
        return "ok" if self.share.actual_ratio >= ENOUGH_RATIO else "warn"


def month_in_utc(month_on: dt.date) -> Period:
    """The month in UTC: what a filter by month means where meters of several zones stand in one list."""
    following = (month_on.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    start, end = (dt.datetime(day.year, day.month, 1, tzinfo=dt.UTC) for day in (month_on, following))
    return Period(start, end)


def placements_of(user: Any, month_on: dt.date) -> QuerySet[MeterPlacement]:
    """The meters at delivery points in the month that the person may see, in the order of their sites."""
    month = month_in_utc(month_on)
    rows: QuerySet[MeterPlacement] = MeterPlacement.objects.visible_to(user)
    rows = rows.filter(role=MeterPlacement.Role.DELIVERED_HEAT, valid_from__lt=month.end)
    rows = rows.exclude(valid_until__lte=month.start).select_related("meter", "site", "delivery_point__site")
    return rows.order_by("site__code", "delivery_point__code", "valid_from")


def rows_of(placements: Sequence[MeterPlacement], month_on: dt.date, user: Any) -> list[Row]:
    """The rows of these meters, in a constant count of queries."""
    points = list({one.delivery_point_id: one.delivery_point for one in placements if one.delivery_point}.values())
    following = (month_on.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    shares = {
        (share.delivery_point_id, share.meter_id): share
        for share in validation.quality_shares(points, month_on, following)
    }
    counts = _counts([one.meter_id for one in placements], month_in_utc(month_on), user)
    return [
        Row(one, shares.get((one.delivery_point_id or 0, one.meter_id)), counts[one.meter_id]) for one in placements
    ]


def _counts(meters: list[int], month: Period, user: Any) -> dict[int, dict[int, int]]:
    """By meter, how many findings of the month are open, by severity."""
    rows = validation.visible_findings(user).filter(
        meter__in=meters, state=ValidationFinding.State.OPEN, starts_at__lt=month.end, ends_at__gt=month.start
    )
    found: dict[int, dict[int, int]] = defaultdict(dict)
    for meter, severity, count in rows.order_by().values_list("meter", "severity").annotate(count=Count("pk")):
        found[meter][severity] = count
    return found


def shares_of_meter(meter: Meter, now: dt.datetime, user: Any, months: int = 13) -> list[validation.QualityShare]:
    """The last months of a meter where the person may see it, newest first."""
    points = DeliveryPoint.objects.visible_to(user).filter(placements__meter=meter).select_related("site").distinct()
    until = (now + dt.timedelta(days=32)).date().replace(day=1)
    first = until
    for _number in range(months):
        first = (first - dt.timedelta(days=1)).replace(day=1)
    shares = validation.quality_shares(points, first, until)
    return [share for share in reversed(shares) if share.meter_id == meter.pk]
