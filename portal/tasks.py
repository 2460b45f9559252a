"""Tasks of the installation itself."""

import logging
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.utils import timezone

from portal import health, invariants

log = logging.getLogger(__name__)


@shared_task(name="portal.heartbeat", time_limit=30, expires=60)
def heartbeat(queue: str) -> None:
    """Show that somebody works on the queue; older ones that waited are not worth running."""
    health.record_heartbeat(queue=queue, now=timezone.now())


@worker_ready.connect
def record_arrival(sender: Any, **_details: Any) -> None:
    """Count a worker's arrival as its first heartbeat, so that nobody waits for the schedule to know of it."""
    for queue in sender.app.amqp.queues.consume_from:
        health.record_heartbeat(queue=queue, now=timezone.now())


@shared_task(name="portal.check_invariants", time_limit=1740)
def check_invariants() -> None:
    """Look every night for what must never be; someone has to act on each line."""
    for finding in invariants.check(now=timezone.now()):
        for violation in finding.violations:
            log.error("invariant %s broken: %s", finding.invariant.number, violation)
