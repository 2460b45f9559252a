"""What the workers of thermal do, and when."""

import datetime as dt

from celery import shared_task
from django.utils import timezone

from kernel.periods import Period
from thermal.services import (
    alarms,
    commissioning,
    drop_folder,
    dropping,
    kpi_ledger,
    partitions,
    polling,
    pushing,
    settlement,
    validating,
)


@shared_task(name="thermal.settle", time_limit=900)
def settle() -> int:
    """The count of marked quarter hours settled."""
    return settlement.settle_marked(now=timezone.now()).quarters


@shared_task(name="thermal.sum_months", time_limit=900)
def sum_months() -> int:
    """The count of monthly sums that changed."""
    return kpi_ledger.sum_marked(now=timezone.now())


@shared_task(name="thermal.mark_unsettled", time_limit=300)
def mark_unsettled() -> int:
    """The count of quarter hours that ended without any value."""
    return settlement.mark_unsettled(now=timezone.now())


@shared_task(name="thermal.validate", time_limit=900)
def validate() -> int:
    """The count of findings that are new or open again, after judging what was recorded and settled."""
    return validating.validate_marked(now=timezone.now()).opened


@shared_task(name="thermal.validate_months", time_limit=1500)
def validate_months() -> int:
    """The count of findings that are new or open again, after judging the last month and the running one."""
    now = timezone.now()
    return validating.validate_months(period=Period(now - dt.timedelta(days=32), now), now=now).opened


@shared_task(name="thermal.sweep_alarms", time_limit=120)
def sweep_alarms() -> int:
    """The count of alarms that changed when all rules were judged against the clock."""
    return alarms.evaluate(now=timezone.now())


@shared_task(name="thermal.poll_due", time_limit=360, ignore_result=True)
def poll_due() -> None:
    """Poll what is due for a while; if there is more than one claim takes, another worker may start on it meanwhile."""
    polling.poll_due(clock=timezone.now, on_more=poll_due.delay)


@shared_task(name="thermal.keep_partitions", time_limit=300, ignore_result=True)
def keep_partitions() -> None:
    """Make the partitions of the coming months, and drop what is no longer kept: partitions, counts and receipts."""
    partitions.make_ahead(now=timezone.now())
    partitions.drop_expired(now=timezone.now())
    polling.drop_expired_accounts(now=timezone.now())
    pushing.drop_expired(now=timezone.now())
    dropping.drop_expired(now=timezone.now())


@shared_task(name="thermal.watch_drop_folders", time_limit=900)
def watch_drop_folders() -> int:
    """The count of files read and put away."""
    return drop_folder.watch_folders(now=timezone.now())


@shared_task(name=commissioning.TASK, time_limit=120, ignore_result=True)
def probe_device(probe_id: int) -> None:
    """Look at a device because a person asked for it."""
    commissioning.carry_out(probe_id=probe_id, clock=timezone.now)
