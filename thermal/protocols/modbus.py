"""Modbus TCP and Modbus RTU over TCP by pymodbus: planned reads, nothing else. There is no way to write in here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.framer import FramerType
from pymodbus.pdu import ModbusPDU

from thermal.domain import planning
from thermal.domain.planning import Reader, ReadPlan, Request
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import Endpoint, NoConnection, Target, failed

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
LAST_UNIT: Final = 255

# A device that does not answer is data, told on its page; pymodbus would log it as an error at every poll.
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)


class ModbusTcp:
    """Reads devices behind one Modbus TCP address."""

    framer = FramerType.SOCKET
    first_unit = 0

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> ReadPlan:
        """Return the fewest requests for the points."""
        return planning.plan(list(points), options)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device, one after another over one connection."""
        client = AsyncModbusTcpClient(
            endpoint.host,
            port=endpoint.port,
            framer=self.framer,
            timeout=endpoint.timing.timeout_s,
            retries=0,
            reconnect_delay=0,
        )
        try:
            await _connect(client, endpoint)
            for target in targets:
                if not client.connected:
                    await _connect(client, endpoint)
                yield target, await self._read_device(client, endpoint, target)
        finally:
            client.close()

    async def _read_device(self, client: AsyncModbusTcpClient, endpoint: Endpoint, target: Target) -> Answer:
        """Return what one device tells, unless its unit is none of this language."""
        if target.unit_address.isdecimal() and self.first_unit <= int(target.unit_address) <= LAST_UNIT:
            return await _read_device(client, endpoint, target)
        problem = f"“{target.unit_address}” is not a Modbus unit from {self.first_unit} to {LAST_UNIT}."
        return failed(target, problem, Missing.NOT_ASKED)


class ModbusRtuTcp(ModbusTcp):
    """Reads devices on a serial line, whose frames a converter passes on over TCP as they are.

    Such a frame has a checksum but no number by which an answer names its question. A question that stayed without
    answer therefore ends the connection, as in every language here; and unit 0, which on a line means everybody and
    is answered by nobody, is refused.
    """

    framer = FramerType.RTU
    first_unit = 1


async def _connect(client: AsyncModbusTcpClient, endpoint: Endpoint) -> None:
    """Connect, or say why that is not possible."""
    try:
        async with asyncio.timeout(endpoint.timing.timeout_s):
            connected = await client.connect()
    except TimeoutError:
        connected = False
    if not connected:
        raise NoConnection(host=endpoint.host, port=endpoint.port, reason="nobody answers")
    if endpoint.timing.connect_pause_s:
        await asyncio.sleep(endpoint.timing.connect_pause_s)


async def _read_device(client: AsyncModbusTcpClient, endpoint: Endpoint, target: Target) -> Answer:
    """Return what one device tells; a request that stays without answer ends the attempt."""
    plan: ReadPlan = target.plan
    unit = int(target.unit_address)
    loop = asyncio.get_running_loop()
    started = loop.time()
    answer = Answer(slot_count=plan.slot_count, raw={} if target.with_raw else None)
    for position, reader in enumerate(plan.readers):
        if position and endpoint.timing.request_pause_s:
            await asyncio.sleep(endpoint.timing.request_pause_s)
        answer.request_count += 1
        if not await _ask(client, endpoint, unit, reader, answer):
            answer.miss(
                [slot for later in plan.readers[position + 1 :] for slot in later.request.slots], Missing.NOT_ASKED
            )
            break
    answer.distrust(plan.distrust)
    answer.latency_s = loop.time() - started
    return answer


async def _ask(client: AsyncModbusTcpClient, endpoint: Endpoint, unit: int, reader: Reader, answer: Answer) -> bool:
    """Put the answer to one request into the device's answer; return whether to go on asking."""
    request = reader.request
    try:
        async with asyncio.timeout(endpoint.timing.timeout_s):
            reply = await _read_function(client, request.table)(request.start, count=request.count, device_id=unit)
    except (TimeoutError, ModbusException):
        # The connection may still deliver the late answer to this question; it must not meet the next one.
        client.close()
        answer.miss(request.slots, Missing.NO_ANSWER)
        answer.error = f"No answer within {endpoint.timing.timeout_s:g} s ({_place(request)})."
        return False
    return _take(reply, reader, answer)


def _take(reply: ModbusPDU, reader: Reader, answer: Answer) -> bool:
    """Put the reply's values into the answer; return whether to go on asking."""
    request = reader.request
    if reply.isError():
        code = reply.exception_code
        answer.miss(request.slots, Missing.REFUSED)
        answer.error = f"The device refuses {_place(request)}: {EXCEPTIONS.get(code, f'exception {code}')}."
        return code not in SILENT_BEHIND_GATEWAY
    registers = [int(bit) for bit in reply.bits] if request.table in ("coil", "discrete") else reply.registers
    # Bits come in whole bytes; more registers than were asked for answer another question.
    if len(registers) < request.count or (reply.registers and len(registers) > request.count):
        answer.miss(request.slots, Missing.GARBLED)
        answer.error = f"The device tells {len(registers)} of {request.count} values ({_place(request)})."
        return True
    reader.read_into(answer, registers)
    if answer.raw is not None:
        answer.raw |= planning.raw_texts(request, registers)
    return True


def _read_function(client: AsyncModbusTcpClient, table: str) -> Callable[..., Awaitable[ModbusPDU]]:
    """Return the read function of a table."""
    functions: dict[str, Callable[..., Awaitable[ModbusPDU]]] = {
        "holding": client.read_holding_registers,
        "input": client.read_input_registers,
        "coil": client.read_coils,
        "discrete": client.read_discrete_inputs,
    }
    return functions[table]


def _place(request: Request) -> str:
    """Return which part of the device a request asks for, for messages."""
    return f"{request.table} {request.start} to {request.start + request.count - 1}"
