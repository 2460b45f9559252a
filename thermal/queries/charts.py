"""Series for charts, read from the ledger and cut to what a screen can show."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Max, QuerySet, Sum
from django.db.models.functions import Trunc
from django.utils.translation import gettext as _

from hosting.models import DeliveryPoint, PlannedOutage, Site
from kernel.periods import Period, days_of
from thermal.models import Alarm, HeatInterval, SiteInterval
from thermal.models.ledger import Quality

HOUR = dt.timedelta(hours=1)
QUARTER = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Grid:
    """The instants of a chart: each the start of a step of the period."""

    kind: str
    steps: list[dt.datetime]

    @property
    def epochs(self) -> list[int]:
        """The instants as seconds since 1970."""
        return [int(step.timestamp()) for step in self.steps]


def grid_of(kind: str, period: Period, site: Site) -> Grid:
    """Quarter hours of a day, hours of a month, local days of a year: never more than 1,000 points."""
    if kind == "year":
        return Grid("day", [day.start for day in days_of(period, site.zone)])
    step = QUARTER if kind == "day" else HOUR
    count = period.duration // step
    return Grid(
        "hour" if kind == "month" else "quarter",
        [period.start + step * number for number in range(count)],
    )


def power_chart(*, site: Site, period: Period, kind: str) -> dict[str, Any]:
    """IT power, heat delivered and heat rejected as mean kW of each step of the period."""
    grid = grid_of(kind, period, site)
    rows = {row["step"]: row for row in _site_steps(site, period, grid)}
    series = [
        _power("it_kwh", {"label": _("IT power"), "color_token": "power", "kind": "area"}, grid, rows),
        _power(
            "delivered_kwh", {"label": _("Heat delivered"), "color_token": "heat-supply", "kind": "line"}, grid, rows
        ),
        _power(
            "rejected_kwh", {"label": _("Heat rejected"), "color_token": "heat-rejected", "kind": "line"}, grid, rows
        ),
    ]
    return {
        "title": _("Power"),
        "zone": site.time_zone,
        "unit": "kW",
        "at": grid.epochs,
        "series": [one for one in series if one["label"] != _("Heat rejected") or any(one["values"])],
        "bands": bands(site=site, period=period),
    }


def temperature_chart(*, site: Site, period: Period, kind: str) -> dict[str, Any]:
    """Supply and return temperature in °C of each delivery point."""
    grid = grid_of(kind, period, site)
    points = list(site.delivery_points.order_by("code"))
    rows = _heat_steps(points, period, grid, site)
    series = []
    for point in points:
        prefix = f"{point.name}: " if len(points) > 1 else ""
        found = rows.get(point.pk, {})
        series += [
            _temperature(prefix + _("supply"), "heat-supply", "supply", grid, found),
            _temperature(prefix + _("return"), "heat-return", "back", grid, found),
        ]
    return {
        "title": _("Temperatures"),
        "zone": site.time_zone,
        "unit": "°C",
        "at": grid.epochs,
        "series": series,
        "bands": bands(site=site, period=period),
    }


def bands(*, site: Site, period: Period) -> list[dict[str, Any]]:
    """Announced works and alarms of the period as bands of a chart."""
    outages = PlannedOutage.objects.filter(
        site=site, starts_at__lt=period.end, ends_at__gt=period.start, cancelled_at=None
    )
    found = [_band(outage.starts_at, outage.ends_at, outage.reason, "planned", period) for outage in outages]
    alarms = Alarm.objects.filter(site=site, priority=1, raised_at__lt=period.end).exclude(returned_at__lt=period.start)
    for alarm in alarms.order_by("raised_at")[:50]:
        end = alarm.returned_at or alarm.closed_at or period.end
        if end > period.start:
            found.append(_band(alarm.raised_at, end, alarm.message, "alarm", period))
    return found


def _band(start: dt.datetime, end: dt.datetime, label: str, kind: str, period: Period) -> dict[str, Any]:
    first, last = max(start, period.start), min(end, period.end)
    return {"from": int(first.timestamp()), "until": int(last.timestamp()), "label": label, "kind": kind}


def _site_steps(site: Site, period: Period, grid: Grid) -> Iterable[Any]:
    rows: QuerySet[SiteInterval] = SiteInterval.objects.filter(site=site)
    return (
        rows.filter(start__gte=period.start, start__lt=period.end)
        .order_by()
        .annotate(step=_step(grid, site))
        .values("step")
        .annotate(
            it_kwh_count=Count("it_kwh"),
            delivered_kwh_count=Count("delivered_kwh"),
            rejected_kwh_count=Count("rejected_kwh"),
            it_kwh=Sum("it_kwh"),
            delivered_kwh=Sum("delivered_kwh"),
            rejected_kwh=Sum("rejected_kwh"),
            it_quality=Max("it_quality"),
        )
    )


def _heat_steps(
    points: list[DeliveryPoint], period: Period, grid: Grid, site: Site
) -> dict[int, dict[dt.datetime, dict[str, Any]]]:
    rows = (
        HeatInterval.objects.filter(delivery_point__in=points, start__gte=period.start, start__lt=period.end)
        .order_by()
        .annotate(step=_step(grid, site))
        .values("delivery_point_id", "step")
        .annotate(mean=Avg("supply_mean_c"), weighed=Avg("supply_vw_c"), back=Avg("return_vw_c"), worst=Max("quality"))
    )
    found: dict[int, dict[dt.datetime, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        supply = row["mean"] if row["mean"] is not None else row["weighed"]
        found[row["delivery_point_id"]][row["step"]] = {**row, "supply": supply}
    return found


def _step(grid: Grid, site: Site) -> Any:
    """The start of the step that holds the quarter hour."""
    if grid.kind == "day":
        return Trunc("start", "day", tzinfo=site.zone)
    return Trunc("start", "hour" if grid.kind == "hour" else "minute", tzinfo=dt.UTC)


def _power(key: str, look: dict[str, str], grid: Grid, rows: dict[dt.datetime, dict[str, Any]]) -> dict[str, Any]:
    values = [_mean_kw(rows.get(step, {}), key) for step in grid.steps]
    made: dict[str, Any] = {**look, "unit": "kW", "values": values}
    if key == "it_kwh":
        made["estimated"] = [rows.get(step, {}).get("it_quality") == Quality.ESTIMATED for step in grid.steps]
    return made


def _mean_kw(row: dict[str, Any], key: str) -> float | None:
    """The mean of the quarter hours that are known: the step that is still running would look like a drop otherwise."""
    kwh = row.get(key)
    return None if kwh is None else round(kwh / (row[f"{key}_count"] * (QUARTER / HOUR)), 3)


def _temperature(
    label: str, token: str, key: str, grid: Grid, rows: dict[dt.datetime, dict[str, Any]]
) -> dict[str, Any]:
    values = [_rounded(rows.get(step, {}).get(key)) for step in grid.steps]
    return {"label": label, "unit": "°C", "color_token": token, "kind": "line", "values": values}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def rows_of(chart: dict[str, Any]) -> tuple[list[str], list[list[Any]]]:
    """What a line chart shows, as header and rows of a file; times in UTC, ISO 8601."""
    header = ["start_utc", *(f"{one['label']} ({one['unit']})" for one in chart["series"])]
    instants = [dt.datetime.fromtimestamp(at, dt.UTC).isoformat() for at in chart["at"]]
    columns = [one["values"] for one in chart["series"]]
    return header, [list(row) for row in zip(instants, *columns, strict=True)]
