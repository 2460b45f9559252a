"""Billing a month: draft, review, issue. Each step of a contract is one transaction, so a run can stop anywhere."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from contracts.documents import invoices as documents
from contracts.models import (
    BillingBlock,
    Contract,
    Invoice,
    InvoiceDocument,
    InvoiceLine,
    NumberSeries,
    SlaResult,
)
from contracts.queries import bills, blocks, terms, true_ups
from contracts.queries.bills import Bill, CannotBeBilled, Problem
from contracts.services import billed_marks, facts, judging, notices, numbering
from kernel.errors import Refusal
from kernel.periods import local_date


class MonthAlreadyIssued(Refusal):
    """A month is billed once; a correction is a credit note."""


class NotYetReviewed(Refusal):
    """Someone must look at a draft before it is issued."""


class FiguresChanged(Refusal):
    """What the invoice was reviewed on is no longer what the records say."""


class AlreadyIssued(Refusal):
    """What is issued stays as it is."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What billing a contract's month came to: an invoice, or the problems that block it."""

    contract: Contract
    invoice: Invoice | None = None
    problems: tuple[Problem, ...] = ()
    is_new: bool = False
    is_issued_now: bool = False


@dataclass(slots=True)
class Summary:
    """What a run over the contracts of a month came to."""

    month_on: date
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def drafted_count(self) -> int:
        """How many invoices were written or written anew."""
        return sum(outcome.is_new for outcome in self.outcomes)

    @property
    def issued_count(self) -> int:
        """How many invoices got their number in this run."""
        return sum(outcome.is_issued_now for outcome in self.outcomes)

    @property
    def blocked(self) -> list[Outcome]:
        """The contracts that cannot be billed yet."""
        return [outcome for outcome in self.outcomes if outcome.problems]

    @property
    def skipped_count(self) -> int:
        """How many contracts were left as they are: reviewed or issued before."""
        return sum(not (each.is_new or each.is_issued_now or each.problems) for each in self.outcomes)


def run_month(
    *,
    month_on: date,
    by: User | None,
    now: datetime,
    contracts: Iterable[Contract] | None = None,
    issue: bool = False,
    review: bool = True,
    tell: Callable[[int], None] = lambda _done: None,
) -> Summary:
    """What became of every contract of the month: drafted, and with ``issue`` also issued.

    With ``review`` a draft that is to be issued counts as reviewed by who asked; without, only what somebody
    reviewed before is issued.

    Each contract is a transaction of its own: killed at any moment and run again, no number is lost or doubled.
    ``tell`` hears how many contracts are done, between transactions.
    """
    rows = terms.contracts_in_month(month_on) if contracts is None else contracts
    summary = Summary(month_on)
    for done, contract in enumerate(rows, start=1):
        outcome = draft_invoice(contract=contract, month_on=month_on, by=by, now=now)
        if issue:
            outcome = _issue_outcome(outcome, by=by, now=now, review=review)
        summary.outcomes.append(outcome)
        tell(done)
    return summary


def _issue_outcome(outcome: Outcome, *, by: User | None, now: datetime, review: bool) -> Outcome:
    """The outcome after issuing its invoice, where it has one that may be issued."""
    invoice = outcome.invoice
    if invoice is None or invoice.state == Invoice.State.ISSUED:
        return outcome
    if invoice.state == Invoice.State.DRAFT and not review:
        return outcome
    try:
        with transaction.atomic():
            if invoice.state == Invoice.State.DRAFT:
                review_invoice(invoice=invoice, by=by, now=now)
            issued = issue_invoice(invoice=invoice, by=by, now=now)
    except FiguresChanged:
        return _block_changed(outcome.contract, invoice.month_on, now)
    return Outcome(outcome.contract, issued, is_new=outcome.is_new, is_issued_now=True)


def _block_changed(contract: Contract, month_on: date, now: datetime) -> Outcome:
    """The reviewed invoice that today's records would make otherwise, named on the billing page."""
    problems = (Problem("figures_changed"),)
    _record_blocks(contract, month_on, problems, now)
    return Outcome(contract, problems=problems)


