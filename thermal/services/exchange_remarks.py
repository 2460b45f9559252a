"""What the readings say about an exchange of a meter before it is confirmed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Final

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from hosting.domain.exchanging import Facts, Remark
from hosting.models import Meter, MeterPlacement
from hosting.services.metering import may_have_rolled_over
from kernel.periods import Period
from thermal.domain.estimation import NothingToEstimateFrom
from thermal.models import MeterReading
from thermal.models.corrections import EstimationMethod
from thermal.services import corrections

MARGIN_RATIO: Final = 1.1
SECONDS_PER_MINUTE: Final = 60


def remarks(placement: MeterPlacement, facts: Facts) -> list[Remark]:
    """How plausible the final register is, and what becomes of the time in which nobody measures."""
    return [*_on_register(placement, facts), *_on_gap(placement, facts)]


def _on_register(placement: MeterPlacement, facts: Facts) -> list[Remark]:
    """The consumption since the last reading, against what can have passed."""
    if placement.meter.kind == Meter.Kind.WATER:
        return []
    rows = MeterReading.objects.filter(meter=placement.meter, at__lt=facts.removed_at, energy_kwh__isnull=False)
    last = rows.filter(at__gte=placement.valid_from).order_by("-at", "-version").first()
    if last is None or last.energy_kwh is None:
        return [Remark(_("No reading of the old meter is known to compare its final register with."), is_doubt=True)]
    words = {"at": _local(last.at, placement), "before": f"{_number(last.energy_kwh)} kWh"}
    more_kwh = facts.final_register - last.energy_kwh
    if more_kwh < 0 and may_have_rolled_over(placement, facts.final_register):
        meter = placement.meter
        more_kwh += meter.register_step * Decimal(10) ** meter.register_digits
    if more_kwh < 0:
        text = _("The final register is below the last reading of %(at)s (%(before)s).") % words
        return [Remark(text, is_doubt=True)]
    hours = (facts.removed_at - last.at).total_seconds() / 3600
    mean_kw = float(more_kwh) / hours
    words |= {"more": f"{_number(more_kwh)} kWh", "hours": _number(hours), "mean": _number(mean_kw)}
    text = _(
        "Since the last reading of %(at)s (%(before)s) the final register counts %(more)s in %(hours)s h, a mean of "
        "%(mean)s kW."
    )
    most_kw = _most_kw(placement)
    if most_kw is None or mean_kw <= most_kw:
        return [Remark(text % words)]
    too_much = _("That is more than the %(most)s kW that can have passed.") % {"most": _number(most_kw)}
    return [Remark(f"{text % words} {too_much}", is_doubt=True)]


def _most_kw(placement: MeterPlacement) -> float | None:
    """The greatest power that can have passed, in kW."""
    if placement.meter.max_kw is not None:
        return placement.meter.max_kw * MARGIN_RATIO
    return placement.delivery_point.design_kw * MARGIN_RATIO if placement.delivery_point else None


def _on_gap(placement: MeterPlacement, facts: Facts) -> list[Remark]:
    """What becomes of the time in which nobody measures."""
    if facts.fitted_at <= facts.removed_at:
        return [Remark(_("The old meter goes and the new one comes at the same time: nothing stays unmeasured."))]
    gap = Period(facts.removed_at, facts.fitted_at)
    words = {"start": _local(gap.start, placement), "end": _local(gap.end, placement)}
    words["minutes"] = _number(gap.duration.total_seconds() / SECONDS_PER_MINUTE, 0)
    try:
        found = corrections.bridge(placement.delivery_point, gap) if placement.delivery_point else None
    except NothingToEstimateFrom:
        found = None
    if found is None:
        text = _(
            "From %(start)s to %(end)s nobody measures (%(minutes)s min), and nothing tells what passed: it stays a "
            "gap until somebody estimates it."
        )
        return [Remark(text % words, is_doubt=True)]
    words |= {
        "count": str(len(found.starts)),
        "partly": str(found.partly_count),
        "kwh": _number(found.total_kwh),
        "method": str(EstimationMethod(found.found.method.value).label),
    }
    text = _(
        "From %(start)s to %(end)s nobody measures: %(minutes)s min in %(count)s quarter hours, %(partly)s of them "
        "partly measured. %(kwh)s kWh will be added as estimated, by this method: %(method)s."
    )
    return [Remark(text % words)]


def _local(at: dt.datetime, placement: MeterPlacement) -> str:
    return f"{at.astimezone(placement.site.zone):%Y-%m-%d %H:%M}"


def _number(value: float | Decimal, places: int = 2) -> str:
    return str(number_format(value, decimal_pos=places, use_l10n=True))
