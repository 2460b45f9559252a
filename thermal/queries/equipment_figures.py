"""Key figures of single heat pumps, exchangers and buffers, from their quarter hours."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import Max, Min
from django.utils.translation import gettext as _

from hosting.models import Equipment, EquipmentModel, Site
from kernel.periods import QUARTER_HOUR, Period, local_date, local_days, local_month, quarter_start
from thermal.domain.kpis import drift, figures, sums
from thermal.domain.kpis.drift import Judgement
from thermal.domain.kpis.figures import Figure
from thermal.domain.kpis.heat_pump import Verdict
from thermal.domain.kpis.sums import Sum
from thermal.models import EquipmentFact, EquipmentInterval
from thermal.models.equipment import KINDS
from thermal.queries import equipment_facts, intervals, kpi_facts, kpi_inputs, kpi_ledger
from thermal.queries.kpi_facts import Known, Span
from thermal.queries.kpi_ledger import Shown

Kind = EquipmentModel.Kind

# Where the fluid that cooled the IT hands its heat over: the recovery exchanger, else the heat pump itself.
_HAND_OVER: Final = (Kind.PLATE_EXCHANGER.value, Kind.HEAT_PUMP.value)

_WASTE_HEAT = """
SELECT e.id, e.tag, avg(ei.hot_in_c), count(*), max(ei.settled_at),
       sum(ei.hot_in_c * si.captured_kwh), sum(si.captured_kwh)
FROM thermal_equipmentinterval ei
JOIN hosting_equipment e ON e.id = ei.equipment_id
JOIN hosting_equipmentmodel model ON model.id = e.model_id
LEFT JOIN thermal_siteinterval si ON si.site_id = e.site_id AND si.start = ei.start
WHERE e.site_id = %(site)s AND model.kind = %(kind)s AND ei.start >= %(first)s AND ei.start < %(last)s
  AND ei.hot_in_c IS NOT NULL
GROUP BY e.id, e.tag ORDER BY e.tag
"""


@dataclass(frozen=True, slots=True)
class MeasuringPoint:
    """One place where the heated fluid enters: its time mean in °C, and the share of the period that is known."""

    equipment_id: int
    tag: str
    mean_c: float
    known_ratio: float


@dataclass(frozen=True, slots=True)
class WasteHeat:
    """The waste-heat temperature of a site (TWH): as time mean, which the regulation asks for, and weighted by heat.

    `time_mean_c` is None where nothing is measured; `heat_weighted_c` where the heat captured is not metered as well.
    `known_ratio` is the share of the period's quarter hours that are known, at the least known measuring point.
    """

    time_mean_c: float | None
    heat_weighted_c: float | None
    known_ratio: float
    points: tuple[MeasuringPoint, ...]
    place: str
    settled_at: dt.datetime | None


NOTHING: Final = WasteHeat(None, None, 0.0, (), "", None)


def waste_heat_temperature(*, site: Site, period: Period) -> WasteHeat:
    """The temperature at which the fluid that cooled the IT enters the recovery exchanger, averaged over the period.

    Notes
    -----
    Delegated Regulation (EU) 2024/1364, Annex II, TWH: averaged over time and over measuring points. Each measuring
    point counts alike, each by the mean of its known quarter hours. Where no exchanger is measured, the inlet of the
    heat pumps stands for it (`place` says which). The heat-weighted mean takes the heat captured at the site.
    """
    for kind in _HAND_OVER:
        facts: dict[str, Any] = {"site": site.pk, "kind": kind, "first": period.start, "last": period.end}
        with connection.cursor() as cursor:
            cursor.execute(_WASTE_HEAT, facts)
            rows = cursor.fetchall()
        if rows:
            return _averaged(rows, kind, intervals.quarters_in(period))
    return NOTHING


def _averaged(rows: list[tuple[Any, ...]], kind: str, expected: int) -> WasteHeat:
    points = tuple(MeasuringPoint(pk, tag, mean, min(1.0, count / expected)) for pk, tag, mean, count, *_rest in rows)
    weighted = [(heat_c, kwh) for *_rest, heat_c, kwh in rows if heat_c is not None and kwh]
    return WasteHeat(
        time_mean_c=sum(point.mean_c for point in points) / len(points),
        heat_weighted_c=sum(heat_c for heat_c, _kwh in weighted) / sum(kwh for _heat_c, kwh in weighted)
        if weighted
        else None,
        known_ratio=min(point.known_ratio for point in points),
        points=points,
        place=kind,
        settled_at=max(row[4] for row in rows),
    )


# ---- one piece of equipment ------------------------------------------------------------------------------------------


def pieces_of(site: Site) -> list[Equipment]:
    """The equipment of a site that has figures, with its model."""
    rows: Any = Equipment.objects.filter(site=site, model__kind__in=KINDS).exclude(state=Equipment.State.PLANNED)
    return list(rows.select_related("model").order_by("tag"))


def figure_keys(equipment: Equipment) -> tuple[str, ...]:
    """The figures of the catalog that the equipment has, by its kind."""
    return _FIGURES.get(equipment.model.kind, ())


_FIGURES: Final[dict[str, tuple[str, ...]]] = {
    Kind.HEAT_PUMP.value: ("cop_h1", "cop_h2", "cop_h3", "cop_h4", "second_law", "cop_impossible"),
    Kind.PLATE_EXCHANGER.value: ("approach",),
    Kind.BUFFER_TANK.value: ("buffer_charge",),
}
# The figure by which equipment is judged, and the fact that is its baseline.
_JUDGED: Final[dict[str, tuple[str, EquipmentFact.Kind]]] = {
    Kind.HEAT_PUMP.value: ("second_law", EquipmentFact.Kind.EFFICIENCY),
    Kind.PLATE_EXCHANGER.value: ("approach", EquipmentFact.Kind.APPROACH),
}
# What belongs to a heat pump system besides the pump, known for the site alone.
AROUND: Final = ("source_pump_kwh", "sink_pump_kwh", "backup_kwh", "backup_heat_kwh")
_OWN: Final = {
    "heat_pump_heat_kwh": ("sum(ej.heat_kwh)", "ej.heat_kwh IS NOT NULL"),
    "heat_pump_kwh": ("sum(ej.electricity_kwh)", "ej.electricity_kwh IS NOT NULL"),
    **kpi_inputs.EQUIPMENT_INPUTS,
}
# A month of which so much is known can be a baseline.
WHOLE_RATIO: Final = 0.9
MONTHS_SHOWN: Final = 24
_BASELINE_MONTHS: Final = 6

_MONTHS = f"""
SELECT date_trunc('month', ej.start AT TIME ZONE site.time_zone)::date AS month_on,
       {kpi_inputs.columns(_OWN)}
