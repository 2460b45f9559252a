"""What the values of one device say about one another, before anybody believes them.

Nothing is corrected or guessed here: every doubt is told with the figures it rests on, and a person decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from thermal.domain import planning, water
from thermal.domain.planning import Request
from thermal.domain.readings import Answer, PointIsWrong, PointSpec
from thermal.domain.registers import register_point

Ranges = Mapping[str, tuple[float, float]]

PLAUSIBLE: Final[dict[str, tuple[float, float]]] = {
    "energy_kwh": (0.0, 1e9),
    "volume_m3": (0.0, 1e9),
    "supply_energy_m3c": (0.0, 1e11),
    "return_energy_m3c": (0.0, 1e11),
    "power_kw": (-10_000.0, 10_000.0),
    "flow_m3h": (-5_000.0, 5_000.0),
    "supply_c": (0.0, 180.0),
    "return_c": (0.0, 180.0),
    "difference_k": (-20.0, 180.0),
    "temperature_c": (-40.0, 200.0),
    "pressure_bar": (-1.0, 100.0),
    "ratio": (0.0, 1.0),
    "operating_h": (0.0, 1e6),
    "error_h": (0.0, 1e6),
    "flag": (0.0, 1.0),
}
"""Between which values a quantity is believed, in its canonical unit; states and codes may be any number.

Temperatures of heat meters: the range of EN 1434-1, 0 to 180 °C.
"""

SMALLEST_FLOAT: Final = 1e-6
"""Nothing here is measured that finely: such a float has its words or bytes in another order."""
SENSOR_CODES_C: Final[dict[float, str]] = {0.0: "short", 185.0: "open"}
"""Temperatures by which heat meters say that a sensor is broken (Kamstrup MULTICAL, technical description)."""
POWER_TOLERANCE_RATIO: Final = 0.1
POWER_TOLERANCE_KW: Final = 0.3
SMALLEST_DIFFERENCE_K: Final = 1.0
CLOCK_TOLERANCE: Final = dt.timedelta(minutes=3)
OTHER_ORDERS: Final = ((True, False), (False, True), (True, True))


@dataclass(frozen=True, slots=True)
class Told:
    """One point as the device told it: its value, and what stood on the wire."""

    slot: int
    key: str
    name: str
    quantity: str
    unit: str
    value: str | None
    raw: str = ""
    reason: str = ""

    @property
    def number(self) -> float | None:
        """The value as a number; None for a clock or where nothing came."""
        if self.value is None or self.quantity == "device_time":
            return None
        return float(self.value)


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubt: a code and the facts of its sentence."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known about the device and its meter, against which its values are held."""

    capacity_kwh: float | None = None
    max_kw: float | None = None
    qp_m3h: float | None = None
    sensor_in_return: bool = True
    is_water: bool = True
    ranges: Ranges = field(default_factory=lambda: PLAUSIBLE)

    def range_of(self, quantity: str) -> tuple[float, float] | None:
        """Between which values a quantity is believed here, narrowed by what the meter can do."""
        known = self.ranges.get(quantity)
        if known is None:
            return None
        low, high = known
        if quantity == "energy_kwh" and self.capacity_kwh is not None:
            return low, min(high, self.capacity_kwh)
        if quantity == "power_kw" and self.max_kw is not None:
            return max(low, -1.5 * self.max_kw), min(high, 1.5 * self.max_kw)
        if quantity == "flow_m3h" and self.qp_m3h is not None:
            # The overload flow qs of EN 1434 is twice the permanent flow.
            return max(low, -2 * self.qp_m3h), min(high, 2 * self.qp_m3h)
        return low, high

    def believes(self, quantity: str, value: float) -> bool:
        """Whether the value can be one of the quantity."""
        if value and abs(value) < SMALLEST_FLOAT:
            return False
        known = self.range_of(quantity)
        return known is None or known[0] <= value <= known[1]


def doubts(told: Sequence[Told], subject: Subject) -> list[Finding]:
    """Return everything that speaks against the values of a heat, electricity or plant device.

    Examples
    --------
    >>> values = [
    ...     Told(0, "supply-c", "Supply", "supply_c", "°C", "38.2"),
    ...     Told(1, "return-c", "Return", "return_c", "°C", "185.00"),
    ... ]
    >>> [(finding.code, finding.facts["point"]) for finding in doubts(values, Subject())]
    [('sensor_fault', 'Return')]
    """
    return [*_missing(told), *_values(told, subject), *_physics(told, subject)]


def _missing(told: Sequence[Told]) -> Iterator[Finding]:
    for point in told:
        if point.value is None:
            yield Finding("value_missing", {"point": point.name, "reason": point.reason})


def _values(told: Sequence[Told], subject: Subject) -> Iterator[Finding]:
    for point in told:
        value = point.number
        if value is None:
            continue
        if (sensor := _sensor_fault(point.quantity, value)) is not None:
            yield Finding("sensor_fault", {"point": point.name, "value": point.value, "fault": sensor})
        elif point.quantity == "flow_m3h" and value < 0:
            yield Finding("flow_negative", {"point": point.name, "value": point.value, "unit": point.unit})
        elif not subject.believes(point.quantity, value):
            low, high = subject.range_of(point.quantity) or (0.0, 0.0)
            facts = {"point": point.name, "value": point.value, "unit": point.unit, "low": low, "high": high}
            yield Finding("value_out_of_range", facts)


