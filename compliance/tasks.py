"""What the schedule and the pages leave to workers."""

from celery import shared_task
from django.utils import timezone

from compliance.services import duties, packs, response


@shared_task(name="compliance.plan_tasks", time_limit=900)
def plan_tasks() -> None:
    """Make the tasks that fall due soon."""
    duties.plan_tasks(now=timezone.now())


@shared_task(name="compliance.open_missing_incidents", time_limit=300)
def open_missing_incidents() -> None:
    """Open the incidents of alarms whose news got lost."""
    response.open_missing(now=timezone.now())


@shared_task(name="compliance.build_pack", time_limit=1740)
def build_pack(pack_id: int) -> None:
    """Build an audit pack."""
    packs.build_pack(pack_id=pack_id, now=timezone.now())


@shared_task(name="compliance.queue_silent_packs", time_limit=60)
def queue_silent_packs() -> None:
    """Start the packs again whose worker was killed."""
    packs.queue_again(now=timezone.now())
