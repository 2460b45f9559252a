"""No bill from registers that nobody compared with the meter's display."""

from typing import Any

import pytest

from contracts.models import BillingBlock, Contract, Invoice
from contracts.queries import blocks
from contracts.services import billing
from hosting.models import Device
from tests.makers import accounts, thermal
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable
from tests.makers.commissioning import accept, make_meter_device

pytestmark = pytest.mark.django_db


def polled() -> tuple[Contract, Device]:
    """A billable October of which one register was read by a device."""
    contract, placement = billable()
    first = placement.meter.readings.order_by("at").last()
    assert first is not None
    thermal.make_reading(placement.meter, first.at.replace(day=20), "130000")
    return contract, make_meter_device(placement)


def draft(contract: Contract) -> billing.Outcome:
    return billing.draft_invoice(contract=contract, month_on=OCTOBER, by=None, now=NOVEMBER_2)


def test_a_month_read_by_an_unaccepted_device_is_blocked_and_leads_to_its_commissioning() -> None:
    contract, device = polled()
    outcome = draft(contract)
    assert [problem.code for problem in outcome.problems] == ["device_not_accepted"]
    block = BillingBlock.objects.get(contract=contract)
    reason = blocks.reason_of(block.code, block.facts, contract)
    assert device.code in reason.sentence
    assert (reason.url, reason.label) == (f"/inventory/devices/{device.pk}/commissioning/", "Commission the device")
    accept(device)
    assert draft(contract).invoice is not None
    assert not BillingBlock.objects.exists()


def test_the_billing_page_shows_the_button_that_helps(client: Any) -> None:
    contract, device = polled()
    draft(contract)
    client.force_login(accounts.billing_clerk())
    page = client.get("/billing/2026/10/").content.decode()
    assert f'href="/inventory/devices/{device.pk}/commissioning/"' in page


def test_an_acceptance_that_lapses_after_the_review_stops_the_issue() -> None:
    contract, device = polled()
    accept(device)
    invoice = draft(contract).invoice
    assert invoice is not None
    invoice = billing.review_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    Device.objects.filter(pk=device.pk).update(unit_address="99")
    with pytest.raises(billing.FiguresChanged, match="Nobody has compared"):
        billing.issue_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    assert Invoice.objects.get().number is None


def test_a_seller_who_does_not_ask_for_it_bills_without() -> None:
    contract, _device = polled()
    contract.legal_entity.requires_acceptance = False
    contract.legal_entity.save()
    assert draft(Contract.objects.get(pk=contract.pk)).invoice is not None
