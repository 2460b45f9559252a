"""BACnet objects: what a profile point says about its place, and what the values of properties mean."""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from kernel.errors import Refusal
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec, register_slots, slot_count
from thermal.domain.scalars import Number, ScalarPoint, learned, learned_limit, number_of, scalar_points, single

KNOWN: Final = LANGUAGES["bacnet_ip"].point_names
PROPERTY_LIMIT: Final = 24
"""Objects in one request; with their states the answer has about 550 bytes, of 1,476 that fit on IP and 480 behind
many routers."""
LARGEST_LIMIT: Final = 128

OBJECT_TYPES: Final[dict[str, int]] = {
    "analog-input": 0,
    "analog-output": 1,
    "analog-value": 2,
    "binary-input": 3,
    "binary-output": 4,
    "binary-value": 5,
    "device": 8,
    "loop": 12,
    "multi-state-input": 13,
    "multi-state-output": 14,
    "averaging": 18,
    "multi-state-value": 19,
    "accumulator": 23,
    "pulse-converter": 24,
    "datetime-value": 44,
    "integer-value": 45,
    "large-analog-value": 46,
    "positive-integer-value": 48,
}
PROPERTIES: Final[dict[str, int]] = {
    "change-of-state-count": 15,
    "controlled-variable-value": 21,
    "elapsed-active-time": 33,
    "local-date": 56,
    "local-time": 57,
    "object-identifier": 75,
    "present-value": 85,
    "priority-array": 87,
    "reliability": 103,
    "setpoint": 108,
    "status-flags": 111,
    "average-value": 125,
    "maximum-value": 135,
    "minimum-value": 136,
    "pulse-rate": 186,
    "value-before-change": 190,
}
"""Names and numbers of ASHRAE 135; everything else is given by its number."""

DEVICE: Final = OBJECT_TYPES["device"]
PRESENT_VALUE: Final = PROPERTIES["present-value"]
STATUS_FLAGS: Final = PROPERTIES["status-flags"]
OBJECT_IDENTIFIER: Final = PROPERTIES["object-identifier"]
LOCAL_DATE: Final = PROPERTIES["local-date"]
LOCAL_TIME: Final = PROPERTIES["local-time"]
LAST_TYPE: Final = 1023
LAST_INSTANCE: Final = 4194302
LAST_PROPERTY: Final = 4194303
LAST_NETWORK: Final = 65534
OBJECT_FORM: Final = re.compile(r"([a-z-]+|\d{1,4})[,:](\d{1,7})")
UNIT_FORM: Final = re.compile(r"(\d{1,7})(?:@(\d{1,5}):([0-9a-f]+))?", re.ASCII | re.IGNORECASE)

NULL, BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, TEXT, BITS, ENUMERATED, DATE, TIME = 0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11
"""Application tags of a value (clause 20.2.1.4)."""

Tagged = tuple[int, bytes]
"""One value as it was encoded: its application tag and its content."""


class DeviceUnknown(Refusal):
    """A unit that names no BACnet device."""

    sentence = "“%(unit)s” is not a BACnet device such as 1201, or 1201@2001:7 behind a router."


@dataclass(frozen=True, slots=True)
class Station:
    """A device: its instance number, and where it is behind a router."""

    instance: int
    network: int | None = None
    mac: bytes = b""


def station(unit: str) -> Station:
    """Return the device that a unit names.

    Examples
    --------
    >>> station("1201"), station("1201@2001:7").mac, station("1201@2001:c0a80001bac0").mac.hex()
    (Station(instance=1201, network=None, mac=b''), b'\\x07', 'c0a80001bac0')
    """
    found = UNIT_FORM.fullmatch(unit)
    if not found or int(found[1]) > LAST_INSTANCE:
        raise DeviceUnknown(unit=unit)
    if found[2] is None:
        return Station(int(found[1]))
    network, mac = int(found[2]), found[3]
    is_byte = mac.isdecimal() and int(mac) <= 255 and len(mac) <= 3
    if not 1 <= network <= LAST_NETWORK or not (is_byte or (len(mac) % 2 == 0 and len(mac) <= 14)):
        raise DeviceUnknown(unit=unit)
    return Station(int(found[1]), network, bytes([int(mac)]) if is_byte else bytes.fromhex(mac))


