"""Findings: what is open, what blocks a bill, and how much of a month rests on registers."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from hosting.models import DeliveryPoint, Meter
from kernel.periods import Period, local_month
from thermal.models import ValidationFinding
from thermal.models.validation import Severity
from thermal.queries import ledger_sums

# The permission that offtakers do not have: the queue is the provider's own affair.
REVIEW = "thermal.review_validationfinding"


@dataclass(frozen=True, slots=True)
class QualityShare:
    """Of the quarter hours in which a meter stood at a delivery point in a local month, how many rest on registers."""

    delivery_point_id: int
    meter_id: int | None
    month_on: dt.date
    quarter_count: int
    actual_count: int

    @property
    def actual_ratio(self) -> float:
        """The share of one that rests on registers."""
        return self.actual_count / self.quarter_count if self.quarter_count else 0.0


def blocking_findings(meter: Meter, period: Period) -> list[ValidationFinding]:
    """The open findings that forbid to bill the meter in the period: nothing but this meter, nothing but this time."""
    rows = ValidationFinding.objects.filter(
        meter=meter, state=ValidationFinding.State.OPEN, severity=Severity.BLOCK,
        starts_at__lt=period.end, ends_at__gt=period.start,
    )  # fmt: skip
    return list(rows.order_by("starts_at", "rule"))


def visible_findings(user: Any) -> Any:
    """The findings that the person may see; none for those who may not read the queue."""
    rows = ValidationFinding.objects.visible_to(user)
    return rows if user.has_perm(REVIEW) else rows.none()


def open_counts(user: Any) -> Mapping[int, int]:
    """How many findings wait for somebody, by severity."""
    rows = visible_findings(user).filter(state=ValidationFinding.State.OPEN).order_by()
    found = dict(rows.values_list("severity").annotate(count=Count("pk")))
    return {severity: found.get(severity, 0) for severity in Severity.values}


def quality_shares(points: Iterable[DeliveryPoint], first_on: dt.date, until_on: dt.date) -> list[QualityShare]:
    """The share that rests on registers, by delivery point, meter and local month, between two firsts of months."""
    found = []
    by_zone: dict[Any, list[int]] = {}
    for point in points:
        by_zone.setdefault(point.site.zone, []).append(point.pk)
    for zone, keys in by_zone.items():
        start = local_month(first_on.year, first_on.month, zone).start
        end = local_month(until_on.year, until_on.month, zone).start
        for row in ledger_sums.actual_shares(keys, start, end, "month", zone):
            month_on = row["step"].astimezone(zone).date()
            found.append(QualityShare(row["delivery_point_id"], row["meter_id"], month_on, row["all"], row["actual"]))
    return sorted(found, key=lambda one: (one.month_on, one.delivery_point_id, one.meter_id or 0))
