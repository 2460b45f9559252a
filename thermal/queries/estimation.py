"""What is known about a stretch of time whose heat no register tells."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from statistics import fmean
from typing import Final
from zoneinfo import ZoneInfo

from hosting.models import DeliveryPoint, MeterPlacement
from kernel.periods import QUARTER_HOUR, Period, local_date
from thermal.domain import physics
from thermal.domain.estimation import QUARTERS_PER_HOUR, Facts
from thermal.models import HeatInterval, SiteInterval
from thermal.models.ledger import Quality
from thermal.queries import kpi_facts
from thermal.queries.kpi_facts import Span

WEEKS: Final = 3
"""Of how many valid weeks the mean is taken, and how far back they are looked for."""
WEEKS_BACK: Final = 8
A_DAY: Final = dt.timedelta(days=1)
"""Shorter periods say nothing about an average."""
LEAST_DAY_KD: Final = 0.5
"""Earlier weeks with fewer degree days a day say nothing about colder ones."""
LONGEST_AVERAGE: Final = dt.timedelta(days=31)
"""How long the periods before and after are whose average counts."""


def facts_for(point: DeliveryPoint, period: Period, *, known_kwh: Decimal | None = None) -> Facts:
    """The facts of the quarter hours of a delivery point that the period covers, for every method."""
    starts = quarters_of(period)
    until = starts[-1] + QUARTER_HOUR
    heat = _heat(point, Period(period.start - dt.timedelta(weeks=WEEKS_BACK, days=1), period.end + LONGEST_AVERAGE))
    weeks = _weeks(heat, starts, point.site.zone)
    ratio, base_kwh = _weather(point, starts, weeks)
    return Facts(
        quarters_count=len(starts),
        known_kwh=known_kwh,
        check_kwh=_by_other_meters(point, period, starts),
        before_kwh=heat.get(starts[0] - QUARTER_HOUR),
        after_kwh=heat.get(until),
        passages=_passages(point, period, starts),
        side=_side(point, period),
        history_kwh=[[heat[start] for start in of_quarter] for of_quarter in weeks],
        weather_ratio=ratio,
        base_kwh=base_kwh,
        average_before_kwh=_mean(heat, starts[0] - max(until - starts[0], A_DAY), starts[0]),
        average_after_kwh=_mean(heat, until, until + (until - starts[0])),
    )


def quarters_of(period: Period) -> list[dt.datetime]:
    """The starts of the quarter hours that the period touches, in UTC."""
    first = period.start - (period.start - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) % QUARTER_HOUR
    count = -((first - period.end) // QUARTER_HOUR)
    return [first + index * QUARTER_HOUR for index in range(count)]


def _heat(point: DeliveryPoint, reach: Period) -> Mapping[dt.datetime, float]:
    """The heat of each quarter hour in kWh that rests on registers."""
    rows = HeatInterval.objects.filter(
        delivery_point=point, start__gte=reach.start, start__lt=reach.end, quality__lte=Quality.SPREAD,
        heat_kwh__isnull=False,
    )  # fmt: skip
    return {start: float(heat) for start, heat in rows.values_list("start", "heat_kwh") if heat is not None}


def _weeks(heat: Mapping[dt.datetime, float], starts: Sequence[dt.datetime], zone: ZoneInfo) -> list[list[dt.datetime]]:
    """For each quarter hour the starts of the same ones of the last valid weeks; none where not every one is known.

    The same by the clocks of the place: people and programs keep to them, also when they are changed.
    """
    found = []
    for start in starts:
        shown = start.astimezone(zone)
        weeks = ((shown - dt.timedelta(weeks=back)).astimezone(dt.UTC) for back in range(1, WEEKS_BACK + 1))
        known = [one for one in weeks if one in heat][:WEEKS]
        if not known:
            return []
        found.append(known)
    return found


def _weather(
    point: DeliveryPoint, starts: Sequence[dt.datetime], weeks: Sequence[Sequence[dt.datetime]]
) -> tuple[float | None, float]:
    """The ratio of degree days between the quarter hours and those of earlier weeks, and the base load of one in kWh.

    None where the demand does not follow the weather, the weather of one day is not known, or it was warm in the weeks.
    """
    zone = point.site.zone
    on = local_date(starts[0], zone)
    dependence = kpi_facts.dependence_of(point=point, on=on) if weeks else None
    if dependence is None:
        return None, 0.0
    first = min(local_date(one, zone) for of_quarter in weeks for one in of_quarter)
    span = Span(first, local_date(starts[-1], zone) + A_DAY)
    base_c = kpi_facts.base_of_site_c(site=point.site, span=span)
    days_kd = kpi_facts.heating_days_by_day(site=point.site, span=span, base_c=base_c)
    now = [days_kd.get(local_date(one, zone)) for one in starts]
    then = [[days_kd.get(local_date(one, zone)) for one in of_quarter] for of_quarter in weeks]
    if None in now or any(None in of_quarter for of_quarter in then):
        return None, 0.0
    now_kd = fmean(value or 0.0 for value in now)
    then_kd = fmean(fmean(value or 0.0 for value in of_quarter) for of_quarter in then)
    if then_kd < LEAST_DAY_KD:
        return None, 0.0
    return now_kd / then_kd, dependence.base_load_kw / QUARTERS_PER_HOUR


def _mean(heat: Mapping[dt.datetime, float], start: dt.datetime, end: dt.datetime) -> float | None:
    """The mean heat of a quarter hour between two instants, at least a day apart; None where half is not known."""
    end = max(end, start + A_DAY)
    values = [value for at, value in heat.items() if start <= at < end]
    return fmean(values) if 2 * len(values) >= (end - start) // QUARTER_HOUR else None


def _by_other_meters(point: DeliveryPoint, period: Period, starts: Sequence[dt.datetime]) -> list[float]:
    """What the site's other heat meters leave for its only delivery point: captured, not rejected, not stored."""
    if point.site.delivery_points.count() != 1:
        return []
    rows = SiteInterval.objects.filter(site=point.site_id, start__gte=starts[0], start__lt=period.end)
    left = {
        row.start: row.captured_kwh + (row.heat_pump_kwh or 0.0) - row.rejected_kwh - (row.buffer_change_kwh or 0.0)
        for row in rows
        if row.captured_kwh is not None and row.rejected_kwh is not None
    }
    return [max(0.0, left[start]) for start in starts] if all(start in left for start in starts) else []


def _passages(point: DeliveryPoint, period: Period, starts: Sequence[dt.datetime]) -> list[physics.Passage]:
    """Volume and temperatures of each quarter hour; empty where one is not known."""
    rows = list(HeatInterval.objects.filter(delivery_point=point, start__gte=starts[0], start__lt=period.end))
    told = {
        row.start: physics.Passage(float(row.volume_m3), row.supply_vw_c, row.return_vw_c, 0.0)
        for row in rows
        if row.volume_m3 is not None and row.supply_vw_c is not None and row.return_vw_c is not None
    }
    # Where no water passed there is no temperature to weigh, and none is needed.
    told |= {row.start: physics.Passage(0.0, 0.0, 0.0, 0.0) for row in rows if row.volume_m3 == 0}
    return [told[start] for start in starts] if all(start in told for start in starts) else []


def _side(point: DeliveryPoint, period: Period) -> physics.Side:
    """The side of the flow sensor of the meter that stood there last."""
    rows = MeterPlacement.objects.filter(delivery_point=point, valid_from__lt=period.end).select_related("meter")
    placement = rows.order_by("-valid_from").first()
    return physics.Side(placement.meter.sensor_side) if placement else physics.Side.RETURN
