"""The fewest read requests that bring every configured register of a device exactly once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from kernel.errors import Refusal
from thermal.domain.readings import (
    LARGEST,
    Answer,
    Distrust,
    Missing,
    PointIsWrong,
    PointSpec,
    distrust_rules,
    limit_of,
    register_slots,
    slot_count,
)
from thermal.domain.registers import KINDS, LAST_REGISTER, TABLES, RegisterPoint, register_point

REGISTER_LIMIT: Final = 125
BIT_LIMIT: Final = 2000
LONGEST_NUMBER: Final = max(count for count, _letter in KINDS.values())
GAP_LIMIT: Final = 16
"""Registers between two points that are rather read along than asked around; one more request costs more."""


class UnreadableIsWrong(Refusal):
    """Ranges that cannot be read, written in some other way."""

    sentence = "unreadable is a list of ranges such as 100-109 or 200, not %(given)s."


@dataclass(frozen=True, slots=True)
class Request:
    """One read: a table, where it starts, how much it takes, and which points are in it."""

    table: str
    start: int
    count: int
    points: tuple[RegisterPoint, ...]

    @property
    def slots(self) -> list[int]:
        """Slots that this request fills."""
        return [point.slot for point in self.points]


@dataclass(frozen=True, slots=True)
class Decoder:
    """Turns the registers of one request into raw numbers in one go."""

    plain: struct.Struct | None
    """Reads the numbers straight from the bytes, where they lie there in the usual order, side by side or apart."""
    order: tuple[int, ...]
    swapped: frozenset[int]
    words: struct.Struct
    numbers: struct.Struct

    def raw_numbers(self, registers: Sequence[int]) -> tuple[float, ...]:
        """Return the raw number of each point, in the order of the request."""
        picked = [registers[position] for position in self.order]
        for position in self.swapped:
            picked[position] = ((picked[position] & 0xFF) << 8) | (picked[position] >> 8)
        return self.numbers.unpack(self.words.pack(*picked))


@dataclass(frozen=True, slots=True)
class Column:
    """How the raw number of one point becomes its float; flat, because this runs for every sample."""

    slot: int
    factor: float
    offset: float
    missing: frozenset[int | float]
    unreadable: Missing
    """What it means if the device tells no finite number."""
    part: Callable[[int], int | None] | None
    exact: RegisterPoint | None
    """The point, if a meter reading wants its exact value as well."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One request together with what to do with its answer."""

    request: Request
    decoder: Decoder
    columns: tuple[Column, ...]

    def read_payload(self, answer: Answer, payload: bytes) -> None:
        """Put the values of the bytes that a device answered into the answer."""
        plain = self.decoder.plain
        if plain is None or answer.raw is not None:
            registers = registers_of(payload, self.request)
            self.read_into(answer, registers)
            if answer.raw is not None:
                answer.raw |= raw_texts(self.request, registers)
        else:
            self._fill(answer, plain.unpack(payload))

    def read_into(self, answer: Answer, registers: Sequence[int]) -> None:
        """Put the values of the registers into the answer."""
        self._fill(answer, self.decoder.raw_numbers(registers))

    def _fill(self, answer: Answer, raws: Sequence[float]) -> None:
        """Put the values of the raw numbers into the answer."""
        for column, raw in zip(self.columns, raws, strict=True):
            if raw in column.missing:
                answer.missing[column.slot] = Missing.NOT_AVAILABLE
                continue
            if raw - raw != 0:  # not a number, or infinite
                answer.missing[column.slot] = column.unreadable
                continue
            number = raw if column.part is None else column.part(int(raw))
            if number is None or not -LARGEST < (value := number * column.factor + column.offset) < LARGEST:
                answer.missing[column.slot] = Missing.INVALID
                continue
            answer.values[column.slot] = value
            if column.exact is not None:
                answer.exact[column.slot] = column.exact.exact(number)


