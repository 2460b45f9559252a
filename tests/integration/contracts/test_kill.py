"""Killing a billing run loses and doubles nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from contracts.models import Invoice, InvoiceDocument, NumberSeries
from tests.makers import contracts
from tests.makers.billing import OCTOBER, billable

ROOT = Path(__file__).parents[3]
CONTRACTS = 6


def bill() -> subprocess.Popen[bytes]:
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = os.environ | {"DATABASE_URL": urlunsplit(address)}
    command = [sys.executable, "manage.py", "bill", "--month", f"{OCTOBER:%Y-%m}", "--issue"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def wait_for_issued(count: int, run: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while Invoice.objects.filter(state=Invoice.State.ISSUED).count() < count:
        assert run.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "nothing was issued"


@pytest.mark.django_db(transaction=True)
def test_a_run_killed_in_the_middle_and_run_again_gives_every_contract_one_number() -> None:
    seller = contracts.make_legal_entity(code="KILL")
    for _ in range(CONTRACTS):
        billable(legal_entity=seller)
    for issued in (1, 3):
        run = bill()
        wait_for_issued(issued, run)
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert bill().wait() == 0
    numbers = Invoice.objects.order_by("sequence_number").values_list("sequence_number", flat=True)
    assert list(numbers) == list(range(1, CONTRACTS + 1))
    assert NumberSeries.objects.get().last_number == CONTRACTS
    assert InvoiceDocument.objects.count() == CONTRACTS
    assert Invoice.objects.values("contract").distinct().count() == CONTRACTS
