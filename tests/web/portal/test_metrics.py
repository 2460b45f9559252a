"""The page for Prometheus: hidden without a token, figures from the database, nobody's data."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts.models import Job
from hosting.models import Controller, Device
from portal import health
from portal.celery import app
from tests.makers import hosting
from thermal.models import DeviceDay, DirtyMark

pytestmark = pytest.mark.django_db
TOKEN = "a token of the tests"


def scrape(settings: Any, **headers: str) -> Any:
    settings.METRICS_TOKEN = TOKEN
    return Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"} | headers)


def samples(settings: Any) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(scrape(settings).content.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in families
        for sample in family.samples
    }


def polled_device(code: str = "north") -> Device:
    controller = hosting.make_controller(hosting.make_site(code=code), protocol="modbus_tcp")
    device = hosting.make_device(controller, circuit="open")
    DeviceDay.objects.create(
        device=device,
        polled_on=timezone.now().astimezone(dt.UTC).date(),
        poll_count=10,
        answered_count=8,
        failed_count=2,
        late_count=1,
        latency_sum_ms=1600,
        latency_max_ms=400,
    )
    return device


def test_without_a_token_there_is_no_such_page(settings: Any) -> None:
    settings.METRICS_TOKEN = ""
    assert Client().get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


def test_a_wrong_token_is_refused(settings: Any) -> None:
    for given in ("", "Bearer wrong", TOKEN):
        assert scrape(settings, Authorization=given).status_code == 401


def test_the_figures_are_those_of_the_database(settings: Any) -> None:
    now = timezone.now()
    device = polled_device()
    Controller.objects.filter(pk=device.controller_id).update(next_poll_at=now - dt.timedelta(seconds=90))
    DirtyMark.objects.create(site=device.controller.site, start=now - dt.timedelta(hours=1), marked_at=now)
    Job.objects.create(kind="contracts.billing", title="Billing")
    health.record_heartbeat(queue="poll", now=now - dt.timedelta(seconds=20))
    found = samples(settings)
    place = ("modbus_tcp", "north")
    assert found["heatledger_polls_total", place] == 10
    assert found["heatledger_polls_failed_total", place] == 2
    assert found["heatledger_polls_late_total", place] == 1
    assert found["heatledger_poll_latency_seconds_sum", place] == 1.6
    assert found["heatledger_poll_latency_seconds_count", place] == 8
    assert found["heatledger_devices", ("modbus_tcp", "north", "open")] == 1
    assert found["heatledger_controllers_due", ("modbus_tcp",)] == 1
    assert 90 <= found["heatledger_poll_lag_seconds", ("modbus_tcp",)] < 150
    assert found["heatledger_dirty_marks", ()] == 1
    assert found["heatledger_dirty_mark_age_seconds", ()] >= 3600
    assert found["heatledger_jobs", ("contracts.billing", "queued")] == 1
    assert found["heatledger_queue_depth", ("settle",)] == 0
    assert found["heatledger_worker_silence_seconds", ("poll",)] >= 20


def test_a_queue_tells_how_much_waits_in_it(settings: Any) -> None:
    app.send_task("thermal.settle", queue="settle")
    try:
        assert samples(settings)["heatledger_queue_depth", ("settle",)] == 1
    finally:
        with app.connection_for_write() as broker:
            channel: Any = broker.default_channel
            channel.queue_purge("settle")


def test_no_name_of_a_device_or_meter_is_told(settings: Any) -> None:
    device = polled_device()
    text = scrape(settings).content.decode()
    assert device.code not in text
    assert device.controller.code not in text


def test_a_scrape_asks_as_often_for_twenty_sites_as_for_two(
    settings: Any, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(2):
        polled_device(f"few-{number}")
    with django_assert_max_num_queries(8) as few:
        scrape(settings)
    for number in range(18):
        polled_device(f"many-{number}")
    with django_assert_num_queries(len(few)):
        scrape(settings)


def test_a_broker_that_is_down_leaves_the_rest_standing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    polled_device()
    monkeypatch.setattr("portal.metrics.app.conf.broker_write_url", "redis://127.0.0.1:1/0")
    found = samples(settings)
    assert found["heatledger_polls_total", ("modbus_tcp", "north")] == 10
    assert not [name for name, _labels in found if name == "heatledger_queue_depth"]
