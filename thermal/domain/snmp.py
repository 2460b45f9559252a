"""SNMP objects: what a profile point says about its place, how a plan asks for them, and what their values mean."""

from __future__ import annotations

import datetime as dt
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from kernel.errors import Refusal
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec, register_slots, slot_count
from thermal.domain.scalars import Number, ScalarPoint, learned_limit, number_of, scalar_points, single

Oid = tuple[int, ...]

KNOWN: Final = LANGUAGES["snmp"].point_names
OID_LIMIT: Final = 24
"""Objects in one request: their names and values fit into the 484 to 1,472 bytes that agents take at once."""
LARGEST_LIMIT: Final = 128
LAST_ARC: Final = 2**32 - 1
UNIT: Final = "{unit}"
"""Stands in the name of an object for the unit of the device, such as the place of a rack unit in its chain."""
OPAQUE_FLOAT: Final = b"\x9f\x78\x04"
OPAQUE_DOUBLE: Final = b"\x9f\x79\x08"
UNIT_FORM: Final = re.compile(r"\d{1,10}(\.\d{1,10}){0,7}")
NAME_FORM: Final = re.compile(r"\.?\d{1,10}(\.(\d{1,10}|\{unit\})){1,127}")


class UnitIsNoNumber(Refusal):
    """A unit that can stand in no object name, and is no context either."""

    sentence = "“%(unit)s” is not a number such as 1 or 1.2; names are contexts, which only SNMP version 3 has."


@dataclass(frozen=True, slots=True)
class ObjectPoint:
    """One object of an agent, as a profile describes it."""

    scalar: ScalarPoint
    name: str
    """Its object identifier; {unit} in it is that of the device."""


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """All points of a profile, and how many objects the agent takes in one request."""

    points: tuple[ObjectPoint, ...]
    limit: int
    slot_count: int
    register_slots: dict[str, int]

    def objects(self, unit: str) -> dict[Oid, list[ScalarPoint]]:
        """Return what to ask a device of this unit for, each object once, with the points that it fills."""
        wanted: dict[Oid, list[ScalarPoint]] = {}
        for point in self.points:
            name = point.name.replace(UNIT, unit) if is_number(unit) else point.name
            wanted.setdefault(oid_of(name), []).append(point.scalar)
        return wanted

    @property
    def needs_unit(self) -> bool:
        """True if the names of objects differ from unit to unit."""
        return any(UNIT in point.name for point in self.points)


def is_number(unit: str) -> bool:
    """Return whether a unit is a number that can stand in an object name; else it is a context of version 3."""
    return UNIT_FORM.fullmatch(unit) is not None


def oid_of(name: str) -> Oid:
    """Return the numbers of an object identifier.

    Examples
    --------
    >>> oid_of(".1.3.6.1.2.1.1.1.0")
    (1, 3, 6, 1, 2, 1, 1, 1, 0)
    """
    return tuple(int(arc) for arc in name.removeprefix(".").split("."))


def plan(specs: Sequence[PointSpec], options: Mapping[str, Any]) -> ObjectPlan:
    """Return the plan for a profile; its options may narrow `max_oids`.

    The address of a point has `oid` (numbers, with {unit} where the unit of the device belongs), and as needed
    `scale`, `divisor`, `offset`, `missing`, `bit` and `single_precision`.
    """
    limit = options.get("max_oids", OID_LIMIT)
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= LARGEST_LIMIT:
        raise PointIsWrong(point="–", problem=f"max_oids “{limit}” is not a number from 1 to {LARGEST_LIMIT}.")
    scalars = scalar_points(specs, known=KNOWN, language="SNMP")
    points = tuple(ObjectPoint(scalar, _name(scalar.spec)) for scalar in scalars)
    return ObjectPlan(points, learned_limit(options, limit), slot_count(list(specs)), register_slots(list(specs)))


