"""Sums of the ledger over local days and months, as the rules on places take them."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, Sum
from django.db.models.functions import Trunc

from hosting.models import DeliveryPoint, Site
from kernel.periods import QUARTER_HOUR, Period, local_day, local_month
from thermal.domain.validation.places import Balance, Month, Quarter
from thermal.models import HeatInterval, SiteInterval, WeatherDependence
from thermal.models.ledger import Quality, Reason
from thermal.queries import kpi_facts
from thermal.queries.kpi_facts import Span

ENERGIES = ("it_kwh", "delivered_kwh", "captured_kwh", "heat_pump_kwh", "rejected_kwh", "buffer_change_kwh")


def balances(site: Site, period: Period, step: str) -> list[Balance]:
    """The energies of each local day or month ("day", "month") of the site that the period touches."""
    rows: Any = SiteInterval.objects.filter(site=site, start__gte=period.start, start__lt=period.end).order_by()
    rows = rows.annotate(step=Trunc("start", step, tzinfo=site.zone)).values("step")
    sums: dict[str, Any] = {name: Sum(name) for name in ENERGIES}
    known = Count("start", filter=Q(it_kwh__isnull=False, delivered_kwh__isnull=False))
    # Counted first: a sum takes the name of its field.
    return [_balance(row, step, site) for row in rows.annotate(known=known).annotate(**sums).order_by("step")]


def _balance(row: dict[str, Any], step: str, site: Site) -> Balance:
    first = row["step"].astimezone(site.zone).date()
    whole = local_day(first, site.zone) if step == "day" else local_month(first.year, first.month, site.zone)
    known = row["known"] / (whole.duration // QUARTER_HOUR)
    return Balance(period=whole, known_ratio=known, **{name: row[name] for name in ENERGIES})


def quarters(points: Iterable[DeliveryPoint], period: Period) -> dict[int, list[Quarter]]:
    """The quarter hours of each delivery point, in order, as far as heat was called for and is known."""
    rows = HeatInterval.objects.filter(
        delivery_point__in=points, start__gte=period.start, start__lt=period.end, demand=True, heat_kwh__isnull=False
    )
    found: dict[int, list[Quarter]] = {}
    for point, start, heat in rows.order_by("delivery_point", "start").values_list(
        "delivery_point_id", "start", "heat_kwh"
    ):
        found.setdefault(point, []).append(Quarter(start, float(heat or 0), demand=True))
    return found


def months(point: DeliveryPoint, first: Period) -> tuple[Month, Month]:
    """The heat of a local month of the delivery point, and that of the same month a year before, with their weather.

    Both by the base of degree days that holds in the later month, and only where the demand follows the weather then.
    """
    zone = point.site.zone
    on = first.start.astimezone(zone).date()
    before = local_month(on.year - 1, on.month, zone)
    dependence = kpi_facts.dependence_of(point=point, on=_span(first, zone).middle)
    base_c = kpi_facts.base_of_site_c(site=point.site, span=_span(first, zone)) if dependence else 0.0
    return _month(point, first, dependence, base_c), _month(point, before, dependence, base_c)


def _month(point: DeliveryPoint, period: Period, dependence: WeatherDependence | None, base_c: float) -> Month:
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=period.start, start__lt=period.end)
    told = rows.aggregate(heat=Sum("heat_kwh"), known=Count("heat_kwh"))
    known = told["known"] / (period.duration // QUARTER_HOUR)
    if dependence is None:
        return Month(period, float(told["heat"] or 0), known)
    days_kd = kpi_facts.heating_days_kd(site=point.site, span=_span(period, point.site.zone), base_c=base_c)
    base_kwh = dependence.base_load_kw * (period.duration / dt.timedelta(hours=1))
    return Month(period, float(told["heat"] or 0), known, days_kd, base_kwh)


def _span(period: Period, zone: ZoneInfo) -> Span:
    """The local days of a period that begins and ends at local midnights."""
    return Span(period.start.astimezone(zone).date(), period.end.astimezone(zone).date())


def actual_shares(points: Iterable[int], first: dt.datetime, last: dt.datetime, step: str, zone: Any) -> Any:
    """By delivery point, meter and local step, the count of quarter hours and of those that rest on registers."""
    rows: Any = HeatInterval.objects.filter(delivery_point__in=list(points), start__gte=first, start__lt=last)
    rows = rows.exclude(reason=Reason.NO_METER).order_by()
    rows = rows.annotate(step=Trunc("start", step, tzinfo=zone)).values("delivery_point_id", "meter_id", "step")
    return rows.annotate(all=Count("start"), actual=Count("start", filter=Q(quality__lte=Quality.SPREAD)))
