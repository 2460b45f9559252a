"""A look at a correction before it is stored: it is made, put in force and settled, and all of it taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from hosting.models import Site
from kernel.periods import Period, local_date
from thermal import signals
from thermal.domain.bills import TouchedBill
from thermal.domain.effects import MonthEffect, Quarters, month_effects
from thermal.models import Correction
from thermal.queries import correction_effects
from thermal.services import settlement
from thermal.services.corrections.deciding import apply

LONGEST: Final = dt.timedelta(days=62)
LEAST_AROUND: Final = dt.timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a correction would do. Its row is gone again; only its facts are to be read."""

    correction: Correction
    waits: bool
    """Whether a second person would have to agree."""
    shown: Period
    """The stretch of the quarter hours, with some time on either side of the correction."""
    before: Quarters
    after: Quarters
    months: Sequence[MonthEffect]
    bills: Sequence[TouchedBill]


@transaction.atomic
def preview(*, make: Callable[[], Correction], site: Site, by: User, now: dt.datetime) -> Preview:
    """What the correction that ``make`` proposes would do to the ledger; nothing is kept.

    It goes the way of a stored correction, so that no second arithmetic can say otherwise than what will be billed.
    Whatever ``make`` refuses travels up.
    """
    untouched = transaction.savepoint()
    # What came in late is no effect of the correction.
    settlement.settle_marked(now=now, site=site)
    correction = make()
    waits = correction.state == Correction.State.PROPOSED
    reach = correction_effects.reach_of(correction)
    shown = _shown(correction)
    before, months_before = reach.quarters(shown), reach.months()
    if waits:
        # Approved, as it were: the constraint that asks for a second person guards what is kept.
        correction.needs_approval = False
        apply(correction, now)
        correction.needs_approval = True
    settlement.settle_marked(now=now, site=site)
    after, months_after = reach.quarters(shown), reach.months()
    transaction.savepoint_rollback(untouched)
    always = local_date(correction.starts_at, site.zone).replace(day=1)
    months = month_effects(months_before, months_after, always=always)
    return Preview(correction, waits, shown, before, after, months, _bills(reach, months, by))


def _shown(correction: Correction) -> Period:
    margin = max(LEAST_AROUND, (correction.ends_at - correction.starts_at) / 2)
    start = correction.starts_at - margin
    return Period(start, min(correction.ends_at + margin, start + LONGEST))


def _bills(reach: correction_effects.Reach, months: Sequence[MonthEffect], by: User) -> list[TouchedBill]:
    """What stands in issued bills of the months that change."""
    touched = [one.month_on for one in months if one.difference_kwh]
    if reach.point is None or not touched:
        return []
    told = signals.bills_asked.send(sender=Correction, delivery_point=reach.point, months=touched, user=by)
    # The stubs of Django believe that receivers answer with text.
    answers: list[Any] = [answer for _receiver, answer in told]
    return [bill for answer in answers for bill in answer or ()]
