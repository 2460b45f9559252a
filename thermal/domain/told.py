"""Values that come by name instead of by register: in messages, pushed batches and files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final

from kernel.errors import Refusal
from thermal.domain.readings import (
    Answer,
    Conversion,
    Distrust,
    Missing,
    PointIsWrong,
    PointSpec,
    conversion,
    distrust_rules,
    exact_fraction,
    register_slots,
    slot_count,
)

LONGEST_TEXT: Final = 64
"""Characters of a number; no counter has more digits, and a million of them would take seconds to read."""
LARGEST_EXPONENT: Final = 60
LONGEST_INDEX: Final = 6
"""Digits of a place in a list."""
WORDS: Final = {"true": 1, "on": 1, "yes": 1, "false": 0, "off": 0, "no": 0}
# Numbers from these on are milliseconds and microseconds since 1970: as seconds they lie beyond the year 5138.
_MILLISECONDS_FROM: Final = 10**11
_MICROSECONDS_FROM: Final = 10**14


class NotANumber(Refusal):
    """A value that says nothing that can be stored."""

    sentence = "“%(text)s” is not a number."


class NotATime(Refusal):
    """A time that cannot be read."""

    sentence = "“%(text)s” is neither a time such as 2026-10-25T02:30:00+01:00 nor seconds since 1970."


@dataclass(frozen=True, slots=True)
class ToldPoint:
    """One point of a profile, and how what is told becomes its quantity."""

    slot: int
    key: str
    quantity: str
    convert: Conversion
    missing: frozenset[Fraction]
    address: dict[str, Any]

    def put(self, answer: Answer, told: Any) -> None:
        """Put the value into the answer; nothing, or a number that stands for nothing, is a missing one."""
        if told is None or told == "":
            answer.missing[self.slot] = Missing.NOT_AVAILABLE
            return
        if self.quantity == "device_time":
            answer.exact[self.slot] = time_of(told)
            return
        number = number_of(told)
        if Fraction(number) in self.missing:
            answer.missing[self.slot] = Missing.NOT_AVAILABLE
            return
        value = self.convert.exact(number)
        answer.values[self.slot] = float(value)
        answer.exact[self.slot] = value
        answer.missing.pop(self.slot, None)


@dataclass(frozen=True, slots=True)
class ToldPlan:
    """All points of a profile whose values come by name."""

    points: tuple[ToldPoint, ...]
    slot_count: int
    register_slots: dict[str, int]
    distrust: tuple[Distrust, ...]

    def answer(self) -> Answer:
        """Return an answer in which nothing is told yet."""
        answer = Answer(self.slot_count)
        answer.miss([point.slot for point in self.points], Missing.NOT_TOLD)
        return answer

    def by_key(self) -> dict[str, ToldPoint]:
        """Return the points by their keys."""
        return {point.key: point for point in self.points}


def plan(specs: Sequence[PointSpec], known: frozenset[str]) -> ToldPlan:
    """Return the plan of a profile; a point whose address says more than is known is refused by name."""
    listed = list(specs)
    points = tuple(_point(spec, known) for spec in listed)
    return ToldPlan(points, slot_count(listed), register_slots(listed), distrust_rules(listed))


def _point(spec: PointSpec, known: frozenset[str]) -> ToldPoint:
    for name in spec.address:
        if name not in known:
            raise PointIsWrong(point=spec.key, problem=f"“{name}” is not known to this protocol.")
    convert = conversion(
        point=spec.key,
        quantity=spec.quantity,
        unit=spec.unit,
        scale=exact_fraction(spec.key, "scale", spec.address.get("scale", 1)),
        offset=exact_fraction(spec.key, "offset", spec.address.get("offset", 0)),
    )
    given = spec.address.get("missing", [])
    listed = given if isinstance(given, list) else [given]
    missing = frozenset(exact_fraction(spec.key, "missing", one) for one in listed)
    return ToldPoint(spec.slot, spec.key, spec.quantity, convert, missing, spec.address)


def number_of(told: Any) -> Decimal:
    """Return the exact number that a text, a number or a truth value tells.

    Examples
    --------
    >>> number_of("0012.50"), number_of(True), number_of("off"), number_of(7)
    (Decimal('12.50'), Decimal('1'), Decimal('0'), Decimal('7'))
    """
    if isinstance(told, bool):
        return Decimal(int(told))
    if not isinstance(told, int | float | Decimal | str):
        raise NotANumber(text=type(told).__name__)
    text = f"{told}".strip()
    if len(text) > LONGEST_TEXT:
        raise NotANumber(text=f"{text[:LONGEST_TEXT]}…")
    if text.casefold() in WORDS:
        return Decimal(WORDS[text.casefold()])
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise NotANumber(text=text) from None
    if "_" in text or not number.is_finite() or abs(number.adjusted()) > LARGEST_EXPONENT:
        raise NotANumber(text=text)
    return number


def json_number(text: str) -> Decimal:
    """Return a number of a JSON document with all its digits; one too large to be computed with is no number."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None


def time_of(told: Any) -> dt.datetime:
    """Return the time that a text in ISO 8601 or a count since 1970 tells; naive if it has no offset.

    Examples
    --------
    >>> time_of("2026-11-22T21:00:00+01:00") == time_of(1795377600) == time_of("1795377600000")
    True
    """
    if isinstance(told, str) and "-" in told.strip()[1:]:
        try:
            return dt.datetime.fromisoformat(told.strip())
        except ValueError:
            raise NotATime(text=told[:LONGEST_TEXT]) from None
    try:
        number = number_of(told)
        per_s = 1 if number < _MILLISECONDS_FROM else 1000 if number < _MICROSECONDS_FROM else 1_000_000
        return dt.datetime.fromtimestamp(float(number / per_s), dt.UTC)
    except (NotANumber, ValueError, OverflowError, OSError):
        raise NotATime(text=f"{told}"[:LONGEST_TEXT]) from None


def found_at(document: Any, path: str) -> Any:
    """Return what stands in a JSON document at a path of keys and numbers, with dots between; None if nothing does.

    Examples
    --------
    >>> found_at({"heat": [{"kwh": 7}]}, "heat.0.kwh"), found_at({"heat": 1}, "heat.kwh"), found_at(5, "")
    (7, None, 5)
    """
    for step in path.split(".") if path else ():
        if isinstance(document, dict):
            document = document.get(step)
        elif isinstance(document, list) and step.isdecimal() and len(step) <= LONGEST_INDEX:
            index = int(step)
            document = document[index] if index < len(document) else None
        else:
            return None
    return document
