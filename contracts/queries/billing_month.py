"""The contracts of a month as the billing page shows them: blocked first, each with its bill or its reasons."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, QuerySet, Sum, Value, When

from accounts.models import User
from contracts.models import BillingBlock, Contract, Invoice, Substitution
from contracts.queries import bills, blocks, terms

BLOCKED, DRAFT, REVIEWED, ISSUED, NOT_YET = "blocked", "draft", "reviewed", "issued", "not_yet"


@dataclass(frozen=True, slots=True)
class Row:
    """One contract in one month."""

    contract: Contract
    state: str
    invoice: Invoice | None
    reasons: tuple[blocks.Reason, ...]
    year_before: Invoice | None
    substitutions: tuple[Substitution, ...] = ()

    @property
    def change_ratio(self) -> float | None:
        """How much more than in the same month a year before, as a share of it."""
        if self.invoice is None or self.year_before is None or not self.year_before.net_amount:
            return None
        return float(self.invoice.net_amount / self.year_before.net_amount - 1)

    @property
    def estimated_ratio(self) -> Decimal | None:
        """The share of quarter hours whose course is estimated."""
        return None if self.invoice is None else Decimal(self.invoice.facts["estimated_ratio"])


@dataclass(frozen=True, slots=True)
class Counts:
    """How many contracts of the month stand where, and what the bills come to per currency."""

    total: int
    blocked: int
    draft: int
    reviewed: int
    issued: int
    not_yet: int
    amounts: tuple[tuple[str, Decimal], ...]


def contracts_of(user: User, month_on: date) -> QuerySet[Contract]:
    """The month's contracts that the person may see, the blocked first, the issued last."""
    visible = Contract.objects.visible_to(user).values("pk")
    blocked = BillingBlock.objects.filter(contract=OuterRef("pk"), month_on=month_on)
    bills = Invoice.objects.filter(contract=OuterRef("pk"), month_on=month_on)
    rank = Case(
        When(Exists(blocked), then=Value(0)),
        When(Exists(bills.filter(state=Invoice.State.DRAFT)), then=Value(1)),
        When(Exists(bills.filter(state=Invoice.State.REVIEWED)), then=Value(2)),
        When(Exists(bills.filter(state=Invoice.State.ISSUED)), then=Value(4)),
        default=Value(3),
        output_field=IntegerField(),
    )
    rows = terms.contracts_in_month(month_on).filter(pk__in=visible).annotate(rank=rank)
    return rows.select_related("offtaker", "delivery_point__site").order_by("rank", "number")


def rows_of(contracts: Sequence[Contract], month_on: date) -> list[Row]:
    """The rows of the contracts, in four queries however many there are."""
    ids = [contract.pk for contract in contracts]
    year_before = month_on.replace(year=month_on.year - 1)
    invoices = _latest(Invoice.objects.filter(contract__in=ids, month_on=month_on))
    before = _latest(Invoice.objects.filter(contract__in=ids, month_on=year_before, state=Invoice.State.ISSUED))
    found: dict[int, list[BillingBlock]] = defaultdict(list)
    for block in BillingBlock.objects.filter(contract__in=ids, month_on=month_on):
        found[block.contract_id].append(block)
    approved: dict[int, list[Substitution]] = defaultdict(list)
    rows = Substitution.objects.filter(contract__in=ids, month_on=month_on, revoked_at=None)
    for substitution in rows.select_related("approved_by"):
        approved[substitution.contract_id].append(substitution)
    return [
        _row(each, invoices.get(each.pk), found[each.pk], before.get(each.pk), approved[each.pk]) for each in contracts
    ]


def _latest(invoices: Iterable[Invoice]) -> dict[int, Invoice]:
    """The invoice of the highest revision by contract."""
    return {invoice.contract_id: invoice for invoice in sorted(invoices, key=lambda each: each.revision)}


def _row(
    contract: Contract,
    invoice: Invoice | None,
    found: list[BillingBlock],
    before: Invoice | None,
    approved: list[Substitution],
) -> Row:
    reasons = tuple(blocks.reason_of(block.code, block.facts, contract) for block in found)
    state = BLOCKED if reasons else str(invoice.state) if invoice else NOT_YET
    return Row(contract, state, invoice, reasons, before, tuple(approved))


def counts_of(user: User, month_on: date) -> Counts:
    """Where the month's contracts stand."""
    ranks = contracts_of(user, month_on).order_by().values_list("rank").annotate(n=Count("pk"))  # type: ignore[misc]
    by_rank: dict[int, int] = dict(ranks)
    invoices = Invoice.objects.visible_to(user).filter(month_on=month_on)
    standing = invoices.filter(~bills.cancelled()).order_by()
    amounts = standing.values_list("currency").annotate(total=Sum("gross_amount")).order_by("currency")
    return Counts(
        sum(by_rank.values()), by_rank.get(0, 0), by_rank.get(1, 0), by_rank.get(2, 0), by_rank.get(4, 0),
        by_rank.get(3, 0), tuple(amounts),
    )  # fmt: skip
