"""Maps of key figures: a site's span day by hour from the quarter hours, and many sites' spans month by month."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from hosting.models import Site
from kernel.periods import Period, local_days, months_of
from thermal.domain.kpis import figures
from thermal.domain.kpis.figures import Figure
from thermal.models.ledger import Quality, Reason
from thermal.queries import kpi_facts, kpi_inputs, kpi_ledger
from thermal.queries.kpi_facts import Place, Span
from thermal.queries.kpi_ledger import Shown

_OF_SITE: Final = """
SELECT date_trunc('hour', start AT TIME ZONE %(zone)s) AS hour, count(*) AS quarters,
       bool_or(it_quality = %(estimated)s) AS is_estimated,
       {columns}
FROM thermal_siteinterval WHERE site_id = %(site)s AND start >= %(start)s AND start < %(end)s
GROUP BY 1
"""
_OF_POINTS: Final = """
SELECT date_trunc('hour', hi.start AT TIME ZONE %(zone)s) AS hour, count(*) AS quarters,
       bool_or(hi.quality = %(estimated)s) AS is_estimated,
       {columns}
FROM hosting_deliverypoint dp
JOIN thermal_heatinterval hi ON hi.delivery_point_id = dp.id AND hi.start >= %(start)s AND hi.start < %(end)s
WHERE dp.site_id = %(site)s AND hi.reason <> %(no_meter)s
GROUP BY 1
"""
_OF_EQUIPMENT: Final = """
SELECT date_trunc('hour', ej.start AT TIME ZONE %(zone)s) AS hour, count(*) AS quarters, false AS is_estimated,
       {columns}
FROM hosting_site site
JOIN hosting_equipment equipment ON equipment.site_id = site.id
JOIN hosting_equipmentmodel model ON model.id = equipment.model_id AND model.kind = ANY(%(kinds)s)
JOIN LATERAL {equipment} ej ON ej.start >= %(start)s AND ej.start < %(end)s
WHERE site.id = %(site)s
GROUP BY 1
"""
# Heat that was estimated at a delivery point is estimated in every figure of the site that is made of it.
_ESTIMATED_HEAT: Final = """
SELECT DISTINCT date_trunc('hour', hi.start AT TIME ZONE %(zone)s)
FROM hosting_deliverypoint dp
JOIN thermal_heatinterval hi ON hi.delivery_point_id = dp.id AND hi.start >= %(start)s AND hi.start < %(end)s
WHERE dp.site_id = %(site)s AND hi.quality = %(estimated)s
"""
_HOURS: Final = range(24)
_HOUR: Final = dt.timedelta(hours=1)
_QUARTERS: Final = 4
# Figures that make sense by the hour: those that need no dated fact.
BY_HOUR: Final = tuple(figure for figure in figures.FIGURES if not figure.facts)
_PARTS: Final = (
    (_OF_SITE, kpi_inputs.SITE_INPUTS),
    (_OF_POINTS, kpi_inputs.POINT_INPUTS),
    (_OF_EQUIPMENT, kpi_inputs.EQUIPMENT_INPUTS),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure in one hour of the wall clock; `is_estimated` where a part of it is estimated or not known."""

    day: dt.date
    hour: int
    value: float | None
    is_estimated: bool
    quarters_known: int
    quarters: int


@dataclass(frozen=True, slots=True)
class HourMap:
    """A figure by local day and hour: `quarters` of each hour that the wall clock shows, `hours` that have rows."""

    figure: Figure
    days: list[dt.date]
    hours: dict[dt.datetime, Cell]
    quarters: dict[dt.datetime, int]
    until: dt.datetime

    def cells(self) -> Iterator[Cell]:
        """The hours in order, as far as the wall clock showed them and they have begun."""
        for hour, quarters in self.quarters.items():
            if hour >= self.until:
                return
            yield self.hours.get(hour) or _nothing(hour, quarters)


def _nothing(hour: dt.datetime, quarters: int) -> Cell:
    return Cell(hour.date(), hour.hour, None, is_estimated=False, quarters_known=0, quarters=quarters)


def hour_map(*, site: Site, figure: Figure, span: Span, now: dt.datetime) -> HourMap:
    """The figure of a site by day and hour of the wall clock; a query for each ledger, one for estimates.

    The hour that comes twice in autumn holds both, from their sums; the hour that spring leaves out does not exist.
    """
    period = local_days(span.first, span.until, site.zone)
    quarters = _wall_hours(period, site)
    found = _hours(site, figure, period)
    cells = {hour: cell for hour, row in found.items() if (cell := _cell(figure, hour, row, quarters.get(hour, 0)))}
    days = [span.first + dt.timedelta(days=number) for number in range((span.until - span.first).days)]
    return HourMap(figure, days, cells, quarters, now.astimezone(site.zone).replace(tzinfo=None))


