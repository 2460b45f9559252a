"""Key figures from the KPI ledger: of one site with everything behind them, and of many sites side by side."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Sum as Total

from hosting.models import Site
from thermal.domain.kpis import figures, sums
from thermal.domain.kpis.figures import Figure
from thermal.domain.kpis.sums import Sum
from thermal.models import KpiSum
from thermal.queries import kpi_facts
from thermal.queries.kpi_facts import Known, Span

READ = "thermal.read_kpis"
# Inputs known for shares of time further apart than this make a ratio of things that do not belong together.
UNEVEN_RATIO = 0.02
# Facts that stand in for an input that no meter told.
STAND_INS = ("water_m3", "total_kwh", "backup_kwh", "backup_heat_kwh")

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


def shown(figure: Figure, known: Sums, facts: Mapping[str, Known]) -> Shown:
    """The figure made of what is known."""
    inputs = {name: known[name] for name in figure.inputs if name in known}
    used = {name: facts[name] for name in figure.facts if name in facts}
    values: dict[str, float | None] = {name: one.value for name, one in known.items()}
    for name in STAND_INS:
        if name in figure.inputs and values.get(name) is None and name in facts:
            values[name] = facts[name].value
            used[name] = facts[name]
    values |= {name: fact.value for name, fact in facts.items() if name in figure.facts}
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


def sums_of_sites(*, sites: Iterable[int], inputs: Sequence[str], span: Span) -> dict[int, dict[str, Sum]]:
    """The sums of several sites over the span, by site and input, in one query."""
    rows: Any = (
        KpiSum.objects.filter(site__in=list(sites), input__in=inputs, month_on__gte=span.first, month_on__lt=span.until)
        .order_by()
        .values_list("site_id", "input")
        .annotate(Total("value"), Total("known_count"), Total("expected_count"))
    )
    found: dict[int, dict[str, Sum]] = defaultdict(dict)
    for site_id, name, value, known, expected in rows:
        found[site_id][name] = Sum(value, known, expected)
    return found


def sums_by_month(
    *, sites: Iterable[int], inputs: Sequence[str], span: Span
) -> dict[tuple[int, dt.date], dict[str, Sum]]:
    """The sums by site, month and input, in one query."""
    rows: Any = KpiSum.objects.filter(
        site__in=list(sites), input__in=inputs, month_on__gte=span.first, month_on__lt=span.until
    ).order_by()
    found: dict[tuple[int, dt.date], dict[str, Sum]] = defaultdict(dict)
    for site_id, month, name, *numbers in rows.values_list(
        "site_id", "month_on", "input", "value", "known_count", "expected_count"
    ):
        found[site_id, month][name] = Sum(*numbers)
    return found


def figures_of_site(*, site: Site, span: Span) -> list[Shown]:
    """Every key figure of a site over the span, in the order of the catalog."""
    known = sums_of_sites(sites=[site.pk], inputs=sums.INPUTS, span=span).get(site.pk, {})
    facts = kpi_facts.facts_of_sites(sites=[site], span=span)[site.pk]
    return [shown(figure, known, facts) for figure in figures.FIGURES]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A site's figure among others; `rank` counts from 1 at the good end, None where the figure is not known."""

    site: Site
    shown: Shown
    rank: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure of many sites, best first, and of all of them together."""

    figure: Figure
    rows: list[Ranked]
    portfolio: Shown
    largest: float


def comparison(*, figure: Figure, sites: Sequence[Site], span: Span) -> Comparison:
    """The figure of the sites side by side; two queries, and up to three more where it needs facts."""
    inputs = _all_inputs(figure)
    known = sums_of_sites(sites=[site.pk for site in sites], inputs=inputs, span=span)
    needed = (*figure.facts, *(name for name in figure.inputs if name in STAND_INS))
    facts = kpi_facts.facts_of_sites(sites=sites, span=span, needed=needed)
    found = [(site, shown(figure, known.get(site.pk, {}), facts.get(site.pk, {}))) for site in sites]
    sign = -1 if figure.better >= 0 else 1
    found.sort(key=lambda one: (one[1].value is None, sign * (one[1].value or 0.0), one[0].name))
    rows = [Ranked(site, one, rank if one.value is not None else None) for rank, (site, one) in enumerate(found, 1)]
    largest = max((abs(row.shown.value) for row in rows if row.shown.value is not None), default=0.0)
    return Comparison(figure, rows, _portfolio(figure, found, known), largest)


def _all_inputs(figure: Figure) -> tuple[str, ...]:
    return (*figure.inputs, "sink_pump_kwh") if figure.key == "avoided_co2" else figure.inputs


def _portfolio(figure: Figure, found: list[tuple[Site, Shown]], known: Mapping[int, dict[str, Sum]]) -> Shown:
    """The figure of all sites together: from their sums, and only of those sites for which it is known at all.

    Where facts differ from site to site, a figure that adds up is added up, and any other is not made up.
    """
    counted = [(site, one) for site, one in found if one.value is not None]
    total = sums.added(known.get(site.pk, {}) for site, _one in counted)
    if not any(one.facts for _site, one in counted):
        return shown(figure, total, {})
    adds_up = figure.unit in {"kWh", "kg"}
    value = sum(one.value or 0.0 for _site, one in counted) if adds_up else _one_fact(figure, counted, total)
    shares = [one.known_ratio for _site, one in counted]
    return Shown(figure, value, [], min(shares, default=0.0), is_uneven=False, inputs=total, facts={})


def _one_fact(figure: Figure, counted: list[tuple[Site, Shown]], total: Sums) -> float | None:
    """The figure with amounts added up and states only where they are the same at all sites."""
    facts: dict[str, float] = {}
    for name in {name for _site, one in counted for name in one.facts}:
        values = [one.facts[name].value for _site, one in counted if name in one.facts]
        if name.endswith(("_kwh", "_m3", "_kd")) and not name.endswith("_per_kwh"):
            metered = total[name].value if name in total else None
            facts[name] = sum(values) + (metered or 0.0)
        elif len(set(values)) == 1:
            facts[name] = values[0]
    values_of = {name: one.value for name, one in total.items()} | facts
    return figure.value(values_of)
