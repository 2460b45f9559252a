"""Which record of a telegram fills which point of a profile."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from kernel import units
from thermal.domain.mbus import codes
from thermal.domain.mbus.records import ONLY_NEGATIVE, ONLY_POSITIVE, Function, Record
from thermal.domain.readings import (
    CANONICAL_UNITS,
    LARGEST,
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

FUNCTIONS: Final = {
    "instantaneous": Function.INSTANTANEOUS,
    "maximum": Function.MAXIMUM,
    "minimum": Function.MINIMUM,
    "error": Function.ERROR_STATE,
}
QUALIFIERS: Final[dict[str, tuple[int, ...]]] = {"": (), "positive": (ONLY_POSITIVE,), "negative": (ONLY_NEGATIVE,)}
QUANTITIES: Final[dict[str, str]] = {
    "energy_kwh": codes.ENERGY,
    "volume_m3": codes.VOLUME,
    "power_kw": codes.POWER,
    "flow_m3h": codes.VOLUME_FLOW,
    "supply_c": codes.FLOW_TEMPERATURE,
    "return_c": codes.RETURN_TEMPERATURE,
    "difference_k": codes.TEMPERATURE_DIFFERENCE,
    "temperature_c": "External temperature",
    "pressure_bar": "Pressure",
    "voltage_v": "Voltage",
    "current_a": "Current",
    "operating_h": codes.OPERATING_TIME,
    "info_code": codes.ERROR_FLAGS,
    "device_time": codes.DATE_TIME,
}
"""The M-Bus quantity that a point has where its address names none."""

KNOWN: Final = LANGUAGES["mbus_tcp"].point_names


@dataclass(frozen=True, slots=True)
class RecordPoint:
    """One record of a telegram, as a profile describes it."""

    spec: PointSpec
    quantity: str
    function: Function
    storage: int
    tariff: int
    subunit: int
    qualifiers: tuple[int, ...]
    convert: Conversion

    def fits(self, record: Record) -> bool:
        """Return whether the record is the one."""
        return (
            record.quantity.casefold() == self.quantity
            and record.function is self.function
            and (record.storage, record.tariff, record.subunit) == (self.storage, self.tariff, self.subunit)
            and record.qualifiers == self.qualifiers
        )


@dataclass(frozen=True, slots=True)
class RecordPlan:
    """All points of a profile, and which of them a meter reading wants exactly."""

    points: tuple[RecordPoint, ...]
    slot_count: int
    register_slots: dict[str, int]
    distrust: tuple[Distrust, ...] = ()


def plan(specs: Sequence[PointSpec]) -> RecordPlan:
    """Return the plan for a profile."""
    points = tuple(map(record_point, specs))
    return RecordPlan(points, slot_count(list(specs)), register_slots(list(specs)), distrust_rules(specs))


def record_point(spec: PointSpec) -> RecordPoint:
    """Return the point as its profile describes it; anything unclear is refused by name.

    The address has, as needed, `quantity` (as `decode_mbus` prints it; without it the point's own),
    `function` (instantaneous, maximum, minimum, error), `storage`, `tariff`, `subunit` (0 without), `qualifier`
    (positive, negative, or the numbers of the extensions, such as a maker puts behind FF), `scale` and `offset` for
    meters that tell a number without unit. `invalid_with` and `invalid_values` are described at
    `readings.distrust_rules`.
    """
    address = spec.address
    unknown = sorted(set(address) - KNOWN)
    if unknown:
        raise PointIsWrong(point=spec.key, problem=f"“{unknown[0]}” is not known to M-Bus.")
    quantity = str(address.get("quantity") or QUANTITIES.get(spec.quantity, ""))
    if not quantity:
        raise PointIsWrong(point=spec.key, problem="the quantity of the record is not given.")
    return RecordPoint(
        spec=spec,
        quantity=quantity.casefold(),
        function=_choice(spec, "function", FUNCTIONS, "instantaneous"),
        storage=_number(spec, "storage"),
        tariff=_number(spec, "tariff"),
        subunit=_number(spec, "subunit"),
        qualifiers=_qualifiers(spec),
        convert=conversion(
            point=spec.key,
            quantity=spec.quantity,
            unit="",
            scale=exact_fraction(spec.key, "scale", address.get("scale", 1)),
            offset=exact_fraction(spec.key, "offset", address.get("offset", 0)),
        ),
    )


def _choice(spec: PointSpec, name: str, choices: dict[str, Any], default: str) -> Any:
    """Return the meaning of a word in the address."""
    word = str(spec.address.get(name, default)).removesuffix(" value").casefold()
    if word not in choices:
        raise PointIsWrong(point=spec.key, problem=f"{name} “{word}” is none of {', '.join(filter(None, choices))}.")
    return choices[word]


def _qualifiers(spec: PointSpec) -> tuple[int, ...]:
    """Return the extensions that the record must have; makers number their own, such as 7 for E8 of some meters."""
    given = spec.address.get("qualifier")
    numbers = given if isinstance(given, list) else [given]
    if given and all(isinstance(number, int) and not isinstance(number, bool) for number in numbers):
        return tuple(numbers)
    chosen: tuple[int, ...] = _choice(spec, "qualifier", QUALIFIERS, "")
    return chosen


def _number(spec: PointSpec, name: str) -> int:
    """Return a counting number in the address, 0 where it is not given."""
    number = spec.address.get(name, 0)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise PointIsWrong(point=spec.key, problem=f"{name} “{number}” is not a number from 0.")
    return number


def fill(answer: Answer, plan: RecordPlan, records: Sequence[Record]) -> None:
    """Put the values of the records into the answer, with a reason for each that is missing."""
    kept = set(plan.register_slots.values())
    for point in plan.points:
        slot = point.spec.slot
        if answer.raw is not None:
            told = " / ".join(record.raw.hex(" ").upper() for record in records if point.fits(record))
            answer.raw |= {slot: told} if told else {}
        value = _value(point, records)
        if isinstance(value, Missing):
            answer.missing[slot] = value
        elif isinstance(value, dt.datetime):
            answer.exact[slot] = value
        else:
            answer.values[slot] = float(value)
            if slot in kept:
                answer.exact[slot] = value
    answer.distrust(plan.distrust)


def _value(point: RecordPoint, records: Sequence[Record]) -> Decimal | dt.datetime | Missing:
    """Return the value of a point, or why there is none."""
    fitting = [record for record in records if point.fits(record)]
    if not fitting:
        return Missing.NOT_TOLD
    valid = [record for record in fitting if record.valid]
    if not valid:
        return Missing.INVALID
    told = [_converted(point, record) for record in valid]
    return told[0] if all(value == told[0] for value in told[1:]) else Missing.AMBIGUOUS


def _converted(point: RecordPoint, record: Record) -> Decimal | dt.datetime | Missing:
    """Return the record's value in the unit of the point."""
    if point.spec.quantity == "device_time":
        return record.value if isinstance(record.value, dt.datetime) else Missing.INVALID
    if not isinstance(record.value, Decimal):
        return Missing.INVALID
    target = CANONICAL_UNITS[point.spec.quantity]
    try:
        value = units.to_canonical(record.value, record.unit) if target and record.unit else record.value
        fits = not (target and record.unit) or units.unit_of(record.unit).quantity == units.unit_of(target).quantity
    except units.UnknownUnit:
        return Missing.INVALID
    # The first look keeps numbers away that have more digits than can be computed with.
    if not fits or abs(value) > LARGEST:
        return Missing.INVALID
    converted = point.convert.exact(value)
    return converted if abs(converted) < LARGEST else Missing.INVALID
