"""What every proposal of a correction goes through: a reason, its share of the month, and who must agree."""

from __future__ import annotations

from typing import Final

from django.conf import settings

from kernel.periods import local_date, local_month
from thermal.models import Correction
from thermal.queries import intervals
from thermal.services import validating

DEFAULT_APPROVAL_RATIO: Final = 0.05


def approval_ratio() -> float:
    """The share of a month's heat above which a second person decides."""
    ratio: float = getattr(settings, "THERMAL_APPROVAL_RATIO", DEFAULT_APPROVAL_RATIO)
    return ratio


def propose(correction: Correction) -> Correction:
    """The correction, stored, with how much of the month's heat depends on it."""
    if not correction.reason.strip():
        raise validating.ReasonIsMissing
    correction.reason = correction.reason.strip()[:300]
    correction.bill_ratio = bill_ratio(correction)
    correction.needs_approval = correction.bill_ratio is None or correction.bill_ratio > approval_ratio()
    correction.save()
    return correction


def bill_ratio(correction: Correction) -> float | None:
    """The share of the month's heat that the correction changes; None where the month has none to compare with."""
    if not correction.heat_kwh:
        return 0.0
    point = correction.delivery_point
    if point is None:
        return None
    day = local_date(correction.starts_at, point.site.zone)
    month = local_month(day.year, day.month, point.site.zone)
    heat = intervals.heat_kwh(delivery_point=point, period=month)
    return float(abs(correction.heat_kwh) / heat) if heat else None
