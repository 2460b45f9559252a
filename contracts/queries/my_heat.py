"""What an offtaker sees of one contract: heat now, this month, service, bills, savings, works."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import User
from contracts.domain import savings
from contracts.models import Contract, Counterfactual, CreditNote, Invoice
from contracts.queries import bills, service_levels, terms
from contracts.queries.service_levels import Standing
from hosting.models import Measurement, PlannedOutage
from kernel.periods import Period, local_date, local_days, local_midnight
from thermal.queries import intervals, live


@dataclass(frozen=True, slots=True)
class Now:
    """The heat at this moment, as last said by the meter or sensor."""

    supply_c: float | None
    return_c: float | None
    power_kw: float | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Month:
    """The month so far, and what the contract expects of it."""

    month_on: date
    heat_kwh: Decimal | None
    expected_kwh: Decimal | None
    known_ratio: float
    standing: Standing


@dataclass(frozen=True, slots=True)
class SavedMonth:
    """What a billed month saved against the boiler."""

    invoice: Invoice
    boiler: Counterfactual
    saved: savings.Savings


def contracts_of(user: User) -> QuerySet[Contract]:
    """The contracts in which the person takes part, those in force first."""
    rows: QuerySet[Contract] = Contract.objects.visible_to(user).exclude(state=Contract.State.DRAFT)
    return rows.select_related("offtaker", "delivery_point__site", "legal_entity").order_by("state", "number")


def now_of(contract: Contract, now: datetime) -> Now:
    """The heat at this moment."""
    values = live.latest_of_delivery_point(delivery_point=contract.delivery_point, now=now)
    roles = Measurement.Role
    supply, back = values.get(roles.SUPPLY_TEMPERATURE), values.get(roles.RETURN_TEMPERATURE)
    power = values.get(roles.DELIVERED_POWER)
    times = [value.at for value in (supply, back, power) if value and value.at]
    return Now(
        supply.value if supply else None,
        back.value if back else None,
        power.value if power else None,
        max(times, default=None),
    )


def month_of(contract: Contract, month_on: date, now: datetime) -> Month | None:
    """The month so far, or None where the contract has no day in it."""
    bill = terms.bill_period(contract, month_on)
    if bill is None:
        return None
    end = min(bill.period.end, now)
    if end <= bill.period.start:
        return None
    total = intervals.heat_total(delivery_point=contract.delivery_point, period=Period(bill.period.start, end))
    standing = service_levels.standing(contract, bill.starts_on, bill.ends_on)
    return Month(month_on, total.heat_kwh, _expected(contract, bill), total.shares.known_ratio, standing)


def _expected(contract: Contract, bill: terms.BillPeriod) -> Decimal | None:
    """The yearly heat of the contract shared out over the days of the month."""
    if contract.expected_kwh_per_year is None:
        return None
    days = (date(bill.month_on.year + 1, 1, 1) - date(bill.month_on.year, 1, 1)).days
    return contract.expected_kwh_per_year * (bill.ends_on - bill.starts_on).days / days


def daily_kwh(contract: Contract, month_on: date, now: datetime) -> list[tuple[date, Decimal | None]]:
    """The heat in kWh of every local day of the month up to today; None where the ledger knows nothing."""
    last = min(terms.next_month(month_on), local_date(now, contract.zone) + timedelta(days=1))
    days = [month_on + timedelta(days=number) for number in range((last - month_on).days)]
    if not days:
        return []
    sums: dict[date, Decimal] = {}
    period = local_days(month_on, last, contract.zone)
    for row in intervals.heat_series(delivery_point=contract.delivery_point, period=period):
        if row.heat_kwh is not None:
            day = local_date(row.start, contract.zone)
            sums[day] = sums.get(day, Decimal(0)) + row.heat_kwh
    return [(day, sums.get(day)) for day in days]


def boiler_on(contract: Contract, day: date) -> Counterfactual | None:
    """What the heat replaces on the day, by the latest statement that holds."""
    rows: QuerySet[Counterfactual] = Counterfactual.objects.filter(offtaker=contract.offtaker_id, valid_from__lte=day)
    return rows.order_by("-valid_from").first()


def savings_of(contract: Contract, user: User) -> list[SavedMonth]:
    """What the billed months saved, the latest first; months without a known boiler are left out."""
    rows = Invoice.objects.visible_to(user).filter(contract=contract, state=Invoice.State.ISSUED)
    standing = rows.filter(~bills.cancelled()).order_by("-month_on")
    months = []
    for invoice in standing[:24]:
        boiler = boiler_on(contract, invoice.month_on)
        if boiler is not None and boiler.currency == invoice.currency:
            plain = savings.Boiler(boiler.fuel_per_kwh, boiler.boiler_ratio, boiler.fuel_g_per_kwh)
            saved = savings.savings(invoice.heat_kwh, invoice.net_amount, plain, invoice.currency)
            months.append(SavedMonth(invoice, boiler, saved))
    return months


def works_of(contract: Contract, now: datetime) -> QuerySet[PlannedOutage]:
    """The works ahead or going on at the delivery point."""
    start = local_midnight(local_date(now, contract.zone), contract.zone)
    rows = service_levels.outages_at(contract, Period(start, start + timedelta(days=400)))
    return rows.filter(cancelled_at__isnull=True)


@dataclass(frozen=True, slots=True)
class IssuedInvoice:
    """An issued invoice as the offtaker lists it: whether it still asks for money, and what took its place."""

    invoice: Invoice
    is_cancelled: bool
    replaced_by: str


def invoices_of(contract: Contract, user: User, limit: int) -> list[IssuedInvoice]:
    """The issued invoices, the latest month first; of one month the one that stands first."""
    rows = Invoice.objects.visible_to(user).filter(contract=contract, state=Invoice.State.ISSUED)
    later = Invoice.objects.filter(replaces=OuterRef("pk")).order_by("-pk")
    told: Any = rows.annotate(is_cancelled=bills.cancelled(), later_number=Subquery(later.values("number")[:1]))
    found = told.order_by("-month_on", "-revision").defer("facts")[:limit]
    return [IssuedInvoice(row, row.is_cancelled, row.later_number or "") for row in found]


def news_of(contract: Contract, user: User, today: date) -> list[Invoice | CreditNote]:
    """The documents issued in the last days, the latest first; a credit note is told with the invoice after it."""
    since = today - timedelta(days=settings.BILLING_NEWS_DAYS)
    invoices = Invoice.objects.visible_to(user).filter(
        contract=contract, state=Invoice.State.ISSUED, issued_on__gt=since
    )
    credits_given = CreditNote.objects.visible_to(user).filter(
        invoice__contract=contract, state=CreditNote.State.ISSUED, issued_on__gt=since
    )
    shown = list(invoices.exclude(pk__in=invoices.filter(replaces__isnull=False).values("replaces")))
    told = {row.replaces_id for row in shown if row.replaces_id}
    alone = [row for row in credits_given.defer("pdf").select_related("invoice") if row.invoice_id not in told]
    return sorted([*shown, *alone], key=lambda row: (row.issued_on or date.min, row.pk), reverse=True)
