"""Issued bills beside today's records: the lines of both, what stands open, and what settled it."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from contracts.domain.statement import Line
from contracts.models import Contract, CreditNote, Invoice, InvoiceLine, TrueUp

VIEW = "contracts.view_trueup"


def last_issued(contract: Contract, month_on: date) -> Invoice | None:
    """The invoice of the month that was issued last, whether it stands or not."""
    rows = Invoice.objects.filter(contract=contract, month_on=month_on, state=Invoice.State.ISSUED)
    return rows.order_by("-revision").first()


def cancelling(invoice: Invoice) -> CreditNote | None:
    """The credit note that cancelled the invoice."""
    rows: QuerySet[CreditNote] = CreditNote.objects.filter(
        invoice=invoice, is_whole=True, state=CreditNote.State.ISSUED
    )
    return rows.defer("pdf").first()


def lines_of(invoice: Invoice) -> list[Line]:
    """The lines of the invoice as plain values."""
    return [_line(row) for row in invoice.lines.order_by("position")]


def _line(row: InvoiceLine) -> Line:
    return Line(
        row.kind, row.starts_on, row.ends_on, row.quantity, row.unit, row.unit_price, row.net_amount, row.vat_ratio,
        row.evidence,
    )  # fmt: skip


def line_data(line: Line) -> dict[str, Any]:
    """A line as plain data, for keeping beside the invoice."""
    return {
        "kind": line.kind,
        "starts_on": line.starts_on.isoformat(),
        "ends_on": line.ends_on.isoformat(),
        "quantity": str(line.quantity),
        "unit": line.unit,
        "unit_price": str(line.unit_price),
        "net_amount": str(line.net_amount),
        "vat_ratio": str(line.vat_ratio),
        "evidence": line.evidence,
    }


def lines_from(rows: Iterable[Mapping[str, Any]]) -> list[Line]:
    """The lines that plain data describes."""
    return [
        Line(
            row["kind"], date.fromisoformat(row["starts_on"]), date.fromisoformat(row["ends_on"]),
            Decimal(row["quantity"]), row["unit"], Decimal(row["unit_price"]), Decimal(row["net_amount"]),
            Decimal(row["vat_ratio"]), row["evidence"],
        )
        for row in rows
    ]  # fmt: skip


def visible(user: User) -> QuerySet[TrueUp]:
    """The true-ups that the person may see; they are the provider's work, not the offtaker's."""
    rows: QuerySet[TrueUp] = TrueUp.objects.visible_to(user)
    return rows if user.has_perm(VIEW) else rows.none()


def open_count(user: User) -> int:
    """How many true-ups somebody still has to do something about."""
    return visible(user).filter(state__in=TrueUp.LIVE).count()


def live_of(contract: Contract, month_on: date) -> TrueUp | None:
    """The true-up that stands open for the contract's month."""
    rows: QuerySet[TrueUp] = TrueUp.objects.filter(
        invoice__contract=contract, invoice__month_on=month_on, state__in=TrueUp.LIVE
    )
    return rows.first()


def problem_facts(contract: Contract, month_on: date, code: str) -> dict[str, Any] | None:
    """The facts of what forbids to bill the month anew, where the live true-up names it."""
    live = live_of(contract, month_on)
    for problem in live.problems if live else ():
        if problem["code"] == code:
            facts: dict[str, Any] = problem["facts"]
            return facts
    return None
