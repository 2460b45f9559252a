"""What the database itself refuses of true-ups, marks and notices."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from contracts.models import BilledMark, CreditNote, DocumentNotice, Invoice, LegalEntity, TrueUp
from tests.makers import accounts, contracts

pytestmark = pytest.mark.django_db

OCTOBER = dt.date(2026, 10, 1)
NOW = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)


def make_invoice(net: int = 100) -> Invoice:
    contract = contracts.make_contract()
    return Invoice.objects.create(
        contract=contract, month_on=OCTOBER, starts_on=OCTOBER, ends_on=dt.date(2026, 11, 1), starts_at=NOW,
        ends_at=NOW, currency="EUR", heat_kwh=1, actual_ratio=1, net_amount=net, vat_amount=0, gross_amount=net,
        vat_summary=[], facts={}, drafted_at=NOW,
    )  # fmt: skip


def make_true_up(invoice: Invoice | None = None, **fields: Any) -> TrueUp:
    defaults: dict[str, Any] = {
        "invoice": invoice or make_invoice(), "reasons": [{"code": "blocked", "facts": {}}], "billed_kwh": 10,
        "estimated_kwh": 0, "now_kwh": 8, "delta_kwh": -2, "billed_net_amount": 100, "billed_gross_amount": 120,
        "now_net_amount": 80, "now_gross_amount": 96, "delta_net_amount": -20, "delta_gross_amount": -24,
        "found_at": NOW, "computed_at": NOW,
    }  # fmt: skip
    return TrueUp.objects.create(**defaults | fields)


def refused(name: str) -> Any:
    return pytest.raises(IntegrityError, match=name)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("true_up_heat_is_now_less_billed", {"delta_kwh": 2}),
        ("true_up_heat_is_now_less_billed", {"now_kwh": None}),
        ("true_up_net_is_now_less_billed", {"delta_net_amount": -19}),
        ("true_up_gross_is_now_less_billed", {"delta_gross_amount": Decimal("-24.01")}),
        ("true_up_is_explained", {"reasons": []}),
        ("true_up_proposed_with_reason", {"state": "proposed"}),
        ("true_up_settled_by_two_documents", {"state": "settled"}),
    ],
)
def test_an_impossible_true_up_is_refused(name: str, fields: dict[str, Any]) -> None:
    invoice = make_invoice()
    with refused(name), transaction.atomic():
        make_true_up(invoice, **fields)


def test_one_invoice_has_one_open_true_up() -> None:
    invoice = make_invoice()
    make_true_up(invoice)
    make_true_up(invoice, state="minor")
    with refused("true_up_one_at_a_time"), transaction.atomic():
        make_true_up(invoice)


def test_two_people_decide() -> None:
    clerk, invoice = accounts.billing_clerk(), make_invoice()
    given = {"proposed_by": clerk, "proposed_at": NOW, "note": "Agreed."}
    with refused("true_up_decided_by_another"), transaction.atomic():
        make_true_up(invoice, **given, state="waived", decided_by=clerk)
    with refused("true_up_waived_after_approval"), transaction.atomic():
        make_true_up(invoice, **given, state="waived")
    make_true_up(invoice, **given, state="waived", needs_second_person=False)


def test_a_mark_is_of_a_month() -> None:
    contract = contracts.make_contract()
    with refused("billed_mark_of_a_month"), transaction.atomic():
        BilledMark.objects.create(contract=contract, month_on=dt.date(2026, 10, 2), marked_at=NOW)


def test_each_document_is_announced_once_to_an_address() -> None:
    invoice = make_invoice()
    given = {"invoice": invoice, "address": "bills@example.org", "created_at": NOW}
    DocumentNotice.objects.create(**given)
    with refused("notice_of_invoice_once"), transaction.atomic():
        DocumentNotice.objects.create(**given)
    credit = make_credit(invoice, 50)
    DocumentNotice.objects.create(**given, credit_note=credit)
    with refused("notice_of_credit_note_once"), transaction.atomic():
        DocumentNotice.objects.create(**given, credit_note=credit)


def make_credit(invoice: Invoice, net: int, **fields: Any) -> CreditNote:
    return CreditNote.objects.create(
        invoice=invoice, reason="x", currency="EUR", net_amount=net, vat_amount=0, gross_amount=net, vat_summary=[],
        facts={}, requested_at=NOW, **fields,
    )  # fmt: skip


def test_nothing_is_credited_only_where_nothing_was_billed() -> None:
    invoice = make_invoice(0)
    make_credit(invoice, 0, is_whole=True)
    for net, is_whole in ((0, False), (-1, True)):
        with refused("credit_note_positive"), transaction.atomic():
            make_credit(invoice, net, is_whole=is_whole)


def test_a_seller_leaves_no_negative_difference() -> None:
    seller = contracts.make_legal_entity()
    with refused("legal_entity_true_up_not_negative"), transaction.atomic():
        LegalEntity.objects.filter(pk=seller.pk).update(least_true_up_amount=-1)
