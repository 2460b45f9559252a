"""Tasks of the installation itself."""

from celery import shared_task
from django.utils import timezone

from portal import health


@shared_task(name="portal.heartbeat", time_limit=30, expires=60)
def heartbeat(queue: str) -> None:
    """Show that somebody works on the queue; older ones that waited are not worth running."""
    health.record_heartbeat(queue=queue, now=timezone.now())
