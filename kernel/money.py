"""Amounts of money, and the one place that rounds."""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

DEFAULT_MINOR_UNITS: Final = 2

# ISO 4217:2015, list one: the currencies whose minor unit is not a hundredth.
MINOR_UNITS: Final[dict[str, int]] = {
    **dict.fromkeys(
        ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF"), 0
    ),
    **dict.fromkeys(("XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


class MixedCurrencies(TypeError):
    """Amounts of different currencies have no sum and no order."""


def minor_units(currency: str) -> int:
    """The decimal places in which the currency is paid.

    >>> minor_units("EUR"), minor_units("JPY"), minor_units("KWD")
    (2, 0, 3)
    """
    return MINOR_UNITS.get(currency, DEFAULT_MINOR_UNITS)


def round_half_up(value: Decimal, places: int) -> Decimal:
    """The value at so many decimal places, halves away from zero, as invoices are read.

    >>> round_half_up(Decimal("3.255"), 2), round_half_up(Decimal("-3.255"), 2)
    (Decimal('3.26'), Decimal('-3.26'))
    """
    if not isinstance(value, Decimal):
        raise TypeError(f"only a Decimal is rounded, not {value!r}")
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return rounded or abs(rounded)  # no document shows -0.00


def round_money(value: Decimal, currency: str) -> Decimal:
    """The value at the minor unit of the currency, halves away from zero.

    >>> round_money(Decimal("1234.5"), "JPY"), round_money(Decimal("0.0005"), "KWD")
    (Decimal('1235'), Decimal('0.001'))
    """
    return round_half_up(value, minor_units(currency))


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of one currency. Not rounded until asked.

    Examples
    --------
    >>> net = Amount(Decimal("10.005"), "EUR")
    >>> print(net + Amount(Decimal("0.99"), "EUR"))
    10.995 EUR
    >>> print((net * Decimal("0.19")).rounded())
    1.90 EUR
    >>> net + Amount(Decimal(1), "SEK")
    Traceback (most recent call last):
    kernel.money.MixedCurrencies: EUR and SEK
    """

    value: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not isinstance(self.value, Decimal):
            raise TypeError(f"an amount is a Decimal, not {self.value!r}")
        if not self.value.is_finite():
            raise ValueError(f"an amount is a number, not {self.value}")
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f"{self.currency!r} is not an ISO 4217 code")

    def rounded(self) -> "Amount":
        """The amount at the minor unit of its currency."""
        return Amount(round_money(self.value, self.currency), self.currency)

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.value + self._same(other), self.currency)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.value - self._same(other), self.currency)

    def __mul__(self, factor: Decimal | int) -> "Amount":
        if not isinstance(factor, Decimal | int):
            raise TypeError(f"an amount is multiplied by a Decimal, not {factor!r}")
        return Amount(self.value * factor, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> "Amount":
        return Amount(-self.value, self.currency)

    def __lt__(self, other: "Amount") -> bool:
        return self.value < self._same(other)

    def __le__(self, other: "Amount") -> bool:
        return self.value <= self._same(other)

    def __gt__(self, other: "Amount") -> bool:
        return self.value > self._same(other)

    def __ge__(self, other: "Amount") -> bool:
        return self.value >= self._same(other)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __str__(self) -> str:
        return f"{self.value} {self.currency}"

    def _same(self, other: "Amount") -> Decimal:
        if not isinstance(other, Amount):
            raise TypeError(f"{other!r} is not an amount")
        if other.currency != self.currency:
            raise MixedCurrencies(f"{self.currency} and {other.currency}")
        return other.value


def zero(currency: str) -> Amount:
    """Nothing, in the currency: where a sum starts."""
    return Amount(Decimal(0), currency)
