"""The weather of a site as people read it: days with their degree days, and which demand follows them."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

from hosting.models import DeliveryPoint, Site
from thermal.domain.kpis import disclosure
from thermal.models import SiteFact, WeatherDay, WeatherDependence
from thermal.queries import kpi_facts

EXPORT_COLUMNS: Final = ("site", "day", "mean_c", "heating_kd", "heating_degree_days_kd", "cooling_kd", "source")
CHUNK_ROWS: Final = 2000


class Bases:
    """The outdoor temperatures in °C below which heating is counted at a site, read once."""

    def __init__(self, site: Site) -> None:
        rows = SiteFact.objects.filter(site=site, kind=SiteFact.Kind.BASE_LOAD, value__isnull=False)
        self._facts = list(rows.order_by("-valid_from").values_list("valid_from", "valid_until", "value"))

    def on(self, day: dt.date) -> float:
        """The base that holds on a day."""
        for first, until, value in self._facts:
            if first <= day and (until is None or day < until):
                return float(value or 0.0)
        return kpi_facts.heating_base_c()


def heating_kd(day: WeatherDay, bases: Bases) -> float:
    """The heating degree days of a day in K·d: as the service stated them, else by its mean temperature."""
    if day.heating_kd is not None:
        return day.heating_kd
    return disclosure.degree_days(day.mean_c or 0.0, bases.on(day.day_on))


def cooling_kd(day: WeatherDay) -> float | None:
    """The cooling degree days of a day in K·d above the base of the regulation; None without a mean temperature."""
    if day.mean_c is None:
        return None
    return disclosure.degree_days(day.mean_c, kpi_facts.COOLING_BASE_C, is_cooling=True)


def export_rows(rows: QuerySet[WeatherDay], bases: Bases) -> Iterator[list[Any]]:
    """The cells of each day; what was imported stays apart from what was computed, so a file can come back."""
    for day in rows.select_related("site").iterator(chunk_size=CHUNK_ROWS):
        counted = round(heating_kd(day, bases), 3)
        yield [day.site.code, day.day_on, day.mean_c, day.heating_kd, counted, cooling_kd(day), day.source]


@dataclass(frozen=True, slots=True)
class Demand:
    """A delivery point, and what is said of its demand and the weather; None where that is not adjusted."""

    point: DeliveryPoint
    dependence: WeatherDependence | None


def demands(site: Site, on: dt.date) -> list[Demand]:
    """The delivery points of a site, each with what holds, or will hold, from a day on."""
    rows = WeatherDependence.objects.filter(delivery_point__site=site).exclude(valid_until__lte=on)
    by_point = {row.delivery_point_id: row for row in rows.order_by("-valid_from")}
    return [Demand(point, by_point.get(point.pk)) for point in DeliveryPoint.objects.filter(site=site)]
