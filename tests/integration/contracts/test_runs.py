"""Billing runs as background work."""

import datetime as dt

import pytest

from accounts.models import Job
from contracts.models import BillingRun, Invoice
from contracts.services import billing, runs
from tests.makers import accounts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable

pytestmark = pytest.mark.django_db


def clock() -> dt.datetime:
    return NOVEMBER_2


def test_a_run_drafts_tells_its_progress_and_is_carried_out_once() -> None:
    clerk = accounts.billing_clerk()
    good, _ = billable()
    bad, placement = billable()
    placement.meter.verified_until_on = OCTOBER
    placement.meter.save()
    asked = runs.ask_for_run(month_on=OCTOBER, by=clerk, now=NOVEMBER_2)
    run = runs.carry_out(run_id=asked.pk, clock=clock)
    assert (run.drafted_count, run.blocked_count, run.issued_count) == (1, 1, 0)
    assert run.job is not None
    job = Job.objects.get(pk=run.job.pk)
    assert (job.state, job.done_count, job.total_count) == (Job.State.DONE, 2, 2)
    assert job.result_url == "/billing/2026/10/"
    assert runs.carry_out(run_id=asked.pk, clock=clock).finished_at == run.finished_at

    billing.review_invoice(invoice=Invoice.objects.get(contract=good), by=clerk, now=NOVEMBER_2)
    issuing = runs.ask_for_run(month_on=OCTOBER, by=clerk, now=NOVEMBER_2, issues=True)
    assert runs.carry_out(run_id=issuing.pk, clock=clock).issued_count == 1
    assert Invoice.objects.get(contract=good).issued_by == clerk
    assert not Invoice.objects.filter(contract=bad).exists()


def test_a_run_that_a_killed_worker_left_is_taken_over() -> None:
    billable()
    asked = runs.ask_for_run(month_on=OCTOBER, by=None, now=NOVEMBER_2)
    assert asked.job is not None
    Job.objects.filter(pk=asked.job.pk).update(state=Job.State.RUNNING, done_count=0, total_count=1)
    runs.carry_out(run_id=asked.pk, clock=clock)
    assert BillingRun.objects.get().finished_at == NOVEMBER_2
