"""Key figures from the KPI ledger: of one site with everything behind them, and of many sites side by side."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Sum as Total

from hosting.models import Site
from kernel.periods import QUARTER_HOUR, local_days, quarter_start
from thermal.domain.kpis import figures, sums
from thermal.domain.kpis.figures import Figure
from thermal.domain.kpis.sums import Sum
from thermal.models import KpiSum
from thermal.queries import kpi_facts
from thermal.queries.kpi_facts import Known, Place, Span

READ = "thermal.read_kpis"
# Inputs known for shares of time further apart than this make a ratio of things that do not belong together.
UNEVEN_RATIO = 0.02
# Facts that stand in for an input that no meter told.
STAND_INS = ("water_m3", "total_kwh", "backup_kwh", "backup_heat_kwh")
# Inputs of which a site has one value in each quarter hour; of the others it has one for each of its meters.
ONE_PER_SITE: Final = frozenset((*sums.OF_SITES, *sums.OF_MODES, *sums.OF_CAUSES))
# Every month that was summed has a row of this one, with the quarter hours that the site had in it.
_MEASURE: Final = "it_kwh"
_ONE_DAY: Final = dt.timedelta(days=1)

Sums = Mapping[str, Sum]


@dataclass(frozen=True, slots=True)
class Shown:
    """One key figure of some sums and facts: its value, or what it waits for, and how well it is known."""

    figure: Figure
    value: float | None
    missing: list[str]
    known_ratio: float
    is_uneven: bool
    inputs: dict[str, Sum]
    facts: dict[str, Known]

    @property
    def is_estimated(self) -> bool:
        """Whether screens hatch it: parts are unknown, uneven, or rest on a factor that nobody checked."""
        unchecked = any(not fact.is_verified for fact in self.facts.values())
        return self.value is not None and (self.is_uneven or self.known_ratio < 1 - UNEVEN_RATIO or unchecked)


def year_span(year: int) -> Span:
    """A calendar year."""
    return Span(dt.date(year, 1, 1), dt.date(year + 1, 1, 1))


def month_span(year: int, month: int) -> Span:
    """A calendar month."""
    return Span(dt.date(year, month, 1), dt.date(year + month // 12, month % 12 + 1, 1))


def season_span(year: int) -> Span:
    """The heating season that begins in the year, whole months; from October to April unless the settings say else."""
    first, until = settings.THERMAL_HEATING_SEASON
    return Span(dt.date(year, first, 1), dt.date(year + (until <= first), until, 1))


def months_of(span: Span) -> list[dt.date]:
    """The first days of the months of a span."""
    count = (span.until.year - span.first.year) * 12 + span.until.month - span.first.month
    first = span.first.year * 12 + span.first.month - 1
    return [dt.date(number // 12, number % 12 + 1, 1) for number in range(first, first + count)]


def so_far(span: Span, now: dt.datetime) -> Span:
    """The days of the span up to the running one: an amount of the whole year is no amount of its first months."""
    return Span(span.first, max(span.first + _ONE_DAY, min(span.until, now.date() + _ONE_DAY)))


def _facts_used(figure: Figure, known: Sums, facts: Mapping[str, Known]) -> dict[str, Known]:
    """The facts that the figure names, and those that stand in for what no meter told."""
    used = {name: facts[name] for name in figure.facts if name in facts}
    for name in STAND_INS:
        if name in figure.inputs and name in facts and (name not in known or known[name].value is None):
            used[name] = facts[name]
    return used


def _value(figure: Figure, known: Sums, used: Mapping[str, Known]) -> float | None:
    values: dict[str, float | None] = {name: one.value for name, one in known.items()}
    return figure.value(values | {name: fact.value for name, fact in used.items()})


def shown(figure: Figure, known: Sums, facts: Mapping[str, Known]) -> Shown:
    """The figure made of what is known."""
    inputs = {name: known[name] for name in figure.inputs if name in known}
    used = _facts_used(figure, known, facts)
    values: dict[str, float | None] = {name: one.value for name, one in known.items()}
    values |= {name: fact.value for name, fact in used.items()}
    shares = [one.known_ratio for name, one in inputs.items() if name not in used]
    return Shown(
        figure=figure,
        value=figure.value(values),
        missing=figure.missing(values),
        known_ratio=min(shares, default=1.0 if used else 0.0),
        is_uneven=bool(shares) and max(shares) - min(shares) > UNEVEN_RATIO,
        inputs=inputs,
        facts=used,
    )


def _rows(sites: Iterable[int], inputs: Sequence[str], span: Span) -> Any:
    rows: Any = KpiSum.objects.filter(
        site__in=list(sites), input__in=inputs, month_on__gte=span.first, month_on__lt=span.until
    )
    return rows.order_by().values_list("site_id", "input")


def _totals(sites: Iterable[int], inputs: Sequence[str], span: Span) -> Any:
    return _rows(sites, inputs, span).annotate(Total("value"), Total("known_count"), Total("expected_count"))


def sums_of_sites(*, sites: Iterable[int], inputs: Sequence[str], span: Span) -> dict[int, dict[str, Sum]]:
    """The sums of several sites over the span, as known in the months that have any, by site and input; one query."""
    found: dict[int, dict[str, Sum]] = defaultdict(dict)
    for site_id, name, value, known, expected in _totals(sites, inputs, span):
        found[site_id][name] = Sum(value, known, expected)
    return found


def sums_throughout(
    *, sites: Iterable[Place], inputs: Sequence[str], span: Span, now: dt.datetime
) -> dict[int, dict[str, Sum]]:
    """The sums of several sites over the span, expected in every quarter hour of it that is over; one query.

    A month without a row is a month in which nothing is known, also before the site's first one: whoever has two months
    of a year does not know the year. Inputs that come from each meter or piece of equipment are expected as often as in
    the months that have rows.
    """
    quarters = _Quarters(span, now)
    zones = {site.pk: site.time_zone for site in sites}
    is_of_parts = any(name not in ONE_PER_SITE for name in inputs)
    rows = list(_totals(zones, (*inputs, _MEASURE) if is_of_parts else inputs, span))
    kept = {site_id: expected for site_id, name, _value, _known, expected in rows if name in ONE_PER_SITE}
    found: dict[int, dict[str, Sum]] = defaultdict(dict)
    for site_id, name, value, known, expected in rows:
        whole = quarters.over(zones[site_id])
        if name not in ONE_PER_SITE and kept.get(site_id):
            whole = round(expected * whole / kept[site_id])
        found[site_id][name] = Sum(value, known, max(expected, whole))
    return found


def quarters_over(*, span: Span, time_zone: str, now: dt.datetime) -> int:
    """How many quarter hours of the span are over in the zone."""
    return _Quarters(span, now).over(time_zone)


class _Quarters:
    """How many quarter hours of a span are over, by time zone."""

    def __init__(self, span: Span, now: dt.datetime) -> None:
        self.span, self.now = span, now
        self._over: dict[str, int] = {}

    def over(self, time_zone: str) -> int:
        """The quarter hours of the span that are over."""
        if time_zone not in self._over:
            period = local_days(self.span.first, self.span.until, ZoneInfo(time_zone))
            end = min(period.end, quarter_start(self.now))
            self._over[time_zone] = max(0, (end - period.start) // QUARTER_HOUR)
        return self._over[time_zone]


def sums_by_month(
    *, sites: Iterable[Place], inputs: Sequence[str], span: Span, now: dt.datetime
) -> dict[tuple[int, dt.date], dict[str, Sum]]:
    """The sums by site, month and input, expected in every quarter hour of the month that is over; one query."""
    zones = {site.pk: site.time_zone for site in sites}
    quarters = {month: _Quarters(month_span(month.year, month.month), now) for month in months_of(span)}
    found: dict[tuple[int, dt.date], dict[str, Sum]] = defaultdict(dict)
    rows: Any = _rows(zones, inputs, span).values_list(
        "site_id", "month_on", "input", "value", "known_count", "expected_count"
    )
    for site_id, month, name, value, known, expected in rows:
        whole = quarters[month].over(zones[site_id]) if name in ONE_PER_SITE else 0
        found[site_id, month][name] = Sum(value, known, max(expected, whole))
    return found


def sums_together(*, sites: Iterable[Place], inputs: Sequence[str], span: Span, now: dt.datetime) -> dict[str, Sum]:
    """What inputs of which each site has one add up to over all sites, expected throughout; one query."""
    zones = {site.pk: site.time_zone for site in sites}
    quarters = _Quarters(span, now)
    whole = sum(quarters.over(time_zone) for time_zone in zones.values())
    rows: Any = _rows(zones, inputs, span).values_list("input")
    totals = rows.annotate(Total("value"), Total("known_count"), Total("expected_count"))
    return {name: Sum(value, known, max(expected, whole)) for name, value, known, expected in totals}


def known_of_site(*, site: Site, span: Span, now: dt.datetime) -> dict[str, Sum]:
    """All sums of a site over the span, by input."""
    return sums_throughout(sites=[site], inputs=sums.INPUTS, span=span, now=now).get(site.pk, {})


def figures_of_site(*, site: Site, span: Span, now: dt.datetime) -> list[Shown]:
    """Every key figure of a site over the span, in the order of the catalog."""
    return figures_from(site=site, span=span, known=known_of_site(site=site, span=span, now=now), now=now)


def figures_from(*, site: Site, span: Span, known: Sums, now: dt.datetime) -> list[Shown]:
    """Every key figure of a site, made from sums that were read already and the facts of the span."""
    facts = kpi_facts.facts_of_sites(sites=[site], span=so_far(span, now))[site.pk]
    return [shown(figure, known, facts) for figure in figures.FIGURES]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A site's figure among others; `rank` counts from 1 at the good end, None where the figure is not known."""

    site: Place
    figure: Figure
    value: float | None
    rank: int | None
    known: Sums
    facts: Mapping[str, Known]

    @property
    def shown(self) -> Shown:
        """The figure with all that is behind it; made when asked for, since a page shows fifty of a thousand."""
        return shown(self.figure, self.known, self.facts)

    @property
    def known_ratio(self) -> float:
        """The share of the quarter hours in which all inputs are known, at most."""
        return self.shown.known_ratio


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of many sites, best first, and of all of them together."""

    figure: Figure
    rows: list[Ranked]
    portfolio: Shown
    largest: float


def comparison(*, figure: Figure, sites: Sequence[Place], span: Span, now: dt.datetime) -> Comparison:
    """The figure of the sites side by side; one query, and up to three more where it needs facts."""
    known = sums_throughout(sites=sites, inputs=all_inputs(figure), span=span, now=now)
    facts = kpi_facts.facts_of_sites(sites=sites, span=so_far(span, now), needed=facts_needed(figure))
    found: list[tuple[float | None, Place]] = []
    for site in sites:
        mine = known.get(site.pk, {})
        found.append((_value(figure, mine, _facts_used(figure, mine, facts.get(site.pk, {}))), site))
    sign = -1 if figure.better >= 0 else 1
    found.sort(key=lambda one: (one[0] is None, sign * (one[0] or 0.0), one[1].name))
    rows = [
        Ranked(site, figure, value, None if value is None else rank, known.get(site.pk, {}), facts.get(site.pk, {}))
        for rank, (value, site) in enumerate(found, 1)
    ]
    largest = max((abs(value) for value, _site in found if value is not None), default=0.0)
    return Comparison(figure, rows, _portfolio(figure, [row for row in rows if row.rank is not None]), largest)


def all_inputs(figure: Figure) -> tuple[str, ...]:
    """The inputs that the figure waits for, and those that it takes in where they are known."""
    return (*figure.inputs, "sink_pump_kwh") if figure.key == "avoided_co2" else figure.inputs


def facts_needed(figure: Figure) -> tuple[str, ...]:
    """The facts that the figure waits for, and those that stand in for an input."""
    return (*figure.facts, *(name for name in figure.inputs if name in STAND_INS))


def _portfolio(figure: Figure, counted: list[Ranked]) -> Shown:
    """The figure of all sites together: from their sums, and only of those sites for which it is known at all.

    Where facts differ from site to site, a figure that adds up is added up, and any other is not made up.
    """
    total = sums.added(row.known for row in counted)
    used = [_facts_used(figure, row.known, row.facts) for row in counted]
    if not any(used):
        return shown(figure, total, {})
    adds_up = figure.unit in {"kWh", "kg"}
    value = sum(row.value or 0.0 for row in counted) if adds_up else _one_fact(figure, used, total)
    shares = [row.known_ratio for row in counted]
    return Shown(figure, value, [], min(shares, default=0.0), is_uneven=False, inputs=total, facts={})


def _one_fact(figure: Figure, used: list[dict[str, Known]], total: Sums) -> float | None:
    """The figure with amounts added up and states only where they are the same at all sites."""
    facts: dict[str, float] = {}
    for name in {name for one in used for name in one}:
        values = [one[name].value for one in used if name in one]
        if name.endswith(("_kwh", "_m3", "_kd")) and not name.endswith("_per_kwh"):
            metered = total[name].value if name in total else None
            facts[name] = sum(values) + (metered or 0.0)
        elif len(set(values)) == 1:
            facts[name] = values[0]
    values_of = {name: one.value for name, one in total.items()} | facts
    return figure.value(values_of)
