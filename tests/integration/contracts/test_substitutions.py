"""Billing against a rule needs a name and a reason; estimated heat says so on the line."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from contracts.documents import explanations, wording
from contracts.domain import statement
from contracts.models import BillingBlock, Contract, Invoice, Substitution
from contracts.queries import reproduction, terms
from contracts.services import billing, substituting
from kernel.periods import Period
from tests.makers import accounts
from tests.makers.billing import NOVEMBER_2, OCTOBER, billable
from thermal.domain.estimation import Method
from thermal.models import DirtyMark
from thermal.services import corrections

pytestmark = pytest.mark.django_db


def expired() -> Contract:
    """A contract whose meter's verification ran out within the month."""
    contract, placement = billable()
    placement.meter.verified_until_on = dt.date(2026, 10, 20)
    placement.meter.save()
    return contract


def draft(contract: Contract) -> billing.Outcome:
    return billing.draft_invoice(contract=contract, month_on=OCTOBER, by=None, now=NOVEMBER_2)


def approve(contract: Contract, **fields: Any) -> Substitution:
    facts: dict[str, Any] = {"code": "verification_expired", "reason": "Checked against the spare meter."} | fields
    by = fields.pop("by", None) or accounts.approver()
    facts.pop("by", None)
    return substituting.approve(contract=contract, month_on=OCTOBER, by=by, now=NOVEMBER_2, **facts)


def test_an_expired_meter_is_billed_only_when_somebody_answers_for_it_and_the_invoice_says_who() -> None:
    contract = expired()
    assert [problem.code for problem in draft(contract).problems] == ["verification_expired"]
    approver = accounts.approver()
    approve(contract, by=approver)
    invoice = Invoice.objects.get(contract=contract)
    (fact,) = invoice.facts["substitutions"]
    assert (fact["code"], fact["approved_by"]) == ("verification_expired", str(approver))
    (sentence,) = wording.substitutions(invoice)
    assert "Checked against the spare meter." in sentence
    assert not BillingBlock.objects.filter(contract=contract).exists()
    billing.review_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    issued = billing.issue_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    assert reproduction.reproduce(issued).differences == ()


def test_a_revoked_approval_blocks_again_and_can_be_given_anew() -> None:
    contract = expired()
    draft(contract)
    first = approve(contract)
    assert approve_again_is_the_same(contract, first)
    substituting.revoke(substitution=first, by=accounts.approver(), now=NOVEMBER_2)
    assert [problem.code for problem in draft(contract).problems] == ["verification_expired"]
    assert approve(contract) != first


def approve_again_is_the_same(contract: Contract, first: Substitution) -> bool:
    BillingBlock.objects.create(
        contract=contract, month_on=OCTOBER, code="verification_expired", facts=first.facts, found_at=NOVEMBER_2
    )
    return approve(contract) == first


def test_nobody_signs_away_a_missing_register_or_a_month_that_is_not_blocked() -> None:
    contract = expired()
    draft(contract)
    for code in ("no_reading_at", "meter_fault"):
        with pytest.raises(substituting.NotSubstitutable):
            approve(contract, code=code)
    with pytest.raises(substituting.ReasonIsMissing):
        approve(contract, reason=" ")


def test_added_heat_is_billed_named_on_the_line_and_reproduced() -> None:
    contract, _placement = billable()
    bill = terms.bill_period(contract, OCTOBER)
    assert bill is not None
    engineer = accounts.engineer()
    correction = corrections.add_estimate(
        point=contract.delivery_point, period=Period(bill.period.start, bill.period.start + dt.timedelta(hours=1)),
        reason="The sensor was out.", by=engineer, now=NOVEMBER_2, finding=None, method=Method.AVERAGE,
    )  # fmt: skip

    # The ledger of the maker stays as it is; what is under test is the bill.
    DirtyMark.objects.all().delete()
    invoice = draft(contract).invoice
    assert invoice is not None
    line = invoice.lines.get(kind="energy")
    assert line.evidence["rule"] == statement.ENERGY_WITH_ESTIMATES
    assert invoice.heat_kwh == Decimal(10565) + correction.heat_kwh
    (sentence,) = wording.estimates([line])
    assert "average of the periods before and after" in sentence
    assert any("estimated for" in fact.label for fact in explanations.line_of(line, invoice).inputs)
    billing.review_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    issued = billing.issue_invoice(invoice=invoice, by=None, now=NOVEMBER_2)
    assert reproduction.reproduce(issued).differences == ()
    corrections.withdraw(correction=correction, by=engineer, note="The memory was read.", now=NOVEMBER_2)
    again = reproduction.reproduce(issued)
    assert again.differences == ()
    assert "withdrawn later" in again.notes[0]


def test_the_approver_sees_the_button_and_the_billing_clerk_does_not(client: Client) -> None:
    contract = expired()
    draft(contract)
    month = reverse("contracts:billing_month", args=[2026, 10])
    page = reverse("contracts:substitution_approve", args=[contract.pk, 2026, 10, "verification_expired"])
    client.force_login(accounts.billing_clerk())
    assert page not in client.get(month).text
    assert client.get(page).status_code == 403
    client.force_login(accounts.approver())
    assert page in client.get(month).text
    assert "verification" in client.get(page).text
    assert client.post(page, {"reason": "Spare meter agrees."}).status_code == 302
    substitution = Substitution.objects.get()
    assert "Spare meter agrees." in client.get(month).text
    assert client.post(reverse("contracts:substitution_revoke", args=[substitution.pk])).status_code == 302
    substitution.refresh_from_db()
    assert substitution.revoked_at is not None


@pytest.mark.parametrize("person", ["stranger", "auditor", "offtaker_finance"])
def test_nobody_else_reaches_the_approval(client: Client, person: str) -> None:
    contract = expired()
    draft(contract)
    client.force_login(getattr(accounts, person)())
    page = reverse("contracts:substitution_approve", args=[contract.pk, 2026, 10, "verification_expired"])
    assert client.get(page).status_code in {403, 404}


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("substitution_has_reason", {"reason": ""}),
        ("substitution_of_a_month", {"month_on": dt.date(2026, 10, 2)}),
        ("substitution_revoked_by_someone", {"revoked_at": NOVEMBER_2}),
    ],
)
def test_the_database_refuses_a_substitution_that_cannot_be(constraint: str, fields: dict[str, Any]) -> None:
    contract, _placement = billable()
    facts: dict[str, Any] = {
        "contract": contract, "month_on": OCTOBER, "code": "meter_fault", "reason": "Because.",
        "approved_by": accounts.approver(), "approved_at": NOVEMBER_2,
    }  # fmt: skip
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Substitution.objects.create(**facts | fields)


def test_the_database_keeps_one_standing_approval_a_rule_and_month() -> None:
    contract = expired()
    draft(contract)
    first = approve(contract)
    with pytest.raises(IntegrityError, match="substitution_one_at_a_time"), transaction.atomic():
        Substitution.objects.create(
            contract=contract, month_on=OCTOBER, code=first.code, reason="Twice.", approved_by=first.approved_by,
            approved_at=NOVEMBER_2,
        )  # fmt: skip