@transaction.atomic
def draft_invoice(*, contract: Contract, month_on: date, by: User | None, now: datetime) -> Outcome:
    """The draft of the month, written or written anew; or what blocks it, recorded for the billing page.

    An invoice that is reviewed or issued is left as it is.
    """
    lock_contract(contract)
    standing = bills.standing_invoice(contract, month_on)
    if standing is not None:
        BillingBlock.objects.filter(contract=contract, month_on=month_on).delete()
        return Outcome(contract, standing)
    open_one = Invoice.objects.filter(contract=contract, month_on=month_on).exclude(state=Invoice.State.ISSUED).first()
    if open_one is not None and open_one.state == Invoice.State.REVIEWED:
        return Outcome(contract, open_one)
    try:
        bill = gather(contract, month_on, now=now)
    except CannotBeBilled as blocked:
        _record_blocks(contract, month_on, blocked.problems, now)
        if open_one is not None:
            open_one.delete()
        return Outcome(contract, problems=blocked.problems)
    BillingBlock.objects.filter(contract=contract, month_on=month_on).delete()
    return Outcome(contract, _write_draft(bill, open_one, now), is_new=True)


def gather(contract: Contract, month_on: date, *, now: datetime) -> Bill:
    """The bill by today's records, its service level judged first."""
    bill = terms.bill_period(contract, month_on)
    result: SlaResult | None = None
    if bill is not None and now >= bill.period.end:
        with_sla = terms.sla_terms_on(contract, bill.ends_on - timedelta(days=1)) is not None
        result = judging.judge_month(contract=contract, month_on=month_on, now=now) if with_sla else None
    return bills.gather(contract, month_on, result=result, now=now)


def lock_contract(contract: Contract) -> None:
    """Let one transaction at a time bill the contract; rows that point to it may still be added meanwhile."""
    Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)


def _record_blocks(contract: Contract, month_on: date, problems: Iterable[Problem], now: datetime) -> None:
    BillingBlock.objects.filter(contract=contract, month_on=month_on).delete()
    unique = {problem.code: problem for problem in problems}
    BillingBlock.objects.bulk_create(
        BillingBlock(contract=contract, month_on=month_on, code=code, facts=problem.facts, found_at=now)
        for code, problem in unique.items()
    )


def _write_draft(bill: Bill, draft: Invoice | None, now: datetime) -> Invoice:
    """The bill as a stored draft, in place of an earlier one."""
    invoice = draft or Invoice(contract=bill.contract, month_on=bill.bill.month_on)
    if draft is None:
        earlier = Invoice.objects.filter(contract=bill.contract, month_on=bill.bill.month_on)
        invoice.revision = earlier.count() + 1
    _fill(invoice, bill)
    invoice.drafted_at = now
    invoice.save()
    invoice.lines.all().delete()
    InvoiceLine.objects.bulk_create(_lines(invoice, bill))
    return invoice


def _fill(invoice: Invoice, bill: Bill) -> None:
    """Copy what the bill says into the invoice."""
    period, total = bill.bill, bill.statement.totals
    invoice.starts_on, invoice.ends_on = period.starts_on, period.ends_on
    invoice.starts_at, invoice.ends_at = period.period.start, period.period.end
    invoice.currency = bill.contract.currency
    invoice.heat_kwh, invoice.actual_ratio = bill.statement.heat_kwh, bill.actual_ratio
    invoice.net_amount, invoice.vat_amount = total.net_amount, total.vat_amount
    invoice.gross_amount = total.gross_amount
    invoice.vat_summary = facts.vat_data(total)
    invoice.facts = facts.facts_of(bill)
    invoice.sla_result = bill.result


def _lines(invoice: Invoice, bill: Bill) -> list[InvoiceLine]:
    """The lines of the bill as rows, numbered in order."""
    return [
        InvoiceLine(
            invoice=invoice, position=position, kind=line.kind, starts_on=line.starts_on, ends_on=line.ends_on,
            quantity=line.quantity, unit=line.unit, unit_price=line.unit_price, net_amount=line.net_amount,
            vat_ratio=line.vat_ratio, evidence=line.evidence,
        )
        for position, line in enumerate(bill.statement.lines, start=1)
    ]  # fmt: skip


@transaction.atomic
def review_invoice(*, invoice: Invoice, by: User | None, now: datetime) -> Invoice:
    """The draft, marked as looked at."""
    invoice = _locked_draft(invoice)
    invoice.state, invoice.reviewed_by, invoice.reviewed_at = Invoice.State.REVIEWED, by, now
    invoice.save()
    return invoice