FROM hosting_equipment equipment
JOIN hosting_site site ON site.id = equipment.site_id
JOIN LATERAL {kpi_inputs.JUDGED_EQUIPMENT} ej ON ej.start >= %(first)s AND ej.start < %(last)s
WHERE equipment.id = %(equipment)s
GROUP BY 1 ORDER BY 1
"""  # noqa: S608 - our own constants

Months = dict[dt.date, dict[str, Sum]]


@dataclass(frozen=True, slots=True)
class Judged:
    """How equipment stands to its baseline, with the baseline and the limit, and the usual band of heat pumps."""

    figure: Figure
    judgement: Judgement
    now: float | None
    baseline: Known | None
    is_derived: bool
    limit: Known
    band: tuple[Known, Known] | None = None
    place: Verdict | None = None
    impossible_count: int = 0


@dataclass(frozen=True, slots=True)
class EquipmentFigures:
    """All figures of one piece of equipment over a span, and by month."""

    equipment: Equipment
    span: Span
    shown: list[Shown]
    judged: Judged | None
    months: list[tuple[dt.date, Shown]]
    facts: list[EquipmentFact]
    first_at: dt.datetime | None
    settled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked about: the equipment over a span, as of now."""

    equipment: Equipment
    span: Span
    now: dt.datetime
    first_at: dt.datetime | None
    facts: list[EquipmentFact]

    @property
    def on(self) -> dt.date:
        """The day whose facts hold for the span: its middle, or today if that is still to come."""
        return min(self.span.middle, local_date(self.now, self.equipment.site.zone))


def figures_of(*, equipment: Equipment, span: Span, now: dt.datetime) -> EquipmentFigures:
    """The figures of a heat pump, exchanger or buffer over whole local months; needs its site and model."""
    ends = EquipmentInterval.objects.filter(equipment=equipment).aggregate(first=Min("start"), latest=Max("settled_at"))
    asked = _Asked(equipment, span, now, ends["first"], equipment_facts.facts_of(equipment))
    months = _months(asked, _back(span), span.until)
    total = _throughout(asked, sums.added(known for month, known in months.items() if span.first <= month < span.until))
    around, given = _around(asked)
    return EquipmentFigures(
        equipment=equipment,
        span=span,
        shown=[kpi_ledger.shown(figures.BY_KEY[key], total | around, given) for key in figure_keys(equipment)],
        judged=_judged(asked, total),
        months=_by_month(equipment, months),
        facts=asked.facts,
        first_at=asked.first_at,
        settled_at=ends["latest"],
    )


def judged_of(*, equipment: Equipment, span: Span, now: dt.datetime) -> Judged | None:
    """How the equipment stands over whole local months, without the rest."""
    first_at = EquipmentInterval.objects.filter(equipment=equipment).aggregate(first=Min("start"))["first"]
    asked = _Asked(equipment, span, now, first_at, equipment_facts.facts_of(equipment))
    return _judged(asked, sums.added(_months(asked, span.first, span.until).values()))


def _throughout(asked: _Asked, total: Mapping[str, Sum]) -> dict[str, Sum]:
    """The sums, expected in every quarter hour of the span that is over, also before the first one that was settled."""
    over = kpi_ledger.quarters_over(span=asked.span, time_zone=asked.equipment.site.time_zone, now=asked.now)
    return {name: Sum(one.value, one.known_count, max(one.expected_count, over)) for name, one in total.items()}


