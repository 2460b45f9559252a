"""The state of everything a person may see, on one page."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Length, Replace

from compliance.models import Task
from contracts.domain import sla
from contracts.models import BillingBlock, SlaDay, SlaTerms
from hosting.models import Measurement, PlannedOutage, Site
from kernel.periods import QUARTER_HOUR, Period, quarter_start
from thermal.models import Alarm, SiteInterval, ValidationFinding
from thermal.models.alarms import Priority
from thermal.models.ledger import ExportMode
from thermal.queries import live, validation

ROWS = 25
DAY = dt.timedelta(hours=24)
QUARTERS = 96
QUARTERS_PER_HOUR = 4
# How far back the newest settled quarter hour is looked for.
SETTLED_REACH = dt.timedelta(hours=6)


@dataclass(frozen=True)
class Totals:
    """The figures of the first row."""

    live_sites: int
    all_sites: int
    delivered_kwh: float | None
    delivered_change_ratio: float | None
    it_kw: float | None
    it_at: dt.datetime | None
    alarms: Mapping[int, int]
    failed_minutes: int
    blocked_bills: int
    overdue_tasks: int
    open_findings: int

    @property
    def alarm_count(self) -> int:
        """All open alarms."""
        return sum(self.alarms.values())


@dataclass(frozen=True)
class SiteRow:
    """One site on the overview."""

    site: Site
    it_kwh: Sequence[float | None]
    delivered_kwh: Sequence[float | None]
    it_kw: float | None
    delivered_kw: float | None
    export_mode: str
    mode_level: str
    supply_c: float | None
    band_c: tuple[float, float] | None
    alarm: Alarm | None
    alarm_count: int
    overdue_tasks: int
    is_planned_outage: bool

    @property
    def supply_level(self) -> str:
        """How the supply temperature stands against its band."""
        if self.supply_c is None:
            return "unknown"
        if self.band_c is None:
            return "info"
        return "ok" if self.band_c[0] <= self.supply_c <= self.band_c[1] else "warn"


def totals(*, user: Any, today: Period, now: dt.datetime) -> Totals:
    """Return the figures of the first row; `today` is the person's own day so far."""
    sites = Site.objects.visible_to(user)
    counted = sites.aggregate(all=Count("pk"), live=Count("pk", filter=Q(lifecycle=Site.Lifecycle.LIVE)))
    delivered = _delivered(user, today)
    before = _delivered(user, today.shifted(-DAY))
    it_kw, it_at = _it_power(user, now)
    month_on = today.start.astimezone(dt.UTC).date().replace(day=1)
    return Totals(
        live_sites=counted["live"],
        all_sites=counted["all"],
        delivered_kwh=delivered,
        delivered_change_ratio=(delivered - before) / before if delivered is not None and before else None,
        it_kw=it_kw,
        it_at=it_at,
        alarms=_alarms_by_priority(user),
        failed_minutes=_failed_minutes(user, month_on),
        blocked_bills=BillingBlock.objects.visible_to(user).values("contract", "month_on").distinct().count(),
        overdue_tasks=Task.objects.visible_to(user).filter(state=Task.State.OPEN, due_on__lt=now.date()).count(),
        open_findings=validation.visible_findings(user).filter(state=ValidationFinding.State.OPEN).count(),
    )


def _delivered(user: Any, period: Period) -> float | None:
    rows = SiteInterval.objects.visible_to(user).filter(start__gte=period.start, start__lt=period.end)
    found: float | None = rows.aggregate(total=Sum("delivered_kwh"))["total"]
    return found


def _it_power(user: Any, now: dt.datetime) -> tuple[float | None, dt.datetime | None]:
    """The mean IT power in kW of the newest settled quarter hour, and its end."""
    rows = SiteInterval.objects.visible_to(user).filter(
        start__gte=quarter_start(now) - SETTLED_REACH, start__lt=quarter_start(now), it_kwh__isnull=False
    )
    newest = rows.order_by().values("start").annotate(total=Sum("it_kwh")).order_by("-start").first()
    if newest is None:
        return None, None
    return newest["total"] * QUARTERS_PER_HOUR, newest["start"] + QUARTER_HOUR


def _alarms_by_priority(user: Any) -> dict[int, int]:
    rows = Alarm.objects.visible_to(user).exclude(state=Alarm.State.CLOSED).order_by()
    found = dict(rows.values_list("priority").annotate(count=Count("pk")))
    return {priority: found.get(priority, 0) for priority in Priority.values}


def _failed_minutes(user: Any, month_on: dt.date) -> int:
    """Minutes of this month in which a service level was missed; the text of a day holds a letter per quarter hour."""
    without = Replace(F("classes"), Value(sla.Class.FAILED.value), Value(""))
    rows = SlaDay.objects.visible_to(user).filter(day_on__gte=month_on)
    quarters = rows.aggregate(count=Sum(Length("classes") - Length(without)))["count"] or 0
    return int(quarters) * 15


# ---- rows ------------------------------------------------------------------------------------------------------------


