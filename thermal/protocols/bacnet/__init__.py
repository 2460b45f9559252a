"""BACnet/IP by datagrams to one address: many properties at once where the device allows it, and no broadcast."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from thermal.domain import bacnet
from thermal.domain.bacnet import ObjectRead, PropertyPlan, Station
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.bacnet import messages
from thermal.protocols.bacnet.messages import READ_MULTIPLE, READ_PROPERTY, Refused, Result, Told
from thermal.protocols.base import DeviceTooSlow, Endpoint, Target, Timing, failed
from thermal.protocols.datagrams import Line, NoReply, ReplyGarbled, open_line

REASONS: Final[dict[type, Missing]] = {
    NoReply: Missing.NO_ANSWER,
    ReplyGarbled: Missing.GARBLED,
    DeviceTooSlow: Missing.NOT_ASKED,
}
"""Why the values of the last request are missing."""


class BacnetIp:
    """Reads devices at one address, or behind a router at it."""

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> PropertyPlan:
        """Return which properties fill which points."""
        return bacnet.plan(points, options)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device, one after another through one socket."""
        async with open_line(endpoint) as line:
            for position, target in enumerate(targets):
                if position and endpoint.timing.request_pause_s:
                    await asyncio.sleep(endpoint.timing.request_pause_s)
                yield target, await _read_device(line, endpoint, target)


class WrongDeviceError(Exception):
    """Another device answers at the address."""


@dataclass(slots=True)
class Conversation:
    """What is still to be asked of one device, and how much it takes at once."""

    line: Line
    station: Station
    rest: deque[ObjectRead]
    multiple: bool
    limit: int
    timing: Timing
    started: float
    too_long: bool = False
    """True if the limit has shrunk for that; the next poll then starts with what fits."""
    request_count: int = 0
    error: str = ""
    invoke_id: int = field(default_factory=lambda: secrets.randbelow(256))

    async def ask(self, service: int, content: bytes) -> Told | Refused:
        """Return the device's answer to one request."""
        self.timing.check(passed_s=asyncio.get_running_loop().time() - self.started)
        if self.request_count and self.timing.request_pause_s:
            await asyncio.sleep(self.timing.request_pause_s)
        self.request_count += 1
        self.invoke_id = invoke_id = (self.invoke_id + 1) % 256
        question = messages.datagram(self.station, invoke_id, service, content)
        return await self.line.ask(question, lambda data: messages.understand(data, self.station, invoke_id, service))

    async def next_objects(self) -> None:
        """Read the next objects in one request, or the next one property by property."""
        reads = [self.rest.popleft() for _each in range(min(self.limit if self.multiple else 1, len(self.rest)))]
        try:
            if self.multiple:
                await self._read_together(reads)
            else:
                await self._read_parts(reads[0])
        except (NoReply, ReplyGarbled, DeviceTooSlow):
            self.rest.extendleft(reversed(reads))
            raise

    async def _read_together(self, reads: list[ObjectRead]) -> None:
        """Read objects by one ReadPropertyMultiple; what the device refuses as a whole is asked for in parts."""
        told = await self.ask(READ_MULTIPLE, messages.multiple_request(reads))
        if not isinstance(told, Refused):
            for read in reads:
                for name, index in read.parts:
                    self._take(read, (name, index), told.get((read.kind, read.instance, name, index)))
            return
        if (told.kind, told.reason) in messages.NOT_OFFERED:
            self.multiple = False
        elif len(reads) > 1:
            self.limit = (len(reads) + 1) // 2
            self.too_long |= (told.kind, told.reason) in messages.TOO_LONG
        else:
            await self._read_parts(reads[0])
            return
        self.rest.extendleft(reversed(reads))

    async def _read_parts(self, read: ObjectRead) -> None:
        """Read the properties of an object by one ReadProperty each."""
        for name, index in read.parts:
            part = (read.kind, read.instance, name, index)
            told = await self.ask(READ_PROPERTY, messages.single_request(part))
            self._take(read, (name, index), told if isinstance(told, Refused) else told.get(part))

    def _take(self, read: ObjectRead, part: tuple[int, int | None], result: Result | None) -> None:
        """Keep what was told of a property, or why nothing was."""
        if not isinstance(result, Refused):
            read.parts[part] = Missing.NOT_TOLD if result is None else result
            return
        if (read.kind, read.instance) == (bacnet.DEVICE, self.station.instance) and result.is_unknown_object:
            raise WrongDeviceError
        read.parts[part] = result.missing
        if result.missing is Missing.REFUSED and read.slots:
            self.error = f"The device refuses object {read.kind},{read.instance}: {result.words}."

    @property
    def refusals(self) -> dict[str, Any]:
        """What was learned for the next poll."""
        found: dict[str, Any] = {} if self.multiple else {"multiple": False}
        return found | ({"limit": self.limit} if self.too_long else {})


async def _read_device(line: Line, endpoint: Endpoint, target: Target) -> Answer:
    """Return what one device tells; a request that stays without answer ends the attempt."""
    plan: PropertyPlan = target.plan
    try:
        station = bacnet.station(target.unit_address)
    except bacnet.DeviceUnknown as refusal:
        return failed(target, refusal.detail, Missing.NOT_ASKED)
    reads = plan.objects(station.instance)
    loop = asyncio.get_running_loop()
    started = loop.time()
    conversation = Conversation(line, station, deque(reads), plan.multiple, plan.limit, endpoint.timing, started)
    answer = Answer(slot_count=plan.slot_count, raw={} if target.with_raw else None)
    try:
        while conversation.rest:
            await conversation.next_objects()
    except (NoReply, ReplyGarbled, DeviceTooSlow) as refusal:
        conversation.error = refusal.detail
        _give_up(answer, conversation, REASONS[type(refusal)])
    except WrongDeviceError:
        conversation.error = f"Another device than {station.instance} answers at the address."
        return failed(target, conversation.error, Missing.REFUSED, latency_s=loop.time() - started)
    for read in reads:
        if read not in conversation.rest:
            read.fill(answer)
    answer.error = f"{conversation.error} {answer.error}".strip()
    if answer.told and (conversation.multiple != plan.multiple or conversation.too_long):
        answer.refusals = conversation.refusals
    answer.latency_s = loop.time() - started
    answer.request_count = conversation.request_count
    return answer


def _give_up(answer: Answer, conversation: Conversation, missing: Missing) -> None:
    """Note why the rest is missing: of the objects in the last request, and of those that were not asked for."""
    asked = conversation.limit if conversation.multiple else 1
    for position, read in enumerate(conversation.rest):
        answer.miss(read.slots, missing if position < asked else Missing.NOT_ASKED)
