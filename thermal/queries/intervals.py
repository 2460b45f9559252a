"""The heat ledger, read for one delivery point or one site over a period."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, FloatField, Max, Q, QuerySet, Sum
from django.db.models.functions import Cast

from hosting.models import DeliveryPoint, Site
from kernel.periods import QUARTER_HOUR, Period
from thermal.models import HeatInterval, SiteInterval
from thermal.models.ledger import Quality


@dataclass(frozen=True, slots=True)
class QualityShares:
    """Of the quarter hours of a period, the share (of one) by how their heat was obtained."""

    measured_ratio: float
    spread_ratio: float
    integrated_ratio: float
    estimated_ratio: float
    missing_ratio: float

    @property
    def known_ratio(self) -> float:
        """The share of quarter hours that have a value at all."""
        return 1.0 - self.missing_ratio


@dataclass(frozen=True, slots=True)
class HeatTotal:
    """What passed a delivery point in a period, and how well that is known."""

    period: Period
    heat_kwh: Decimal | None
    volume_m3: Decimal | None
    estimated_kwh: Decimal
    supply_vw_c: float | None
    return_vw_c: float | None
    shares: QualityShares
    settled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One quarter hour of a delivery point, as charts and service levels read it."""

    start: dt.datetime
    heat_kwh: Decimal | None
    volume_m3: Decimal | None
    supply_vw_c: float | None
    return_vw_c: float | None
    supply_mean_c: float | None
    supply_min_c: float | None
    demand: bool | None
    measured_s: int
    quality: int
    version: int


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One quarter hour of a site."""

    start: dt.datetime
    it_kwh: float | None
    total_kwh: float | None
    heat_pump_kwh: float | None
    captured_kwh: float | None
    delivered_kwh: float | None
    rejected_kwh: float | None
    buffer_change_kwh: float | None
    utilisation_ratio: float | None
    export_mode: int | None
    export_cause: int
    curtailed_s: int
    measured_s: int
    it_quality: int
    version: int


def quarters_in(period: Period) -> int:
    """The count of quarter hours of the period."""
    return period.duration // QUARTER_HOUR


def of_delivery_point(delivery_point: DeliveryPoint, period: Period) -> QuerySet[HeatInterval]:
    """The ledger rows of a delivery point in the period, oldest first."""
    rows: QuerySet[HeatInterval] = HeatInterval.objects.filter(delivery_point=delivery_point)
    return rows.filter(start__gte=period.start, start__lt=period.end).order_by("start")


def of_site(site: Site, period: Period) -> QuerySet[SiteInterval]:
    """The ledger rows of a site in the period, oldest first."""
    rows: QuerySet[SiteInterval] = SiteInterval.objects.filter(site=site)
    return rows.filter(start__gte=period.start, start__lt=period.end).order_by("start")


def heat_series(*, delivery_point: DeliveryPoint, period: Period) -> list[HeatRow]:
    """The settled quarter hours of the period in order; quarter hours never settled are absent."""
    rows = of_delivery_point(delivery_point, period).values_list(*HeatRow.__dataclass_fields__)
    return [HeatRow(*row) for row in rows]


def site_series(*, site: Site, period: Period) -> list[SiteRow]:
    """The settled quarter hours of a site in order; quarter hours never settled are absent."""
    rows = of_site(site, period).values_list(*SiteRow.__dataclass_fields__)
    return [SiteRow(*row) for row in rows]


def heat_kwh(*, delivery_point: DeliveryPoint, period: Period) -> Decimal | None:
    """The heat of the period in kWh, or None where no quarter hour of it is known."""
    total: Decimal | None = of_delivery_point(delivery_point, period).aggregate(total=Sum("heat_kwh"))["total"]
    return total


def heat_total(*, delivery_point: DeliveryPoint, period: Period) -> HeatTotal:
    """Heat in kWh, volume in m³, volume-weighted temperatures and quality shares of the period."""
    return heat_totals(delivery_points=[delivery_point], period=period)[delivery_point.pk]


def heat_totals(*, delivery_points: Iterable[DeliveryPoint], period: Period) -> dict[int, HeatTotal]:
    """The same for several delivery points in one query, by id."""
    points = [point.pk for point in delivery_points]
    volume = Cast("volume_m3", FloatField())
    weighed = Q(supply_vw_c__isnull=False, return_vw_c__isnull=False, volume_m3__gt=0)
    counts = {f"q{quality.value}": Count("start", filter=Q(quality=quality)) for quality in Quality}
    rows = (
        HeatInterval.objects.filter(delivery_point__in=points, start__gte=period.start, start__lt=period.end)
        .order_by()
        .values("delivery_point_id")
        .annotate(
            heat=Sum("heat_kwh"),
            cubic=Sum("volume_m3"),
            estimated=Sum("heat_kwh", filter=Q(quality=Quality.ESTIMATED)),
            weight=Sum(volume, filter=weighed),
            supply=Sum(F("supply_vw_c") * volume, filter=weighed),
            back=Sum(F("return_vw_c") * volume, filter=weighed),
            latest=Max("settled_at"),
            **counts,
        )
    )
    found: dict[int, Any] = {row["delivery_point_id"]: row for row in rows}
    return {point: _total(found.get(point, {}), period) for point in points}


def _total(row: dict[str, Any], period: Period) -> HeatTotal:
    weight = row.get("weight")
    return HeatTotal(
        period=period,
        heat_kwh=row.get("heat"),
        volume_m3=row.get("cubic"),
        estimated_kwh=row.get("estimated") or Decimal(0),
        supply_vw_c=row["supply"] / weight if weight else None,
        return_vw_c=row["back"] / weight if weight else None,
        shares=_shares(row, quarters_in(period)),
        settled_at=row.get("latest"),
    )


def _shares(row: dict[str, Any], expected: int) -> QualityShares:
    """The shares of the quarter hours that the period has; one that was never settled counts as missing."""
    if not expected:
        return QualityShares(0, 0, 0, 0, 1)
    measured, spread, integrated, estimated = (
        row.get(f"q{quality.value}", 0) / expected for quality in Quality if quality < Quality.MISSING
    )
    missing = max(0.0, 1.0 - measured - spread - integrated - estimated)
    return QualityShares(measured, spread, integrated, estimated, missing)


def quality_shares(*, delivery_point: DeliveryPoint, period: Period) -> QualityShares:
    """How the quarter hours of the period were obtained, as shares of one."""
    return heat_total(delivery_point=delivery_point, period=period).shares
