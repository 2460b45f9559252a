"""Credit notes, billing again, and computing an issued invoice once more."""

import datetime as dt
import io
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction

from contracts.models import CreditNote, Invoice, PriceTerms
from contracts.services import billing, crediting
from tests.makers import accounts, contracts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable, midnight
from tests.tampering import without_triggers

pytestmark = pytest.mark.django_db


def issued() -> Invoice:
    contract, _placement = billable()
    billing.run_month(month_on=OCTOBER, by=accounts.billing_clerk(), now=NOVEMBER_2, issue=True, contracts=[contract])
    return Invoice.objects.get(contract=contract)


def propose(invoice: Invoice, net: str | None = None) -> CreditNote:
    amount = None if net is None else Decimal(net)
    clerk = accounts.billing_clerk()
    return crediting.propose_credit(invoice=invoice, reason="Wrong meter", by=clerk, now=NOVEMBER_2, net_amount=amount)


def test_a_credit_note_has_its_own_number_and_names_the_invoice() -> None:
    invoice = issued()
    credit = crediting.approve_credit(credit=propose(invoice, "100"), by=accounts.approver(), now=NOVEMBER_2)
    assert credit.number == f"{invoice.contract.legal_entity.code}-C2026-00001"
    assert (credit.net_amount, credit.vat_amount, credit.gross_amount) == (Decimal(100), Decimal(20), Decimal(120))
    assert credit.facts["invoice_number"] == invoice.number
    assert credit.pdf is not None
    assert bytes(credit.pdf).startswith(b"%PDF-")


def test_who_issued_or_proposed_does_not_approve() -> None:
    invoice = issued()
    credit = propose(invoice)
    assert invoice.issued_by is not None
    assert credit.requested_by is not None
    for person in (invoice.issued_by, credit.requested_by):
        with pytest.raises(crediting.SamePerson):
            crediting.approve_credit(credit=credit, by=person, now=NOVEMBER_2)


def test_no_more_is_credited_than_was_billed() -> None:
    invoice = issued()
    propose(invoice, "600")
    with pytest.raises(crediting.CreditTooLarge, match=r"72\.82"):
        propose(invoice, "72.83")
    propose(invoice, "72.82")


def test_a_refused_credit_frees_its_amount_and_takes_no_number() -> None:
    invoice = issued()
    refused = crediting.refuse_credit(credit=propose(invoice), by=accounts.approver(), now=NOVEMBER_2)
    assert refused.number is None
    with pytest.raises(crediting.AlreadyDecided):
        crediting.approve_credit(credit=refused, by=accounts.approver(), now=NOVEMBER_2)
    assert propose(invoice).is_whole


def test_a_month_credited_in_whole_is_billed_again_under_a_new_number() -> None:
    invoice = issued()
    crediting.approve_credit(credit=propose(invoice), by=accounts.approver(), now=NOVEMBER_2)
    billing.run_month(month_on=OCTOBER, by=None, now=NOVEMBER_2, issue=True)
    again = Invoice.objects.exclude(pk=invoice.pk).get()
    assert (again.revision, again.sequence_number, again.net_amount) == (2, 2, invoice.net_amount)


def test_drafts_are_not_credited() -> None:
    contract, _placement = billable()
    outcome = billing.draft_invoice(contract=contract, month_on=OCTOBER, by=None, now=NOVEMBER_2)
    assert outcome.invoice is not None
    with pytest.raises(crediting.NotIssued):
        propose(outcome.invoice)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE contracts_creditnote SET reason = 'x'", "DELETE FROM contracts_creditnote"],
)
def test_the_database_refuses_to_change_an_issued_credit_note(statement: str) -> None:
    crediting.approve_credit(credit=propose(issued()), by=accounts.approver(), now=NOVEMBER_2)
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def reproduce(number: str | None) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("reproduce_invoice", number, stdout=out)
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    return 0, out.getvalue()


def test_an_issued_invoice_is_reproduced_to_the_cent() -> None:
    invoice = issued()
    status, text = reproduce(invoice.number)
    assert status == 0, text
    assert "2 readings read again: reproduced to the cent" in text


def test_a_price_changed_behind_its_back_is_found() -> None:
    invoice = issued()
    PriceTerms.objects.update(energy_per_kwh=Decimal("0.05"))
    status, text = reproduce(invoice.number)
    assert status == 1
    assert "energy_per_kwh" in text


def test_a_reading_changed_behind_its_back_is_found() -> None:
    invoice = issued()
    with without_triggers("thermal_meterreading"), connection.cursor() as cursor:
        cursor.execute("UPDATE thermal_meterreading SET energy_kwh = energy_kwh + 1 WHERE energy_kwh > 130000")
    status, text = reproduce(invoice.number)
    assert status == 1
    assert "134021.0000, computed again 134022.0000" in text


def test_a_reading_corrected_later_is_named_but_no_difference() -> None:
    invoice = issued()
    placement = invoice.contract.delivery_point.placements.get()
    end = midnight(invoice.contract, dt.date(2026, 11, 1))
    contracts.make_readings(placement, {end: "134000"}, version=2)
    status, text = reproduce(invoice.number)
    assert status == 0
    assert "corrected later: version 2" in text