@transaction.atomic
def reopen_invoice(*, invoice: Invoice, by: User | None, now: datetime) -> Outcome:
    """The draft written anew from today's records, its review undone."""
    invoice = _locked_draft(invoice)
    invoice.state, invoice.reviewed_by, invoice.reviewed_at = Invoice.State.DRAFT, None, None
    invoice.save()
    return draft_invoice(contract=invoice.contract, month_on=invoice.month_on, by=by, now=now)


def _locked_draft(invoice: Invoice) -> Invoice:
    """The invoice as it stands now, which no other transaction can bill meanwhile; refused once issued."""
    lock_contract(invoice.contract)
    invoice = Invoice.objects.select_related("contract").get(pk=invoice.pk)
    if invoice.state == Invoice.State.ISSUED:
        raise AlreadyIssued(_("Invoice %(number)s is issued.") % {"number": invoice.number})
    return invoice


@transaction.atomic
def issue_invoice(*, invoice: Invoice, by: User | None, now: datetime) -> Invoice:
    """The invoice with its number, date and PDF, all given in this one transaction.

    Raises
    ------
    MonthAlreadyIssued
        Where the month of the contract has an issued invoice that stands.
    NotYetReviewed
        Where nobody reviewed the draft.
    FiguresChanged
        Where today's records no longer give the reviewed figures.
    """
    contract = invoice.contract
    lock_contract(contract)
    invoice = Invoice.objects.select_related("contract__legal_entity", "contract__offtaker").get(pk=invoice.pk)
    if bills.standing_invoice(contract, invoice.month_on) is not None:
        raise MonthAlreadyIssued(
            _("%(month)s of contract %(number)s is already billed. Correct it by a credit note.")
            % {"month": f"{invoice.month_on:%Y-%m}", "number": contract.number}
        )
    if invoice.state != Invoice.State.REVIEWED:
        raise NotYetReviewed(_("Review the draft of contract %(number)s first.") % {"number": contract.number})
    _refuse_changed_figures(invoice, now)
    return _issue(invoice, by, now)


def _refuse_changed_figures(invoice: Invoice, now: datetime) -> None:
    """Refuse an invoice that today's records would make otherwise."""
    try:
        bill = gather(invoice.contract, invoice.month_on, now=now)
    except CannotBeBilled as blocked:
        first = blocked.problems[0]
        raise FiguresChanged(blocks.reason_of(first.code, first.facts, invoice.contract).sentence) from blocked
    stored = [(line.kind, line.quantity, line.net_amount) for line in invoice.lines.all()]
    fresh = [(line.kind, line.quantity, line.net_amount) for line in bill.statement.lines]
    if stored != fresh:
        raise FiguresChanged(
            _("The records changed since contract %(number)s was reviewed. Draft it again and review it.")
            % {"number": invoice.contract.number}
        )


def _issue(invoice: Invoice, by: User | None, now: datetime) -> Invoice:
    """Number, date and PDF."""
    contract = invoice.contract
    today = local_date(now, contract.zone)
    number = numbering.next_number(legal_entity=contract.legal_entity, year=today.year, kind=NumberSeries.Kind.INVOICE)
    invoice.series, invoice.sequence_number, invoice.number = number.series, number.sequence_number, number.text
    invoice.issued_on, invoice.issued_at, invoice.issued_by = today, now, by
    invoice.due_on = today + timedelta(days=invoice.facts["seller"]["payment_days"])
    _name_replaced(invoice)
    pdf = documents.render(invoice, list(invoice.lines.order_by("position")))
    invoice.state = Invoice.State.ISSUED
    invoice.save()
    InvoiceDocument.objects.create(invoice=invoice, pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest(), created_at=now)
    notices.announce_invoice(invoice=invoice, now=now)
    if invoice.replaces_id is not None:
        billed_marks.mark_month(contract=contract, month_on=invoice.month_on, now=now)
    return invoice


def _name_replaced(invoice: Invoice) -> None:
    """Say on the invoice which earlier one it replaces, by what credit note, and why (Art. 219)."""
    before = true_ups.last_issued(invoice.contract, invoice.month_on)
    credit = true_ups.cancelling(before) if before else None
    if before is not None and credit is not None:
        invoice.replaces = before
        invoice.facts = {**invoice.facts, "replaces": facts.replaced_data(before, credit)}
