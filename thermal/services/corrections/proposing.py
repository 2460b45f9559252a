"""What every proposal of a correction goes through: a reason, its share of the month, and who must agree."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from django.conf import settings

from hosting.models import DeliveryPoint
from kernel.periods import local_date, local_month
from thermal.models import Correction
from thermal.queries import intervals
from thermal.services import validating

DEFAULT_APPROVAL_RATIO: Final = 0.05
NOTHING: Final = Decimal(0)


def approval_ratio() -> float:
    """The share of a month's heat above which a second person decides."""
    ratio: float = getattr(settings, "THERMAL_APPROVAL_RATIO", DEFAULT_APPROVAL_RATIO)
    return ratio


def propose(correction: Correction, shifted_kwh: Decimal = NOTHING) -> Correction:
    """The correction, stored, with how much of a month's heat depends on it.

    ``shifted_kwh`` is what it moves from one local month to another, which leaves their sum as it was.
    """
    if not correction.reason.strip():
        raise validating.ReasonIsMissing
    correction.reason = correction.reason.strip()[:300]
    correction.bill_ratio = bill_ratio(correction, shifted_kwh)
    correction.needs_approval = correction.bill_ratio is None or correction.bill_ratio > approval_ratio()
    correction.save()
    return correction


def bill_ratio(correction: Correction, shifted_kwh: Decimal = NOTHING) -> float | None:
    """The share of a month's heat that the correction changes; None where a month has none to compare with.

    What moves between months is compared with the one that has the least.
    """
    at_stake_kwh = max(abs(correction.heat_kwh or NOTHING), abs(shifted_kwh))
    if not at_stake_kwh:
        return 0.0
    if correction.delivery_point is None:
        return None
    ends = [correction.starts_at, correction.ends_at] if shifted_kwh else [correction.starts_at]
    heat = [_month_kwh(correction.delivery_point, at) for at in ends]
    return None if not all(heat) else max(float(at_stake_kwh / kwh) for kwh in heat if kwh)


def _month_kwh(point: DeliveryPoint, at: dt.datetime) -> Decimal | None:
    day = local_date(at, point.site.zone)
    return intervals.heat_kwh(delivery_point=point, period=local_month(day.year, day.month, point.site.zone))
