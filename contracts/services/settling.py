"""Settling true-ups: what was billed wrongly is credited and billed anew, or waived, by two people.

One proposes, with the reason that both documents will show; another decides. Credit note and new invoice come in the
transaction of that decision: there is never one without the other.
"""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from contracts.domain import true_ups as comparing
from contracts.models import Contract, CreditNote, Invoice, TrueUp
from contracts.queries import blocks, terms
from contracts.queries import true_ups as reading
from contracts.services import billed_marks, billing, crediting, true_ups
from kernel.errors import Refusal

APPROVE = "contracts.approve_trueup"


class AlreadySettled(Refusal):
    """A true-up is settled once."""

    sentence = "Nothing is left to do here: this is settled already."


class NotProposed(Refusal):
    """Two people settle a true-up: one proposes, another decides."""

    sentence = "Nobody has proposed anything that could be decided."


class ReasonIsMissing(Refusal):
    """Who changes a bill says why."""

    sentence = "Give a reason."


class CannotBeBilledYet(Refusal):
    """Something must be cleared up before the month can be billed anew."""


class CreditWaits(Refusal):
    """A credit note on the same invoice is not decided yet."""

    sentence = "A credit note on this invoice waits for a decision; decide on it first."


class SamePerson(Refusal):
    """Nobody decides on what they proposed."""

    sentence = "You proposed this; somebody else must decide on it."


class FiguresChanged(Refusal):
    """What was proposed is no longer what the records say."""

    sentence = "The records changed since this was proposed. Look at the new figures and propose again."


def waiver_ratio() -> Decimal:
    """The share of an invoice up to which one person may waive what it is off by."""
    return Decimal(str(settings.BILLING_WAIVER_RATIO))


def needs_second_person(true_up: TrueUp) -> bool:
    """Whether a waiver is too large for one person; what nobody can put a figure on always is."""
    if true_up.delta_gross_amount is None:
        return True
    return abs(true_up.delta_gross_amount) > abs(true_up.invoice.gross_amount) * waiver_ratio()


@transaction.atomic
def propose(*, true_up: TrueUp, reason: str, by: User, now: datetime) -> TrueUp:
    """The true-up with the proposal to credit the invoice and to bill the month anew.

    Raises
    ------
    AlreadySettled, ReasonIsMissing, CannotBeBilledYet, CreditWaits
    """
    true_up = _locked(true_up)
    _refuse_problems(true_up)
    if CreditNote.objects.filter(invoice=true_up.invoice, state=CreditNote.State.REQUESTED).exists():
        raise CreditWaits
    return _propose(true_up, TrueUp.State.PROPOSED, reason, by, now)


@transaction.atomic
def waive(*, true_up: TrueUp, reason: str, by: User, now: datetime) -> TrueUp:
    """The true-up, waived; above the share that one person may waive it waits for a second one.

    Raises
    ------
    AlreadySettled, ReasonIsMissing
    """
    true_up = _locked(true_up)
    true_up.needs_second_person = needs_second_person(true_up)
    if true_up.needs_second_person:
        return _propose(true_up, TrueUp.State.WAIVING, reason, by, now)
    true_up.decided_at = now
    return _propose(true_up, TrueUp.State.WAIVED, reason, by, now)


def _propose(true_up: TrueUp, state: TrueUp.State, reason: str, by: User, now: datetime) -> TrueUp:
    if not reason.strip():
        raise ReasonIsMissing
    true_up.state, true_up.note = state, reason.strip()[:300]
    true_up.proposed_by, true_up.proposed_at = by, now
    true_up.save()
    return true_up


@transaction.atomic
def send_back(*, true_up: TrueUp, by: User, now: datetime) -> TrueUp:
    """The true-up, open again: the second person does not agree, or the first one thought better of it."""
    true_up = _locked(true_up)
    if true_up.state == TrueUp.State.OPEN:
        raise NotProposed
    true_up.state, true_up.note = TrueUp.State.OPEN, ""
    true_up.proposed_by = true_up.proposed_at = None
    true_up.save()
    return true_up


