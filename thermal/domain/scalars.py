"""Points that a device tells one by one, as plain numbers: what they mean, and how a number becomes their value."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from thermal.domain.readings import (
    WHOLE_REGISTERS,
    Answer,
    Conversion,
    Missing,
    PointIsWrong,
    PointSpec,
    conversion,
    exact_fraction,
    register_slots,
    shortest_float32,
)

LAST_BIT: Final = 63
LARGEST: Final = 3.4e38
"""Frames keep single-precision floats; what is larger is no measurement anyway."""
LONGEST_NUMBER: Final = 40
DECIMAL_TEXT: Final = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,2})?|[+-]?\.\d+")

Told = Decimal | dt.datetime | Missing
"""What a device said about a point: a number, an instant, or the reason why there is none."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a device told it, with a word about how much its digits are worth."""

    value: Told
    is_single: bool = False
    """True if it came as a 32-bit float, of which seven digits count."""


@dataclass(frozen=True, slots=True)
class ScalarPoint:
    """One plain number of a device, as a profile describes it."""

    spec: PointSpec
    convert: Conversion
    factor: float
    offset: float
    missing: frozenset[Decimal]
    """Numbers by which the device says that it has no value."""
    bit: int | None
    is_kept: bool
    """True if a meter reading wants the exact value."""
    takes_single: bool
    """True if the profile says that a register may come as a 32-bit float."""

    def take(self, answer: Answer, number: Number) -> None:
        """Put what the device told into the answer: the value, or why there is none."""
        slot = self.spec.slot
        told = self._judged(number.value)
        if isinstance(told, Missing):
            answer.missing[slot] = told
        elif isinstance(told, dt.datetime):
            answer.exact[slot] = told
        else:
            value = float(told) * self.factor + self.offset
            if abs(value) > LARGEST:
                answer.missing[slot] = Missing.INVALID
                return
            answer.values[slot] = value
            if self.is_kept:
                self._keep(answer, told, is_single=number.is_single)

    def _judged(self, told: Told) -> Told:
        """Return the number that counts, or why none does."""
        if isinstance(told, Missing):
            return told
        if isinstance(told, dt.datetime) or self.spec.quantity == "device_time":
            fits = isinstance(told, dt.datetime) and self.spec.quantity == "device_time"
            return told if fits else Missing.INVALID
        if told in self.missing:
            return Missing.NOT_AVAILABLE
        if self.bit is None:
            return told
        whole = told == told.to_integral_value() and 0 <= told < 2 ** (LAST_BIT + 1)
        return Decimal(int(told) >> self.bit & 1) if whole else Missing.INVALID

    def _keep(self, answer: Answer, told: Decimal, *, is_single: bool) -> None:
        """Keep the exact value; not that of a register in a float of seven digits, unless the profile wants it."""
        if is_single and self.spec.quantity in WHOLE_REGISTERS and not self.takes_single:
            complaint = (
                f"Point {self.spec.key}: the register comes as a 32-bit float, which keeps seven digits; it is not "
                "taken for a meter reading (single_precision in the profile allows it)."
            )
            answer.error = f"{answer.error} {complaint}".strip()
            return
        answer.exact[self.spec.slot] = self.convert.exact(told)


def scalar_points(specs: Sequence[PointSpec], *, known: frozenset[str], language: str) -> tuple[ScalarPoint, ...]:
    """Return the points of a profile; `known` are the names that the language has for parts of an address."""
    kept = set(register_slots(list(specs)).values())
    for spec in specs:
        unknown = sorted(set(spec.address) - known)
        if unknown:
            raise PointIsWrong(point=spec.key, problem=f"“{unknown[0]}” is not known to {language}.")
    return tuple(_scalar_point(spec, is_kept=spec.slot in kept) for spec in specs)


def _scalar_point(spec: PointSpec, *, is_kept: bool) -> ScalarPoint:
    """Return one point; anything unclear is refused by name."""
    convert = conversion(
        point=spec.key,
        quantity=spec.quantity,
        unit=spec.unit,
        scale=_scale(spec),
        offset=exact_fraction(spec.key, "offset", spec.address.get("offset", 0)),
    )
    return ScalarPoint(
        spec=spec,
        convert=convert,
        factor=float(convert.factor),
        offset=float(convert.offset),
        missing=frozenset(_sentinels(spec)),
        bit=_bit(spec),
        is_kept=is_kept,
        takes_single=_flag(spec, "single_precision"),
    )


