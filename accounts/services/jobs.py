"""Long work, told step by step.

Progress is seen by others only once it is committed: call `advance` between transactions, not inside one.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import Job, User
from kernel.errors import Refusal

SILENT_AFTER: Final = timedelta(minutes=10)


class JobIsOver(Refusal):
    """Work that ended neither goes on nor ends again."""


class JobWasCancelled(Refusal):
    """Someone asked for the work to stop."""


@transaction.atomic
def queue(*, kind: str, title: str, by: User | None, now: datetime, total_count: int | None = None) -> Job:
    """The job, waiting for a worker. Send its task with `transaction.on_commit`."""
    return Job.objects.create(kind=kind, title=title, asked_by=by, total_count=total_count, created_at=now)


@transaction.atomic
def start(*, job_id: int, now: datetime, total_count: int | None = None) -> Job:
    """The job, running from now.

    A second delivery of the same task takes over what a dead worker left, also when the job was given up meanwhile.
    """
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state in {Job.State.DONE, Job.State.CANCELLED}:
        raise JobIsOver(_("The work is over."))
    job.state, job.error, job.finished_at = Job.State.RUNNING, "", None
    job.started_at = job.started_at or now
    job.heartbeat_at = now
    if total_count is not None:
        job.total_count, job.done_count = total_count, 0
    job.save()
    return job


@transaction.atomic
def advance(*, job_id: int, done_count: int, now: datetime, message: str = "") -> None:
    """Tell how much is done; refused when the job was cancelled, which ends the work."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state == Job.State.CANCELLED:
        raise JobWasCancelled(_("The work was cancelled."))
    if job.is_over:
        raise JobIsOver(_("The work is over."))
    job.done_count = done_count if job.total_count is None else min(done_count, job.total_count)
    job.heartbeat_at, job.message = now, message[:300]
    job.save(update_fields=["done_count", "heartbeat_at", "message"])


@transaction.atomic
def finish(*, job_id: int, now: datetime, message: str = "", result_url: str = "") -> Job:
    """The job, done, with the address of what came out."""
    job = _unfinished(job_id)
    job.state, job.finished_at, job.heartbeat_at = Job.State.DONE, now, now
    job.message, job.result_url = message[:300], result_url
    if job.total_count is not None:
        job.done_count = job.total_count
    job.save()
    return job


@transaction.atomic
def fail(*, job_id: int, error: str, now: datetime) -> Job:
    """The job, failed, with the reason in words."""
    job = _unfinished(job_id)
    job.state, job.finished_at, job.heartbeat_at, job.error = Job.State.FAILED, now, now, error
    job.save()
    return job


@transaction.atomic
def cancel(*, job: Job, by: User, now: datetime) -> Job:
    """The job, cancelled; running work stops at its next step."""
    job = _unfinished(job.pk)
    job.state, job.finished_at = Job.State.CANCELLED, now
    job.save(update_fields=["state", "finished_at"])
    return job


@transaction.atomic
def fail_silent(*, now: datetime) -> int:
    """The number of jobs given up because their worker has shown no sign of life for ten minutes."""
    silent = Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=now - SILENT_AFTER)
    return silent.update(state=Job.State.FAILED, finished_at=now, error=str(_("The worker went silent.")))


def _unfinished(job_id: int) -> Job:
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.is_over:
        raise JobIsOver(_("The work is over."))
    return job
