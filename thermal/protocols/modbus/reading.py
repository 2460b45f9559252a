"""Reading Modbus devices by their plans; what a device refuses is isolated and remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from thermal.domain import planning
from thermal.domain.planning import Reader, ReadPlan, Request
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import Endpoint, Target, failed
from thermal.protocols.modbus.connections import ConnectionGoneError, Link
from thermal.protocols.modbus.frames import Framing, GarbledAnswerError, Question, Reply, RtuFraming, TcpFraming

EXCEPTIONS: Final = {
    1: "it does not know this kind of request",
    2: "it has no such registers",
    3: "it finds the request wrong",
    4: "it failed inside",
    5: "it asks for patience",
    6: "it is busy",
    8: "its memory has an error",
    10: "the gateway has no way to it",
    11: "the device behind the gateway does not answer",
}
"""Modbus exception codes in words (Modbus Application Protocol V1.1b3, chapter 7)."""

SILENT_BEHIND_GATEWAY: Final = frozenset({10, 11})
LASTING: Final = frozenset({2, 3})
"""Refusals that will be the same at the next poll: of a place or of a length, not of the moment."""
SPLIT_LIMIT: Final = 64
"""Requests of one poll that may go into finding out what a device refuses; the rest waits for the next poll."""
LAST_UNIT: Final = 255


class ModbusTcp:
    """Reads devices behind one Modbus TCP address."""

    framing: Framing = TcpFraming()
    first_unit = 0

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> ReadPlan:
        """Return the fewest requests for the points."""
        return planning.plan(list(points), options)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device, one after another over one connection."""
        link = Link(self.framing, endpoint)
        try:
            for target in targets:
                yield target, await self._read_device(link, endpoint, target)
        finally:
            link.let_go()

    async def _read_device(self, link: Link, endpoint: Endpoint, target: Target) -> Answer:
        """Return what one device tells, unless its unit is none of this language."""
        if target.unit_address.isdecimal() and self.first_unit <= int(target.unit_address) <= LAST_UNIT:
            return await Reading(link, target, endpoint.timing.request_pause_s, endpoint.timing.timeout_s).whole()
        problem = f"“{target.unit_address}” is not a Modbus unit from {self.first_unit} to {LAST_UNIT}."
        return failed(target, problem, Missing.NOT_ASKED)


class ModbusRtuTcp(ModbusTcp):
    """Reads devices on a serial line, whose frames a converter passes on over TCP as they are.

    Such a frame has a checksum but no number by which an answer names its question. A question that stayed without
    answer therefore ends the connection, as in every language here; and unit 0, which on a line means everybody and
    is answered by nobody, is refused.
    """

    framing: Framing = RtuFraming()
    first_unit = 1


class Reading:
    """One read of one device."""

    def __init__(self, link: Link, target: Target, pause_s: float, timeout_s: float) -> None:
        self._link, self._target = link, target
        self._pause_s, self._timeout_s = pause_s, timeout_s
        self._plan: ReadPlan = target.plan
        self._unit = int(target.unit_address)
        self._refused: list[Request] = []
        self._divided: list[Request] = []
        self._has_asked = False
        self._split_count = 0
        self.answer = Answer(slot_count=self._plan.slot_count, raw={} if target.with_raw else None)

    async def whole(self) -> Answer:
        """Return what the device tells; a request that stays without answer ends the attempt."""
        loop = asyncio.get_running_loop()
        started, asked = loop.time(), self._link.request_count
        answer = self.answer
        for reader in self._readers():
            if not await self._fill(reader):
                answer.miss([slot for slot in self._plan.slots if answer.values[slot] is None], Missing.NOT_ASKED)
                break
        self._leave_out()
        answer.distrust(self._plan.distrust)
        answer.latency_s = loop.time() - started
        answer.request_count = self._link.request_count - asked
        return answer

    def _readers(self) -> Sequence[Reader]:
        """Return the requests in their order; a device that is on trial is asked the cheapest one first."""
        readers = self._plan.readers
        if not self._target.on_trial or not readers:
            return readers
        cheapest = min(readers, key=lambda reader: reader.request.count)
        return [cheapest, *(reader for reader in readers if reader is not cheapest)]

    def _leave_out(self) -> None:
        """Note what is missing because of what the device refused, now or before, and remember what is new."""
        answer, left_out = self.answer, self._plan.left_out
        answer.miss([point.slot for point in left_out], Missing.REFUSED)
        if left_out and not answer.error:
            places = ", ".join(sorted({_place(point.table, point.start, point.count) for point in left_out}))
            answer.error = f"Left out, because the device refused it before: {places}."
        if answer.told and (self._refused or self._divided):
            answer.refusals = self._plan.refusals.joined(refused=self._refused, divided=self._divided).as_stored()

    async def _fill(self, reader: Reader) -> bool:
        """Put the answer to one request into the device's answer; return whether to go on asking."""
        request = reader.request
        try:
            reply = await self._ask(request)
        except (TimeoutError, ConnectionGoneError) as problem:
            what = f"No answer within {self._timeout_s:g} s" if isinstance(problem, TimeoutError) else "Cut off"
            return self._fail(request, Missing.NO_ANSWER, f"{what} ({_place_of(request)}).")
        except GarbledAnswerError as problem:
            return self._fail(request, Missing.GARBLED, f"Not to be understood: {problem} ({_place_of(request)}).")
        if reply.exception:
            return await self._refuse(reader, reply.exception)
        reader.read_payload(self.answer, reply.payload)
        return True

    async def _ask(self, request: Request) -> Reply:
        """Return the reply to a request, after the pause that the device needs."""
        if self._has_asked and self._pause_s:
            await asyncio.sleep(self._pause_s)
        self._has_asked = True
        return await self._link.ask(Question(self._unit, request.table, request.start, request.count))

    def _fail(self, request: Request, missing: Missing, problem: str) -> bool:
        """Note why a request brought nothing; the device is not asked on."""
        self.answer.miss(request.slots, missing)
        self.answer.error = problem
        return False

    async def _refuse(self, reader: Reader, code: int) -> bool:
        """Note a refusal; one that lasts is followed up until it is known what exactly is refused."""
        request = reader.request
        parts = planning.halves(request) if code in LASTING else ()
        if parts and self._split_count < SPLIT_LIMIT:
            self._split_count += len(parts)
            refused_before = len(self._refused)
            for part in parts:
                if not await self._fill(self._plan.reader_of(part)):
                    return False
            if len(self._refused) == refused_before:
                self._divided.extend(parts[1:])
            return True
        if code in LASTING and not parts:
            self._refused.append(request)
        self.answer.miss(request.slots, Missing.REFUSED)
        self.answer.error = f"The device refuses {_place_of(request)}: {EXCEPTIONS.get(code, f'exception {code}')}."
        return code not in SILENT_BEHIND_GATEWAY


def _place_of(request: Request) -> str:
    """Return which part of the device a request asks for, for messages."""
    return _place(request.table, request.start, request.count)


def _place(table: str, start: int, count: int) -> str:
    """Return a part of a device, for messages."""
    return f"{table} {start} to {start + count - 1}"