def _scale(spec: PointSpec) -> Fraction:
    """Return what to multiply by: `scale`, over `divisor` as documents of SNMP devices give it."""
    divisor = exact_fraction(spec.key, "divisor", spec.address.get("divisor", 1))
    if not divisor:
        raise PointIsWrong(point=spec.key, problem="nothing can be divided by zero.")
    return exact_fraction(spec.key, "scale", spec.address.get("scale", 1)) / divisor


def _sentinels(spec: PointSpec) -> Iterable[Decimal]:
    """Yield the numbers that mean "no value"."""
    given = spec.address.get("missing", [])
    for number in given if isinstance(given, list) else [given]:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise PointIsWrong(point=spec.key, problem="“missing” is a raw number or a list of raw numbers.")
        yield Decimal(str(number))


def _bit(spec: PointSpec) -> int | None:
    """Return which bit of the number is the value, if only one is."""
    bit = spec.address.get("bit")
    if bit is not None and (not isinstance(bit, int) or isinstance(bit, bool) or not 0 <= bit <= LAST_BIT):
        raise PointIsWrong(point=spec.key, problem=f"“{bit}” is not a bit from 0 to {LAST_BIT}.")
    return bit


def _flag(spec: PointSpec, name: str) -> bool:
    """Return a yes or no of the address, no where it is not given."""
    flag = spec.address.get(name, False)
    if not isinstance(flag, bool):
        raise PointIsWrong(point=spec.key, problem=f"{name} “{flag}” is neither true nor false.")
    return flag


def learned(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what earlier polls found that the device refuses, as `Answer.refusals` told it."""
    refusals = options.get("refusals")
    return refusals if isinstance(refusals, Mapping) else {}


def learned_limit(options: Mapping[str, Any], limit: int) -> int:
    """Return how much to ask for at once: what the profile allows, or less if that was too much for the device.

    Examples
    --------
    >>> learned_limit({"refusals": {"limit": 6}}, 24), learned_limit({}, 24)
    (6, 24)
    """
    found = learned(options).get("limit")
    return min(limit, found) if isinstance(found, int) and found > 0 else limit


def number_of(told: Any) -> Number:
    """Return the number that a decoded value stands for, whatever its type; never fails.

    Examples
    --------
    >>> number_of(17).value, number_of(True).value, number_of(" 23.50 ").value
    (Decimal('17'), Decimal('1'), Decimal('23.50'))
    >>> number_of(float("nan")).value.name, number_of("off").value.name, number_of(None).value.name
    ('INVALID', 'INVALID', 'NOT_AVAILABLE')
    """
    if isinstance(told, Number):
        return told
    if isinstance(told, Missing | dt.datetime):
        return Number(told)
    if isinstance(told, int):
        # Digits without end are no measurement, and slow to print.
        return Number(Decimal(int(told)) if told.bit_length() <= LAST_BIT + 1 else Missing.INVALID)
    if isinstance(told, str):
        return Number(_decimal_of(told))
    if told is None:
        return Number(Missing.NOT_AVAILABLE)
    number = Decimal(repr(told)) if isinstance(told, float) else told
    return Number(number if isinstance(number, Decimal) and number.is_finite() else Missing.INVALID)


def single(told: float) -> Number:
    """Return a 32-bit float as the shortest decimal that names it.

    Examples
    --------
    >>> single(41.73743438720703)
    Number(value=Decimal('41.737434'), is_single=True)
    """
    if not math.isfinite(told) or abs(told) > LARGEST:
        return Number(Missing.INVALID, is_single=True)
    return Number(Decimal(shortest_float32(told)), is_single=True)


def _decimal_of(text: str) -> Decimal | Missing:
    """Return the number that a text spells, and nothing else."""
    plain = text.strip("\0 \t\r\n")
    if len(plain) > LONGEST_NUMBER or not plain.isascii() or not DECIMAL_TEXT.fullmatch(plain):
        return Missing.INVALID
    try:
        return Decimal(plain)
    except InvalidOperation:  # pragma: no cover (the pattern leaves nothing that is not one)
        return Missing.INVALID
