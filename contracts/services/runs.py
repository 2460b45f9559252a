"""Billing runs in the background: asked for on a page, carried out by a worker, told as a job."""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from celery import current_app
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from accounts.services import jobs
from contracts.models import BillingRun, Contract
from contracts.queries import terms
from contracts.services import billing

JOB_KIND = "contracts.billing"
TASK = "contracts.run_billing"


@transaction.atomic
def ask_for_run(
    *, month_on: date, by: User | None, now: datetime, contracts: Iterable[Contract] = (), issues: bool = False
) -> BillingRun:
    """A run over the month's contracts, or those given, waiting for a worker."""
    title = _("Billing of %(month)s") % {"month": f"{month_on:%Y-%m}"}
    job = jobs.queue(kind=JOB_KIND, title=title, by=by, now=now)
    run = BillingRun.objects.create(
        month_on=month_on, job=job, asked_by=by, issues=issues, started_at=now,
        contract_ids=[contract.pk for contract in contracts],
    )  # fmt: skip
    transaction.on_commit(lambda: current_app.send_task(TASK, args=[run.pk], queue="default"))
    return run


def carry_out(*, run_id: int, clock: Callable[[], datetime]) -> BillingRun:
    """The run, finished. A second delivery of the task does again only what the first did not finish."""
    run = BillingRun.objects.select_related("job", "asked_by").get(pk=run_id)
    if run.finished_at is not None or run.job is None:
        return run
    contracts = _contracts_of(run)
    job_id = run.job.pk
    jobs.start(job_id=job_id, now=clock(), total_count=len(contracts))
    summary = billing.run_month(
        month_on=run.month_on, by=run.asked_by, now=clock(), contracts=contracts, issue=run.issues, review=False,
        tell=lambda done: jobs.advance(job_id=job_id, done_count=done, now=clock()),
    )  # fmt: skip
    return _finish(run, summary, clock())


def _contracts_of(run: BillingRun) -> list[Contract]:
    rows = terms.contracts_in_month(run.month_on).select_related("delivery_point__site", "offtaker", "legal_entity")
    return list(rows.filter(pk__in=run.contract_ids) if run.contract_ids else rows)


@transaction.atomic
def _finish(run: BillingRun, summary: billing.Summary, now: datetime) -> BillingRun:
    run.drafted_count, run.issued_count = summary.drafted_count, summary.issued_count
    run.blocked_count, run.skipped_count = len(summary.blocked), summary.skipped_count
    run.finished_at = now
    run.save()
    address = reverse("contracts:billing_month", args=[run.month_on.year, run.month_on.month])
    if run.job is not None:
        jobs.finish(job_id=run.job.pk, now=now, message=_words(summary), result_url=address)
    return run


def _words(summary: billing.Summary) -> str:
    """What the run came to, in a sentence."""
    parts = [
        ngettext("%(n)s drafted", "%(n)s drafted", summary.drafted_count) % {"n": summary.drafted_count},
        ngettext("%(n)s issued", "%(n)s issued", summary.issued_count) % {"n": summary.issued_count},
        ngettext("%(n)s blocked", "%(n)s blocked", len(summary.blocked)) % {"n": len(summary.blocked)},
    ]
    return ", ".join(parts)
