"""What the page of one site shows beside its records: the live heat path, the balance of a day, what is open."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import QuerySet, Sum
from django.utils.translation import gettext

from accounts.queries import changes
from hosting.models import Device, Equipment, Site
from hosting.queries import heat_path
from kernel.periods import Period
from thermal.models import Alarm, SiteInterval
from thermal.queries import live

# A value is live while it is no older than so many polls, and at least so long.
POLLS_WAITED = 4
LEAST_PATIENCE = dt.timedelta(minutes=3)
DAY = dt.timedelta(hours=24)
JOURNAL_LINES = 10


@dataclass(frozen=True)
class Entry:
    """One line of a site's journal."""

    at: dt.datetime
    title: str
    text: str = ""
    who: str = ""
    url: str = ""
    level: str = ""


@dataclass(frozen=True)
class Balance:
    """The energy of a period in kWh, each None where no quarter hour of it is known."""

    period: Period
    it_kwh: float | None
    heat_pump_kwh: float | None
    delivered_kwh: float | None
    rejected_kwh: float | None
    buffer_kwh: float | None


def heat_path_of(*, site: Site, now: dt.datetime) -> heat_path.Picture:
    """Return the drawing of a site with what its devices say now, in a constant number of queries."""
    values = live.latest_of_site(site=site, now=now)
    patience = _patience(site)
    fresh = [
        heat_path.LiveValue(
            value.measurement_id,
            value.value if value.at and now - value.at <= patience.get(value.device_id, LEAST_PATIENCE) else None,
            value.at,
        )
        for value in values
    ]
    return heat_path.picture_of(site=site, live=fresh, alarms=pinned_alarms(site))


def _patience(site: Site) -> dict[int, dt.timedelta]:
    rows = Device.objects.filter(controller__site=site).values_list("pk", "controller__poll_s")
    return {device: max(LEAST_PATIENCE, dt.timedelta(seconds=POLLS_WAITED * poll_s)) for device, poll_s in rows}


def open_alarms(site: Site) -> QuerySet[Alarm]:
    """The alarms of a site that are not closed, the most urgent first."""
    rows: QuerySet[Alarm] = Alarm.objects.filter(site=site).exclude(state=Alarm.State.CLOSED)
    return rows.order_by("priority", "-raised_at")


def pinned_alarms(site: Site) -> dict[int, list[str]]:
    """The messages of open alarms by the equipment that they are about, as far as the rule tells."""
    places = ("rule__measurement__equipment_id", "rule__measurement__delivery_point__equipment_id")
    rows = open_alarms(site).values_list("message", *places, "rule__delivery_point__equipment_id")
    pinned: dict[int, list[str]] = defaultdict(list)
    for message, *equipment in rows:
        place = next((key for key in equipment if key), None)
        if place is not None:
            pinned[place].append(message)
    return dict(pinned)


def balance_of(*, site: Site, period: Period) -> Balance:
    """Return the settled energy of a period."""
    names = ("it_kwh", "heat_pump_kwh", "delivered_kwh", "rejected_kwh", "buffer_change_kwh")
    rows = SiteInterval.objects.filter(site=site, start__gte=period.start, start__lt=period.end)
    found = rows.aggregate(**{name: Sum(name) for name in names})
    return Balance(period, *(found[name] for name in names))


def equipment_tree(site: Site) -> list[tuple[Equipment, int]]:
    """The equipment of a site with its depth: parts follow what they are part of."""
    rows = list(Equipment.objects.filter(site=site).select_related("model").order_by("tag"))
    children: dict[int | None, list[Equipment]] = defaultdict(list)
    for one in rows:
        children[one.parent_id].append(one)
    return list(_walk(children, None, 0))


def _walk(
    children: dict[int | None, list[Equipment]], parent: int | None, depth: int
) -> Iterable[tuple[Equipment, int]]:
    for one in children.get(parent, ()):
        yield one, depth
        yield from _walk(children, one.pk, depth + 1)


def journal_of(*, site: Site, now: dt.datetime) -> list[Entry]:
    """Return what happened lately at a site: alarms, works that began, changes of its record; newest first."""
    alarms = Alarm.objects.filter(site=site).order_by("-raised_at")[:JOURNAL_LINES]
    works = site.planned_outages.filter(starts_at__lte=now, cancelled_at__isnull=True)[:JOURNAL_LINES]
    entries = [
        Entry(
            alarm.raised_at, alarm.message, str(alarm.get_state_display()), url=alarm.get_absolute_url(), level="warn"
        )
        for alarm in alarms
    ]
    entries += [
        Entry(one.starts_at, gettext("Planned works began"), one.reason, url=one.get_absolute_url()) for one in works
    ]
    entries += [
        Entry(change.at, gettext("Record %(what)s") % {"what": change.what}, change.why, str(change.who))
        for change in changes.changes_of(site)[:JOURNAL_LINES]
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:JOURNAL_LINES]
