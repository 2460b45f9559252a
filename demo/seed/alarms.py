"""The alarms of the past: the rules judge what was recorded, step by step, as they would have then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from django.db import transaction

from accounts.models import User
from demo.plant.faults import Fault
from demo.seed.story import Event, Story
from hosting.models import Device, Site
from thermal.models import Alarm
from thermal.services import alarms, rules

_BEFORE: Final = dt.timedelta(minutes=30)
_AFTER: Final = dt.timedelta(minutes=90)
_LONG: Final = dt.timedelta(hours=8)
_ANSWER: Final = dt.timedelta(minutes=9)
_QUARTER_HOUR: Final = dt.timedelta(minutes=15)
_FIVE_MINUTES: Final = dt.timedelta(minutes=5)


def build_rules(*, by: User, now: dt.datetime) -> None:
    """The default rules of each site."""
    for site in Site.objects.all():
        rules.ensure_default_rules(site=site, by=by, now=now)


@transaction.atomic
def replay_alarms(*, story: Story, operator: User) -> int:
    """The count of alarms that the events of the story raised; nothing once there are alarms."""
    if Alarm.objects.exists():
        return 0
    for event in story.events:
        _replay(event, operator, answered=story.built_at - event.ends_at > dt.timedelta(days=2, hours=12))
    return Alarm.objects.count()


def _replay(event: Event, operator: User, *, answered: bool) -> None:
    watched = _watched_device(event)
    for at in _instants(event):
        alarms.evaluate(now=at, devices=[watched.pk])
        if answered:
            _acknowledge(event.site, operator, at)


def _watched_device(event: Event) -> Device:
    name = "delivered-heat" if event.fault is Fault.METER_SILENT else "plant"
    return Device.objects.get(code=f"{event.site.lower()}-{name}")


def _instants(event: Event) -> Iterator[dt.datetime]:
    """Instants at which frames were recorded: of meters each quarter-hour, of controllers every five minutes."""
    slow = event.fault is Fault.METER_SILENT or event.lasts > _LONG
    step = _QUARTER_HOUR if slow else _FIVE_MINUTES
    at = event.starts_at - _BEFORE
    while at <= event.ends_at + _AFTER:
        yield at
        at += step


def _acknowledge(site: str, operator: User, at: dt.datetime) -> None:
    waiting = Alarm.objects.filter(
        site__code=site, state__in=[Alarm.State.UNACKNOWLEDGED, Alarm.State.RETURNED], raised_at__lte=at - _ANSWER
    )
    for alarm in waiting:
        alarms.acknowledge(alarm=alarm, by=operator, now=at, note="On it.")
