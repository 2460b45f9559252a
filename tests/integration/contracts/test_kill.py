"""Killing a billing run loses and doubles nothing."""

import subprocess
import time

import pytest
from django.utils import timezone

from contracts.models import BillingRun, Invoice, InvoiceDocument, NumberSeries
from contracts.services import billing, runs
from tests import programs
from tests.makers import accounts, contracts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable

CONTRACTS = 6
PATIENCE_S = 60


def ask() -> BillingRun:
    return runs.ask_for_run(month_on=OCTOBER, by=None, now=timezone.now(), issues=True)


def wait_for_issued(count: int, worker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while Invoice.objects.filter(state=Invoice.State.ISSUED).count() < count:
        assert worker.poll() is None, "the worker ended before it could be killed"
        assert time.monotonic() < deadline, "nothing was issued"


@pytest.mark.django_db(transaction=True)
def test_a_run_killed_in_the_middle_and_run_again_gives_every_contract_one_number() -> None:
    seller = contracts.make_legal_entity(code="KILL")
    clerk = accounts.billing_clerk()
    for _ in range(CONTRACTS):
        contract, _placement = billable(legal_entity=seller)
        invoice = billing.draft_invoice(contract=contract, month_on=OCTOBER, by=clerk, now=NOVEMBER_2).invoice
        assert invoice is not None
        billing.review_invoice(invoice=invoice, by=clerk, now=NOVEMBER_2)
    for issued in (1, 3):
        with programs.celery_worker("default") as worker:
            killed = ask()
            wait_for_issued(issued, worker)
        killed.refresh_from_db()
        assert killed.finished_at is None
    with programs.celery_worker("default") as worker:
        run = ask()
        wait_for_issued(CONTRACTS, worker)
    numbers = Invoice.objects.order_by("sequence_number").values_list("sequence_number", flat=True)
    assert list(numbers) == list(range(1, CONTRACTS + 1))
    assert NumberSeries.objects.get().last_number == CONTRACTS
    assert InvoiceDocument.objects.count() == CONTRACTS
    assert Invoice.objects.values("contract").distinct().count() == CONTRACTS
    assert run.pk != killed.pk
