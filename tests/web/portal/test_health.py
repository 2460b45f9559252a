"""Health pages: open ones that name no details, one with details for administrators."""

from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from portal import health

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


def test_a_load_balancer_sees_that_all_parts_are_well(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "well": True,
        "parts": {"database": "well", "schema": "well", "broker": "well", "cache": "well"},
    }


def test_a_queue_without_worker_is_unwell(client: Client) -> None:
    answer = client.get("/healthz/workers")
    assert answer.status_code == 503
    assert set(answer.json()["parts"].values()) == {"unwell"}


def test_queues_with_a_recent_heartbeat_are_well(client: Client) -> None:
    for queue in health.QUEUES:
        health.record_heartbeat(queue=queue, now=timezone.now())
    assert client.get("/healthz/workers").status_code == 200


def test_an_old_heartbeat_counts_as_silence() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    health.record_heartbeat(queue="poll", now=now - health.SILENT_AFTER)
    poll = health.worker_checks(now=now)[0]
    assert not poll.is_well
    assert "120" in poll.detail


def test_every_queue_of_the_schedule_has_a_heartbeat() -> None:
    queues = {entry.get("options", {}).get("queue", "default") for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert queues == set(health.QUEUES)


def test_the_status_page_sends_a_stranger_to_the_log_in(client: Client) -> None:
    answer = client.get("/status/")
    assert answer.status_code == 302
    assert "/login" in answer["Location"]