def _wall_hours(period: Period, site: Site) -> dict[dt.datetime, int]:
    """The hours that the wall clock shows in the period, with the count of their quarter hours: 4, or 8 in autumn."""
    found: dict[dt.datetime, int] = {}
    zone, quarter = site.zone, _HOUR / _QUARTERS
    # By the hour where hours of the zone begin with those of UTC all year, which is nearly everywhere and faster.
    offsets = [month.start.astimezone(zone).utcoffset() or dt.timedelta() for month in months_of(period, zone)]
    step, count = (quarter, 1) if any(offset % _HOUR for offset in offsets) else (_HOUR, _QUARTERS)
    at = period.start
    while at < period.end:
        hour = at.astimezone(zone).replace(tzinfo=None, minute=0)
        found[hour] = found.get(hour, 0) + count
        at += step
    return found


Row = dict[str, Any]


def _hours(site: Site, figure: Figure, period: Period) -> dict[dt.datetime, Row]:
    """The sums of the figure's inputs by hour, with whether a part of them is estimated."""
    found: dict[dt.datetime, Row] = {}
    for statement, all_inputs in _PARTS:
        inputs = {name: all_inputs[name] for name in figure.inputs if name in all_inputs}
        for row in _rows(statement, inputs, site, period) if inputs else ():
            # The quality of a site's quarter hour is that of its IT energy.
            if statement is _OF_SITE and "it_kwh" not in inputs:
                row["is_estimated"] = False
            found[row["hour"]] = found.get(row["hour"], {}) | row
    if "delivered_kwh" in figure.inputs:
        for hour in _estimated(site, period):
            if hour in found:
                found[hour]["is_estimated"] = True
    return found


def _cell(figure: Figure, hour: dt.datetime, row: Row, quarters: int) -> Cell | None:
    counts = [row.get(f"n_{name}", 0) for name in figure.inputs]
    values = {name: row.get(name) if count else None for name, count in zip(figure.inputs, counts, strict=True)}
    value = figure.value(values)
    known = min(counts)
    # Each delivery point and each piece of equipment has its own quarter hours.
    expected = quarters if set(figure.inputs) <= set(kpi_inputs.SITE_INPUTS) else row["quarters"]
    is_estimated = value is not None and (bool(row["is_estimated"]) or known < expected)
    return Cell(hour.date(), hour.hour, value, is_estimated, known, expected)


def _facts(site: Site, period: Period, inputs: Iterable[str]) -> dict[str, Any]:
    return {
        "site": site.pk,
        "zone": site.time_zone,
        "start": period.start,
        "end": period.end,
        "estimated": Quality.ESTIMATED.value,
        "no_meter": Reason.NO_METER.value,
        "kinds": [kind for kind, names in kpi_inputs.EQUIPMENT_OF.items() if set(names) & set(inputs)],
    }


def _rows(statement: str, inputs: dict[str, tuple[str, str]], site: Site, period: Period) -> list[Row]:
    with connection.cursor() as cursor:
        columns, equipment = kpi_inputs.columns(inputs), kpi_inputs.JUDGED_EQUIPMENT
        cursor.execute(statement.format(columns=columns, equipment=equipment), _facts(site, period, inputs))
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _estimated(site: Site, period: Period) -> list[dt.datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATED_HEAT, _facts(site, period, ()))
        return [row[0] for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class MonthMap:
    """A figure of several sites by month: of each site as many as there are months."""

    months: list[dt.date]
    shown: dict[int, list[Shown]]


def month_map(*, sites: Sequence[Place], figure: Figure, span: Span, now: dt.datetime) -> MonthMap:
    """The figure of the sites in each month of the span, with the facts of that month; one query, four with facts."""
    months = kpi_ledger.months_of(span)
    ids = [site.pk for site in sites]
    by_month = kpi_ledger.sums_by_month(sites=sites, inputs=kpi_ledger.all_inputs(figure), span=span, now=now)
    spans = [kpi_ledger.month_span(month.year, month.month) for month in months]
    begun = {month: kpi_ledger.so_far(one, now) for month, one in zip(months, spans, strict=True)}
    facts = kpi_facts.facts_of_spans(sites=sites, spans=list(begun.values()), needed=kpi_ledger.facts_needed(figure))
    return MonthMap(
        months,
        {
            pk: [
                kpi_ledger.shown(figure, by_month.get((pk, month), {}), facts.get(begun[month], {}).get(pk, {}))
                for month in months
            ]
            for pk in ids
        },
    )
