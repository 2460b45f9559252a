"""Which rule is asked about what: each with the thresholds that hold at the place on the day."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

from hosting.models import DeliveryPoint, Meter, MeterPlacement, Site
from kernel.periods import Period, local_date, local_midnight
from thermal.domain.differences import Difference
from thermal.domain.validation import Evidence, MeterFacts, Thresholds, device, heat, places, sequence
from thermal.domain.validation.places import Balance, Month, Quarter
from thermal.models.validation import Rule
from thermal.queries.register_readings import Told
from thermal.queries.rule_book import Limits, RuleBook
from thermal.queries.told_differences import Contradiction

Found = list[tuple[Evidence, Limits]]
_OfSteps = Callable[[Sequence[Difference], MeterFacts, Thresholds], list[Evidence]]

STEP_RULES: Final[dict[str, _OfSteps]] = {
    Rule.GAP.value: sequence.gaps,
    Rule.CLOCK.value: sequence.clock,
    Rule.DECREASE.value: sequence.decreases,
    Rule.MAXIMUM.value: sequence.static_maximum,
    Rule.FROZEN.value: sequence.frozen,
    Rule.POLARITY.value: heat.polarity,
    Rule.SENSOR.value: device.sensor_codes,
    Rule.ERROR_HOURS.value: device.error_hours,
}
# Judged over whole local days only: half a day has another third-highest rise than the whole.
DAY_RULES: Final = {
    Rule.SPIKE.value: sequence.spikes,
    Rule.PHYSICS.value: heat.against_physics,
    Rule.OPERATING_HOURS.value: device.operating_hours,
}
MONTH_RULES: Final[dict[str, _OfSteps]] = {
    Rule.SIDE.value: heat.side,
    Rule.SMALL_DIFFERENCE.value: heat.small_differences,
}
# What neither a month nor a reading ends.
FOR_EVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
HEAT_ONLY: Final = frozenset(
    {
        Rule.FROZEN.value, Rule.PHYSICS.value, Rule.SIDE.value, Rule.POLARITY.value, Rule.SMALL_DIFFERENCE.value,
        Rule.DIFFERENCE.value,
    }
)  # fmt: skip
METER_RULES: Final = frozenset({*STEP_RULES, *DAY_RULES, Rule.DIFFERENCE.value})
PAPER_RULES: Final = frozenset({Rule.VERIFICATION.value, Rule.GLYCOL.value})


def of_readings(told: Told, book: RuleBook, now: dt.datetime) -> Found:
    """What the rules find in what a placed meter told in a window."""
    zone, site = told.placement.site.zone, told.placement.site
    on = local_date(told.window.start, zone)
    whole = [
        step for step in told.steps if step.before.at >= told.window.start and local_date(step.before.at, zone)
        < local_date(now, zone)
    ]  # fmt: skip
    found: Found = []
    for rule in _asked(told.placement, METER_RULES):
        limits = book.limits(rule, site, on, told.facts.accuracy_class)
        if not limits.enabled:
            continue
        if rule in STEP_RULES:
            found += _with(STEP_RULES[rule](told.steps, told.facts, limits.thresholds), limits)
        elif rule in DAY_RULES:
            found += _with(DAY_RULES[rule](whole, told.facts, limits.thresholds, zone), limits)
    return found


def of_month(told: Told, month: Period, book: RuleBook) -> Found:
    """What the rules find in what a placed meter told in a local month."""
    site = told.placement.site
    on = local_date(month.start, site.zone)
    inside = [step for step in told.steps if step.before.at >= month.start and step.after.at <= month.end]
    found: Found = []
    for rule in _asked(told.placement, frozenset(MONTH_RULES)):
        limits = book.limits(rule, site, on, told.facts.accuracy_class)
        if limits.enabled and inside:
            evidence = MONTH_RULES[rule](inside, told.facts, limits.thresholds)
            found += _with([_of_period(one, told.window) for one in evidence], limits)
    return found


def of_papers(placement: MeterPlacement, month: Period, book: RuleBook) -> Found:
    """What the rules find in what is known of a placed meter: its verification, and the fluid that it counts."""
    site, meter = placement.site, placement.meter
    ends_on = local_date(month.end, site.zone)
    found: Found = []
    limits = book.limits(Rule.VERIFICATION, site, ends_on, meter.accuracy_class)
    billed = placement.role == MeterPlacement.Role.DELIVERED_HEAT
    expiry = meter.verified_until_on
    if limits.enabled and billed and expiry is not None:
        late = places.verification(month, ends_on, expiry)
        since = max(local_midnight(expiry, site.zone), placement.valid_from)
        found += _with([dataclasses.replace(one, starts_at=since) for one in late if since < one.ends_at], limits)
    limits = book.limits(Rule.GLYCOL, site, ends_on, meter.accuracy_class)
    point = placement.delivery_point
    if limits.enabled and point is not None and point.medium != DeliveryPoint.Medium.WATER:
        values = {"medium": point.medium}
        until = placement.valid_until or FOR_EVER
        glycol = Evidence(rule=Rule.GLYCOL, starts_at=placement.valid_from, ends_at=until, values=values)
        found += _with([glycol], limits)
    return found


def of_frames(found: Sequence[Contradiction], limits: Limits) -> Found:
    """The contradictions between a meter's ΔT and its temperatures, as evidence."""
    return [
        (
            Evidence(
                rule=Rule.DIFFERENCE, starts_at=one.first_at, ends_at=one.last_at + dt.timedelta(seconds=1),
                values={"off_k": one.off_k, "reading_count": one.count},
            ),
            limits,
        )
        for one in found
    ]  # fmt: skip


def of_day(balance: Balance, site: Site, book: RuleBook) -> Found:
    """What the rules find in the energies of a site over a local day."""
    limits = book.limits(Rule.IT_BALANCE, site, local_date(balance.period.start, site.zone))
    return _with(places.it_balance(balance, limits.thresholds), limits) if limits.enabled else []


def of_site_month(balance: Balance, site: Site, book: RuleBook) -> Found:
    """What the rules find in the energies of a site over a local month."""
    limits = book.limits(Rule.BALANCE, site, local_date(balance.period.start, site.zone))
    return _with(places.energy_balance(balance, limits.thresholds), limits) if limits.enabled else []


def of_point(quarters: Sequence[Quarter], site: Site, book: RuleBook, on: dt.date) -> Found:
    """What the rules find in the quarter hours in which heat was called for."""
    limits = book.limits(Rule.ZERO_USE, site, on)
    return _with(places.zero_use(quarters, limits.thresholds), limits) if limits.enabled else []


def of_history(month: Month, year_before: Month, site: Site, book: RuleBook) -> Found:
    """What the rules find in a month of a delivery point, seen beside the year before."""
    limits = book.limits(Rule.HISTORY, site, local_date(month.period.start, site.zone))
    return _with(places.against_history(month, year_before, limits.thresholds), limits) if limits.enabled else []


def _asked(placement: MeterPlacement, rules: frozenset[str]) -> list[str]:
    is_heat = placement.meter.kind == Meter.Kind.HEAT
    return sorted(rule for rule in rules if is_heat or rule not in HEAT_ONLY)


def _with(found: list[Evidence], limits: Limits) -> Found:
    return [(evidence, limits) for evidence in found]


def _of_period(evidence: Evidence, period: Period) -> Evidence:
    """The same evidence under the whole period, so that more readings do not make another finding of it."""
    return dataclasses.replace(evidence, starts_at=period.start, ends_at=period.end, kind="")
