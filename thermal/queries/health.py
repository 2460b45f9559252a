"""How well each device is read: by the counts that polling keeps for every device and day (UTC)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Case, F, FloatField, Max, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.db.models.functions import Cast, NullIf

from hosting.models import Device
from thermal.models import DeviceDay

WEEK_DAYS: Final = 7
HISTORY_DAYS: Final = 30
STALE_POLLS: Final = 3
LEAST_STALE_S: Final = 120
"""A device is stale after three polls without an answer, but no sooner than after two minutes."""


def with_health(devices: QuerySet[Device], now: dt.datetime) -> QuerySet[Any]:
    """The devices with their success, latency and share of values told.

    ``recent`` is today and yesterday (UTC), ``week`` the last seven days. Every figure is one look into the counts by
    their key, made only for the rows that are shown, unless the list is sorted or filtered by it.
    """
    today = now.astimezone(dt.UTC).date()
    recent, week = today - dt.timedelta(days=1), today - dt.timedelta(days=WEEK_DAYS - 1)
    return devices.annotate(
        recent_ratio=_ratio(recent, "answered_count", "poll_count"),
        week_ratio=_ratio(week, "answered_count", "poll_count"),
        told_ratio=_ratio(week, "told_value_count", "expected_value_count"),
        mean_latency_ms=_ratio(week, "latency_sum_ms", "answered_count"),
        max_latency_ms=Subquery(_days(week).annotate(x=Max("latency_max_ms")).values("x")),
        failing_since=Case(When(failure_count__gt=0, then=F("last_success_at"))),
    )


def stale(now: dt.datetime) -> Q:
    """The condition that a device was due for some polls and told nothing, or never told anything."""
    ages = {poll_s: max(STALE_POLLS * poll_s, LEAST_STALE_S) for poll_s in _paces()}
    condition = Q(last_success_at=None)
    for poll_s, age_s in ages.items():
        condition |= Q(controller__poll_s=poll_s, last_success_at__lt=now - dt.timedelta(seconds=age_s))
    return Q(enabled=True, controller__enabled=True) & condition


def _paces() -> list[int]:
    """The intervals at which controllers are polled; an installation has a handful."""
    rows = Device.objects.order_by("controller__poll_s").values_list("controller__poll_s", flat=True).distinct()
    return list(rows)


def _days(since: dt.date) -> QuerySet[DeviceDay, Any]:
    rows = DeviceDay.objects.filter(device=OuterRef("pk"), polled_on__gte=since).order_by()
    return rows.values("device")


def _ratio(since: dt.date, part: str, whole: str) -> Subquery:
    share = Cast(Sum(part), FloatField()) / NullIf(Cast(Sum(whole), FloatField()), 0.0)
    return Subquery(_days(since).annotate(x=share).values("x"), output_field=FloatField())


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a device; shares are None on days without polls."""

    on: dt.date
    poll_count: int
    answered_ratio: float | None
    told_ratio: float | None
    mean_latency_ms: float | None
    max_latency_ms: int | None


def history_of(device: Device, now: dt.datetime) -> list[Day]:
    """The last thirty days of the device (UTC), the oldest first, days without polls among them."""
    today = now.astimezone(dt.UTC).date()
    first = today - dt.timedelta(days=HISTORY_DAYS - 1)
    rows = {row.polled_on: row for row in DeviceDay.objects.filter(device=device, polled_on__gte=first)}
    return [_day(first + dt.timedelta(days=n), rows.get(first + dt.timedelta(days=n))) for n in range(HISTORY_DAYS)]


def _day(on: dt.date, row: DeviceDay | None) -> Day:
    if row is None:
        return Day(on, 0, None, None, None, None)
    return Day(
        on,
        row.poll_count,
        _share(row.answered_count, row.poll_count),
        _share(row.told_value_count, row.expected_value_count),
        _share(row.latency_sum_ms, row.answered_count),
        row.latency_max_ms if row.answered_count else None,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