Places = tuple[tuple[str, int, int], ...]
"""Ranges of registers: table, first and last one."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """What a device has refused: places that it does not tell, and registers at which a request has to begin anew."""

    unreadable: Places = ()
    cuts: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def of(cls, stored: dict[str, Any]) -> Refusals:
        """Return the refusals as a device keeps them.

        Examples
        --------
        >>> Refusals.of({"unreadable": [["holding", 4, 5]], "cuts": [["input", 7]]}).as_stored()
        {'unreadable': [['holding', 4, 5]], 'cuts': [['input', 7]]}
        """
        places = tuple((str(table), int(first), int(last)) for table, first, last in stored.get("unreadable", []))
        return cls(places, frozenset((str(table), int(register)) for table, register in stored.get("cuts", [])))

    def as_stored(self) -> dict[str, Any]:
        """Return the refusals as JSON has them."""
        return {
            "unreadable": [list(place) for place in self.unreadable],
            "cuts": [list(cut) for cut in sorted(self.cuts)],
        }

    def joined(self, *, refused: Iterable[Request], divided: Iterable[Request]) -> Refusals:
        """Return these refusals with requests that were refused, and with those that only go on their own."""
        places = {(request.table, request.start, request.start + request.count - 1) for request in refused}
        cuts = {(request.table, request.start) for request in divided}
        return Refusals(tuple(sorted({*self.unreadable, *places})), self.cuts | cuts)

    def leaves_out(self, point: RegisterPoint) -> bool:
        """Return whether the device does not tell a point, or not all of it."""
        return _touches(self.unreadable, point.table, point.start, point.start + point.count)


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests to a device have to keep to."""

    max_count: int = REGISTER_LIMIT
    max_gap: int = GAP_LIMIT
    unreadable: Places = ()
    cuts: frozenset[tuple[str, int]] = frozenset()

    def allow(self, request: Request, point: RegisterPoint) -> bool:
        """Return whether the request may be extended to this point."""
        end, point_end = request.start + request.count, point.start + point.count
        longest = BIT_LIMIT if point.is_bit_table else min(self.max_count, REGISTER_LIMIT)
        return (
            request.table == point.table
            and point.start - end <= self.max_gap
            and max(end, point_end) - request.start <= longest
            # A number that lies over the one before it cannot be asked for apart.
            and (point.start < end or (point.table, point.start) not in self.cuts)
            and not _touches(self.unreadable, point.table, end, point.start)
        )


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How to read all points of a profile."""

    readers: tuple[Reader, ...]
    slot_count: int
    register_slots: dict[str, int]
    distrust: tuple[Distrust, ...] = ()
    left_out: tuple[RegisterPoint, ...] = ()
    """Points that the device has refused to tell."""
    refusals: Refusals = Refusals()

    @property
    def slots(self) -> list[int]:
        """Slots that the requests fill."""
        return [slot for reader in self.readers for slot in reader.request.slots]

    def reader_of(self, request: Request) -> Reader:
        """Return the reader of a part of one of the requests."""
        return reader(request, set(self.register_slots.values()))


def plan(specs: list[PointSpec], options: dict[str, Any]) -> ReadPlan:
    """Return the plan for a profile.

    Its options may narrow `max_count` and `max_gap`, and name `unreadable` ranges, such as "100-109", in any table.
    What one device was found to refuse comes as `refusals`: those points are left out, and known to be.
    """
    points = [register_point(spec, options) for spec in specs]
    unreadable = _unreadable(options, points)
    refusals = Refusals.of(options.get("refusals", {}))
    limits = Limits(
        max_count=limit_of(options, "max_count", REGISTER_LIMIT, least=LONGEST_NUMBER),
        max_gap=limit_of(options, "max_gap", GAP_LIMIT, least=0),
        unreadable=unreadable + refusals.unreadable,
        cuts=refusals.cuts,
    )
    requests = plan_requests([point for point in points if not refusals.leaves_out(point)], limits)
    kept = register_slots(specs)
    return ReadPlan(
        readers=tuple(reader(request, set(kept.values())) for request in requests),
        slot_count=slot_count(specs),
        register_slots=kept,
        distrust=distrust_rules(specs),
        left_out=tuple(point for point in points if refusals.leaves_out(point)),
        refusals=refusals,
    )


def _unreadable(options: dict[str, Any], points: Sequence[RegisterPoint]) -> Places:
    """Return the ranges that the profile says cannot be read; a point in one of them is a mistake in the profile."""
    given = options.get("unreadable", [])
    if not isinstance(given, list):
        raise UnreadableIsWrong(given=given)
    ranges = [_range_of(part) for part in given]
    places = tuple((table, first, last) for table in TABLES for first, last in ranges)
    for point in points:
        if _touches(places, point.table, point.start, point.start + point.count):
            raise PointIsWrong(point=point.key, problem=f"register {point.start} lies where the profile reads nothing.")
    return places


def _range_of(given: Any) -> tuple[int, int]:
    """Return the first and the last register of a range: "100-109", "200", or [100, 109]."""
    parts = given if isinstance(given, list) else str(given).split("-")
    if not 1 <= len(parts) <= 2 or not all(str(part).strip().isdecimal() for part in parts):
        raise UnreadableIsWrong(given=given)
    first, last = int(parts[0]), int(parts[-1])
    if not first <= last <= LAST_REGISTER:
        raise UnreadableIsWrong(given=given)
    return first, last


def _touches(places: Places, table: str, start: int, end: int) -> bool:
    """Return whether one of the places has a register from start to before end."""
    return any(place == table and first < end and start <= last for place, first, last in places)


def plan_requests(points: Iterable[RegisterPoint], limits: Limits = Limits()) -> tuple[Request, ...]:
    """Return the requests, ordered by table and register.

    Notes
    -----
    Points of one table are taken in the order of their registers, and each goes into the open request as
    long as this stays within `max_count`, bridges no gap of more than `max_gap`, and keeps clear of what the device
    does not tell. Extending as far as possible before opening the next one is optimal for intervals on a line. A
    request never crosses tables, because each table has its own function code, and a number is never split.
    """
    requests: list[Request] = []
    for point in sorted(points, key=lambda point: (point.table, point.start, point.count, point.slot)):
        last = requests[-1] if requests else None
        if last is not None and limits.allow(last, point):
            end = max(last.start + last.count, point.start + point.count)
            requests[-1] = Request(last.table, last.start, end - last.start, (*last.points, point))
        else:
            requests.append(Request(point.table, point.start, point.count, (point,)))
    return tuple(requests)


def halves(request: Request) -> tuple[Request, ...]:
    """Return the request in two, parted as near to its middle as no number is split; nothing if that cannot be.

    Examples
    --------
    >>> points = [register_point(PointSpec(n, f"p{n}", "", "state", "", {"register": n}), {}) for n in (0, 1, 9)]
    >>> [(part.start, part.count) for part in halves(Request("holding", 0, 10, tuple(points)))]
    [(0, 1), (1, 9)]
    """
    points = request.points
    ends: list[int] = []
    for point in points:
        ends.append(max(point.start + point.count, ends[-1] if ends else 0))
    places = [place for place in range(1, len(points)) if points[place].start >= ends[place - 1]]
    if not places:
        return ()
    place = min(places, key=lambda place: abs(2 * place - len(points)))
    return tuple(_spanning(part) for part in (points[:place], points[place:]))


def _spanning(points: tuple[RegisterPoint, ...]) -> Request:
    """Return the request that reads just these points of one table."""
    start, end = points[0].start, max(point.start + point.count for point in points)
    return Request(points[0].table, start, end - start, points)


def registers_of(payload: bytes, request: Request) -> list[int]:
    """Return the registers, or the single bits, that a device answered in bytes.

    Examples
    --------
    >>> registers_of(bytes([0b101]), Request("coil", 0, 3, ()))
    [1, 0, 1]
    """
    if request.table in ("coil", "discrete"):
        return [payload[position >> 3] >> (position & 7) & 1 for position in range(request.count)]
    return list(struct.unpack(f">{request.count}H", payload))


def decoder(request: Request) -> Decoder:
    """Return the decoder of a request.

    Notes
    -----
    The registers of all points are put in a row, each number's highest word first, packed once and unpacked
    once: two calls into C for any number of points.
    """
    order: list[int] = []
    swapped: list[int] = []
    for point in request.points:
        positions = range(len(order), len(order) + point.count)
        order.extend(register - request.start for register in point.word_order)
        if point.swap_bytes:
            swapped.extend(positions)
    return Decoder(
        plain=_plain(request),
        order=tuple(order),
        swapped=frozenset(swapped),
        words=struct.Struct(f">{len(order)}H"),
        numbers=struct.Struct(">" + "".join(KINDS[point.kind][1] for point in request.points)),
    )


def _plain(request: Request) -> struct.Struct | None:
    """Return what reads the numbers straight from the bytes of the answer; None if their order is not the usual."""
    if request.table in ("coil", "discrete") or any(point.swap_words or point.swap_bytes for point in request.points):
        return None
    layout, end = ">", request.start
    for point in request.points:
        if point.start < end:
            return None
        layout += f"{2 * (point.start - end)}x{KINDS[point.kind][1]}"
        end = point.start + point.count
    return struct.Struct(layout)


def reader(request: Request, kept: set[int]) -> Reader:
    """Return the reader of a request; `kept` are the slots whose exact values are wanted."""
    columns = tuple(
        Column(
            slot=point.slot,
            factor=float(point.convert.factor),
            offset=float(point.convert.offset),
            missing=point.missing,
            unreadable=Missing.NOT_AVAILABLE if point.nan_is_missing else Missing.INVALID,
            part=point.part,
            exact=point if point.slot in kept else None,
        )
        for point in request.points
    )
    return Reader(request, decoder(request), columns)


def raw_texts(request: Request, registers: Sequence[int]) -> dict[int, str]:
    """Return the registers of each point as they came, in hexadecimal digits; bits as 0 or 1.

    Examples
    --------
    >>> point = register_point(PointSpec(3, "heat", "Heat", "energy_kwh", "kWh", {"register": 7, "type": "int32"}), {})
    >>> raw_texts(Request("holding", 6, 3, (point,)), [0, 1, 0xE240])
    {3: '0001 E240'}
    """
    digits = 1 if request.table in ("coil", "discrete") else 4
    return {
        point.slot: " ".join(f"{word:0{digits}X}" for word in registers[point.start - request.start :][: point.count])
        for point in request.points
    }
