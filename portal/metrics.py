"""Figures for Prometheus, read from the database at every scrape.

Any web process answers the same, because nothing is counted in a process. Labels name protocols, sites, queues and
kinds of work; no offtaker, contract, device or person appears.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from celery.exceptions import OperationalError
from django.conf import settings
from django.core.cache import cache
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import KombuError
from prometheus_client import CollectorRegistry, exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from accounts.models import Job
from portal.celery import app
from portal.health import BROKER_PATIENCE_S, QUEUES, heartbeat_key
from thermal.queries import metrics

PLACE = ("protocol", "site")
RECENT = dt.timedelta(days=1)


class Portal(Collector):
    """Everything that is told, as it is now."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        """Each family of figures with its samples."""
        yield from self.polling()
        yield from self.circuits()
        yield from self.lag()
        yield from self.settlement()
        yield from self.jobs()
        yield from self.queues()

    def polling(self) -> Iterator[Metric]:
        """Polls of the day; counters begin anew at midnight UTC, which Prometheus takes for a restart."""
        polls = CounterMetricFamily("heatledger_polls", "Polls of devices since midnight UTC.", labels=PLACE)
        failed = CounterMetricFamily("heatledger_polls_failed", "Polls that told nothing.", labels=PLACE)
        late = CounterMetricFamily("heatledger_polls_late", "Polls begun more than five seconds late.", labels=PLACE)
        latency = SummaryMetricFamily(
            "heatledger_poll_latency_seconds", "Time from question to answer, of answered polls.", labels=PLACE
        )
        for row in metrics.polls_today(self.now):
            place = (row.protocol, row.site)
            polls.add_metric(place, row.poll_count)
            failed.add_metric(place, row.failed_count)
            late.add_metric(place, row.late_count)
            latency.add_metric(place, count_value=row.answered_count, sum_value=row.latency_sum_s)
        yield from (polls, failed, late, latency)

    def circuits(self) -> Iterator[Metric]:
        """Devices by the state of their circuit."""
        devices = GaugeMetricFamily(
            "heatledger_devices", "Polled devices by the state of their circuit.", labels=(*PLACE, "circuit")
        )
        for protocol, site, state, count in metrics.circuits():
            devices.add_metric((protocol, site, state), count)
        yield devices

    def lag(self) -> Iterator[Metric]:
        """How far polling is behind."""
        waiting = GaugeMetricFamily(
            "heatledger_controllers_due", "Controllers due and not yet polled.", labels=["protocol"]
        )
        lag = GaugeMetricFamily(
            "heatledger_poll_lag_seconds", "How long the first due controller waits.", labels=["protocol"]
        )
        for row in metrics.due(self.now):
            waiting.add_metric([row.protocol], row.controller_count)
            lag.add_metric([row.protocol], row.lag_s)
        yield from (waiting, lag)

    def settlement(self) -> Iterator[Metric]:
        """What the heat ledger has not settled yet."""
        count, age_s = metrics.unsettled(self.now)
        yield GaugeMetricFamily("heatledger_dirty_marks", "Quarter hours that wait for settlement.", value=count)
        yield GaugeMetricFamily(
            "heatledger_dirty_mark_age_seconds", "Time since the first waiting quarter hour began.", value=age_s
        )

    def jobs(self) -> Iterator[Metric]:
        """Long work by kind and state: what is unfinished, and what ended in the last 24 hours."""
        family = GaugeMetricFamily(
            "heatledger_jobs", "Unfinished jobs, and those that ended in the last 24 hours.", labels=["kind", "state"]
        )
        rows = Job.objects.filter(finished_at__gte=self.now - RECENT) | Job.objects.filter(finished_at=None)
        for kind, state, count in rows.order_by("kind", "state").values_list("kind", "state").annotate(n=Count("pk")):
            family.add_metric([kind, state], count)
        yield family

    def queues(self) -> Iterator[Metric]:
        """Tasks that wait, and when a worker was last seen; nothing where broker or cache are silent."""
        depth = GaugeMetricFamily("heatledger_queue_depth", "Tasks waiting for a worker.", labels=["queue"])
        silence = GaugeMetricFamily(
            "heatledger_worker_silence_seconds", "Time since a worker of the queue was last seen.", labels=["queue"]
        )
        for queue, count in queue_depths().items():
            depth.add_metric([queue], count)
        for queue, age_s in self.heartbeat_ages().items():
            silence.add_metric([queue], age_s)
        yield from (depth, silence)

    def heartbeat_ages(self) -> dict[str, float]:
        """Seconds since each queue was last worked on."""
        try:
            seen = cache.get_many([heartbeat_key(queue) for queue in QUEUES])
        except (RedisError, OSError):
            return {}
        ages = {queue: seen.get(heartbeat_key(queue)) for queue in QUEUES}
        return {queue: (self.now - at).total_seconds() for queue, at in ages.items() if at is not None}


def queue_depths() -> dict[str, int]:
    """How many tasks wait in each queue; empty if the broker does not answer."""
    try:
        with app.connection_for_write(transport_options={"socket_connect_timeout": BROKER_PATIENCE_S}) as broker:
            broker.ensure_connection(max_retries=1, timeout=BROKER_PATIENCE_S)
            return {queue: _depth(broker, queue) for queue in QUEUES}
    except (OperationalError, KombuError, RedisError, OSError):
        return {}


def _depth(broker: Connection, queue: str) -> int:
    """How many tasks wait in the queue; Redis knows no queue that is empty."""
    try:
        channel: Any
        with broker.channel() as channel:
            return int(channel.queue_declare(queue, passive=True).message_count)
    except broker.channel_errors:
        return 0


@require_safe
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    """For Prometheus, with the token as `Authorization: Bearer`; without one configured the page does not exist."""
    if not settings.METRICS_TOKEN:
        raise Http404
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Portal(timezone.now()))
    encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)
