"""Work of the contracts app that runs in the background."""

from celery import shared_task
from django.utils import timezone

from contracts.services import judging, notices, runs, true_ups


@shared_task(name=runs.TASK, soft_time_limit=1680, time_limit=1740)
def run_billing(run_id: int) -> None:
    """Carry out a billing run."""
    runs.carry_out(run_id=run_id, clock=timezone.now)


@shared_task(name="contracts.judge_service_levels", soft_time_limit=600, time_limit=660)
def judge_service_levels() -> None:
    """Judge the days whose ledger rows or works changed."""
    judging.judge_pending(now=timezone.now())


@shared_task(name="contracts.find_true_ups", soft_time_limit=1680, time_limit=1740)
def find_true_ups() -> None:
    """Look at the billed months whose records changed."""
    true_ups.examine_marked(now=timezone.now())


@shared_task(name="contracts.send_notices", soft_time_limit=540, time_limit=600)
def send_notices() -> None:
    """Send the notices of documents that were issued."""
    notices.send_waiting(clock=timezone.now)
