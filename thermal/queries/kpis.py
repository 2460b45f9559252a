"""Key figures of a site over any period, by the catalog: whole months from the KPI ledger, the rest from quarter hours.

The sums of quarter hours are the same SQL that sums the months (`kpi_inputs`), so that a month gives the same figures
either way.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import Max

from hosting.models import Site
from kernel.periods import QUARTER_HOUR, Period, local_date, local_days, quarter_start
from thermal.domain.kpis import figures
from thermal.domain.kpis.figures import Figure
from thermal.domain.kpis.sums import Sum
from thermal.models import KpiSum
from thermal.models.ledger import Quality, Reason
from thermal.queries import kpi_facts, kpi_inputs, kpi_ledger
from thermal.queries.kpi_facts import Known, Span
from thermal.queries.kpi_ledger import Shown

# What an offtaker reads of a site as well; the others are the provider's own.
FOR_EVERYBODY: Final = frozenset({"heat_delivered", "supply_vw", "return_vw", "difference_vw"})
# What the pages of a site show first; all others stand on its page of key figures.
ON_TILES: Final = (
    "heat_delivered",
    "it_energy",
    "erf",
    "pue",
    "cop",
    "capture_ratio",
    "curtailment",
    "supply_vw",
    "return_vw",
)
# Of these a site that has no heat pump, or no meter before it, shows no tile.
WHERE_KNOWN: Final = frozenset({"cop", "capture_ratio"})
_WHOLE_DAYS_ONLY: Final = frozenset({"renewable_kwh", "water_m3", "total_kwh", "heating_kd"})
_ONE_DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the quarter hours behind some figures are settled, and how their IT energy was obtained."""

    settled_at: dt.datetime | None = None
    rule_version: int | None = None
    integrated_ratio: float = 0.0


@dataclass(frozen=True, slots=True)
class OfPeriod:
    """Key figures of a site over a period, and how the ledger behind them stands."""

    period: Period
    figures: list[Shown]
    standing: Standing


def figures_of_period(
    *,
    site: Site,
    period: Period,
    now: dt.datetime,
    keys: Iterable[str] | None = None,
    for_everybody: bool = False,
) -> OfPeriod:
    """The key figures of a site over a period, as far as it is over, in the order of the keys or of the catalog."""
    chosen = [figures.BY_KEY[key] for key in (figures.BY_KEY if keys is None else keys)]
    if for_everybody:
        chosen = [figure for figure in chosen if figure.key in FOR_EVERYBODY]
    known, standing = _sums(site, period, sorted({name for one in chosen for name in kpi_ledger.all_inputs(one)}), now)
    facts = _facts(site, period, chosen, now)
    return OfPeriod(period, [kpi_ledger.shown(figure, known, facts) for figure in chosen], standing)


def _sums(site: Site, period: Period, inputs: list[str], now: dt.datetime) -> tuple[dict[str, Sum], Standing]:
    span = _summed_span(site, period, now)
    if span is None:
        return sums_of_quarters(site=site, period=period, inputs=inputs, now=now)
    known = kpi_ledger.sums_throughout(sites=[site], inputs=inputs, span=span, now=now).get(site.pk, {})
    rows: Any = KpiSum.objects.filter(site=site, month_on__gte=span.first, month_on__lt=span.until)
    return known, Standing(settled_at=rows.aggregate(latest=Max("settled_at"))["latest"])


def _summed_span(site: Site, period: Period, now: dt.datetime) -> Span | None:
    """The period as whole local months, where it is; the running month alone is fresher in the quarter hours."""
    span = Span(local_date(period.start, site.zone), local_date(period.end, site.zone))
    is_of_months = span.first < span.until and (span.first.day, span.until.day) == (1, 1)
    if not is_of_months or local_days(span.first, span.until, site.zone) != period:
        return None
    return span if period.end <= now or len(kpi_ledger.months_of(span)) > 1 else None


def _facts(site: Site, period: Period, chosen: list[Figure], now: dt.datetime) -> dict[str, Known]:
    """The facts of the period: states as they hold in it, amounts only where it is made of whole days."""
    needed = {name for figure in chosen for name in kpi_ledger.facts_needed(figure)}
    last = local_date(period.end - dt.timedelta(microseconds=1), site.zone)
    span = Span(local_date(period.start, site.zone), last + _ONE_DAY)
    if local_days(span.first, span.until, site.zone) != period:
        needed -= _WHOLE_DAYS_ONLY
    span = kpi_ledger.so_far(span, now)
    found = kpi_facts.facts_of_sites(sites=[site], span=span, needed=needed).get(site.pk, {})
    return {name: fact for name, fact in found.items() if name in needed}


