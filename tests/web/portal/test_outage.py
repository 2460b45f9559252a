"""What people see when a part of the installation does not answer."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import redis
from django.core.cache import cache
from django.db import OperationalError, close_old_connections, connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from kombu import Connection

from portal import health, outage
from portal.embedded.valkey import free_port


def ask_a_database_that_ends(_request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return HttpResponse()


def ask_a_cache_that_is_gone(_request: HttpRequest) -> HttpResponse:
    redis.Redis(port=free_port()).ping()
    return HttpResponse()


def ask_a_broker_that_is_gone(_request: HttpRequest) -> HttpResponse:
    Connection(f"redis://127.0.0.1:{free_port()}/0").ensure_connection(max_retries=1, timeout=1)
    return HttpResponse()


def make_a_mistake(_request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [
    path("database", ask_a_database_that_ends),
    path("cache", ask_a_cache_that_is_gone),
    path("broker", ask_a_broker_that_is_gone),
    path("mistake", make_a_mistake),
]
handler500 = outage.server_error


@pytest.fixture
def visitor() -> Iterator[Client]:
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        yield Client(raise_request_exception=False)


@pytest.mark.django_db(transaction=True)
def test_a_page_says_that_the_database_is_away_and_the_next_one_works(visitor: Client) -> None:
    answer = visitor.get("/database")
    assert answer.status_code == 503
    assert "the database does not answer" in answer.text
    assert answer["Retry-After"] == "15"
    # What Django does at the end of a request; the test client leaves it out.
    close_old_connections()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


@pytest.mark.parametrize(("address", "part"), [("/cache", "the cache"), ("/broker", "the job queue")])
def test_a_page_says_which_part_is_away(visitor: Client, address: str, part: str) -> None:
    answer = visitor.get(address)
    assert answer.status_code == 503
    assert f"{part} does not answer" in answer.text


def test_a_mistake_of_ours_is_not_blamed_on_a_part(visitor: Client) -> None:
    answer = visitor.get("/mistake")
    assert answer.status_code == 500
    assert "does not answer" not in answer.text
    assert "ZeroDivisionError" not in answer.text


def test_the_part_is_found_behind_other_errors() -> None:
    error = ValueError("seen by the page")
    error.__cause__ = OperationalError("seen by Django")
    error.__cause__.__cause__ = psycopg.OperationalError("gone")
    assert outage.part_of(error) == "the database"


def test_queues_are_silent_until_a_worker_answers_and_again_when_it_stops() -> None:
    now = datetime(2026, 5, 1, 12, tzinfo=UTC)
    cache.clear()
    assert health.silent_queues(now=now) == ["poll", "settle", "default"]
    for queue in health.QUEUES:
        health.record_heartbeat(queue=queue, now=now)
    assert health.silent_queues(now=now) == []
    assert health.silent_queues(now=now + health.SILENT_AFTER) == ["poll", "settle", "default"]
