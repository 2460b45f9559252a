"""Modbus registers: what a profile point says about its place, and how its number is decoded."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from thermal.domain.readings import Conversion, PointIsWrong, PointSpec, conversion, exact_fraction, shortest_float32

TABLES: Final = ("holding", "input", "coil", "discrete")
"""The four tables of Modbus, all of them read-only here; each has its own read function."""

KINDS: Final[dict[str, tuple[int, str]]] = {
    "int16": (1, "h"),
    "uint16": (1, "H"),
    "int32": (2, "i"),
    "uint32": (2, "I"),
    "int64": (4, "q"),
    "uint64": (4, "Q"),
    "float32": (2, "f"),
    "float64": (4, "d"),
    "bcd16": (1, "H"),
    "bcd32": (2, "I"),
    "bcd64": (4, "Q"),
}
"""For each type its registers and the letter in `struct` of the number that lies in them."""

LAST_REGISTER: Final = 65535
BIT_PATTERN: Final = re.compile(r"0x[0-9a-f]{1,16}", re.IGNORECASE)
NOT_A_NUMBER: Final = "nan"
KNOWN: Final = LANGUAGES["modbus_tcp"].point_names


@dataclass(frozen=True, slots=True)
class RegisterPoint:
    """One number in the registers of a device."""

    slot: int
    key: str
    quantity: str
    table: str
    start: int
    kind: str
    swap_words: bool
    swap_bytes: bool
    convert: Conversion
    missing: frozenset[int | float]
    """Raw numbers by which the device says that it has no value; a NaN among them stands for every NaN."""
    bit: int | None = None
    """The lowest bit of the value, if it is only some bits of the number."""
    bit_count: int = 1

    @property
    def count(self) -> int:
        """Number of registers, or of bits in the tables of bits."""
        return 1 if self.is_bit_table else KINDS[self.kind][0]

    @property
    def is_bit_table(self) -> bool:
        """True for coils and discrete inputs."""
        return self.table in ("coil", "discrete")

    @property
    def is_float(self) -> bool:
        """True if the device computes with floats, so that no digit beyond its precision counts."""
        return self.kind.startswith("float")

    @property
    def nan_is_missing(self) -> bool:
        """True if the device says by a NaN that it has no value, rather than that something is wrong with it."""
        return any(math.isnan(number) for number in self.missing)

    @property
    def part(self) -> Callable[[int], int | None] | None:
        """What makes the value of the raw number, None where it already is the value."""
        if self.kind.startswith("bcd"):
            return decimal_digits
        if self.bit is None:
            return None
        lowest, mask = self.bit, (1 << self.bit_count) - 1
        return lambda raw: raw >> lowest & mask

    @property
    def word_order(self) -> tuple[int, ...]:
        """Registers of the number, from the one with its highest digits."""
        registers = range(self.start, self.start + self.count)
        return tuple(reversed(registers)) if self.swap_words else tuple(registers)

    def exact(self, number: float) -> Decimal:
        """Return the value of a number without loss; a float counts with the digits that it has."""
        if isinstance(number, int):
            return self.convert.exact(Decimal(number))
        return self.convert.exact(Decimal(shortest_float32(number) if self.kind == "float32" else repr(number)))


def register_point(spec: PointSpec, options: dict[str, Any]) -> RegisterPoint:
    """Return the point as its profile describes it; anything unclear is refused by name.

    The address has `table` (holding, input, coil, discrete), `register` (0-based, as on the wire), `type`,
    and as needed `word_order` and `byte_order` ("big" or "little"), `scale`, `offset`, `missing` (a raw number
    or a list of them; "0x8000" is the number with these bits, "nan" stands for every NaN), `bit` (the lowest bit of
    the value) and `bit_count` (1 without). The options of the profile give the default word and byte order.
    `invalid_with` and `invalid_values` are described at `readings.distrust_rules`.
    """
    address = spec.address
    unknown = sorted(set(address) - KNOWN)
    if unknown:
        raise PointIsWrong(point=spec.key, problem=f"“{unknown[0]}” is not known to Modbus.")
    table = address.get("table", "holding")
    if table not in TABLES:
        raise PointIsWrong(point=spec.key, problem=f"“{table}” is none of {', '.join(TABLES)}.")
    kind = "uint16" if table in ("coil", "discrete") else address.get("type", "uint16")
    if not isinstance(kind, str) or kind not in KINDS:
        raise PointIsWrong(point=spec.key, problem=f"“{kind}” is none of {', '.join(KINDS)}.")
    return RegisterPoint(
        slot=spec.slot,
        key=spec.key,
        quantity=spec.quantity,
        table=table,
        start=_start(spec, KINDS[kind][0]),
        kind=kind,
        swap_words=_order(spec, options, "word_order"),
        swap_bytes=_order(spec, options, "byte_order"),
        convert=conversion(
            point=spec.key,
            quantity=spec.quantity,
            unit=spec.unit,
            scale=exact_fraction(spec.key, "scale", address.get("scale", 1)),
            offset=exact_fraction(spec.key, "offset", address.get("offset", 0)),
        ),
        missing=_sentinels(spec, kind),
        bit=_bit(spec, kind),
        bit_count=_bit_count(spec, kind),
    )


def decimal_digits(raw: int) -> int | None:
    """Return the number whose decimal digits are the hexadecimal ones of the registers; None if one is above 9.

    Examples
    --------
    >>> decimal_digits(0x1234), decimal_digits(0x12A4)
    (1234, None)
    """
    digits = f"{raw:x}"
    return int(digits) if digits.isdecimal() else None


def _start(spec: PointSpec, count: int) -> int:
    """Return the first register, which must leave room for the rest of the number."""
    start = spec.address.get("register")
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start <= LAST_REGISTER + 1 - count:
        raise PointIsWrong(point=spec.key, problem=f"“{start}” is not a register from 0 to {LAST_REGISTER}.")
    return start


def _order(spec: PointSpec, options: dict[str, Any], name: str) -> bool:
    """Return whether words, or bytes, come lowest first."""
    order = spec.address.get(name, options.get(name, "big"))
    if order not in ("big", "little"):
        raise PointIsWrong(point=spec.key, problem=f"{name} “{order}” is neither big nor little.")
    return bool(order == "little")


def _sentinels(spec: PointSpec, kind: str) -> frozenset[int | float]:
    """Return the raw numbers that mean "no value"."""
    given = spec.address.get("missing", [])
    return frozenset(_sentinel(spec, kind, number) for number in (given if isinstance(given, list) else [given]))


def _sentinel(spec: PointSpec, kind: str, given: object) -> int | float:
    """Return the raw number that the registers give where the device means this sentinel."""
    count, letter = KINDS[kind]
    try:
        if isinstance(given, str) and BIT_PATTERN.fullmatch(given):
            packed = int(given, 16).to_bytes(2 * count, "big")
        elif given == NOT_A_NUMBER and letter in "fd":
            packed = struct.pack(f">{letter}", math.nan)
        elif isinstance(given, int | float) and not isinstance(given, bool):
            packed = struct.pack(f">{letter}", given)
        else:
            raise PointIsWrong(point=spec.key, problem=f"missing “{given}” is no raw number, 0x... or nan.")
    except (struct.error, OverflowError):
        problem = f"missing “{given}” is no number of {kind}; its bits are written as 0x..."
        raise PointIsWrong(point=spec.key, problem=problem) from None
    number: int | float = struct.unpack(f">{letter}", packed)[0]
    return number


def _bit(spec: PointSpec, kind: str) -> int | None:
    """Return which bit of the register is the value or the lowest one of it, if not all are."""
    bit = spec.address.get("bit")
    if bit is None:
        return None
    if not _is_whole(bit) or not kind.startswith("uint") or not 0 <= bit < 16 * KINDS[kind][0]:
        raise PointIsWrong(point=spec.key, problem=f"“{bit}” is not a bit of an unsigned number.")
    return int(bit)


def _bit_count(spec: PointSpec, kind: str) -> int:
    """Return how many bits are the value, counted upwards from the one that is given."""
    count = spec.address.get("bit_count")
    if count is None:
        return 1
    bit = spec.address.get("bit")
    if bit is None or not _is_whole(count) or not 1 <= count <= 16 * KINDS[kind][0] - bit:
        raise PointIsWrong(point=spec.key, problem=f"“{count}” is not a number of bits from the given bit on.")
    return int(count)


def _is_whole(value: object) -> bool:
    """Return whether it is a whole number; yes and no are none."""
    return isinstance(value, int) and not isinstance(value, bool)
