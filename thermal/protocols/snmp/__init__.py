"""SNMP 2c and 3: requests for many objects at once, and nothing but requests for values."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from thermal.domain import snmp
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.domain.scalars import ScalarPoint
from thermal.domain.snmp import ObjectPlan, Oid
from thermal.protocols.base import DeviceTooSlow, Endpoint, Target, failed
from thermal.protocols.datagrams import Line, NoReply, ReplyGarbled, open_line
from thermal.protocols.snmp.agents import Agent, AgentRefuses, agent_for
from thermal.protocols.snmp.messages import Reply

TOO_BIG: Final = 1
NO_SUCH_NAME: Final = 2
ERRORS: Final = {
    TOO_BIG: "the answer would not fit into a datagram",
    NO_SUCH_NAME: "it has no such object",
    5: "it failed inside",
    6: "it allows no access",
    16: "the community or the user may not read it",
}
"""Error states of an answer in words (RFC 3416, section 3)."""


class Snmp:
    """Reads devices through one agent."""

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> ObjectPlan:
        """Return which objects fill which points."""
        return snmp.plan(points, options)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device, one after another through one socket."""
        agent = agent_for(snmp.log_in(endpoint.credentials))
        async with open_line(endpoint) as line:
            for position, target in enumerate(targets):
                if position and endpoint.timing.request_pause_s:
                    await asyncio.sleep(endpoint.timing.request_pause_s)
                yield target, await _read_device(line, agent, endpoint, target)


@dataclass(slots=True)
class Asking:
    """What is still to be asked of one device; the limit shrinks when an answer does not fit."""

    wanted: dict[Oid, list[ScalarPoint]]
    rest: deque[Oid]
    limit: int
    too_big: bool = False
    """True if the limit has shrunk for that; the next poll then starts with what fits."""

    def next_objects(self) -> list[Oid]:
        """Return what to put into the next request."""
        return [self.rest.popleft() for _each in range(min(self.limit, len(self.rest)))]

    def slots(self, objects: Sequence[Oid]) -> list[int]:
        """Return the slots that these objects fill."""
        return [point.spec.slot for oid in objects for point in self.wanted[oid]]


async def _read_device(line: Line, agent: Agent, endpoint: Endpoint, target: Target) -> Answer:
    """Return what one device tells; a request that stays without answer ends the attempt."""
    plan: ObjectPlan = target.plan
    unit, is_context = target.unit_address, not snmp.is_number(target.unit_address)
    if is_context and (endpoint.credentials.get("version") != "3" or plan.needs_unit):
        return failed(target, snmp.UnitIsNoNumber(unit=unit).detail, Missing.NOT_ASKED)
    wanted = plan.objects(unit)
    asking = Asking(wanted, deque(wanted), plan.limit)
    answer = Answer(slot_count=plan.slot_count, raw={} if target.with_raw else None)
    loop = asyncio.get_running_loop()
    started = loop.time()
    while objects := asking.next_objects():
        if answer.request_count and endpoint.timing.request_pause_s:
            await asyncio.sleep(endpoint.timing.request_pause_s)
        try:
            endpoint.timing.check(passed_s=loop.time() - started)
            answer.request_count += 1
            reply = await agent.get(line, objects, unit if is_context else "")
        except (NoReply, ReplyGarbled, AgentRefuses, DeviceTooSlow) as refusal:
            _give_up(answer, asking, objects, refusal)
            break
        _take(answer, asking, objects, reply)
    if asking.too_big and answer.told:
        answer.refusals = {"limit": asking.limit}
    answer.latency_s = loop.time() - started
    return answer


def _give_up(
    answer: Answer, asking: Asking, objects: list[Oid], refusal: NoReply | ReplyGarbled | AgentRefuses | DeviceTooSlow
) -> None:
    """Note why the agent is asked no further."""
    reasons: dict[type, Missing] = {
        NoReply: Missing.NO_ANSWER,
        ReplyGarbled: Missing.GARBLED,
        AgentRefuses: Missing.REFUSED,
    }
    answer.error = refusal.detail
    answer.miss(asking.slots(objects), reasons.get(type(refusal), Missing.NOT_ASKED))
    answer.miss(asking.slots(tuple(asking.rest)), Missing.NOT_ASKED)


def _take(answer: Answer, asking: Asking, objects: list[Oid], reply: Reply) -> None:
    """Put a reply into the answer; what an error has kept from being told is asked for again, in smaller requests."""
    if reply.error_status:
        _after_error(answer, asking, objects, reply)
        return
    told = dict(reply.values)
    for oid in objects:
        snmp.fill(answer, asking.wanted[oid], told.get(oid, Missing.NOT_TOLD))


def _after_error(answer: Answer, asking: Asking, objects: list[Oid], reply: Reply) -> None:
    """Leave out the object that the agent blames; where it blames none, ask for half as many at a time."""
    blamed = reply.error_index - 1
    if len(objects) > 1 and (reply.error_status == TOO_BIG or not 0 <= blamed < len(objects)):
        asking.limit = min(asking.limit, (len(objects) + 1) // 2)
        asking.too_big |= reply.error_status == TOO_BIG
        asking.rest.extendleft(reversed(objects))
        return
    culprit = objects[blamed] if 0 <= blamed < len(objects) else objects[0]
    missing = Missing.NOT_TOLD if reply.error_status == NO_SUCH_NAME else Missing.REFUSED
    answer.miss(asking.slots([culprit]), missing)
    problem = ERRORS.get(reply.error_status, f"error {reply.error_status}")
    answer.error = f"The agent refuses {'.'.join(map(str, culprit))}: {problem}."
    asking.rest.extendleft(oid for oid in reversed(objects) if oid != culprit)
