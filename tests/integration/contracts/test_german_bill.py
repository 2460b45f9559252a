"""A bill follows the language of the customer who gets it, not that of the person who issues it."""

from decimal import Decimal

import pytest
from django.utils import translation

from contracts.documents import wording
from contracts.models import CreditNote, Invoice
from contracts.services import billing, crediting
from tests.makers import accounts, contracts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable

pytestmark = pytest.mark.django_db


def documents_in(language: str) -> tuple[Invoice, CreditNote]:
    contract, _placement = billable(offtaker=contracts.make_offtaker(language=language))
    clerk = accounts.billing_clerk(locale="en")
    billing.run_month(month_on=OCTOBER, by=clerk, now=NOVEMBER_2, issue=True, contracts=[contract])
    invoice = Invoice.objects.get(contract=contract)
    credit = crediting.propose_credit(invoice=invoice, reason="Zähler", by=clerk, now=NOVEMBER_2, net_amount=Decimal(1))
    return invoice, crediting.approve_credit(credit=credit, by=accounts.approver(), now=NOVEMBER_2)


@pytest.mark.parametrize(
    ("language", "invoice_title", "credit_title"),
    [("de", b"(Rechnung ", b"(Rechnungskorrektur "), ("en", b"(Invoice ", b"(Credit note ")],
)
def test_documents_speak_the_language_of_the_customer(language: str, invoice_title: bytes, credit_title: bytes) -> None:
    with translation.override("en"):
        invoice, credit = documents_in(language)
    pdf = bytes(invoice.document.pdf)
    assert invoice_title in pdf
    assert f"/Lang ({language})".encode() in pdf
    assert credit_title in bytes(credit.pdf or b"")


def test_figures_of_a_german_bill_are_german() -> None:
    with translation.override("de"):
        assert wording.money("1234.5", "EUR") == "1.234,50\u00a0€"
        assert wording.month(OCTOBER) == "Oktober 2026"
        assert wording.how("read") == "abgelesen"
