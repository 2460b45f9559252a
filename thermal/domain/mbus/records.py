"""Data records of a telegram: data information, value information, value (EN 13757-3, chapter 6)."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from thermal.domain.mbus import codes, values
from thermal.domain.mbus.frames import TelegramRefused

EXTENSION_LIMIT: Final = 10
EXTENDED: Final = 0x80
PLAIN_TEXT_LIMIT: Final = 0xBF
FILLER: Final = 0x2F
MANUFACTURER_DATA: Final = 0x0F
MORE_RECORDS_FOLLOW: Final = 0x1F
SPECIAL: Final = 0x0F
REAL: Final = 0x05
VARIABLE: Final = 0x0D
BCD_BIT: Final = 0x08
MANUFACTURER_QUALIFIER: Final = 0x7F
DATA_LENGTHS: Final = {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 4, 6: 6, 7: 8, 8: 0, 9: 1, 0xA: 2, 0xB: 3, 0xC: 4, 0xE: 6}
CLOCK_READERS: Final[dict[int, Callable[[bytes], values.Decoded]]] = {
    2: values.date,
    3: values.time_of_day,
    4: values.date_time,
    6: values.date_time,
}

ONLY_POSITIVE: Final = 0x3B
ONLY_NEGATIVE: Final = 0x3C
RECORD_ERRORS: Final = frozenset({0x15, 0x16, 0x17, 0x18})
"""Qualifiers that say: no data, overflow, underflow, data error."""


class Function(enum.StrEnum):
    """What the value of a record is, in the words of libmbus."""

    INSTANTANEOUS = "Instantaneous value"
    MAXIMUM = "Maximum value"
    MINIMUM = "Minimum value"
    ERROR_STATE = "Value during error state"
    MANUFACTURER = "Manufacturer specific"
    MORE_RECORDS = "More records follow"


FUNCTIONS: Final = (Function.INSTANTANEOUS, Function.MAXIMUM, Function.MINIMUM, Function.ERROR_STATE)


@dataclass(frozen=True, slots=True)
class Record:
    """One value of a telegram with everything that tells it from its neighbors."""

    quantity: str
    value: Decimal | str | dt.date | dt.datetime | None
    unit: str = ""
    function: Function = Function.INSTANTANEOUS
    storage: int = 0
    tariff: int = 0
    subunit: int = 0
    qualifiers: tuple[int, ...] = ()
    """Value information extensions that change what is counted ("per pulse", "phase 1", ...)."""
    resolution: Decimal = Decimal(1)
    """One unit of the last digit."""
    valid: bool = True
    raw: bytes = field(default=b"", repr=False)

    @property
    def is_main_register(self) -> bool:
        """True for tariff 0, sub-unit 0, storage 0, instantaneous: the register that a bill may use."""
        return (
            self.valid and self.function is Function.INSTANTANEOUS and not (self.storage or self.tariff or self.subunit)
        )


class _Cursor:
    """Hands out the bytes of a payload and refuses to go past its end."""

    def __init__(self, payload: bytes) -> None:
        self.payload = payload
        self.position = 0

    @property
    def left(self) -> int:
        """Number of bytes not yet taken."""
        return len(self.payload) - self.position

    def take(self, count: int, what: str) -> bytes:
        """Return the next bytes; a record that ends early makes the whole telegram unusable."""
        if count > self.left:
            raise TelegramRefused(
                f"The telegram ends inside a record: {what} needs {count} bytes, {self.left} are left."
            )
        taken = self.payload[self.position : self.position + count]
        self.position += count
        return taken

    def byte(self, what: str) -> int:
        """Return the next byte."""
        return self.take(1, what)[0]

    def rest(self) -> bytes:
        """Return all remaining bytes."""
        return self.take(self.left, "the rest")


def read_records(payload: bytes) -> list[Record]:
    """Return every record in the payload, in its order."""
    cursor = _Cursor(payload)
    records: list[Record] = []
    while cursor.left:
        dif = cursor.byte("the data information")
        if dif == FILLER:
            continue
        records.append(_special(dif, cursor) if dif & 0x0F == SPECIAL else _record(dif, cursor))
    return records


def _special(dif: int, cursor: _Cursor) -> Record:
    """Return the record of manufacturer data, which reaches to the end of the telegram."""
    if dif not in (MANUFACTURER_DATA, MORE_RECORDS_FOLLOW):
        raise TelegramRefused(f"The data information {dif:02X} is reserved.")
    function = Function.MORE_RECORDS if dif == MORE_RECORDS_FOLLOW else Function.MANUFACTURER
    data = cursor.rest()
    return Record("", data.hex(" ").upper() or None, function=function, raw=data)


def _record(dif: int, cursor: _Cursor) -> Record:
    """Return one ordinary record."""
    storage, tariff, subunit = _place(dif, cursor)
    meaning, qualifiers = _value_information(cursor)
    kind = dif & 0x0F
    data = cursor.take(_data_length(kind, cursor), meaning.quantity)
    decoded = _scaled(_decoded(kind, data, meaning), meaning)
    return Record(
        quantity=meaning.quantity,
        value=decoded.value,
        unit=meaning.unit,
        function=FUNCTIONS[(dif >> 4) & 0x03],
        storage=storage,
        tariff=tariff,
        subunit=subunit,
        qualifiers=qualifiers,
        resolution=meaning.factor,
        valid=decoded.valid and decoded.value is not None and RECORD_ERRORS.isdisjoint(qualifiers),
        raw=data,
    )


def _extensions(first: int, cursor: _Cursor, what: str) -> list[int]:
    """Return the extension bytes that follow a byte whose top bit announces them."""
    found: list[int] = []
    last = first
    while last & EXTENDED:
        if len(found) == EXTENSION_LIMIT:
            raise TelegramRefused(f"A record has more than {EXTENSION_LIMIT} extensions of its {what}.")
        last = cursor.byte(what)
        found.append(last)
    return found


def _place(dif: int, cursor: _Cursor) -> tuple[int, int, int]:
    """Return storage number, tariff and sub-unit from the data information and its extensions."""
    storage, tariff, subunit = (dif >> 6) & 1, 0, 0
    for position, dife in enumerate(_extensions(dif, cursor, "data information")):
        storage |= (dife & 0x0F) << (1 + 4 * position)
        tariff |= ((dife >> 4) & 0x03) << (2 * position)
        subunit |= ((dife >> 6) & 0x01) << position
    return storage, tariff, subunit


def _value_information(cursor: _Cursor) -> tuple[codes.Meaning, tuple[int, ...]]:
    """Return what the value means and the qualifiers that remain to be told with it."""
    vif = cursor.byte("the value information")
    custom = _plain_text(cursor) if vif & 0x7F == 0x7C else None
    extensions = [code & 0x7F for code in _extensions(vif, cursor, "value information")]
    if custom is not None:
        meaning = codes.Meaning(custom, "-")
    elif vif == 0xFD:
        meaning = codes.EXTENSION_FD.get(extensions.pop(0), codes.RESERVED)
    elif vif == 0xFB:
        meaning = codes.EXTENSION_FB.get(extensions.pop(0), codes.RESERVED)
    else:
        meaning = codes.PRIMARY.get(vif & 0x7F, codes.RESERVED)
    return _corrected(meaning, extensions)


def _plain_text(cursor: _Cursor) -> str:
    """Return a quantity that the meter spells out."""
    length = cursor.byte("the length of a spelled-out quantity")
    return cursor.take(length, "a spelled-out quantity")[::-1].decode("latin-1")


def _corrected(meaning: codes.Meaning, extensions: list[int]) -> tuple[codes.Meaning, tuple[int, ...]]:
    """Return the meaning with multiplying extensions applied, and the other extensions."""
    own = extensions.index(MANUFACTURER_QUALIFIER) if MANUFACTURER_QUALIFIER in extensions else len(extensions)
    exponent = 0
    qualifiers: list[int] = []
    for position, code in enumerate(extensions):
        if position < own and 0x70 <= code <= 0x77:
            exponent += (code & 0x07) - 6
        elif position < own and code == 0x7D:
            exponent += 3
        else:
            qualifiers.append(code)
    if exponent:
        meaning = codes.Meaning(meaning.quantity, meaning.unit, meaning.factor.scaleb(exponent))
    return meaning, tuple(qualifiers)


def _data_length(kind: int, cursor: _Cursor) -> int:
    """Return how many bytes the value has; with variable length the next byte tells."""
    if kind != VARIABLE:
        return DATA_LENGTHS[kind]
    code = cursor.byte("the length of a value")
    cursor.position -= 1  # the code also tells how to read the bytes, so it stays with them
    return 1 + _variable_length(code)


def _variable_length(code: int) -> int:
    """Return the number of bytes after the length code (EN 13757-3, table 5)."""
    if code <= PLAIN_TEXT_LIMIT:
        return code
    if code <= 0xEF:
        return code & 0x0F
    if code <= 0xF6:
        return {0xF5: 48, 0xF6: 64}.get(code, 4 * (code - 0xEC))
    raise TelegramRefused(f"The length code {code:02X} of a value is reserved.")


def _decoded(kind: int, data: bytes, meaning: codes.Meaning) -> values.Decoded:
    """Return the unscaled value of the data bytes."""
    if kind == VARIABLE:
        return _variable(data[0], data[1:])
    if not data:
        return values.INVALID
    if meaning.quantity in (codes.DATE, codes.DATE_TIME) and kind in CLOCK_READERS:
        return CLOCK_READERS[kind](data)
    if kind == REAL:
        return values.real(data)
    if kind & BCD_BIT:
        return values.binary_coded_decimal(data)
    return values.bit_field(data) if meaning.quantity in codes.BIT_FIELDS else values.signed_integer(data)


def _variable(code: int, data: bytes) -> values.Decoded:
    """Return a value of variable length: text, digits or binary."""
    if code <= PLAIN_TEXT_LIMIT:
        return values.text(data)
    if not data:
        return values.INVALID
    if code <= 0xDF:
        decoded = values.binary_coded_decimal(data)
        number = decoded.value if isinstance(decoded.value, Decimal) else Decimal(0)
        return values.Decoded(number if code <= 0xCF else -number, valid=decoded.valid)
    return values.hexadecimal(data)


def _scaled(decoded: values.Decoded, meaning: codes.Meaning) -> values.Decoded:
    """Return a number in the unit of its meaning; text and instants stay."""
    if isinstance(decoded.value, Decimal):
        return values.Decoded(decoded.value * meaning.factor, valid=decoded.valid)
    return decoded
