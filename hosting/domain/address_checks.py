"""Whether an address or the options of a profile have the shape that their language gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from hosting.domain.address_fields import AddressField, Kind
from hosting.domain.address_fields import gettext_noop as _

LONGEST_NUMBER: Final = 60
LARGEST_EXPONENT: Final = 40
EXPONENT: Final = re.compile(r"[eE]([+-]?[0-9]+)")
BIT_PATTERN: Final = re.compile(r"0x[0-9a-f]{1,16}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field, as an English sentence for the catalog and the facts that go into it."""

    field: str
    sentence: str
    facts: Mapping[str, object]

    def __str__(self) -> str:
        return self.sentence % self.facts


def problems(fields: tuple[AddressField, ...], given: Mapping[str, Any]) -> Iterator[Problem]:
    """Every problem in the shape of an address or of options.

    >>> from hosting.domain.addresses import LANGUAGES
    >>> fields = LANGUAGES["modbus_tcp"].options
    >>> [str(problem) for problem in problems(fields, {"max_count": 126, "word": "big"})]
    ['“word” is not known; known are max_count, max_gap, unreadable, word_order, byte_order, check_serial, clock.', \
'max_count “126” is not a number from 4 to 125.']
    >>> [str(problem) for problem in problems(LANGUAGES["modbus_tcp"].point, {"table": "holding"})]
    ['register is not given.']
    """
    known = {field.name: field for field in fields}
    for name in given:
        if name not in known:
            sentence = _("“%(name)s” is not known; known are %(known)s.") if known else _("“%(name)s” is not known.")
            yield Problem(str(name), sentence, {"name": name, "known": ", ".join(known)})
    for field in fields:
        value = given.get(field.name)
        if is_empty(value):
            if field.required:
                yield Problem(field.name, _("%(name)s is not given."), {"name": field.name})
        elif not _fits(field, value):
            yield Problem(field.name, _sentence(field), _facts(field, value))


def tidied(fields: tuple[AddressField, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The same address in one way of writing it, in the order of the table, without what is empty.

    >>> from hosting.domain.addresses import LANGUAGES
    >>> tidied(LANGUAGES["modbus_tcp"].point, {"scale": "0.10", "register": 7, "missing": 65535, "bit": None})
    {'register': 7, 'scale': 0.1, 'missing': [65535]}
    """
    kept = {field.name: _tidy(field, given[field.name]) for field in fields if not is_empty(given.get(field.name))}
    return kept | {name: value for name, value in given.items() if name not in kept and not is_empty(value)}


def is_empty(value: object) -> bool:
    """Whether nothing is said; 0 and false say something."""
    return value is None or (isinstance(value, str | list) and not value)


def is_whole(value: object) -> bool:
    """Whether it is a whole number; yes and no are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Whether it is a number, or a text that is an exact one."""
    if isinstance(value, bool):
        return False
    try:
        exact_number(value)
    except (ValueError, ZeroDivisionError):
        return False
    return True


def exact_number(value: object) -> Fraction:
    """The number, exactly; one with more digits than anybody measures is none: to work it out would take for ever.

    >>> exact_number("0.10"), exact_number("1/3")
    (Fraction(1, 10), Fraction(1, 3))
    """
    text = str(value)
    exponent = EXPONENT.search(text)
    if len(text) > LONGEST_NUMBER or (exponent is not None and abs(int(exponent[1])) > LARGEST_EXPONENT):
        raise ValueError(text[:LONGEST_NUMBER])
    return Fraction(text)


def is_raw_number(value: object) -> bool:
    """Whether it is a number, the bit pattern of one, or the word for none.

    >>> is_raw_number(-5), is_raw_number("0x8000"), is_raw_number("nan"), is_raw_number("none")
    (True, True, True, False)
    """
    if isinstance(value, str):
        return value == "nan" or BIT_PATTERN.fullmatch(value) is not None
    return is_number(value)


def plain_number(value: object) -> int | float | str:
    """The number as JSON and YAML write it: whole if it is, a float where that is exact, else the text.

    >>> plain_number("10.0"), plain_number("0.10"), plain_number("1/3")
    (10, 0.1, '1/3')
    """
    text = str(value)
    number = exact_number(text)
    if number.denominator == 1:
        return int(number)
    return float(number) if Fraction(repr(float(number))) == number else text


def _fits_choice(field: AddressField, value: Any) -> bool:
    numbers = value if isinstance(value, list) else [value]
    return value in field.choices or (field.also_number and all(map(is_whole, numbers)))


def _fits_integer(field: AddressField, value: Any) -> bool:
    at_least = field.minimum is None or (is_whole(value) and value >= field.minimum)
    return is_whole(value) and at_least and (field.maximum is None or value <= field.maximum)


def _fits_numbers(_field: AddressField, value: Any) -> bool:
    return all(map(is_raw_number, value if isinstance(value, list) else [value]))


_FITS: Final[dict[Kind, Callable[[AddressField, Any], bool]]] = {
    Kind.TEXT: lambda _field, value: isinstance(value, str),
    Kind.INTEGER: _fits_integer,
    Kind.DECIMAL: lambda _field, value: is_number(value),
    Kind.FLAG: lambda _field, value: isinstance(value, bool),
    Kind.CHOICE: _fits_choice,
    Kind.NUMBERS: _fits_numbers,
    Kind.TEXTS: lambda _field, value: isinstance(value, list) and all(isinstance(one, str) for one in value),
}
_SENTENCES: Final[dict[Kind, str]] = {
    Kind.TEXT: _("%(name)s “%(value)s” is not a text."),
    Kind.INTEGER: _("%(name)s “%(value)s” is not a whole number."),
    Kind.DECIMAL: _("%(name)s “%(value)s” is not a number."),
    Kind.FLAG: _("%(name)s “%(value)s” is neither yes nor no."),
    Kind.CHOICE: _("%(name)s “%(value)s” is none of %(choices)s."),
    Kind.NUMBERS: _("%(name)s “%(value)s” is neither a number nor a list of numbers."),
    Kind.TEXTS: _("%(name)s “%(value)s” is not a list of texts."),
}


def _fits(field: AddressField, value: Any) -> bool:
    return not isinstance(value, dict) and _FITS[field.kind](field, value)


def _sentence(field: AddressField) -> str:
    if field.kind is Kind.INTEGER and field.minimum is not None:
        if field.maximum is not None:
            return _("%(name)s “%(value)s” is not a number from %(minimum)s to %(maximum)s.")
        return _("%(name)s “%(value)s” is not a number from %(minimum)s.")
    return _SENTENCES[field.kind]


def _facts(field: AddressField, value: Any) -> dict[str, object]:
    return {
        "name": field.name,
        "value": value,
        "choices": ", ".join(field.choices),
        "minimum": field.minimum,
        "maximum": field.maximum,
    }


def _tidy(field: AddressField, value: Any) -> Any:
    if field.kind is Kind.DECIMAL and is_number(value):
        return plain_number(value)
    if field.kind is Kind.NUMBERS:
        return value if isinstance(value, list) else [value]
    return value
