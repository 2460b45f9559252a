"""What one read of one device yields, whatever language it speaks."""

from __future__ import annotations

import datetime as dt
import enum
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from hosting.domain.address_checks import exact_number
from kernel import units
from kernel.errors import Refusal

CANONICAL_UNITS: Final[dict[str, str]] = {
    "energy_kwh": "kWh",
    "volume_m3": "m³",
    "supply_energy_m3c": "m³·°C",
    "return_energy_m3c": "m³·°C",
    "power_kw": "kW",
    "flow_m3h": "m³/h",
    "supply_c": "°C",
    "return_c": "°C",
    "difference_k": "K",
    "temperature_c": "°C",
    "pressure_bar": "bar",
    "voltage_v": "V",
    "current_a": "A",
    "frequency_hz": "Hz",
    "apparent_va": "VA",
    "ratio": "1",
    "operating_h": "h",
    "error_h": "h",
    "state": "",
    "flag": "",
    "info_code": "",
    "device_time": "",
}
"""The unit that each quantity of a profile point is kept in; none for numbers that count nothing."""

REGISTER_QUANTITIES: Final = frozenset(
    {
        "energy_kwh",
        "volume_m3",
        "supply_energy_m3c",
        "return_energy_m3c",
        "power_kw",
        "flow_m3h",
        "supply_c",
        "return_c",
        "operating_h",
        "error_h",
        "info_code",
        "device_time",
    }
)
"""Quantities that a meter reading keeps, exactly."""

SENSOR_FAULT_C: Final = (0, 185)
"""What heat meters show for a temperature sensor that is short or open (Kamstrup MULTICAL technical descriptions)."""

LARGEST: Final = 1e30
"""Beyond every measurement: what is larger comes from a device that speaks nonsense."""

WHOLE_REGISTERS: Final = frozenset({"energy_kwh", "volume_m3", "supply_energy_m3c", "return_energy_m3c"})


class PointIsWrong(Refusal):
    """A profile point that cannot be read as it is described."""

    sentence = "Point %(point)s: %(problem)s"


class Missing(enum.IntEnum):
    """Why a slot of a frame has no value; the number is what a frame's quality bytes keep."""

    PRESENT = 0
    NO_ANSWER = 1
    REFUSED = 2
    NOT_AVAILABLE = 3
    INVALID = 4
    NOT_TOLD = 5
    AMBIGUOUS = 6
    GARBLED = 7
    NOT_ASKED = 8


