"""Whether the parts of the installation answer: for load balancers, for monitoring, and for the person on call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from celery.exceptions import OperationalError
from django.contrib.auth.decorators import login_required, permission_required
from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from portal.celery import app

QUEUES = ("poll", "settle", "default")
# Heartbeats are sent every 30 seconds; a queue that is four of them behind has no worker or too much work.
HEARTBEAT_EVERY = timedelta(seconds=30)
SILENT_AFTER = timedelta(minutes=2)
BROKER_PATIENCE_S = 2


@dataclass(frozen=True)
class Check:
    """One part and what was found: `detail` is for people with the right to see it."""

    name: str
    is_well: bool
    detail: str


def heartbeat_key(queue: str) -> str:
    return f"heartbeat:{queue}"


def record_heartbeat(*, queue: str, now: datetime) -> None:
    """Write down that a worker of the queue ran a task."""
    cache.set(heartbeat_key(queue), now, timeout=None)


def essential_checks() -> list[Check]:
    """Return what a page cannot do without."""
    return [
        _checked("database", _look_at_database),
        _checked("schema", _look_at_schema),
        _checked("broker", _look_at_broker),
        _checked("cache", _look_at_cache),
    ]


def worker_checks(*, now: datetime) -> list[Check]:
    """Return whether each queue is being worked on, by the age of its last heartbeat."""
    return [_checked(f"queue {queue}", partial(_look_at_queue, queue, now)) for queue in QUEUES]


def silent_queues(*, now: datetime) -> list[str]:
    """Return the queues on which no worker has answered for a while: what pages show may be old."""
    try:
        seen = cache.get_many([heartbeat_key(queue) for queue in QUEUES])
    except (RedisError, OSError):
        return list(QUEUES)
    latest = {queue: seen.get(heartbeat_key(queue)) for queue in QUEUES}
    return [queue for queue, seen_at in latest.items() if seen_at is None or now - seen_at >= SILENT_AFTER]


def _checked(name: str, look: Callable[[], tuple[bool, str]]) -> Check:
    try:
        is_well, detail = look()
    except (DatabaseError, OperationalError, RedisError, OSError) as error:
        return Check(name, is_well=False, detail=f"{type(error).__name__}: {error}".strip())
    return Check(name, is_well=is_well, detail=detail)


def _look_at_database() -> tuple[bool, str]:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return True, f"PostgreSQL {cursor.fetchone()[0]}"


def _look_at_schema() -> tuple[bool, str]:
    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    return not missing, _("%(count)d migrations not applied") % {"count": missing} if missing else _("up to date")


def _look_at_broker() -> tuple[bool, str]:
    with app.connection_for_write(transport_options={"socket_connect_timeout": BROKER_PATIENCE_S}) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_PATIENCE_S)
        return True, broker.transport.driver_type


def _look_at_cache() -> tuple[bool, str]:
    cache.set("health", "well", timeout=10)
    return cache.get("health") == "well", ""


def _look_at_queue(queue: str, now: datetime) -> tuple[bool, str]:
    seen_at: datetime | None = cache.get(heartbeat_key(queue))
    if seen_at is None:
        return False, _("no worker has answered yet")
    age = now - seen_at
    return age < SILENT_AFTER, _("last answer %(seconds)d s ago") % {"seconds": age.total_seconds()}


def _as_answer(checks: list[Check]) -> JsonResponse:
    """Name the parts without their details: this page is open to everyone."""
    is_well = all(check.is_well for check in checks)
    parts = {check.name: "well" if check.is_well else "unwell" for check in checks}
    return JsonResponse({"well": is_well, "parts": parts}, status=200 if is_well else 503)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """For load balancers: 200 if pages can be served here, else 503."""
    return _as_answer(essential_checks())


@require_safe
@never_cache
def workers_healthz(request: HttpRequest) -> JsonResponse:
    """For monitoring: 200 if every queue is being worked on, else 503."""
    return _as_answer(worker_checks(now=timezone.now()))


@require_safe
@never_cache
@login_required
@permission_required("accounts.change_user", raise_exception=True)
def status(request: HttpRequest) -> HttpResponse:
    """For the person on call: every part with its detail."""
    now = timezone.now()
    checks = [*essential_checks(), *worker_checks(now=now)]
    context: dict[str, Any] = {"title": _("System status"), "checks": checks, "checked_at": now}
    return render(request, "portal/status.html", context)
