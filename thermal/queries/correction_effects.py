"""What the ledger says where a correction reaches: by quarter hours for the chart, by months for the bill."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from hosting.models import DeliveryPoint, MeterPlacement, Site
from kernel.money import round_half_up
from kernel.periods import QUARTER_HOUR, Period, quarter_start
from thermal.domain.effects import MonthSum, Quarter
from thermal.models import Correction, HeatInterval, SiteInterval
from thermal.models.ledger import Quality
from thermal.queries.register_readings import readings_in

PLACES: Final = 4
_Role = MeterPlacement.Role
# What a meter that serves no delivery point counts for at its site.
SITE_FIELDS: Final = {
    _Role.CAPTURED_HEAT: "captured_kwh",
    _Role.REJECTED_HEAT: "rejected_kwh",
    _Role.IT_ELECTRICITY: "it_kwh",
    _Role.TOTAL_ELECTRICITY: "total_kwh",
    _Role.HEAT_PUMP_ELECTRICITY: "heat_pump_kwh",
    _Role.HEAT_PUMP_HEAT: "heat_pump_heat_kwh",
    _Role.SOURCE_PUMP_ELECTRICITY: "source_pump_kwh",
    _Role.SINK_PUMP_ELECTRICITY: "sink_pump_kwh",
    _Role.BACKUP_HEAT: "backup_heat_kwh",
    _Role.BACKUP_ELECTRICITY: "backup_kwh",
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Where in the ledger a correction is felt: whose rows, which of their numbers, from when to when."""

    site: Site
    point: DeliveryPoint | None
    field: str
    period: Period

    def _rows(self, period: Period) -> QuerySet[Any]:
        span = {"start__gte": period.start, "start__lt": period.end}
        if self.point is not None:
            return HeatInterval.objects.filter(delivery_point=self.point, **span)
        return SiteInterval.objects.filter(site=self.site, **span)

    def quarters(self, period: Period) -> dict[dt.datetime, Quarter]:
        """The quarter hours of the period as the ledger has them now."""
        if not self.field:
            return {}
        if self.point is None:
            found = self._rows(period).values_list("start", self.field)
            return {start: Quarter(_exact(kwh)) for start, kwh in found}
        found = self._rows(period).values_list("start", self.field, "quality")
        return {start: Quarter(kwh, quality == Quality.ESTIMATED) for start, kwh, quality in found}

    def months(self) -> dict[dt.date, MonthSum]:
        """The months that the period touches, each as a whole, as the ledger has them now."""
        if not self.field:
            return {}
        whole = Period(self._first_of_month(self.period.start), self._first_of_month(self.period.end, following=1))
        estimated = Q(quality=Quality.ESTIMATED) if self.point is not None else Q(start=None)
        rows = self._rows(whole).annotate(month=TruncMonth("start", tzinfo=self.site.zone)).order_by().values("month")
        sums = rows.annotate(
            kwh=Sum(self.field),
            estimated=Sum(self.field, filter=estimated),
            unknown=Count("start", filter=Q(**{f"{self.field}__isnull": True})),
        )
        return {
            row["month"].date(): MonthSum(
                _exact(row["kwh"]) or Decimal(0), _exact(row["estimated"]) or Decimal(0), row["unknown"]
            )
            for row in sums
        }

    def _first_of_month(self, at: dt.datetime, following: int = 0) -> dt.datetime:
        day = at.astimezone(self.site.zone).date().replace(day=1)
        for _month in range(following):
            day = (day + dt.timedelta(days=32)).replace(day=1)
        return dt.datetime(day.year, day.month, 1, tzinfo=self.site.zone)


def reach_of(correction: Correction) -> Reach:
    """Where the correction is felt: from the reading before its first one to the one after its last."""
    period = Period(correction.starts_at, max(correction.ends_at, correction.starts_at + QUARTER_HOUR))
    if correction.kind != Correction.Kind.ADD and correction.meter_id is not None:
        known = readings_in({correction.meter_id: period}).get(correction.meter_id, [])
        ends = [period.start, period.end, *(one.at for one in known)]
        period = Period(min(ends), max(ends))
    period = Period(quarter_start(period.start), quarter_start(period.end) + QUARTER_HOUR)
    if correction.delivery_point is not None:
        return Reach(correction.site, correction.delivery_point, "heat_kwh", period)
    return Reach(correction.site, None, _site_field(correction), period)


def _site_field(correction: Correction) -> str:
    rows = MeterPlacement.objects.filter(meter=correction.meter, site=correction.site)
    rows = rows.filter(valid_from__lte=correction.starts_at).order_by("-valid_from")
    role = rows.values_list("role", flat=True).first()
    return SITE_FIELDS.get(_Role(role), "") if role else ""


def _exact(kwh: float | Decimal | None) -> Decimal | None:
    return None if kwh is None else round_half_up(Decimal(str(kwh)), PLACES)