MISSING_TEXTS: Final[dict[Missing, str]] = {
    Missing.PRESENT: "",
    Missing.NO_ANSWER: "no answer in time",
    Missing.REFUSED: "the device refuses to tell it",
    Missing.NOT_AVAILABLE: "the device says that it has no value",
    Missing.INVALID: "the device marks the value invalid",
    Missing.NOT_TOLD: "not in the answer",
    Missing.AMBIGUOUS: "told more than once, with different values",
    Missing.GARBLED: "the answer cannot be understood",
    Missing.NOT_ASKED: "not asked for, because the device stopped answering",
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """From what a device says to the canonical unit: value times factor plus offset."""

    factor: Fraction = Fraction(1)
    offset: Fraction = Fraction(0)

    def exact(self, value: Decimal) -> Decimal:
        """Return the converted value, exact wherever a decimal can hold it.

        Examples
        --------
        >>> Conversion(Fraction(1, 10)).exact(Decimal(227))
        Decimal('22.7')
        """
        return units.as_decimal(Fraction(value) * self.factor + self.offset)


def conversion(*, point: str, quantity: str, unit: str, scale: Fraction, offset: Fraction) -> Conversion:
    """Return how the raw number of a point becomes its quantity: first scale and offset, then the unit."""
    if quantity not in CANONICAL_UNITS:
        raise PointIsWrong(point=point, problem=f"{quantity or 'nothing'} is not a quantity.")
    target = CANONICAL_UNITS[quantity]
    if not unit or not target:
        return Conversion(scale, offset)
    try:
        spoken, kept = units.unit_of(unit), units.unit_of(target)
    except units.UnknownUnit as refusal:
        raise PointIsWrong(point=point, problem=refusal.detail) from None
    if spoken.quantity != kept.quantity and {spoken.symbol, kept.symbol} != {"°C", "K"}:
        raise PointIsWrong(point=point, problem=f"{unit} is not a unit of {quantity}.")
    return Conversion(scale * spoken.factor, offset * spoken.factor + spoken.offset)


def shortest_float32(number: float) -> str:
    """Return the shortest decimal that names this float32 and no other.

    Examples
    --------
    >>> shortest_float32(41.73743438720703)
    '41.737434'
    """
    packed = struct.pack("<f", number)
    for digits in range(6, 9):
        text = f"{number:.{digits}g}"
        if struct.pack("<f", float(text)) == packed:
            return text
    return f"{number:.9g}"


def exact_fraction(point: str, name: str, value: Any) -> Fraction:
    """Return a scale or offset of a profile as an exact fraction; decimals are written as text or numbers."""
    try:
        return exact_number(value)
    except (ValueError, ZeroDivisionError):
        raise PointIsWrong(point=point, problem=f"{name} “{value}” is not a number.") from None


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One point of a device profile: slot, meaning, and where the device keeps it."""

    slot: int
    key: str
    name: str
    quantity: str
    unit: str
    address: dict[str, Any]


@dataclass(slots=True)
class Answer:
    """The outcome of one read of one device: what it told, and why the rest is missing."""

    slot_count: int
    values: list[float | None] = field(default_factory=list)
    missing: dict[int, Missing] = field(default_factory=dict)
    exact: dict[int, Decimal | dt.datetime] = field(default_factory=dict)
    """Exact values of the slots whose quantity belongs in a meter reading."""
    error: str = ""
    """In plain words, what went wrong; empty if everything was told."""
    elapsed_s: float = 0.0
    """Seconds from the start of the batch until the answer was complete."""
    latency_s: float = 0.0
    request_count: int = 0
    payload_hash: bytes | None = None
    identification: str = ""
    """The number by which the device itself says who it is."""
    refusals: dict[str, Any] | None = None
    """What the device was found to refuse, this time and before, for its next plan; None if nothing was learned."""
    raw: dict[int, str] | None = None
    """What stood on the wire for each slot, in hexadecimal digits; None unless somebody wants to see it."""
    at: dt.datetime | None = None
    """When it was measured, where the device tells; without an offset, by the clock of the device. None is now."""

    def __post_init__(self) -> None:
        if not self.values:
            self.values = [None] * self.slot_count

    @property
    def told(self) -> bool:
        """True if at least one value came."""
        return any(value is not None for value in self.values) or bool(self.exact)

    @property
    def quality(self) -> bytes | None:
        """The reason of each missing slot, a byte each; None if nothing is missing."""
        if not self.missing:
            return None
        reasons = bytearray(self.slot_count)
        for slot, reason in self.missing.items():
            reasons[slot] = reason
        return bytes(reasons)

    def miss(self, slots: list[int], reason: Missing) -> None:
        """Note why these slots have no value."""
        for slot in slots:
            self.missing.setdefault(slot, reason)

    def distrust(self, rules: Sequence[Distrust]) -> None:
        """Take back the values that the device itself spoils by telling of a fault."""
        for rule in rules:
            value = self.values[rule.slot]
            # Half of the finest step that a meter shows; what a float makes of 185.00 is nearer.
            if value is None or not self.values[rule.fault_slot]:
                continue
            if any(abs(value - wrong) < 0.0005 for wrong in rule.values):
                self.values[rule.slot] = None
                self.exact.pop(rule.slot, None)
                self.missing[rule.slot] = Missing.INVALID


def limit_of(options: dict[str, Any], name: str, default: int, *, least: int) -> int:
    """Return a limit of the device, as its profile gives it."""
    given = options.get(name, default)
    if type(given) is not int or given < least:
        raise PointIsWrong(point="–", problem=f"{name} “{given}” is not a number from {least}.")
    return given


@dataclass(frozen=True, slots=True)
class Distrust:
    """A value that counts for nothing if it is one of some numbers while another point tells of a fault."""

    slot: int
    fault_slot: int
    values: tuple[float, ...]


def distrust_rules(points: Sequence[PointSpec]) -> tuple[Distrust, ...]:
    """Return the rules that the addresses of the points give.

    `invalid_with` is the key of the point that tells of faults, anything but 0 being one; `invalid_values` are the
    numbers, in the canonical unit, by which the device then says that it could not measure: 0 and 185 without.
    """
    slots = {point.key: point.slot for point in points}
    rules: list[Distrust] = []
    for point in points:
        key, given = point.address.get("invalid_with"), point.address.get("invalid_values", list(SENSOR_FAULT_C))
        if key is None and "invalid_values" in point.address:
            raise PointIsWrong(point=point.key, problem="“invalid_values” need “invalid_with”.")
        if key is None:
            continue
        if not isinstance(key, str) or key == point.key or key not in slots:
            raise PointIsWrong(point=point.key, problem=f"invalid_with “{key}” is not another point of the profile.")
        values = given if isinstance(given, list) else [given]
        if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            raise PointIsWrong(point=point.key, problem="“invalid_values” is a number or a list of numbers.")
        rules.append(Distrust(point.slot, slots[key], tuple(map(float, values))))
    return tuple(rules)


def slot_count(points: list[PointSpec]) -> int:
    """Return the length of a frame of these points."""
    return max((point.slot for point in points), default=-1) + 1


def register_slots(points: list[PointSpec]) -> dict[str, int]:
    """Return the slot of each quantity that a meter reading keeps.

    Where a profile has several points of one quantity, the one named like the quantity is the meter's own
    register; without such a name it is the first.
    """
    slots: dict[str, int] = {}
    for point in sorted(points, key=lambda point: (point.key.replace("-", "_") != point.quantity, point.slot)):
        if point.quantity in REGISTER_QUANTITIES:
            slots.setdefault(point.quantity, point.slot)
    return slots