@dataclass(frozen=True, slots=True)
class PropertyPoint:
    """One property of an object, as a profile describes it."""

    scalar: ScalarPoint
    kind: int
    instance: int | None
    """None for the device itself."""
    name: int
    index: int | None

    @property
    def parts(self) -> list[tuple[int, int | None]]:
        """What is read for it; the clock of a device is told in two halves."""
        if self.scalar.spec.quantity == "device_time" and self.name == LOCAL_TIME:
            return [(LOCAL_DATE, None), (LOCAL_TIME, None)]
        return [(self.name, self.index)]


@dataclass(frozen=True, slots=True)
class PropertyPlan:
    """All points of a profile, and how much the device is asked for at once."""

    points: tuple[PropertyPoint, ...]
    multiple: bool
    limit: int
    with_state: bool
    slot_count: int
    register_slots: dict[str, int]

    def objects(self, own: int) -> list[ObjectRead]:
        """Return what to read of each object; first the device itself, which has to be the right one."""
        reads = {(DEVICE, own): ObjectRead(DEVICE, own, {(OBJECT_IDENTIFIER, None): None})}
        for point in self.points:
            instance = own if point.instance is None else point.instance
            read = reads.setdefault((point.kind, instance), ObjectRead(point.kind, instance, {}))
            read.parts.update(dict.fromkeys(point.parts))
            if self.with_state and point.name == PRESENT_VALUE:
                read.parts[STATUS_FLAGS, None] = None
            read.points.append(point)
        return list(reads.values())


class ObjectRead:
    """What is to be read of one object, and what it told."""

    __slots__ = ("instance", "kind", "parts", "points")

    def __init__(self, kind: int, instance: int, parts: dict[tuple[int, int | None], list[Tagged] | Missing | None]):
        self.kind = kind
        self.instance = instance
        self.parts = parts
        """By property and index: the values told, or why there are none; None if it was not asked for yet."""
        self.points: list[PropertyPoint] = []

    @property
    def slots(self) -> list[int]:
        """The slots that this object fills."""
        return [point.scalar.spec.slot for point in self.points]

    def fill(self, answer: Answer) -> None:
        """Put what the object told into the answer."""
        fault = is_in_fault(self.parts.get((STATUS_FLAGS, None)))
        for point in self.points:
            told = [self.parts[part] for part in point.parts]
            if answer.raw is not None:
                answer.raw[point.scalar.spec.slot] = raw_text(told)
            if fault and point.name == PRESENT_VALUE:
                number = Number(Missing.INVALID)
            else:
                number = number_told(told, is_time=point.scalar.spec.quantity == "device_time")
            point.scalar.take(answer, number)


def plan(specs: Sequence[PointSpec], options: Mapping[str, Any]) -> PropertyPlan:
    """Return the plan for a profile; its options may say `multiple`, `max_properties` and `status_flags`.

    The address of a point has `object` (type and instance; "device" alone is the device itself), and as needed
    `property` (present-value without), `index`, `scale`, `divisor`, `offset`, `missing`, `bit`, `single_precision`.
    """
    limit = options.get("max_properties", PROPERTY_LIMIT)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= LARGEST_LIMIT:
        raise PointIsWrong(point="–", problem=f"max_properties “{limit}” is not a number from 1 to {LARGEST_LIMIT}.")
    points = tuple(map(_property_point, scalar_points(specs, known=KNOWN, language="BACnet")))
    return PropertyPlan(
        points=points,
        multiple=bool(options.get("multiple", True)) and learned(options).get("multiple") is not False,
        limit=learned_limit(options, limit),
        with_state=bool(options.get("status_flags", True)),
        slot_count=slot_count(list(specs)),
        register_slots=register_slots(list(specs)),
    )


def _property_point(scalar: ScalarPoint) -> PropertyPoint:
    """Return the point as its profile describes it; anything unclear is refused by name."""
    spec = scalar.spec
    kind, instance = _object(spec)
    given = str(spec.address.get("property", "present-value")).strip().lower()
    name = int(given) if given.isascii() and given.isdecimal() else PROPERTIES.get(given, LAST_PROPERTY + 1)
    if name > LAST_PROPERTY:
        raise PointIsWrong(point=spec.key, problem=f"“{given}” is neither a known property nor its number.")
    index = spec.address.get("index")
    if index is not None and (not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < 2**32):
        raise PointIsWrong(point=spec.key, problem=f"“{index}” is not a place in a list.")
    return PropertyPoint(scalar, kind, instance, name, index)


