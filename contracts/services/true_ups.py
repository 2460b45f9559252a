"""Finding what issued bills are off by: every marked month is billed once more, on paper, and compared.

The marks go in the transaction that keeps what was found. It can be killed and repeated at any time and run by any
number of workers; a month whose ledger is not settled yet keeps its marks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Sum

from contracts.domain import statement, true_ups
from contracts.domain.true_ups import Reason
from contracts.models import BilledMark, Contract, CreditNote, Invoice, Substitution, TrueUp
from contracts.queries import bills, reproduction
from contracts.queries import true_ups as reading
from contracts.queries.bills import Bill, CannotBeBilled, Problem
from contracts.services import billing

NOT_SETTLED = "not_settled"


@dataclass(frozen=True, slots=True)
class Comparison:
    """An issued invoice beside the same month as the records give it now; no bill where something forbids one."""

    invoice: Invoice
    is_cancelled: bool
    before: Sequence[statement.Line]
    bill: Bill | None
    problems: tuple[Problem, ...]

    @property
    def after(self) -> Sequence[statement.Line]:
        """The lines of the bill by today's records."""
        return self.bill.statement.lines if self.bill else ()

    @property
    def differs(self) -> bool:
        """Whether the month would be billed otherwise, or not at all."""
        return self.bill is None or self.is_cancelled or true_ups.differ(self.before, self.after)


def examine_marked(*, now: datetime) -> int:
    """The count of marked months that were looked at; those that wait for settlement keep their marks.

    Months of a contract come in their order: each opens with the registers with which the one before closed.
    """
    rows = BilledMark.objects.order_by("contract", "month_on")
    months = list(rows.values_list("contract", "month_on").distinct())
    return sum(_examine_month(contract_id=contract, month_on=month_on, now=now) for contract, month_on in months)


@transaction.atomic
def _examine_month(*, contract_id: int, month_on: date, now: datetime) -> bool:
    """Whether the month was looked at: not where another worker has it, or where it waits for settlement."""
    contract = Contract.objects.select_related("legal_entity", "offtaker", "delivery_point__site").get(pk=contract_id)
    billing.lock_contract(contract)
    marks = BilledMark.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        contract=contract, month_on=month_on
    )
    ids = [mark.pk for mark in marks]
    if not ids:
        return False
    found = compare(contract=contract, month_on=month_on, now=now)
    if found is not None and any(problem.code == NOT_SETTLED for problem in found.problems):
        return False
    if found is not None:
        keep(found=found, now=now)
    BilledMark.objects.filter(pk__in=ids).delete()
    return True


@transaction.atomic
def examine(*, contract: Contract, month_on: date, now: datetime) -> TrueUp | None:
    """What stands open about the contract's month now, after looking at it."""
    billing.lock_contract(contract)
    found = compare(contract=contract, month_on=month_on, now=now)
    if found is None or any(problem.code == NOT_SETTLED for problem in found.problems):
        return None
    return keep(found=found, now=now)


def compare(*, contract: Contract, month_on: date, now: datetime) -> Comparison | None:
    """The invoice of the month beside today's records, or None where none was issued."""
    standing = bills.standing_invoice(contract, month_on)
    invoice = standing or reading.last_issued(contract, month_on)
    if invoice is None:
        return None
    before = reading.lines_of(invoice) if standing else []
    bill: Bill | None = None
    problems: tuple[Problem, ...] = ()
    try:
        bill = billing.gather(contract, month_on, now=now)
    except CannotBeBilled as blocked:
        problems = blocked.problems
    return Comparison(invoice, standing is None, before, bill, problems)


@transaction.atomic
def keep(*, found: Comparison, now: datetime) -> TrueUp | None:
    """The true-up that stands open, written or written anew; None where nothing is left to do."""
    _close_replaced(found, now)
    live = TrueUp.objects.select_for_update().filter(invoice=found.invoice, state__in=TrueUp.LIVE).first()
    reasons = _reasons(found)
    if not found.differs:
        return _close_agreeing(found, live, reasons, now)
    if live is None and _is_decided(found):
        return None
    true_up = live or TrueUp(invoice=found.invoice, found_at=now)
    is_same = live is not None and _says_the_same(live, found)
    _fill(true_up, found, reasons or [Reason("blocked")], now)
    if not is_same:
        _reopen(true_up)
    if true_up.state == TrueUp.State.OPEN and _is_minor(true_up):
        true_up.state, true_up.decided_at = TrueUp.State.MINOR, now
    true_up.save()
    return true_up if true_up.is_live else None


def _reopen(true_up: TrueUp) -> None:
    """Nobody agreed to these figures yet."""
    true_up.state, true_up.note = TrueUp.State.OPEN, ""
    true_up.proposed_at = true_up.proposed_by = None


def _close_replaced(found: Comparison, now: datetime) -> None:
    """Settle what stood open about an invoice that was credited and billed again by hand."""
    if found.is_cancelled:
        return
    stale = TrueUp.objects.select_for_update(of=("self",)).filter(
        invoice__contract=found.invoice.contract_id, invoice__month_on=found.invoice.month_on, state__in=TrueUp.LIVE
    )
    for true_up in stale.exclude(invoice=found.invoice):
        true_up.state, true_up.decided_at = TrueUp.State.SETTLED, now
        true_up.credit_note, true_up.replacement = reading.cancelling(true_up.invoice), found.invoice
        true_up.save()


