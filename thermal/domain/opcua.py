"""OPC UA nodes: what a profile point says about its place, and what their values, states and times mean."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hosting.domain.addresses import LANGUAGES
from kernel.errors import Refusal
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec, register_slots, slot_count
from thermal.domain.scalars import Number, ScalarPoint, learned_limit, number_of, scalar_points, single

KNOWN: Final = LANGUAGES["opc_ua"].point_names
NODE_LIMIT: Final = 200
LARGEST_LIMIT: Final = 1000
UNIT: Final = "{unit}"
NO_UNIT: Final = "-"
"""A unit that stands in no node."""
TIMESTAMPS: Final = ("source", "server")
POLICIES: Final = ("none", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
FIRST_YEAR: Final = 1990
"""Before it, a time is one that somebody forgot to set: counting starts in 1601."""

NODE_FORM: Final = re.compile(
    r"(?:ns=(?P<index>\d{1,5});|nsu=(?P<uri>[^;]{1,200});)?"
    r"(?:i=(?P<number>\d{1,10})|s=(?P<text>.{1,400})"
    r"|g=(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|b=(?P<octets>[A-Za-z0-9+/]{1,400}={0,2}))"
)
UNIT_FORM: Final = re.compile(r"[\w .:/-]{1,40}")

BAD: Final = 0x8000_0000
UNCERTAIN: Final = 0x4000_0000
CODE: Final = 0xFFFF_0000
REASONS: Final[dict[int, Missing]] = {
    0x8033_0000: Missing.NOT_TOLD,  # BadNodeIdInvalid
    0x8034_0000: Missing.NOT_TOLD,  # BadNodeIdUnknown
    0x8035_0000: Missing.NOT_TOLD,  # BadAttributeIdInvalid
    0x801F_0000: Missing.REFUSED,  # BadUserAccessDenied
    0x803A_0000: Missing.REFUSED,  # BadNotReadable
    0x8031_0000: Missing.NOT_AVAILABLE,  # BadNoCommunication
    0x8032_0000: Missing.NOT_AVAILABLE,  # BadWaitingForInitialData
    0x808A_0000: Missing.NOT_AVAILABLE,  # BadNotConnected
    0x808D_0000: Missing.NOT_AVAILABLE,  # BadOutOfService
    0x809B_0000: Missing.NOT_AVAILABLE,  # BadNoData
}
"""Why a value is missing, by the code of its state (OPC 10000-6, annex A); whatever else is bad is invalid."""


class UnitIsNoName(Refusal):
    """A unit that can stand in no node."""

    sentence = "“%(unit)s” cannot stand in the name of a node."


@dataclass(frozen=True, slots=True)
class Node:
    """The name of a node: a namespace, by its number or its address, and one identifier."""

    identifier: str
    """With its kind, such as i=17 or s=Line1.Power."""
    index: int = 0
    uri: str = ""


@dataclass(frozen=True, slots=True)
class NodePoint:
    """One node, as a profile describes it."""

    scalar: ScalarPoint
    name: str
    place: int | None
    timestamp: str

    def take(self, answer: Answer, told: ValueTold | Missing) -> None:
        """Put what the server told of the node into the answer."""
        if answer.raw is not None:
            answer.raw[self.scalar.spec.slot] = "" if isinstance(told, Missing) else told.raw
        self.scalar.take(answer, Number(told) if isinstance(told, Missing) else number_told(self, told))


@dataclass(frozen=True, slots=True)
class ValueTold:
    """What a server tells of one node."""

    value: Any
    status: int = 0
    is_single: bool = False
    source_at: dt.datetime | None = None
    server_at: dt.datetime | None = None
    raw: str = ""


@dataclass(frozen=True, slots=True)
class NodePlan:
    """All points of a profile, and how much the server is asked for at once."""

    points: tuple[NodePoint, ...]
    limit: int
    security: str
    plain_password: bool
    slot_count: int
    register_slots: dict[str, int]

    def nodes(self, unit: str) -> dict[Node, list[NodePoint]]:
        """Return what to ask a device of this unit for, each node once, with the points that it fills."""
        wanted: dict[Node, list[NodePoint]] = {}
        for point in self.points:
            wanted.setdefault(node_of(point.name.replace(UNIT, unit)), []).append(point)
        return wanted


def node_of(name: str) -> Node:
    """Return the node that a text names; for texts that `NODE_FORM` has found good.

    Examples
    --------
    >>> node_of("nsu=urn:maker;s=a;b")
    Node(identifier='s=a;b', index=0, uri='urn:maker')
    """
    found = NODE_FORM.fullmatch(name)
    if not found:
        raise UnitIsNoName(unit=name)
    space = f"ns={found['index']};" if found["index"] is not None else f"nsu={found['uri']};" if found["uri"] else ""
    return Node(name.removeprefix(space), int(found["index"] or 0), found["uri"] or "")


def check_unit(unit: str) -> None:
    """Refuse a unit that would make another node of a name than the profile means."""
    if not UNIT_FORM.fullmatch(unit):
        raise UnitIsNoName(unit=unit)


def plan(specs: Sequence[PointSpec], options: Mapping[str, Any]) -> NodePlan:
    """Return the plan for a profile; its options may say `max_nodes`, `security` and `plain_password`.

    The address of a point has `node` (with {unit} where the unit of the device belongs), and as needed `index` (of an
    array), `timestamp` (source or server, for points that tell a clock), `scale`, `divisor`, `offset`, `missing`,
    `bit` and `single_precision`.
    """
    limit, security = options.get("max_nodes", NODE_LIMIT), options.get("security", "none")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= LARGEST_LIMIT:
        raise PointIsWrong(point="–", problem=f"max_nodes “{limit}” is not a number from 1 to {LARGEST_LIMIT}.")
    if security not in POLICIES:
        raise PointIsWrong(point="–", problem=f"security “{security}” is none of {', '.join(POLICIES)}.")
    return NodePlan(
        points=tuple(map(_node_point, scalar_points(specs, known=KNOWN, language="OPC UA"))),
        limit=learned_limit(options, limit),
        security=security,
        plain_password=bool(options.get("plain_password", False)),
        slot_count=slot_count(list(specs)),
        register_slots=register_slots(list(specs)),
    )


def _node_point(scalar: ScalarPoint) -> NodePoint:
    """Return the point as its profile describes it; anything unclear is refused by name."""
    spec = scalar.spec
    name, place, timestamp = (spec.address.get(part) for part in ("node", "index", "timestamp"))
    if not isinstance(name, str) or not _is_node(name.replace(UNIT, "1")):
        raise PointIsWrong(point=spec.key, problem=f"“{name}” is not a node such as ns=2;s=Line1.Power.")
    if place is not None and (not isinstance(place, int) or isinstance(place, bool) or place < 0):
        raise PointIsWrong(point=spec.key, problem=f"“{place}” is not a place in a list.")
    if timestamp is not None and (timestamp not in TIMESTAMPS or spec.quantity != "device_time"):
        raise PointIsWrong(point=spec.key, problem="timestamp is source or server, for the clock of a device.")
    return NodePoint(scalar, name, place, timestamp or "")


def _is_node(name: str) -> bool:
    """Return whether the text names a node that can be encoded."""
    found = NODE_FORM.fullmatch(name)
    if not found or any(ord(character) < ord(" ") for character in name):
        return False
    return int(found["index"] or 0) < 2**16 and int(found["number"] or 0) < 2**32


def missing_by(status: int) -> Missing | None:
    """Return why a value of this state counts as missing, or None for a good one.

    Examples
    --------
    >>> missing_by(0), missing_by(0x80340000).name, missing_by(0x40900000).name, missing_by(0x808C0000).name
    (None, 'NOT_TOLD', 'INVALID', 'INVALID')
    """
    if not status & (BAD | UNCERTAIN):
        return None
    return REASONS.get(status & CODE, Missing.INVALID)


def number_told(point: NodePoint, told: ValueTold) -> Number:
    """Return the number or instant that a node's value stands for, or why there is none; never fails."""
    missing = missing_by(told.status)
    if missing is not None:
        return Number(missing)
    if point.timestamp:
        return Number(_instant(told.source_at if point.timestamp == "source" else told.server_at))
    value = told.value
    if isinstance(value, list | tuple):
        if point.place is None:
            return Number(Missing.AMBIGUOUS)
        value = value[point.place] if point.place < len(value) else Missing.NOT_TOLD
    elif point.place is not None:
        value = Missing.NOT_TOLD
    if isinstance(value, dt.datetime):
        return Number(_instant(value))
    return single(value) if told.is_single and isinstance(value, float) else number_of(value)


def _instant(at: dt.datetime | None) -> dt.datetime | Missing:
    """Return an instant in UTC, which is the only time that OPC UA tells."""
    if at is None or at.year < FIRST_YEAR:
        return Missing.NOT_AVAILABLE
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at.astimezone(dt.UTC)