def sums_of_quarters(
    *, site: Site, period: Period, inputs: Iterable[str], now: dt.datetime
) -> tuple[dict[str, Sum], Standing]:
    """The sums of a site's quarter hours of the period, and how these stand; one query, and two more for its parts.

    Expected is every quarter hour of the period that is over; of inputs that come from each meter or piece of
    equipment, as many for each that has a quarter hour in the period.
    """
    chosen = list(inputs)
    end = min(period.end, quarter_start(now))
    over = max(0, (end - period.start) // QUARTER_HOUR)
    row = _one(_OF_SITE, kpi_inputs.SITE_INPUTS, chosen, site, period)
    found = _read(row, [name for name in chosen if name in kpi_inputs.SITE_INPUTS], over)
    standing = Standing(row["settled_at"], row["rule_version"], row["integrated"] / over if over else 0.0)
    of_points = [name for name in chosen if name in kpi_inputs.POINT_INPUTS]
    if of_points:
        row = _one(_OF_POINTS, kpi_inputs.POINT_INPUTS, chosen, site, period)
        found |= _read(row, of_points, over * row["places"])
    if set(chosen) & set(kpi_inputs.EQUIPMENT_INPUTS):
        for row in _rows(_OF_EQUIPMENT, kpi_inputs.EQUIPMENT_INPUTS, chosen, site, period):
            of_kind = [name for name in chosen if name in kpi_inputs.EQUIPMENT_OF[row["kind"]]]
            found |= _read(row, of_kind, over * row["places"])
    return found, standing


def _read(row: dict[str, Any], names: Iterable[str], expected: int) -> dict[str, Sum]:
    """The sums of a row; an input that is known in no quarter hour has no value, whatever its sum says."""
    counts = {name: row[f"n_{name}"] for name in names}
    return {
        name: Sum(row[name] if count else None, count, max(expected, count))
        for name, count in counts.items()
        if row["quarters"]
    }


_OF_SITE: Final = """
SELECT count(*) AS quarters, max(settled_at) AS settled_at, max(rule_version) AS rule_version,
       count(*) FILTER (WHERE it_quality = ANY(%(integrated)s)) AS integrated{columns}
FROM thermal_siteinterval WHERE site_id = %(site)s AND start >= %(start)s AND start < %(end)s
"""
_OF_POINTS: Final = """
SELECT count(*) AS quarters, count(DISTINCT hi.delivery_point_id) AS places{columns}
FROM hosting_deliverypoint dp
JOIN thermal_heatinterval hi ON hi.delivery_point_id = dp.id AND hi.start >= %(start)s AND hi.start < %(end)s
WHERE dp.site_id = %(site)s AND hi.reason <> %(no_meter)s
"""
_OF_EQUIPMENT: Final = """
SELECT model.kind, count(*) AS quarters, count(DISTINCT equipment.id) AS places{columns}
FROM hosting_site site
JOIN hosting_equipment equipment ON equipment.site_id = site.id
JOIN hosting_equipmentmodel model ON model.id = equipment.model_id AND model.kind = ANY(%(kinds)s)
JOIN LATERAL {equipment} ej ON ej.start >= %(start)s AND ej.start < %(end)s
WHERE site.id = %(site)s GROUP BY model.kind
"""


def _one(
    statement: str, inputs: dict[str, tuple[str, str]], chosen: Iterable[str], site: Site, period: Period
) -> dict[str, Any]:
    return _rows(statement, inputs, chosen, site, period)[0]


def _rows(
    statement: str, inputs: dict[str, tuple[str, str]], chosen: Iterable[str], site: Site, period: Period
) -> list[dict[str, Any]]:
    wanted = {name: inputs[name] for name in chosen if name in inputs}
    columns = f",\n       {kpi_inputs.columns(wanted)}" if wanted else ""
    facts: dict[str, Any] = {
        "site": site.pk,
        "start": period.start,
        "end": period.end,
        "integrated": [Quality.INTEGRATED.value, Quality.ESTIMATED.value],
        "no_meter": Reason.NO_METER.value,
        "kinds": list(kpi_inputs.EQUIPMENT_OF),
    }
    with connection.cursor() as cursor:
        cursor.execute(statement.format(columns=columns, equipment=kpi_inputs.JUDGED_EQUIPMENT), facts)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
