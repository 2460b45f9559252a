"""Modbus registers: what a profile point says about its place, and how its number is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from thermal.domain.readings import Conversion, PointIsWrong, PointSpec, conversion, exact_fraction

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
}
"""For each type its registers and its letter in `struct`."""

LAST_REGISTER: Final = 65535
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
    """Raw numbers by which the device says that it has no value."""
    bit: int | None = None

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
    def word_order(self) -> tuple[int, ...]:
        """Registers of the number, from the one with its highest digits."""
        registers = range(self.start, self.start + self.count)
        return tuple(reversed(registers)) if self.swap_words else tuple(registers)


def register_point(spec: PointSpec, options: dict[str, Any]) -> RegisterPoint:
    """Return the point as its profile describes it; anything unclear is refused by name.

    The address has `table` (holding, input, coil, discrete), `register` (0-based, as on the wire), `type`,
    and as needed `word_order` and `byte_order` ("big" or "little"), `scale`, `offset`, `missing` (a raw number
    or a list of them) and `bit`. The options of the profile give the default word and byte order.
    """
    address = spec.address
    unknown = sorted(set(address) - KNOWN)
    if unknown:
        raise PointIsWrong(point=spec.key, problem=f"“{unknown[0]}” is not known to Modbus.")
    table = address.get("table", "holding")
    if table not in TABLES:
        raise PointIsWrong(point=spec.key, problem=f"“{table}” is none of {', '.join(TABLES)}.")
    kind = "uint16" if table in ("coil", "discrete") else address.get("type", "uint16")
    if kind not in KINDS:
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
        missing=_sentinels(spec),
        bit=_bit(spec, kind),
    )


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


def _sentinels(spec: PointSpec) -> frozenset[int | float]:
    """Return the raw numbers that mean "no value"."""
    given = spec.address.get("missing", [])
    sentinels = given if isinstance(given, list) else [given]
    if not all(isinstance(number, int | float) for number in sentinels):
        raise PointIsWrong(point=spec.key, problem="“missing” is a raw number or a list of raw numbers.")
    return frozenset(sentinels)


def _bit(spec: PointSpec, kind: str) -> int | None:
    """Return which bit of the register is the value, if only one is."""
    bit = spec.address.get("bit")
    if bit is None:
        return None
    if not isinstance(bit, int) or KINDS[kind][1] not in "HIQ" or not 0 <= bit < 16 * KINDS[kind][0]:
        raise PointIsWrong(point=spec.key, problem=f"“{bit}” is not a bit of an unsigned number.")
    return bit
