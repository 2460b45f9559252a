"""Key figures of single heat pumps, exchangers and buffers, from their quarter hours."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from hosting.models import EquipmentModel, Site
from kernel.periods import Period
from thermal.queries import intervals

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
        facts = {"site": site.pk, "kind": kind, "first": period.start, "last": period.end}
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