def _back(span: Span) -> dt.date:
    """The first month that the chart shows; the span lies within."""
    return min(span.first, _later(span.until, -MONTHS_SHOWN))


def _later(month: dt.date, count: int) -> dt.date:
    number = month.year * 12 + month.month - 1 + count
    return dt.date(number // 12, number % 12 + 1, 1)


def _around(asked: _Asked) -> tuple[dict[str, Sum], dict[str, Known]]:
    """What the site's pumps and backup heater took, and what is stated of them, for the only heat pump of a site."""
    equipment, span, now = asked.equipment, asked.span, asked.now
    pumps = Equipment.objects.filter(site=equipment.site_id, model__kind=Kind.HEAT_PUMP)
    in_use = pumps.exclude(state__in=[Equipment.State.PLANNED, Equipment.State.RETIRED])
    if equipment.model.kind != Kind.HEAT_PUMP or in_use.count() != 1:
        return {}, {}
    site = equipment.site
    told = kpi_ledger.sums_throughout(sites=[site], inputs=AROUND, span=span, now=now).get(site.pk, {})
    return told, kpi_facts.facts_of_sites(sites=[site], span=kpi_ledger.so_far(span, now), needed=AROUND)[site.pk]


def _months(asked: _Asked, first: dt.date, until: dt.date) -> Months:
    """The sums by local month, in one query; quarter hours are expected from the first one that was ever settled."""
    if asked.first_at is None:
        return {}
    zone = asked.equipment.site.zone
    bounds = local_days(first, until, zone)
    facts: dict[str, Any] = {"equipment": asked.equipment.pk, "first": bounds.start, "last": bounds.end}
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS, facts)
        rows = cursor.fetchall()
    found: Months = {}
    for month, *cells in rows:
        whole = local_month(month.year, month.month, zone)
        lived = max(whole.start, asked.first_at), min(whole.end, quarter_start(asked.now))
        expected = max(0, (lived[1] - lived[0]) // QUARTER_HOUR)
        pairs = zip(cells[::2], cells[1::2], strict=True)
        found[month] = {
            name: Sum(value if known else None, known, max(expected, known))
            for name, (value, known) in zip(_OWN, pairs, strict=True)
        }
    return found


def _by_month(equipment: Equipment, months: Months) -> list[tuple[dt.date, Shown]]:
    keys = figure_keys(equipment)
    if not keys:
        return []
    kind = equipment.model.kind
    figure = figures.BY_KEY[_JUDGED[kind][0] if kind in _JUDGED else keys[0]]
    return [(month, kpi_ledger.shown(figure, known, {})) for month, known in sorted(months.items())]


def _judged(asked: _Asked, total: Mapping[str, Sum]) -> Judged | None:
    """How the equipment stands in the span, where it is of a kind that is judged."""
    if asked.equipment.model.kind not in _JUDGED:
        return None
    key, fact_kind = _JUDGED[asked.equipment.model.kind]
    figure = figures.BY_KEY[key]
    value = figure.value({name: one.value for name, one in total.items()})
    baseline = equipment_facts.stated(asked.facts, fact_kind, asked.on)
    is_derived = baseline is None
    baseline = baseline or _derived(asked, figure)
    known = None if baseline is None else baseline.value
    if fact_kind is EquipmentFact.Kind.APPROACH:
        limit = equipment_facts.limit(asked.facts, EquipmentFact.Kind.APPROACH_RISE, asked.on)
        return Judged(figure, drift.judge_approach(value, known, limit.value), value, baseline, is_derived, limit)
    limit, low, high = (equipment_facts.limit(asked.facts, one, asked.on) for one in _OF_PUMPS)
    told = total.get("impossible_count")
    wrong = round(told.value or 0.0) if told is not None else 0
    judgement = drift.judge_efficiency(value, known, limit.value, wrong)
    place = drift.place_in_band(value, (low.value, high.value))
    return Judged(figure, judgement, value, baseline, is_derived, limit, (low, high), place, wrong)


_OF_PUMPS: Final = (
    EquipmentFact.Kind.EFFICIENCY_DROP,
    EquipmentFact.Kind.USUAL_LOW,
    EquipmentFact.Kind.USUAL_HIGH,
)


def _derived(asked: _Asked, figure: Figure) -> Known | None:
    """The figure of the first month that is known as a whole, which stands in for a commissioning nobody recorded."""
    if asked.first_at is None:
        return None
    zone = asked.equipment.site.zone
    first = local_date(asked.first_at, zone).replace(day=1)
    for month, known in sorted(_months(asked, first, _later(first, _BASELINE_MONTHS)).items()):
        whole = local_month(month.year, month.month, zone)
        made = kpi_ledger.shown(figure, known, {})
        lived = asked.first_at <= whole.start and whole.end <= asked.now
        if lived and made.value is not None and made.known_ratio >= WHOLE_RATIO:
            words = _("derived from %(month)s, the first full month") % {"month": f"{month:%Y-%m}"}
            return Known(made.value, words, is_verified=False)
    return None
