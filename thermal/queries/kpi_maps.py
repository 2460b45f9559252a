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
       bool_or({quality} = %(estimated)s) AS is_estimated,
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
_LEDGERS: Final = (
    (_OF_SITE, kpi_inputs.SITE_INPUTS),
    (_OF_POINTS, kpi_inputs.POINT_INPUTS),
    (_OF_EQUIPMENT, kpi_inputs.EQUIPMENT_INPUTS),
)


def is_by_hour(figure: Figure) -> bool:
    """Whether the figure makes sense by the hour: it needs no dated fact, and its inputs stand in one ledger."""
    return not figure.facts and any(set(figure.inputs) <= set(inputs) for _statement, inputs in _LEDGERS)


BY_HOUR: Final = tuple(figure for figure in figures.FIGURES if is_by_hour(figure))


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure in one hour of the wall clock; `is_estimated` where a part of it is estimated or not known."""

    day: dt.date
    hour: int
    value: float | None
    is_estimated: bool
    quarters_known: int
    quarters: int


# The hour, its quarter hours, whether one is estimated; then of each input the sum and how many are known.
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class HourMap:
    """A figure by local day and hour: `quarters` of each hour that the wall clock shows, `rows` of those settled."""

    figure: Figure
    days: list[dt.date]
    rows: dict[dt.datetime, Row]
    estimated: frozenset[dt.datetime]
    quarters: dict[dt.datetime, int]
    until: dt.datetime

    def cells(self) -> Iterator[Cell]:
        """The hours in order, as far as the wall clock showed them and they have begun; made one by one."""
        is_of_site = set(self.figure.inputs) <= set(kpi_inputs.SITE_INPUTS)
        for hour, quarters in self.quarters.items():
            if hour >= self.until:
                return
            row = self.rows.get(hour)
            if row is None:
                yield Cell(hour.date(), hour.hour, None, is_estimated=False, quarters_known=0, quarters=quarters)
            else:
                # Each delivery point and each piece of equipment has its own quarter hours.
                yield self._cell(hour, row, quarters if is_of_site else row[1])

    def _cell(self, hour: dt.datetime, row: Row, quarters: int) -> Cell:
        counts = row[4::2]
        known = zip(self.figure.inputs, row[3::2], counts, strict=True)
        value = self.figure.value({name: total if count else None for name, total, count in known})
        least = min(counts)
        is_estimated = value is not None and (row[2] or hour in self.estimated or least < quarters)
        return Cell(hour.date(), hour.hour, value, is_estimated, least, quarters)


def hour_map(*, site: Site, figure: Figure, span: Span, now: dt.datetime) -> HourMap:
    """The figure of a site by day and hour of the wall clock; one query, and one for estimates where heat is in it.

    The hour that comes twice in autumn holds both, from their sums; the hour that spring leaves out does not exist.
    """
    period = local_days(span.first, span.until, site.zone)
    return HourMap(
        figure=figure,
        days=[span.first + dt.timedelta(days=number) for number in range((span.until - span.first).days)],
        rows=_rows(figure, site, period),
        estimated=_estimated(site, period) if "delivered_kwh" in figure.inputs else frozenset(),
        quarters=_wall_hours(period, site),
        until=now.astimezone(site.zone).replace(tzinfo=None),
    )


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


def _rows(figure: Figure, site: Site, period: Period) -> dict[dt.datetime, Row]:
    statement, all_inputs = next(one for one in _LEDGERS if set(figure.inputs) <= set(one[1]))
    columns = kpi_inputs.columns({name: all_inputs[name] for name in figure.inputs})
    # The quality of a site's quarter hour is that of its IT energy.
    quality = "it_quality" if "it_kwh" in figure.inputs else "NULL::int"
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(columns=columns, quality=quality, equipment=kpi_inputs.JUDGED_EQUIPMENT),
            _facts(site, period, figure.inputs),
        )
        return {row[0]: row for row in cursor.fetchall()}


def _estimated(site: Site, period: Period) -> frozenset[dt.datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATED_HEAT, _facts(site, period, ()))
        return frozenset(row[0] for row in cursor.fetchall())


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