def _close_agreeing(found: Comparison, live: TrueUp | None, reasons: Sequence[Reason], now: datetime) -> TrueUp | None:
    """What stood open is settled by itself; a doubt that is gone is kept, though the figures are the same."""
    if live is None:
        resolved = [reason for reason in reasons if reason.code == "doubt_resolved"]
        known = TrueUp.objects.filter(invoice=found.invoice, state=TrueUp.State.AGREES)
        if not resolved or any(_data(resolved) == true_up.reasons for true_up in known):
            return None
        live = TrueUp(invoice=found.invoice, found_at=now, reasons=_data(resolved))
    known_reasons = live.reasons
    _fill(live, found, reasons, now)
    live.reasons = live.reasons or known_reasons
    live.state, live.decided_at = TrueUp.State.AGREES, now
    live.save()
    return None


def _is_decided(found: Comparison) -> bool:
    """Whether these very figures were waived, or are below what the seller proposes as they were before."""
    last = TrueUp.objects.filter(invoice=found.invoice).order_by("-pk").first()
    if last is None or not _says_the_same(last, found):
        return False
    return last.state == TrueUp.State.WAIVED or (last.state == TrueUp.State.MINOR and _is_minor(last))


def _says_the_same(true_up: TrueUp, found: Comparison) -> bool:
    if found.bill is None or true_up.now_kwh is None:
        return (found.bill is None) == (true_up.now_kwh is None) and true_up.problems == _problem_data(found.problems)
    return not true_ups.differ(reading.lines_from(true_up.lines), found.after)


def _is_minor(true_up: TrueUp) -> bool:
    """Whether the difference is below what the seller proposes; a cancelled month is never."""
    least = true_up.invoice.contract.legal_entity.least_true_up_amount
    if not least or true_up.delta_gross_amount is None or any(one["code"] == "cancelled" for one in true_up.reasons):
        return False
    return abs(true_up.delta_gross_amount) <= least


def _reasons(found: Comparison) -> list[Reason]:
    """Everything that speaks for another bill."""
    reasons = [Reason("cancelled")] if found.is_cancelled else []
    if found.bill is not None and not found.is_cancelled:
        reasons += true_ups.reasons(found.before, found.after)
    if found.bill is None:
        withdrawn = reproduction.withdrawn_estimates(found.invoice.lines.all())
        reasons += [Reason("estimate_withdrawn", data) for data in withdrawn]
    return [*reasons, *_doubts(found)]


def _doubts(found: Comparison) -> Iterable[Reason]:
    """Approvals that the invoice rests on and that were taken back, or are no longer needed."""
    used = found.invoice.facts.get("substitutions", ())
    revoked = set(
        Substitution.objects.filter(pk__in=[data["id"] for data in used], revoked_at__isnull=False).values_list(
            "pk", flat=True
        )
    )
    still = {row.code for row in found.bill.substitutions} if found.bill else set()
    for data in used:
        facts = {"code": data["code"], "facts": data["facts"]}
        if found.bill is not None and data["code"] not in still:
            yield Reason("doubt_resolved", facts)
        elif data["id"] in revoked:
            yield Reason("approval_revoked", facts)


def _fill(true_up: TrueUp, found: Comparison, reasons: Iterable[Reason], now: datetime) -> None:
    """Copy what was found into the true-up."""
    invoice, bill = found.invoice, found.bill
    true_up.reasons, true_up.problems = _data(reasons), _problem_data(found.problems)
    true_up.computed_at = now
    true_up.billed_kwh = Decimal(0) if found.is_cancelled else invoice.heat_kwh
    true_up.estimated_kwh = true_ups.estimated_kwh(found.before)
    credited = _credited(invoice)
    true_up.billed_net_amount = invoice.net_amount - credited["net"]
    true_up.billed_gross_amount = invoice.gross_amount - credited["gross"]
    true_up.lines = [reading.line_data(line) for line in found.after]
    totals = bill.statement.totals if bill else None
    true_up.now_kwh = bill.statement.heat_kwh if bill else None
    true_up.now_net_amount = totals.net_amount if totals else None
    true_up.now_gross_amount = totals.gross_amount if totals else None
    true_up.delta_kwh = _less(true_up.now_kwh, true_up.billed_kwh)
    true_up.delta_net_amount = _less(true_up.now_net_amount, true_up.billed_net_amount)
    true_up.delta_gross_amount = _less(true_up.now_gross_amount, true_up.billed_gross_amount)


def _credited(invoice: Invoice) -> dict[str, Decimal]:
    rows = CreditNote.objects.filter(invoice=invoice, state=CreditNote.State.ISSUED)
    sums = rows.aggregate(net=Sum("net_amount"), gross=Sum("gross_amount"))
    return {name: amount or Decimal(0) for name, amount in sums.items()}


def _less(now: Decimal | None, billed: Decimal) -> Decimal | None:
    return None if now is None else now - billed


def _data(reasons: Iterable[Reason]) -> list[dict[str, Any]]:
    return [{"code": reason.code, "facts": dict(reason.facts)} for reason in reasons]


def _problem_data(problems: Iterable[Problem]) -> list[dict[str, Any]]:
    return [{"code": problem.code, "facts": problem.facts} for problem in problems]
