"""The fewest read requests that bring every configured register of a device exactly once."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from thermal.domain.readings import (
    Answer,
    Distrust,
    Missing,
    PointSpec,
    distrust_rules,
    register_slots,
    shortest_float32,
    slot_count,
)
from thermal.domain.registers import KINDS, RegisterPoint, register_point

REGISTER_LIMIT: Final = 125
BIT_LIMIT: Final = 2000
GAP_LIMIT: Final = 16
"""Registers between two points that are rather read along than asked around; one more request costs more."""


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

    def read_into(self, answer: Answer, registers: Sequence[int]) -> None:
        """Put the values of the registers into the answer."""
        for column, raw in zip(self.columns, self.decoder.raw_numbers(registers), strict=True):
            if raw in column.missing:
                answer.missing[column.slot] = Missing.NOT_AVAILABLE
            elif raw - raw != 0:  # not a number, or infinite
                answer.missing[column.slot] = column.unreadable
            elif (number := raw if column.part is None else column.part(int(raw))) is None:
                answer.missing[column.slot] = Missing.INVALID
            else:
                answer.values[column.slot] = number * column.factor + column.offset
                if column.exact is not None:
                    answer.exact[column.slot] = exact_number(column.exact, number)


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How to read all points of a profile."""

    readers: tuple[Reader, ...]
    slot_count: int
    register_slots: dict[str, int]
    distrust: tuple[Distrust, ...] = ()


def plan(specs: list[PointSpec], options: dict[str, Any]) -> ReadPlan:
    """Return the plan for a profile; its options may narrow `max_count` and `max_gap`."""
    requests = plan_requests(
        [register_point(spec, options) for spec in specs],
        max_count=int(options.get("max_count", REGISTER_LIMIT)),
        max_gap=int(options.get("max_gap", GAP_LIMIT)),
    )
    kept = register_slots(specs)
    readers = tuple(reader(request, set(kept.values())) for request in requests)
    return ReadPlan(readers, slot_count(specs), kept, distrust_rules(specs))


def plan_requests(
    points: Iterable[RegisterPoint], *, max_count: int = REGISTER_LIMIT, max_gap: int = GAP_LIMIT
) -> tuple[Request, ...]:
    """Return the requests, ordered by table and register.

    Notes
    -----
    Points of one table are taken in the order of their registers, and each goes into the open request as
    long as this stays within `max_count` and bridges no gap of more than `max_gap`. Extending as far as
    possible before opening the next one is optimal for intervals on a line. A request never crosses
    tables, because each table has its own function code, and a number is never split.
    """
    requests: list[Request] = []
    for point in sorted(points, key=lambda point: (point.table, point.start, point.count, point.slot)):
        limit = BIT_LIMIT if point.is_bit_table else min(max_count, REGISTER_LIMIT)
        last = requests[-1] if requests else None
        if last is not None and last.table == point.table and _fits(last, point, limit, max_gap):
            end = max(last.start + last.count, point.start + point.count)
            requests[-1] = Request(last.table, last.start, end - last.start, (*last.points, point))
        else:
            requests.append(Request(point.table, point.start, point.count, (point,)))
    return tuple(requests)


def _fits(request: Request, point: RegisterPoint, limit: int, max_gap: int) -> bool:
    """Return whether the request may be extended to this point."""
    gap = point.start - (request.start + request.count)
    end = max(request.start + request.count, point.start + point.count)
    return gap <= max_gap and end - request.start <= limit


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
        order=tuple(order),
        swapped=frozenset(swapped),
        words=struct.Struct(f">{len(order)}H"),
        numbers=struct.Struct(">" + "".join(KINDS[point.kind][1] for point in request.points)),
    )


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


def exact_number(point: RegisterPoint, number: float) -> Decimal:
    """Return the value of a number without loss; a float counts with the digits that it has."""
    if isinstance(number, int):
        return point.convert.exact(Decimal(number))
    return point.convert.exact(Decimal(shortest_float32(number) if point.kind == "float32" else repr(number)))
