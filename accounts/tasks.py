"""What the workers of accounts do, and when."""

from celery import shared_task
from django.utils import timezone

from accounts.services import jobs


@shared_task(name="accounts.give_up_silent_jobs", time_limit=60)
def give_up_silent_jobs() -> int:
    """The count of jobs whose worker went silent, so that nobody waits for them."""
    return jobs.fail_silent(now=timezone.now())
