"""Credit notes: proposed by one person, issued by another who did not issue the invoice."""

import hashlib
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from contracts.documents import credit_notes as documents
from contracts.domain import pricing
from contracts.models import CreditNote, Invoice, NumberSeries
from contracts.services import billed_marks, facts, notices, numbering
from kernel.errors import Refusal
from kernel.money import round_money
from kernel.periods import local_date


class NotIssued(Refusal):
    """Only an issued invoice is corrected by a credit note."""


class CreditTooLarge(Refusal):
    """No more can be credited than was billed."""


class SamePerson(Refusal):
    """Who issued the invoice or proposed the credit does not approve it."""


class AlreadyDecided(Refusal):
    """A credit note is decided once."""


def credited_net(invoice: Invoice) -> Decimal:
    """The net amount already credited, or waiting for a decision."""
    rows = CreditNote.objects.filter(invoice=invoice).exclude(state=CreditNote.State.REFUSED)
    total: Decimal | None = rows.aggregate(total=Sum("net_amount"))["total"]
    return total or Decimal(0)


def _uncredited_net(invoice: Invoice) -> Decimal:
    """What of the invoice no issued credit note gave back; one that waits may still be refused."""
    issued = CreditNote.objects.filter(invoice=invoice, state=CreditNote.State.ISSUED)
    total: Decimal | None = issued.aggregate(total=Sum("net_amount"))["total"]
    return invoice.net_amount - (total or Decimal(0))


def is_cancelled(invoice: Invoice) -> bool:
    """Whether a credit note leaves nothing of the invoice, or waits to do so."""
    rows = CreditNote.objects.filter(invoice=invoice, is_whole=True)
    return rows.exclude(state=CreditNote.State.REFUSED).exists()


@transaction.atomic
def propose_credit(
    *, invoice: Invoice, reason: str, by: User | None, now: datetime, net_amount: Decimal | None = None
) -> CreditNote:
    """A credit note that waits for approval: of a net amount, or of all that is left where none is given.

    A part is shared among the VAT rates of the invoice in proportion to their net amounts. What leaves nothing of the
    invoice cancels it, whatever was credited before.
    """
    invoice = Invoice.objects.select_for_update(of=("self",)).select_related("contract__offtaker").get(pk=invoice.pk)
    if invoice.state != Invoice.State.ISSUED:
        raise NotIssued(_("Only an issued invoice is corrected by a credit note; change a draft by drafting it again."))
    open_net = invoice.net_amount - credited_net(invoice)
    wanted = open_net if net_amount is None else round_money(net_amount, invoice.currency)
    is_rest = wanted == _uncredited_net(invoice) and not is_cancelled(invoice)
    if wanted > open_net or (wanted <= 0 and not (is_rest and net_amount is None)):
        raise CreditTooLarge(_("At most %(open)s net can be credited.") % {"open": open_net})
    total = _rest(invoice) if is_rest else _totals(invoice, wanted)
    return CreditNote.objects.create(
        invoice=invoice, reason=reason, is_whole=is_rest, currency=invoice.currency,
        net_amount=total.net_amount, vat_amount=total.vat_amount, gross_amount=total.gross_amount,
        vat_summary=facts.vat_data(total), facts=_facts(invoice), requested_at=now, requested_by=by,
    )  # fmt: skip


def _totals(invoice: Invoice, net_amount: Decimal) -> pricing.Totals:
    """The credited amount per VAT rate; the last rate takes what rounding leaves over."""
    groups = [(Decimal(group["vat_ratio"]), Decimal(group["net_amount"])) for group in invoice.vat_summary]
    shares = [
        (vat_ratio, round_money(net_amount * net / invoice.net_amount, invoice.currency)) for vat_ratio, net in groups
    ]
    rest = net_amount - sum((net for _ratio, net in shares), Decimal(0))
    shares[-1] = (shares[-1][0], shares[-1][1] + rest)
    return pricing.totals(shares, invoice.currency)


def _rest(invoice: Invoice) -> pricing.Totals:
    """All that is left of the invoice, to the cent, rate by rate: net and VAT less what was credited before."""
    earlier = CreditNote.objects.filter(invoice=invoice).exclude(state=CreditNote.State.REFUSED)
    summaries = list(earlier.values_list("vat_summary", flat=True))
    groups = tuple(
        pricing.VatGroup(
            Decimal(group["vat_ratio"]),
            Decimal(group["net_amount"]) - _credited_of("net_amount", group["vat_ratio"], summaries),
            Decimal(group["vat_amount"]) - _credited_of("vat_amount", group["vat_ratio"], summaries),
        )
        for group in invoice.vat_summary
    )
    net, vat = (sum((getattr(group, name) for group in groups), Decimal(0)) for name in ("net_amount", "vat_amount"))
    return pricing.Totals(net, vat, net + vat, groups)


def _credited_of(name: str, vat_ratio: str, summaries: list[list[dict[str, str]]]) -> Decimal:
    """What credit notes gave back under one VAT rate."""
    rows = [group for summary in summaries for group in summary if group["vat_ratio"] == vat_ratio]
    return sum((Decimal(group[name]) for group in rows), Decimal(0))


def _facts(invoice: Invoice) -> dict[str, object]:
    names = ("language", "seller", "customer", "contract")
    return {name: invoice.facts[name] for name in names} | {
        "invoice_number": invoice.number,
        "invoice_issued_on": invoice.issued_on.isoformat() if invoice.issued_on else None,
        "starts_on": invoice.starts_on.isoformat(),
        "ends_on": invoice.ends_on.isoformat(),
    }


@transaction.atomic
def approve_credit(*, credit: CreditNote, by: User, now: datetime, announce: bool = True) -> CreditNote:
    """The credit note with number, date and PDF, all given in this one transaction.

    ``announce`` writes the notice to the offtaker's people, unless that of a new invoice says it all.
    """
    credit = _undecided(credit)
    invoice = credit.invoice
    if by.pk in {credit.requested_by_id, invoice.issued_by_id}:
        raise SamePerson(_("Another person must approve: not who proposed the credit or issued the invoice."))
    today = local_date(now, invoice.contract.zone)
    number = numbering.next_number(
        legal_entity=invoice.contract.legal_entity, year=today.year, kind=NumberSeries.Kind.CREDIT_NOTE
    )
    credit.series, credit.sequence_number, credit.number = number.series, number.sequence_number, number.text
    credit.issued_on, credit.decided_at, credit.decided_by = today, now, by
    credit.pdf = documents.render(credit)
    credit.sha256 = hashlib.sha256(credit.pdf).hexdigest()
    credit.state = CreditNote.State.ISSUED
    credit.save()
    if announce:
        notices.announce_credit(credit=credit, now=now)
    if credit.is_whole:
        billed_marks.mark_month(contract=invoice.contract, month_on=invoice.month_on, now=now)
    return credit


@transaction.atomic
def refuse_credit(*, credit: CreditNote, by: User, now: datetime) -> CreditNote:
    """The credit note, refused."""
    credit = _undecided(credit)
    credit.state, credit.decided_at, credit.decided_by = CreditNote.State.REFUSED, now, by
    credit.save()
    return credit


def _undecided(credit: CreditNote) -> CreditNote:
    rows = CreditNote.objects.select_for_update(of=("self",)).select_related("invoice__contract__legal_entity")
    found: CreditNote = rows.get(pk=credit.pk)
    if found.state != CreditNote.State.REQUESTED:
        raise AlreadyDecided(_("This credit note is already decided."))
    return found
