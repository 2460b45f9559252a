"""Issued bills that the records no longer bear out: found, explained, and settled by two documents and two people."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum

from contracts.models import BilledMark, CreditNote, Invoice, NumberSeries, TrueUp
from contracts.queries import bills, reproduction
from contracts.services import billed_marks, billing, crediting, settling, substituting, true_ups
from tests.makers import accounts
from tests.makers.true_ups import LATER, NOVEMBER, NOW, OCTOBER, World, hourly, make_world
from thermal.models import HeatInterval
from thermal.services import corrections

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def short_months(settings: Any) -> None:
    """Twelve hours are much of three days; here it matters what is billed, not whether it may be."""
    settings.BILLING_MIN_ACTUAL_RATIO = 0.5


def billed_with_estimate(**fields: Any) -> tuple[World, Any]:
    world = make_world(**fields)
    correction = world.estimate()
    world.bill()
    assert world.look() == []
    return world, correction


def test_a_withdrawn_estimate_is_found_explained_and_settled_by_credit_note_and_new_invoice() -> None:
    world, correction = billed_with_estimate()
    old = world.standing()
    world.withdraw(correction)
    (found,) = world.look()
    assert (found.invoice, found.state) == (old, TrueUp.State.OPEN)
    assert [one["code"] for one in found.reasons] == ["estimate_withdrawn"]
    assert (found.billed_kwh, found.estimated_kwh) == (old.heat_kwh, correction.heat_kwh)
    assert found.delta_kwh == -correction.heat_kwh
    settled = world.settle(found)
    credit, new = settled.credit_note, settled.replacement
    assert credit is not None
    assert new is not None
    assert (credit.invoice, credit.is_whole, credit.gross_amount) == (old, True, old.gross_amount)
    assert (new.replaces, new.revision, new.heat_kwh) == (old, 2, old.heat_kwh - correction.heat_kwh)
    assert new.facts["replaces"]["credit_number"] == credit.number
    assert new.facts["replaces"]["reason"] == credit.reason == "The meter was read."
    assert (credit.requested_by, credit.decided_by, new.issued_by) == (world.clerk, world.approver, world.clerk)
    assert world.look() == []
    for invoice in (old, new):
        assert reproduction.reproduce(invoice).differences == ()


def test_a_register_between_two_months_moves_from_one_bill_to_the_other() -> None:
    world = make_world()
    world.bill()
    world.correct({72: hourly()[72] - 2})
    (october,) = world.look()
    assert october.delta_kwh == -2
    world.settle(october)
    (november,) = world.look()
    assert november.delta_kwh == 2
    assert [one["code"] for one in november.reasons] == ["month_before_billed_anew"]
    world.settle(november)
    assert world.look() == []
    total = sum(world.standing(month).heat_kwh for month in (OCTOBER, NOVEMBER))
    assert total == hourly()[144] - hourly()[0]


def test_readings_that_come_for_estimated_time_warn_before_anything_is_billed_twice() -> None:
    world, correction = billed_with_estimate()
    world.tell({36.5: hourly()[36]})
    (found,) = world.look()
    assert [one["code"] for one in found.problems] == ["estimate_outdated"]
    with pytest.raises(settling.CannotBeBilledYet, match="Withdraw the estimate"):
        settling.propose(true_up=found, reason="x", by=world.clerk, now=LATER)
    world.withdraw(correction)
    (again,) = world.look()
    assert (again.pk, again.problems, again.delta_kwh) == (found.pk, [], -correction.heat_kwh)


def test_a_month_that_waits_for_settlement_keeps_its_mark() -> None:
    world, correction = billed_with_estimate()
    corrections.withdraw(correction=correction, by=world.approver, note="Read.", now=LATER)
    billed_marks.mark_all(now=LATER)
    assert true_ups.examine_marked(now=LATER) == 1
    assert BilledMark.objects.filter(month_on=OCTOBER).exists()
    assert not TrueUp.objects.exists()


def test_looking_twice_finds_the_same_and_a_difference_that_is_gone_closes_itself() -> None:
    world, correction = billed_with_estimate()
    world.withdraw(correction)
    (found,) = world.look()
    billed_marks.mark_all(now=LATER)
    (again,) = world.look()
    assert again.pk == found.pk
    world.estimate(now=LATER)
    assert world.look() == []
    found.refresh_from_db()
    assert found.state == TrueUp.State.AGREES


def test_new_figures_undo_a_proposal() -> None:
    world, correction = billed_with_estimate()
    world.withdraw(correction)
    (found,) = world.look()
    settling.propose(true_up=found, reason="Read.", by=world.clerk, now=LATER)
    world.correct({20: hourly()[20] + 1, 72: hourly()[72] + 1})
    with pytest.raises(settling.FiguresChanged):
        settling.approve(true_up=found, by=world.approver, now=LATER)
    found.refresh_from_db()
    assert (found.state, found.note, found.proposed_by) == (TrueUp.State.OPEN, "", None)
    assert CreditNote.objects.count() == 0


def test_nobody_decides_on_what_they_proposed_or_issued() -> None:
    world, correction = billed_with_estimate()
    world.withdraw(correction)
    (found,) = world.look()
    proposed = settling.propose(true_up=found, reason="Read.", by=world.clerk, now=LATER)
    with pytest.raises(settling.SamePerson):
        settling.approve(true_up=proposed, by=world.clerk, now=LATER)
    other = accounts.billing_clerk()
    settling.send_back(true_up=proposed, by=world.approver, now=LATER)
    again = settling.propose(true_up=proposed, reason="Read.", by=other, now=LATER)
    with pytest.raises(crediting.SamePerson):
        settling.approve(true_up=again, by=world.clerk, now=LATER)
    assert NumberSeries.objects.filter(kind="credit_note", last_number__gt=0).count() == 0
    assert settling.approve(true_up=again, by=world.approver, now=LATER).state == TrueUp.State.SETTLED
    with pytest.raises(settling.AlreadySettled):
        settling.approve(true_up=again, by=world.approver, now=LATER)


def test_a_small_waiver_takes_one_person_and_a_large_one_two(settings: Any) -> None:
    world, correction = billed_with_estimate()
    world.withdraw(correction)
    (found,) = world.look()
    with pytest.raises(settling.ReasonIsMissing):
        settling.waive(true_up=found, reason=" ", by=world.clerk, now=LATER)
    waiting = settling.waive(true_up=found, reason="Agreed by telephone.", by=world.clerk, now=LATER)
    assert waiting.state == TrueUp.State.WAIVING
    settling.send_back(true_up=waiting, by=world.approver, now=LATER)
    settings.BILLING_WAIVER_RATIO = 0.9
    waived = settling.waive(true_up=found, reason="Agreed by telephone.", by=world.clerk, now=LATER)
    assert (waived.state, waived.decided_by) == (TrueUp.State.WAIVED, None)
    billed_marks.mark_all(now=LATER)
    assert world.look() == []
    world.correct({20: hourly()[20] + 1, 72: hourly()[72] + 1})
    assert world.look() != []


def test_a_second_person_waives_what_is_large() -> None:
    world, correction = billed_with_estimate()
    world.withdraw(correction)
    (found,) = world.look()
    waiting = settling.waive(true_up=found, reason="Agreed.", by=world.clerk, now=LATER)
    with pytest.raises(settling.SamePerson):
        settling.approve(true_up=waiting, by=world.clerk, now=LATER)
    waived = settling.approve(true_up=waiting, by=world.approver, now=LATER)
    assert (waived.state, waived.credit_note, waived.replacement) == (TrueUp.State.WAIVED, None, None)


def test_a_seller_leaves_small_differences_as_they_are() -> None:
    world, correction = billed_with_estimate()
    world.contract.legal_entity.least_true_up_amount = Decimal(100)
    world.contract.legal_entity.save()
    world.withdraw(correction)
    assert world.look() == []
    billed_marks.mark_all(now=LATER)
    assert world.look() == []
    assert TrueUp.objects.get().state == TrueUp.State.MINOR
    world.contract.legal_entity.least_true_up_amount = Decimal(0)
    world.contract.legal_entity.save()
    billed_marks.mark_all(now=LATER)
    assert len(world.look()) == 1


def test_a_month_cancelled_by_hand_stands_open_until_it_is_billed_again() -> None:
    world, _correction = billed_with_estimate()
    old = world.standing()
    credit = crediting.propose_credit(invoice=old, reason="Wrong address", by=world.clerk, now=LATER)
    crediting.approve_credit(credit=credit, by=world.approver, now=LATER)
    (found,) = world.look()
    assert [one["code"] for one in found.reasons] == ["cancelled"]
    assert found.billed_kwh == 0
    assert found.delta_gross_amount == old.gross_amount
    billing.run_month(month_on=OCTOBER, by=world.clerk, now=LATER, contracts=[world.contract], issue=True)
    assert world.look() == []
    found.refresh_from_db()
    assert (found.state, found.credit_note, found.replacement) == (TrueUp.State.SETTLED, credit, world.standing())
    assert world.standing().replaces == old


def test_a_month_cancelled_by_hand_is_billed_again_from_its_true_up() -> None:
    world, _correction = billed_with_estimate()
    credit = crediting.propose_credit(invoice=world.standing(), reason="Address", by=world.clerk, now=LATER)
    crediting.approve_credit(credit=credit, by=world.approver, now=LATER)
    (found,) = world.look()
    settled = world.settle(found)
    assert settled.credit_note == credit
    assert CreditNote.objects.count() == 1
    assert world.look() == []


def test_what_was_credited_before_is_taken_off_the_credit_to_the_cent() -> None:
    world, correction = billed_with_estimate()
    old = world.standing()
    part = crediting.propose_credit(
        invoice=old, reason="Goodwill", by=world.clerk, now=LATER, net_amount=Decimal("3.33")
    )
    crediting.approve_credit(credit=part, by=world.approver, now=LATER)
    world.withdraw(correction)
    (found,) = world.look()
    assert found.billed_gross_amount == old.gross_amount - part.gross_amount
    world.settle(found)
    credited = CreditNote.objects.filter(invoice=old).aggregate(
        net=Sum("net_amount"), vat=Sum("vat_amount"), gross=Sum("gross_amount")
    )
    assert credited == {"net": old.net_amount, "vat": old.vat_amount, "gross": old.gross_amount}
    assert bills.standing_invoice(world.contract, OCTOBER) != old


def test_an_approval_that_is_taken_back_opens_the_bill_that_rests_on_it() -> None:
    world = make_world()
    world.placement.meter.verified_until_on = dt.date(2026, 10, 30)
    world.placement.meter.save()
    billing.draft_invoice(contract=world.contract, month_on=OCTOBER, by=None, now=NOW)
    substitution = substituting.approve(
        contract=world.contract, month_on=OCTOBER, code="verification_expired", reason="Spare meter agrees.",
        by=world.approver, now=NOW,
    )  # fmt: skip
    world.bill(OCTOBER)
    assert world.look() == []
    substituting.revoke(substitution=substitution, by=world.approver, now=LATER)
    (found,) = world.look()
    assert [one["code"] for one in found.reasons] == ["approval_revoked"]
    assert [one["code"] for one in found.problems] == ["verification_expired"]
    assert found.delta_kwh is None
    substituting.approve(
        contract=world.contract, month_on=OCTOBER, code="verification_expired", reason="The test centre agrees.",
        by=world.approver, now=LATER,
    )  # fmt: skip
    assert world.look() == []


def test_a_verification_that_is_recorded_later_confirms_the_bill_and_says_so() -> None:
    world = make_world()
    world.placement.meter.verified_until_on = dt.date(2026, 10, 30)
    world.placement.meter.save()
    billing.draft_invoice(contract=world.contract, month_on=OCTOBER, by=None, now=NOW)
    substituting.approve(
        contract=world.contract, month_on=OCTOBER, code="verification_expired", reason="Spare meter agrees.",
        by=world.approver, now=NOW,
    )  # fmt: skip
    world.bill(OCTOBER)
    world.look()
    world.placement.meter.verified_until_on = dt.date(2032, 12, 31)
    world.placement.meter.save()
    assert world.look() == []
    confirmed = TrueUp.objects.get()
    assert confirmed.state == TrueUp.State.AGREES
    assert confirmed.delta_gross_amount == 0
    assert [one["code"] for one in confirmed.reasons] == ["doubt_resolved"]
    billed_marks.mark_all(now=LATER)
    world.look()
    assert TrueUp.objects.count() == 1


def test_the_ledger_marks_only_months_that_have_an_invoice() -> None:
    world = make_world()
    BilledMark.objects.all().delete()
    world.tell({10.5: hourly()[10] + 2}, now=NOW)
    assert HeatInterval.objects.filter(heat_kwh__isnull=False).exists()
    assert BilledMark.objects.count() == 0
    world.bill()
    world.tell({11.5: hourly()[11] + 2})
    assert {mark.month_on for mark in BilledMark.objects.all()} == {OCTOBER}
    assert world.look() == []
    assert BilledMark.objects.count() == 0
    assert Invoice.objects.count() == 2
