"""Data health: how well every device is read, by cast, filtered, sorted, exported, and at ten thousand devices."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hosting.models import Device
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting
from thermal.models import DeviceDay
from thermal.queries import health

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 3, 11, 7, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


def device_with(days: dict[int, tuple[int, int]], **fields: Any) -> Device:
    """A device with polls and answers by how many days ago."""
    device = hosting.make_device(**fields)
    for ago, (polls, answered) in days.items():
        DeviceDay.objects.create(
            device=device,
            polled_on=NOW.date() - dt.timedelta(days=ago),
            poll_count=polls,
            answered_count=answered,
            failed_count=polls - answered,
            expected_value_count=10 * polls,
            told_value_count=9 * answered,
            missing_value_count=10 * polls - 9 * answered,
            latency_sum_ms=100 * answered,
            latency_max_ms=250 if answered else 0,
        )
    return device


def listed(client: Client, **state: str) -> str:
    return client.get(reverse("thermal:data_health"), state).content.decode()


def test_shares_are_of_two_days_and_of_seven() -> None:
    device = device_with({0: (100, 100), 1: (100, 90), 5: (200, 100), 7: (1000, 0)}, failure_count=0)
    row = health.with_health(Device.objects.all(), NOW).get()
    assert (row.pk, row.recent_ratio, row.week_ratio) == (device.pk, 0.95, 290 / 400)
    assert row.told_ratio == pytest.approx(9 * 290 / 4000)
    assert (row.mean_latency_ms, row.max_latency_ms, row.failing_since) == (100.0, 250, None)


def test_a_device_that_fails_says_since_when() -> None:
    since = NOW - dt.timedelta(hours=5)
    device_with({}, failure_count=3, last_success_at=since, last_error="No answer within 3 s.")
    assert health.with_health(Device.objects.all(), NOW).get().failing_since == since
    page = listed(client_of(people.operator()))
    assert "5 hours ago" in page
    assert "No answer within 3 s." in page


def test_the_list_by_cast() -> None:
    device = device_with({0: (10, 10)})
    cast = people.cast(granted=(device.controller.site,), neighbors=(hosting.make_site(),))
    for name, is_seen in {"operator": True, "auditor": True, "neighbor": False, "stranger": False}.items():
        client = client_of(getattr(cast, name))
        assert (device.code in listed(client)) is is_seen, name
        export: Any = client.get(reverse("thermal:data_health"), {"export": "csv"})
        assert (device.code in b"".join(export.streaming_content).decode()) is is_seen, name
        history = client.get(reverse("thermal:device_history", args=[device.pk]))
        assert history.status_code == (200 if is_seen else 404), name
        rows = client.get("/api/v1/device-health/").json()
        assert bool(rows.get("results")) is is_seen, name


def test_filters_find_what_needs_somebody() -> None:
    well = device_with({0: (100, 99)}, last_success_at=NOW)
    poor = device_with({0: (100, 97)}, last_success_at=NOW, circuit="open")
    silent = device_with({}, last_success_at=NOW - dt.timedelta(minutes=4))
    snmp = device_with({}, last_success_at=NOW, controller=hosting.make_controller(protocol="snmp"))
    everything = {device.code for device in (well, poor, silent, snmp)}
    client = client_of(people.operator())
    expected: list[tuple[dict[str, str], set[str]]] = [
        ({}, everything),
        ({"shown": "stale"}, {silent.code}),
        ({"shown": "poor"}, {poor.code}),
        ({"protocol": "snmp"}, {snmp.code}),
        ({"circuit": "open"}, {poor.code}),
        ({"site": str(well.controller.site_id)}, {well.code}),
    ]
    for state, codes in expected:
        page = listed(client, **state)
        assert {code for code in everything if f">{code}<" in page} == codes, state
        rows = client.get("/api/v1/device-health/", state).json()["results"]
        assert {row["code"] for row in rows} == codes, state


def test_the_list_sorts_by_any_figure() -> None:
    device_with({0: (100, 50)}, code="half")
    device_with({0: (100, 100)}, code="whole")
    page = listed(client_of(people.operator()), sort="recent_ratio")
    assert page.index(">half<") < page.index(">whole<")


def test_the_history_shows_thirty_days_and_a_gap_for_days_without_polls() -> None:
    device = device_with({0: (100, 100), 3: (100, 50), 30: (100, 0)})
    days = health.history_of(device, NOW)
    assert (len(days), days[-1].answered_ratio, days[-4].answered_ratio, days[0].answered_ratio) == (30, 1.0, 0.5, None)
    page = client_of(people.operator()).get(reverse("thermal:device_history", args=[device.pk])).content.decode()
    assert page.count('class="day-ground"') == 30
    assert page.count('class="day-bad"') == 1


def test_the_page_of_a_device_shows_its_history() -> None:
    device = device_with({0: (10, 10)})
    page = client_of(people.operator()).get(device.get_absolute_url()).content.decode()
    assert reverse("thermal:device_history", args=[device.pk]) in page


def test_the_list_asks_as_often_for_twenty_devices_as_for_two() -> None:
    client = client_of(people.operator())

    def queries(rows: int) -> int:
        for _ in range(rows):
            device_with({0: (10, 9), 1: (10, 10)})
        listed(client)
        with CaptureQueriesContext(connection) as captured:
            listed(client, sort="-week_ratio")
        return len(captured)

    counts = [queries(2), queries(18)]
    assert counts[0] == counts[1]
    assert counts[1] <= 12


def test_the_address_of_the_list_before_leads_here() -> None:
    answer = client_of(people.operator()).get("/alarms/field/")
    assert (answer.status_code, answer["Location"]) == (301, reverse("thermal:data_health"))