def _object(spec: PointSpec) -> tuple[int, int | None]:
    """Return type and instance of the object."""
    given = str(spec.address.get("object", "")).replace(" ", "").lower()
    if given == "device":
        return DEVICE, None
    found = OBJECT_FORM.fullmatch(given)
    kind = LAST_TYPE + 1
    if found:
        kind = int(found[1]) if found[1].isdecimal() else OBJECT_TYPES.get(found[1], LAST_TYPE + 1)
    if not found or kind > LAST_TYPE or int(found[2]) > LAST_INSTANCE:
        raise PointIsWrong(point=spec.key, problem=f"“{given}” is not an object such as analog-input,3.")
    return kind, int(found[2])


def is_in_fault(told: list[Tagged] | Missing | None) -> bool:
    """Return whether the state of an object takes its value away: a fault, or a value that somebody typed in.

    Examples
    --------
    >>> is_in_fault([(BITS, b"\\x04\\x40")]), is_in_fault([(BITS, b"\\x04\\x00")]), is_in_fault(None)
    (True, False, False)
    """
    if not isinstance(told, list) or len(told) != 1 or told[0][0] != BITS or len(told[0][1]) < 2:
        return False
    return bool(told[0][1][1] & 0b0101_0000)


def number_told(told: Sequence[list[Tagged] | Missing | None], *, is_time: bool = False) -> Number:
    """Return the number or instant that the values of a property stand for, or why there is none; never fails."""
    for part in told:
        if isinstance(part, Missing):
            return Number(part)
    values = [value for part in told if isinstance(part, list) for value in part]
    if is_time:
        return Number(instant(values))
    if len(values) != 1:
        return Number(Missing.AMBIGUOUS if values else Missing.NOT_TOLD)
    return _number(*values[0])


def _number(tag: int, content: bytes) -> Number:
    """Return the number of one value."""
    if tag in _DECODERS:
        return _DECODERS[tag](content)
    return Number(Missing.NOT_AVAILABLE if tag == NULL else Missing.INVALID)


def _float(content: bytes) -> Number:
    """Return a 32-bit or 64-bit float by its length."""
    if len(content) == 4:
        return single(struct.unpack(">f", content)[0])
    return number_of(struct.unpack(">d", content)[0]) if len(content) == 8 else Number(Missing.INVALID)


def _text(content: bytes) -> Number:
    """Return the number that a text in UTF-8 spells."""
    is_utf8 = content[:1] == b"\0"
    return number_of(content[1:].decode("utf-8", "replace")) if is_utf8 else Number(Missing.INVALID)


def _bits(content: bytes) -> Number:
    """Return a string of bits as a number whose bit 0 is the first of them."""
    unused, octets = content[0], content[1:]
    if unused > 7 or (unused and not octets) or len(octets) > 8:
        return Number(Missing.INVALID)
    text = "".join(f"{octet:08b}" for octet in octets)[: 8 * len(octets) - unused]
    return number_of(int(text[::-1] or "0", 2))


_DECODERS: Final[dict[int, Callable[[bytes], Number]]] = {
    BOOLEAN: lambda content: number_of(int.from_bytes(content, "big")),
    UNSIGNED: lambda content: number_of(int.from_bytes(content, "big")),
    ENUMERATED: lambda content: number_of(int.from_bytes(content, "big")),
    SIGNED: lambda content: number_of(int.from_bytes(content, "big", signed=True)),
    REAL: _float,
    DOUBLE: _float,
    TEXT: _text,
    BITS: _bits,
}


def instant(values: Sequence[Tagged]) -> dt.datetime | Missing:
    """Return the instant of a date and a time; by the clock on the wall, for BACnet tells no zone.

    Examples
    --------
    >>> instant([(DATE, bytes([126, 11, 22, 7])), (TIME, bytes([20, 30, 0, 50]))]).isoformat()
    '2026-11-22T20:30:00.500000'
    """
    if [(tag, len(content)) for tag, content in values] != [(DATE, 4), (TIME, 4)]:
        return Missing.INVALID
    (year, month, day, _weekday), (hour, minute, second, hundredth) = values[0][1], values[1][1]
    try:  # 255 stands for "any", which is no instant
        return dt.datetime(1900 + year, month, day, hour, minute, second, hundredth * 10_000)  # noqa: DTZ001
    except ValueError:
        return Missing.INVALID


def raw_text(told: Sequence[list[Tagged] | Missing | None]) -> str:
    """Return the contents of the values in hexadecimal digits."""
    return " / ".join(content.hex(" ").upper() for part in told if isinstance(part, list) for _tag, content in part)