def site_rows(*, user: Any, now: dt.datetime) -> list[SiteRow]:
    """Return the sites that need a look first, at most 25, in a constant number of queries."""
    sites = list(_worst_first(user)[:ROWS])
    now_planned = PlannedOutage.objects.filter(
        site__in=sites, starts_at__lte=now, ends_at__gt=now, cancelled_at__isnull=True
    )
    facts = _Facts(
        curves=_curves(sites, now),
        values=_live_values(sites, now),
        bands=_bands(sites, now.date()),
        alarms=_open_alarms(sites),
        overdue=_overdue(sites, now.date()),
        planned=frozenset(now_planned.values_list("site_id", flat=True)),
    )
    return [_row(site, facts) for site in sites]


def _worst_first(user: Any) -> QuerySet[Site]:
    rows: QuerySet[Site] = Site.objects.visible_to(user).exclude(lifecycle=Site.Lifecycle.RETIRED)
    worst = Alarm.objects.filter(site=OuterRef("pk")).exclude(state=Alarm.State.CLOSED)
    return rows.annotate(has_alarm=Exists(worst)).order_by("-has_alarm", "code")


def _curves(sites: Sequence[Site], now: dt.datetime) -> dict[int, tuple[list[Any], list[Any]]]:
    """IT energy and heat delivered per quarter hour of the last 24 hours, gaps as None."""
    start = quarter_start(now) - DAY
    rows = SiteInterval.objects.filter(site__in=sites, start__gte=start, start__lt=quarter_start(now))
    curves: dict[int, tuple[list[Any], list[Any]]] = {site.pk: ([None] * QUARTERS, [None] * QUARTERS) for site in sites}
    for site, at, it_kwh, delivered in rows.values_list("site_id", "start", "it_kwh", "delivered_kwh"):
        index = (at - start) // QUARTER_HOUR
        curves[site][0][index], curves[site][1][index] = it_kwh, delivered
    return curves


def _live_values(sites: Sequence[Site], now: dt.datetime) -> dict[int, dict[str, live.LiveValue]]:
    found: dict[int, dict[str, live.LiveValue]] = defaultdict(dict)
    for value in live.latest_of_sites(sites=sites, now=now):
        # What is measured on a pipe tells of the plant inside, not of what the offtaker gets.
        if value.connection_id is not None or value.value is None or value.at is None:
            continue
        if now - value.at < QUARTER_HOUR:
            found[value.site_id].setdefault(value.role, value)
    return found


def _bands(sites: Sequence[Site], day: dt.date) -> dict[int, tuple[float, float]]:
    """The narrowest promise at each site that holds today, in °C."""
    holds = Q(valid_from__lte=day) & (Q(valid_until__isnull=True) | Q(valid_until__gt=day))
    rows = SlaTerms.objects.filter(holds, contract__delivery_point__site__in=sites, contract__state="active").order_by()
    bands = rows.values_list("contract__delivery_point__site").annotate(
        low=Max("supply_min_c"), high=Min("supply_max_c")
    )
    return {site: (float(low), float(high)) for site, low, high in bands}


def _open_alarms(sites: Sequence[Site]) -> dict[int, list[Alarm]]:
    alarms: dict[int, list[Alarm]] = defaultdict(list)
    rows = Alarm.objects.filter(site__in=sites).exclude(state=Alarm.State.CLOSED).order_by("priority", "raised_at")
    for alarm in rows:
        alarms[alarm.site_id].append(alarm)
    return alarms


def _overdue(sites: Sequence[Site], day: dt.date) -> dict[int, int]:
    rows = Task.objects.filter(site__in=sites, state=Task.State.OPEN, due_on__lt=day).order_by()
    return dict(rows.values_list("site").annotate(count=Count("pk")))


@dataclass(frozen=True)
class _Facts:
    """What was read for all rows together, by site."""

    curves: Mapping[int, tuple[list[Any], list[Any]]]
    values: Mapping[int, Mapping[str, live.LiveValue]]
    bands: Mapping[int, tuple[float, float]]
    alarms: Mapping[int, list[Alarm]]
    overdue: Mapping[int, int]
    planned: frozenset[int]


def _row(site: Site, facts: _Facts) -> SiteRow:
    values, alarms = facts.values.get(site.pk, {}), facts.alarms.get(site.pk, [])

    def now_of(role: str) -> float | None:
        return values[role].value if role in values else None

    mode = now_of(Measurement.Role.EXPORT_MODE)
    known = mode is not None and round(mode) in ExportMode.values
    export_mode = ExportMode(round(mode)) if known and mode is not None else None
    return SiteRow(
        site=site,
        it_kwh=facts.curves[site.pk][0],
        delivered_kwh=facts.curves[site.pk][1],
        it_kw=now_of(Measurement.Role.IT_POWER),
        delivered_kw=now_of(Measurement.Role.DELIVERED_POWER),
        export_mode=str(export_mode.label) if export_mode is not None else "",
        mode_level=MODE_LEVELS.get(export_mode, "unknown") if export_mode is not None else "unknown",
        supply_c=now_of(Measurement.Role.SUPPLY_TEMPERATURE),
        band_c=facts.bands.get(site.pk),
        alarm=alarms[0] if alarms else None,
        alarm_count=len(alarms),
        overdue_tasks=facts.overdue.get(site.pk, 0),
        is_planned_outage=site.pk in facts.planned,
    )


MODE_LEVELS = {
    ExportMode.EXPORT: "ok",
    ExportMode.PARTIAL: "info",
    ExportMode.BUFFER: "info",
    ExportMode.DUMP: "warn",
    ExportMode.EMERGENCY: "bad",
    ExportMode.MAINTENANCE: "info",
}
