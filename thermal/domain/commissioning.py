"""Commissioning: what a device tells beside what a person reads on the meter's display."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from thermal.domain.plausibility import Finding, Subject, Told, other_orders
from thermal.domain.readings import PointSpec

REGISTERS: Final = ("energy_kwh", "volume_m3")
"""Quantities that a display shows digit by digit; they only ever count on."""
COMPARABLE: Final = (*REGISTERS, "power_kw", "flow_m3h", "supply_c", "return_c", "temperature_c", "difference_k")
"""Quantities that a person can read somewhere and type."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """How far display and telegram may lie apart without a word about it."""

    register_steps: Decimal = Decimal(2)
    temperature_k: Decimal = Decimal(1)
    flow_ratio: Decimal = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Typed:
    """What a person read on the display: values by slot in their canonical unit, and the serial number."""

    values: Mapping[int, Decimal]
    steps: Mapping[int, Decimal] = field(default_factory=dict)
    """What the last digit of the display is worth, by slot; without it the digits typed tell."""
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One value as told and as typed; `steps` is the difference in last digits of the register."""

    slot: int
    name: str
    unit: str
    told: Decimal
    typed: Decimal
    step: Decimal
    tolerance: Decimal
    is_within: bool

    @property
    def difference(self) -> Decimal:
        """How much more was told than typed."""
        return self.told - self.typed

    @property
    def steps(self) -> Decimal:
        """The difference in steps of the last digit."""
        return self.difference / self.step


def compare(
    told: Sequence[Told], typed: Typed, *, step_kwh: Decimal | None, counted_kwh: Decimal, tolerances: Tolerances
) -> list[Comparison]:
    """Return each typed value beside what the device told.

    Parameters
    ----------
    step_kwh
        What one step of the meter's register is worth in kWh; a display with fewer digits has a larger step.
    counted_kwh
        What the meter may have counted on between telegram and display, in kWh; the display may be ahead by that.

    Examples
    --------
    >>> told = [Told(0, "energy", "Energy", "energy_kwh", "kWh", "37351.00")]
    >>> typed = Typed({0: Decimal("37351.03")})
    >>> row = compare(told, typed, step_kwh=Decimal("0.01"), counted_kwh=Decimal(0), tolerances=Tolerances())[0]
    >>> row.steps, row.is_within
    (Decimal('-3'), False)
    """
    rows = []
    for point in told:
        value = typed.values.get(point.slot)
        if value is None or point.value is None:
            continue
        step = typed.steps.get(point.slot) or last_digit(value)
        if point.quantity == "energy_kwh" and step_kwh is not None:
            step = max(step, step_kwh)
        number = Decimal(point.value)
        tolerance = _tolerance(point.quantity, value, step, tolerances)
        ahead = counted_kwh if point.quantity == "energy_kwh" else Decimal(0)
        is_within = -(tolerance + ahead) <= number - value <= tolerance
        rows.append(Comparison(point.slot, point.name, point.unit, number, value, step, tolerance, is_within))
    return rows


def last_digit(value: Decimal) -> Decimal:
    """Return what the last digit of a typed number is worth: 0.001 for 12.345."""
    exponent = value.as_tuple().exponent
    return Decimal(1).scaleb(min(0, exponent)) if isinstance(exponent, int) else Decimal(1)


def _tolerance(quantity: str, value: Decimal, step: Decimal, tolerances: Tolerances) -> Decimal:
    """How far told and typed may lie apart, in the unit of the quantity."""
    if quantity in REGISTERS:
        return tolerances.register_steps * step
    if quantity in ("power_kw", "flow_m3h"):
        return max(tolerances.flow_ratio * abs(value), step)
    return tolerances.temperature_k


def differences(
    rows: Sequence[Comparison], told: Sequence[Told], specs: Sequence[PointSpec], options: Mapping[str, Any]
) -> list[Finding]:
    """Return each comparison beyond its tolerance, and the order of words or bytes that would match the display."""
    by_slot = {point.slot: point for point in told}
    spec_by_slot = {spec.slot: spec for spec in specs}
    found = []
    for row in rows:
        if row.is_within:
            continue
        facts = {"point": row.name, "unit": row.unit, "told": str(row.told), "typed": str(row.typed)}
        found.append(Finding("display_differs", facts | {"steps": f"{row.steps:f}"}))
        point, spec = by_slot[row.slot], spec_by_slot.get(row.slot)
        orders = other_orders(spec, options, point.raw) if spec is not None and point.raw else []
        found.extend(
            Finding("order_matches_display", {"point": row.name, "option": order.option})
            for order in orders
            if abs(Decimal(order.value) - row.typed) <= max(row.tolerance, row.step)
        )
    return found


def serial_doubts(*, told: str, typed: str, recorded: str) -> list[Finding]:
    """Return where the serial numbers of telegram, display and records differ; what nobody said is not compared.

    Examples
    --------
    >>> [finding.code for finding in serial_doubts(told="67204418", typed="", recorded="67204419")]
    ['serial_told_differs']
    >>> serial_doubts(told="67204418", typed="067204418", recorded="67204418")
    []
    """
    found = []
    same = {_bare(recorded)}
    if told and recorded and told.isdecimal() and recorded.isdecimal() and _bare(told) not in same:
        found.append(Finding("serial_told_differs", {"told": told, "recorded": recorded}))
    if typed and recorded and _bare(typed) not in same:
        found.append(Finding("serial_typed_differs", {"typed": typed, "recorded": recorded}))
    return found


def _bare(serial: str) -> str:
    """The serial number without spaces, case and leading zeros, which displays add and leave out."""
    return "".join(serial.split()).upper().lstrip("0")


def clock_offset_s(told: Sequence[Told], *, zone: dt.tzinfo, at: dt.datetime) -> float | None:
    """Return how many seconds the device's clock is ahead of the instant at which it was asked; None if it told none.

    Examples
    --------
    >>> clock = Told(0, "clock", "Clock", "device_time", "", "2026-11-22 21:04:00")
    >>> clock_offset_s([clock], zone=dt.UTC, at=dt.datetime(2026, 11, 22, 21, 0, tzinfo=dt.UTC))
    240.0
    """
    for point in told:
        if point.quantity == "device_time" and point.value is not None:
            shown = dt.datetime.fromisoformat(point.value)
            instant = shown if shown.tzinfo is not None else shown.replace(tzinfo=zone)
            return (instant.astimezone(dt.UTC) - at).total_seconds()
    return None


def subject_of(
    *, ranges: Mapping[str, tuple[float, float]], digits: int | None, step: Decimal | None, **known: Any
) -> Subject:
    """Return what values are held against, with the capacity of a register of so many digits and this step."""
    capacity_kwh = float(step * Decimal(10) ** digits) if step is not None and digits is not None else None
    return Subject(capacity_kwh=capacity_kwh, ranges=ranges, **known)
