"""Contracts and terms by day, and the period of a month that a contract covers."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q, QuerySet

from contracts.domain import pricing, sla
from contracts.models import Contract, SlaTerms
from kernel.periods import Period, local_days


@dataclass(frozen=True, slots=True)
class BillPeriod:
    """The days of a month that a contract covers, and the instants they begin and end."""

    month_on: date
    starts_on: date
    ends_on: date
    period: Period


def next_month(month_on: date) -> date:
    """The first day of the following month."""
    return (month_on.replace(day=1) + timedelta(days=32)).replace(day=1)


def previous_month(month_on: date) -> date:
    """The first day of the month before."""
    return (month_on.replace(day=1) - timedelta(days=1)).replace(day=1)


def bill_period(contract: Contract, month_on: date) -> BillPeriod | None:
    """The part of the month that belongs to the contract, or None where it has no day in it."""
    starts_on = max(month_on, contract.starts_on)
    ends_on = min(next_month(month_on), contract.ends_on or date.max)
    if starts_on >= ends_on:
        return None
    return BillPeriod(month_on, starts_on, ends_on, local_days(starts_on, ends_on, contract.zone))


def contracts_in_month(month_on: date) -> QuerySet[Contract]:
    """The contracts, not drafts, that have a day in the month."""
    rows: QuerySet[Contract] = Contract.objects.exclude(state=Contract.State.DRAFT)
    rows = rows.filter(starts_on__lt=next_month(month_on))
    return rows.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=month_on))


def price_terms_of(contract: Contract) -> list[pricing.Terms]:
    """The price terms of the contract as plain values, oldest first."""
    return [
        pricing.Terms(
            row.pk, row.valid_from, row.valid_until, row.energy_per_kwh, row.standing_per_day,
            row.standing_per_month, row.vat_ratio, row.vat_note,
        )
        for row in contract.price_terms.order_by("valid_from")
    ]  # fmt: skip


def sla_terms_on(contract: Contract, day: date) -> SlaTerms | None:
    """The SLA terms that hold on the day."""
    rows = contract.sla_terms.filter(valid_from__lte=day)
    return rows.filter(Q(valid_until__isnull=True) | Q(valid_until__gt=day)).first()


def promise_of(terms: SlaTerms) -> sla.Promise:
    """What the terms promise of a month, as plain values."""
    return sla.Promise(terms.target_ratio, terms.credit_ratio, terms.credit_cap_ratio, terms.no_data_grace_h)


def band_of(terms: SlaTerms) -> sla.Band:
    """The temperature band of the terms."""
    return sla.Band(terms.supply_min_c, terms.supply_max_c)