def _name(spec: PointSpec) -> str:
    """Return the object identifier that the point names."""
    name = spec.address.get("oid")
    if not isinstance(name, str) or not NAME_FORM.fullmatch(name) or not _is_oid(oid_of(name.replace(UNIT, "1"))):
        raise PointIsWrong(point=spec.key, problem=f"“{name}” is not an object identifier such as 1.3.6.1.2.1.1.3.0.")
    return name


def _is_oid(oid: Oid) -> bool:
    """Return whether the numbers can be encoded as an object identifier."""
    return oid[0] <= 2 and (oid[0] == 2 or oid[1] < 40) and max(oid) <= LAST_ARC


def fill(answer: Answer, points: Sequence[ScalarPoint], told: int | bytes | Missing) -> None:
    """Put what an agent told of one object into the answer, for each point that it fills."""
    for point in points:
        if answer.raw is not None:
            answer.raw[point.spec.slot] = raw_text(told)
        is_time = point.spec.quantity == "device_time"
        point.take(answer, number_told(told, is_time=is_time))


def number_told(told: int | bytes | Missing, *, is_time: bool = False) -> Number:
    """Return the number or instant that an object's value stands for, or why there is none.

    Notes
    -----
    Strings are numbers as text, as many agents tell decimals; the opaque floats of Net-SNMP; or, where a time is
    wanted, DateAndTime.

    References
    ----------
    RFC 2579, DateAndTime; NET-SNMP-TC, Float.
    """
    if not isinstance(told, bytes):
        return number_of(told)
    if is_time:
        return Number(date_and_time(told))
    if told.startswith(OPAQUE_FLOAT) and len(told) == len(OPAQUE_FLOAT) + 4:
        return single(struct.unpack(">f", told[3:])[0])
    if told.startswith(OPAQUE_DOUBLE) and len(told) == len(OPAQUE_DOUBLE) + 8:
        return number_of(struct.unpack(">d", told[3:])[0])
    return number_of(told.decode("ascii", "replace"))


def raw_text(told: int | bytes | Missing) -> str:
    """Return what an object's value is on the wire: the number, or the bytes in hexadecimal digits."""
    if isinstance(told, bytes):
        return told.hex(" ").upper()
    return "" if isinstance(told, Missing) else str(told)


def date_and_time(told: bytes) -> dt.datetime | Missing:
    """Return the instant of a DateAndTime: with its zone if the agent tells one, else as the wall shows it.

    Examples
    --------
    >>> date_and_time(bytes.fromhex("07EA0B16141E00002B0100")).isoformat()
    '2026-11-22T20:30:00+01:00'
    """
    if len(told) not in (8, 11):
        return Missing.INVALID
    year, month, day, hour, minute, second, tenth = struct.unpack(">HBBBBBB", told[:8])
    try:
        # A leap second is the last one once more.
        at = dt.datetime(year, month, day, hour, minute, min(second, 59), tenth * 100_000)  # noqa: DTZ001
        if len(told) == 8:
            return at
        sign = {ord("+"): 1, ord("-"): -1}[told[8]]
        return at.replace(tzinfo=dt.timezone(sign * dt.timedelta(hours=told[9], minutes=told[10])))
    except (ValueError, KeyError):
        return Missing.INVALID


class LogInIsWrong(Refusal):
    """Credentials with which no agent can be asked."""

    sentence = "The controller cannot be asked: %(problem)s."


@dataclass(frozen=True, slots=True)
class LogIn:
    """With what an agent is asked: a community, or a user and its keys."""

    community: str = ""
    user: str = ""
    auth_protocol: str = ""
    auth_key: str = ""
    priv_protocol: str = ""
    priv_key: str = ""


def log_in(credentials: Mapping[str, str]) -> LogIn:
    """Return the log-in that the credentials of a controller make."""
    version = credentials.get("version", "")
    names = ("auth_protocol", "auth_key", "priv_protocol", "priv_key")
    if version == "2c" and credentials.get("community"):
        return LogIn(community=credentials["community"])
    if version == "3" and credentials.get("user"):
        return LogIn(user=credentials["user"], **{name: credentials.get(name, "") for name in names})
    raise LogInIsWrong(problem="it has no credentials with an SNMP community (version 2c) or user (version 3)")
