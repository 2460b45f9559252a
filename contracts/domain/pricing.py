"""The price of heat: lines, VAT and totals, each rounded once.

`docs/pricing.md` says the same in prose and tables; a test computes the tables with these functions.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from kernel.errors import Refusal
from kernel.money import round_money


class NoPriceOnDay(Refusal):
    sentence = "No price terms hold on %(day)s."


@dataclass(frozen=True, slots=True)
class Terms:
    """Price terms as the arithmetic needs them; ``valid_until`` is the first day on which they no longer hold."""

    id: int
    valid_from: date
    valid_until: date | None
    energy_per_kwh: Decimal
    standing_per_day: Decimal | None
    standing_per_month: Decimal | None
    vat_ratio: Decimal
    vat_note: str = ""

    def hold_on(self, day: date) -> bool:
        """Whether the terms hold on the day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)


@dataclass(frozen=True, slots=True)
class Stretch:
    """The local days from one to another, which is not included, under one set of terms."""

    starts_on: date
    ends_on: date
    terms: Terms

    @property
    def days_count(self) -> int:
        """How many local days it has."""
        return (self.ends_on - self.starts_on).days


def stretches(starts_on: date, ends_on: date, terms: Sequence[Terms]) -> list[Stretch]:
    """The days cut where the terms change, in order and without a gap.

    Raises
    ------
    NoPriceOnDay
        Where a day has no terms.
    """
    result = []
    day = starts_on
    while day < ends_on:
        holding = next((each for each in terms if each.hold_on(day)), None)
        if holding is None:
            raise NoPriceOnDay(day=day.isoformat())
        until = min(ends_on, holding.valid_until or ends_on)
        result.append(Stretch(day, until, holding))
        day = until
    return result


def days_in_month(day: date) -> int:
    """How many days the month of the day has.

    >>> days_in_month(date(2028, 2, 10))
    29
    """
    following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return (following - timedelta(days=1)).day


def energy_amount(heat_kwh: Decimal, energy_per_kwh: Decimal, currency: str) -> Decimal:
    """The net amount of an energy line.

    >>> energy_amount(Decimal("10565.0"), Decimal("0.06119"), "EUR")
    Decimal('646.47')
    """
    return round_money(heat_kwh * energy_per_kwh, currency)


def standing_amount(stretch: Stretch, currency: str) -> Decimal:
    """The net amount of a standing charge: per day by days, per month by the share of the month's days.

    Days are calendar days of the contract: a day of 23 or 25 hours is one day.

    Examples
    --------
    >>> def terms(**prices): return Terms(1, date(2026, 1, 1), None, Decimal(0), **prices, vat_ratio=Decimal(0))
    >>> daily = terms(standing_per_day=Decimal("0.85"), standing_per_month=None)
    >>> standing_amount(Stretch(date(2026, 4, 1), date(2026, 5, 1), daily), "EUR")
    Decimal('25.50')
    >>> monthly = terms(standing_per_day=None, standing_per_month=Decimal("65.10"))
    >>> standing_amount(Stretch(date(2026, 10, 11), date(2026, 11, 1), monthly), "EUR")
    Decimal('44.10')
    """
    terms = stretch.terms
    if terms.standing_per_day is not None:
        return round_money(terms.standing_per_day * stretch.days_count, currency)
    if terms.standing_per_month is not None:
        days = days_in_month(stretch.starts_on)
        return round_money(terms.standing_per_month * stretch.days_count / days, currency)
    return round_money(Decimal(0), currency)


def credit_amount(standing_net: Decimal, credit_ratio: Decimal, currency: str) -> Decimal:
    """The net amount of a service credit: zero or below.

    >>> credit_amount(Decimal("65.10"), Decimal("0.05"), "EUR")
    Decimal('-3.26')
    """
    return round_money(-standing_net * credit_ratio, currency)


@dataclass(frozen=True, slots=True)
class VatGroup:
    """The net amounts under one VAT rate, their sum and the tax on the sum."""

    vat_ratio: Decimal
    net_amount: Decimal
    vat_amount: Decimal


@dataclass(frozen=True, slots=True)
class Totals:
    """What a document comes to."""

    net_amount: Decimal
    vat_amount: Decimal
    gross_amount: Decimal
    groups: tuple[VatGroup, ...]


def totals(lines: Iterable[tuple[Decimal, Decimal]], currency: str) -> Totals:
    """The totals of lines given as (VAT rate, net amount): VAT once per rate, on the sum of the rounded lines.

    Examples
    --------
    >>> lines = [(Decimal("0.20"), Decimal(net)) for net in ("646.47", "39.60", "25.50", "44.87", "-3.26")]
    >>> total = totals(lines, "EUR")
    >>> total.net_amount, total.vat_amount, total.gross_amount
    (Decimal('753.18'), Decimal('150.64'), Decimal('903.82'))
    """
    sums: dict[Decimal, Decimal] = {}
    for vat_ratio, net in lines:
        sums[vat_ratio] = sums.get(vat_ratio, Decimal(0)) + net
    groups = tuple(
        VatGroup(vat_ratio, net, round_money(net * vat_ratio, currency)) for vat_ratio, net in sorted(sums.items())
    )
    nothing = round_money(Decimal(0), currency)
    net_amount = sum((group.net_amount for group in groups), nothing)
    vat_amount = sum((group.vat_amount for group in groups), nothing)
    return Totals(net_amount, vat_amount, net_amount + vat_amount, groups)
