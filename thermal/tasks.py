"""What the workers of thermal do, and when."""

from celery import shared_task
from django.utils import timezone

from thermal.services import alarms, settlement


@shared_task(name="thermal.settle", queue="settle", time_limit=900)
def settle() -> int:
    """The count of marked quarter hours settled."""
    return settlement.settle_marked(now=timezone.now()).quarters


@shared_task(name="thermal.mark_unsettled", queue="settle", time_limit=300)
def mark_unsettled() -> int:
    """The count of quarter hours that ended without any value."""
    return settlement.mark_unsettled(now=timezone.now())


@shared_task(name="thermal.sweep_alarms", queue="default", time_limit=120)
def sweep_alarms() -> int:
    """The count of alarms that changed when all rules were judged against the clock."""
    return alarms.evaluate(now=timezone.now())