def approve(*, true_up: TrueUp, by: User, now: datetime) -> TrueUp:
    """The true-up, settled or waived as proposed: credit note and new invoice come in one transaction.

    Raises
    ------
    AlreadySettled, NotProposed, SamePerson, crediting.SamePerson
    FiguresChanged
        Where today's records no longer give what was proposed; they are looked at anew.
    """
    try:
        return _approve(true_up, by, now)
    except FiguresChanged:
        invoice = true_up.invoice
        true_ups.examine(contract=invoice.contract, month_on=invoice.month_on, now=now)
        raise


@transaction.atomic
def _approve(true_up: TrueUp, by: User, now: datetime) -> TrueUp:
    billing.lock_contract(true_up.invoice.contract)
    true_up = _locked(true_up)
    if true_up.state == TrueUp.State.OPEN or true_up.proposed_by is None:
        raise NotProposed
    if true_up.proposed_by_id == by.pk:
        raise SamePerson
    true_up.decided_by, true_up.decided_at = by, now
    if true_up.state == TrueUp.State.WAIVING:
        true_up.state = TrueUp.State.WAIVED
    else:
        _bill_anew(true_up, by, now)
    true_up.save()
    return true_up


def _bill_anew(true_up: TrueUp, by: User, now: datetime) -> None:
    """Credit what was billed, issue the new invoice, and have the month after it looked at."""
    invoice = true_up.invoice
    contract: Contract = invoice.contract
    _refuse_changes(true_up, now)
    true_up.credit_note = _credit(true_up, by, now)
    true_up.replacement = _issue(true_up, contract, now)
    true_up.state = TrueUp.State.SETTLED
    # It opens with the registers with which this one closes now.
    following = terms.next_month(invoice.month_on)
    billed_marks.mark_month(contract=contract, month_on=following, now=now)


def _refuse_changes(true_up: TrueUp, now: datetime) -> None:
    """Refuse where a bill by today's records is not the proposed one."""
    invoice = true_up.invoice
    found = true_ups.compare(contract=invoice.contract, month_on=invoice.month_on, now=now)
    if found is None or found.invoice != invoice or found.bill is None:
        raise FiguresChanged
    if comparing.differ(reading.lines_from(true_up.lines), found.after):
        raise FiguresChanged


def _credit(true_up: TrueUp, by: User, now: datetime) -> CreditNote:
    """The credit note that cancels the invoice: one that is there already, or a new one."""
    known = reading.cancelling(true_up.invoice)
    if known is not None:
        return known
    proposed = crediting.propose_credit(invoice=true_up.invoice, reason=true_up.note, by=true_up.proposed_by, now=now)
    return crediting.approve_credit(credit=proposed, by=by, now=now, announce=False)


def _issue(true_up: TrueUp, contract: Contract, now: datetime) -> Invoice:
    """The new invoice of the month, reviewed and issued in the name of who proposed it."""
    by = true_up.proposed_by
    outcome = billing.draft_invoice(contract=contract, month_on=true_up.invoice.month_on, by=by, now=now)
    if outcome.invoice is None:
        raise FiguresChanged
    draft = outcome.invoice
    if draft.state == Invoice.State.DRAFT:
        draft = billing.review_invoice(invoice=draft, by=by, now=now)
    return billing.issue_invoice(invoice=draft, by=by, now=now)


def _refuse_problems(true_up: TrueUp) -> None:
    for problem in true_up.problems:
        reason = blocks.reason_of(problem["code"], problem["facts"], true_up.invoice.contract)
        raise CannotBeBilledYet(_("%(sentence)s %(remedy)s") % {"sentence": reason.sentence, "remedy": reason.remedy})


def _locked(true_up: TrueUp) -> TrueUp:
    rows = TrueUp.objects.select_for_update(of=("self",)).select_related(
        "invoice__contract__legal_entity", "invoice__contract__offtaker", "invoice__contract__delivery_point__site",
        "proposed_by",
    )  # fmt: skip
    found: TrueUp = rows.get(pk=true_up.pk)
    if not found.is_live:
        raise AlreadySettled
    return found