def _sensor_fault(quantity: str, value: float) -> str | None:
    """What a meter says about its sensor by a temperature; a sensor outdoors may well show exactly 0."""
    if quantity in ("supply_c", "return_c") or (quantity == "temperature_c" and value):
        return SENSOR_CODES_C.get(value)
    return None


def _first(told: Sequence[Told], quantity: str) -> float | None:
    """The value of the point named like the quantity, or of the first one that has it."""
    rows = sorted(
        (point for point in told if point.quantity == quantity),
        key=lambda point: (point.key.replace("-", "_") != quantity, point.slot),
    )
    return rows[0].number if rows else None


def _physics(told: Sequence[Told], subject: Subject) -> Iterator[Finding]:
    # A value that cannot be true says nothing about the others.
    believed = [point for point in told if point.number is None or subject.believes(point.quantity, point.number)]
    supply_c, return_c = _first(believed, "supply_c"), _first(believed, "return_c")
    flow_m3h, power_kw = _first(believed, "flow_m3h"), _first(believed, "power_kw")
    if supply_c is None or return_c is None or {supply_c, return_c} & set(SENSOR_CODES_C):
        return
    flows = flow_m3h is None or flow_m3h > 0
    if supply_c < return_c and flows:
        yield Finding("supply_below_return", {"supply": supply_c, "return": return_c})
        return
    if power_kw is None or flow_m3h is None or flow_m3h <= 0 or not subject.is_water:
        return
    if supply_c - return_c < SMALLEST_DIFFERENCE_K or max(supply_c, return_c) > water.HIGHEST_C:
        return
    # A volume an hour carries as many kWh as the power has kW.
    expected_kw = water.heat_kwh(flow_m3h, supply_c, return_c, sensor_in_return=subject.sensor_in_return)
    if abs(power_kw - expected_kw) > max(POWER_TOLERANCE_KW, POWER_TOLERANCE_RATIO * expected_kw):
        yield Finding("power_mismatch", {"told": power_kw, "expected": round(expected_kw, 2)})


def clock_doubt(offset_s: float | None, tolerance: dt.timedelta = CLOCK_TOLERANCE) -> list[Finding]:
    """Return the doubt about a clock that runs ahead (above 0) or behind by this many seconds."""
    if offset_s is None or abs(offset_s) <= tolerance.total_seconds():
        return []
    return [Finding("clock_off", {"seconds": round(offset_s)})]


@dataclass(frozen=True, slots=True)
class OtherOrder:
    """What the same registers would say with their words or bytes in another order."""

    option: str
    value: float


def other_orders(spec: PointSpec, options: Mapping[str, Any], raw: str) -> list[OtherOrder]:
    """Return the values of a point's registers in every other order of words and bytes.

    Examples
    --------
    >>> spec = PointSpec(0, "supply-c", "Supply", "supply_c", "°C", {"register": 0, "type": "float32"})
    >>> [(order.option, round(order.value, 1)) for order in other_orders(spec, {}, "8000 4226")][0]
    ('word_order: little', 41.6)
    """
    try:
        point = register_point(spec, dict(options))
        registers = [int(word, 16) for word in raw.split()]
    except (PointIsWrong, ValueError):
        return []
    if point.is_bit_table or len(registers) != point.count or not all(0 <= word <= 0xFFFF for word in registers):
        return []
    found = []
    for words, octets in OTHER_ORDERS:
        if words and point.count == 1:
            continue
        other = replace(point, swap_words=point.swap_words != words, swap_bytes=point.swap_bytes != octets)
        request = Request(point.table, point.start, point.count, (other,))
        answer = Answer(point.slot + 1)
        planning.reader(request, set()).read_into(answer, registers)
        if (value := answer.values[point.slot]) is not None:
            changed = [("word_order", other.swap_words)] * words + [("byte_order", other.swap_bytes)] * octets
            names = (f"{name}: {'little' if is_little else 'big'}" for name, is_little in changed)
            found.append(OtherOrder(", ".join(names), value))
    return found


def order_doubts(
    told: Sequence[Told], specs: Sequence[PointSpec], options: Mapping[str, Any], subject: Subject
) -> list[Finding]:
    """Return each point whose value cannot be true, but would be with words or bytes in another order.

    The order is not changed and not guessed: the finding names the option of the profile that would have to change.
    """
    by_slot = {spec.slot: spec for spec in specs}
    found = []
    for point in told:
        value, spec = point.number, by_slot.get(point.slot)
        if spec is None or not point.raw or (value is not None and subject.believes(point.quantity, value)):
            continue
        if subject.range_of(point.quantity) is None:
            continue
        possible = [
            order
            for order in other_orders(spec, options, point.raw)
            if order.value and subject.believes(point.quantity, order.value)
        ]
        if possible:
            would_be = "; ".join(f"{order.option} → {order.value:.7g}" for order in possible)
            facts = {"point": point.name, "value": point.value, "unit": point.unit, "would_be": would_be}
            found.append(Finding("order_contradicts", facts))
    return found
