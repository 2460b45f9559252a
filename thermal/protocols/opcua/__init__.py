"""OPC UA by the client of asyncua: one session, many nodes in one Read, and no other service."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from base64 import b64decode
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from asyncua import ua
from asyncua.client.client import Client
from asyncua.crypto import security_policies
from asyncua.crypto.uacrypto import CertProperties
from asyncua.ua.attribute_ids import AttributeIds
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from django.conf import settings
from django.utils import timezone

from thermal.domain import opcua
from thermal.domain.opcua import Node, NodePlan, NodePoint, ValueTold
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import DeviceTooSlow, Endpoint, NoConnection, Target, failed
from thermal.protocols.opcua.identity import APPLICATION, identity

TOO_MANY: Final = frozenset({0x8010_0000, 0x8008_0000, 0x80B8_0000, 0x80B9_0000})
"""BadTooManyOperations, BadEncodingLimitsExceeded, BadRequestTooLarge, BadResponseTooLarge."""
NAMESPACES: Final = ua.NodeId(ua.Int32(2255))
SESSION_MS: Final = 60_000
CHANNEL_MS: Final = 300_000
LONGEST_ANSWER: Final = 4 * 1024 * 1024
LARGEST_RAW: Final = 80

# What a server does wrong is data, told on the device's page; the library would log it at every poll.
logging.getLogger("asyncua").setLevel(logging.CRITICAL)

Got = TypeVar("Got")

# What the library raises for a broken connection and for bytes that are no message; it promises nothing narrower.
FAILURES: Final = (
    OSError,  # a time-out is one of them
    UaError,
    EOFError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    RuntimeError,
    AssertionError,
)


class OpcUa:
    """Reads devices through one server."""

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> NodePlan:
        """Return which nodes fill which points."""
        return opcua.plan(points, options)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device, one after another in one session; a broken one is opened anew."""
        session: Session | None = None
        try:
            for position, target in enumerate(targets):
                if position and endpoint.timing.request_pause_s:
                    await asyncio.sleep(endpoint.timing.request_pause_s)
                if session is not None and (session.broken or session.security != target.plan.security):
                    await session.close()
                    session = None
                if session is None:
                    session = Session(endpoint, target.plan.security)
                    await session.open(plain_password=target.plan.plain_password)
                yield target, await _read_device(session, target)
        finally:
            if session is not None:
                await session.close()


class Session:
    """A session with a server; every step has its deadline, and what breaks is never used again."""

    def __init__(self, endpoint: Endpoint, security: str) -> None:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        self.endpoint = endpoint
        self.security = security
        self.broken = False
        self.spaces: dict[str, int] | None = None
        self.request_count = 0
        self.client = Client(f"opc.tcp://{host}:{endpoint.port}", timeout=endpoint.timing.timeout_s)
        self.client.application_uri = APPLICATION
        self.client.name = self.client.description = "Heatledger"
        self.client.session_timeout = SESSION_MS
        self.client.secure_channel_timeout = CHANNEL_MS
        self.client.max_messagesize = LONGEST_ANSWER

    async def within(self, step: Awaitable[Got]) -> Got:
        """Return what a step gives, within the time-out of a request."""
        async with asyncio.timeout(self.endpoint.timing.timeout_s):
            return await step

    async def open(self, *, plain_password: bool) -> None:
        """Connect and log in, or say why that is not possible."""
        try:
            if self.security != "none":
                await self.within(self._protect())
            await self.within(self.client.connect_socket())
            if self.endpoint.timing.connect_pause_s:
                await asyncio.sleep(self.endpoint.timing.connect_pause_s)
            await self.within(self.client.send_hello())
            await self.within(self.client.open_secure_channel())
            await self.within(self.client.create_session())
        except FAILURES as problem:
            self.broken = True
            raise self._refusal(words(problem)) from None
        finally:
            if self.broken:
                self.client.disconnect_socket()
        await self._log_in(plain_password=plain_password)

    async def _log_in(self, *, plain_password: bool) -> None:
        """Say who we are; a session that does not want us is closed, for a server has few of them."""
        credentials = self.endpoint.credentials
        user, password = credentials.get("user") or None, credentials.get("password") or None
        if user and not plain_password and self._shows_password:
            await self.close()
            raise self._refusal(
                "the server wants the password unprotected; choose a protection of the connection, or allow it "
                "(plain_password) in the profile"
            )
        try:
            await self.within(self.client.activate_session(username=user, password=password))
        except FAILURES as problem:
            await self.close()
            raise self._refusal(words(problem)) from None

    @property
    def _shows_password(self) -> bool:
        """True if everybody on the line could read the password."""
        policy = self.client.server_policy(ua.UserTokenType.UserName).SecurityPolicyUri
        return self.security == "none" and policy in (None, "", security_policies.SecurityPolicyNone.URI)

    def _refusal(self, reason: str) -> NoConnection:
        """Return the refusal that says why there is no session."""
        return NoConnection(host=self.endpoint.host, port=self.endpoint.port, reason=reason)

    async def _protect(self) -> None:
        """Have everything signed and enciphered."""
        certificate, key = identity(settings.THERMAL_OPCUA_IDENTITY, now=timezone.now())
        await self.client.set_security(
            getattr(security_policies, f"SecurityPolicy{self.security}"),
            CertProperties(certificate, "pem"),
            CertProperties(key, "pem"),
        )

    async def close(self) -> None:
        """Let go of the session, politely where that is still possible."""
        if not self.broken:
            with suppress(*FAILURES):
                await self.within(self.client.close_session())
            with suppress(*FAILURES):
                await self.within(self.client.close_secure_channel())
        self.client.disconnect_socket()

    async def read(self, nodes: Sequence[ua.NodeId]) -> list[ua.DataValue]:
        """Return what the server tells of the values of some nodes."""
        wanted = [ua.ReadValueId(node, AttributeIds.Value) for node in nodes]
        parameters = ua.ReadParameters(MaxAge=0, TimestampsToReturn=ua.TimestampsToReturn.Both, NodesToRead=wanted)
        self.request_count += 1
        return await self.within(self.client.uaclient.session.read(parameters))

    async def known_spaces(self) -> Mapping[str, int]:
        """Return the number of each namespace by its address; servers may number them anew when they start."""
        if self.spaces is None:
            (told,) = await self.read([NAMESPACES])
            names = told.Value.Value if told.Value is not None else None
            self.spaces = {str(name): number for number, name in enumerate(names or ())}
        return self.spaces


@dataclass(slots=True)
class Asking:
    """What is still to be asked of one device; the limit shrinks when it is too much for the server."""

    rest: deque[tuple[ua.NodeId, list[NodePoint]]]
    limit: int

    def next_nodes(self) -> list[tuple[ua.NodeId, list[NodePoint]]]:
        """Return what to put into the next request."""
        return [self.rest.popleft() for _each in range(min(self.limit, len(self.rest)))]


async def _read_device(session: Session, target: Target) -> Answer:
    """Return what one device tells; a request that stays without answer ends the attempt."""
    plan: NodePlan = target.plan
    try:
        opcua.check_unit(target.unit_address)
        nodes = plan.nodes(target.unit_address)
    except opcua.UnitIsNoName as refusal:
        return failed(target, refusal.detail, Missing.NOT_ASKED)
    answer = Answer(slot_count=plan.slot_count, raw={} if target.with_raw else None)
    loop = asyncio.get_running_loop()
    started, asked = loop.time(), session.request_count
    asking = Asking(deque(), plan.limit)
    try:
        spaces = await session.known_spaces() if any(node.uri for node in nodes) else {}
        asking.rest.extend(_found(answer, nodes, spaces))
        while wanted := asking.next_nodes():
            session.endpoint.timing.check(passed_s=loop.time() - started)
            await _ask(session, answer, asking, wanted)
        if asking.limit < plan.limit:
            answer.refusals = {"limit": asking.limit}
    except DeviceTooSlow as refusal:
        _give_up(answer, target, refusal.detail, Missing.NOT_ASKED)
    except FAILURES as problem:
        session.broken = True
        missing = Missing.NO_ANSWER if isinstance(problem, OSError) else Missing.GARBLED
        _give_up(answer, target, f"{words(problem).capitalize()}.", missing)
    answer.latency_s = loop.time() - started
    answer.request_count = session.request_count - asked
    return answer


def _give_up(answer: Answer, target: Target, error: str, missing: Missing) -> None:
    """Note why whatever was not told yet is missing."""
    answer.error = error
    told = {slot for slot, value in enumerate(answer.values) if value is not None} | set(answer.exact)
    answer.miss([point.slot for point in target.points if point.slot not in told], missing)


def _found(
    answer: Answer, nodes: Mapping[Node, list[NodePoint]], spaces: Mapping[str, int]
) -> list[tuple[ua.NodeId, list[NodePoint]]]:
    """Return the nodes as the library names them; those in a namespace that the server lacks are missing."""
    found: list[tuple[ua.NodeId, list[NodePoint]]] = []
    for node, points in nodes.items():
        index = spaces.get(node.uri) if node.uri else node.index
        if index is None:
            answer.error = f"The server has no namespace {node.uri}."
            answer.miss([point.scalar.spec.slot for point in points], Missing.NOT_TOLD)
        else:
            found.append((node_id(node.identifier, index), points))
    return found


def node_id(identifier: str, index: int) -> ua.NodeId:
    """Return the node as the library names it."""
    kind, text = identifier.split("=", 1)
    space = ua.Int16(index)
    if kind == "i":
        return ua.NodeId(ua.Int32(int(text)), space, ua.NodeIdType.Numeric)
    if kind == "g":
        return ua.NodeId(ua.Guid(text), space, ua.NodeIdType.Guid)
    if kind == "b":
        octets = b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
        return ua.NodeId(ua.ByteString(octets), space, ua.NodeIdType.ByteString)
    return ua.NodeId(ua.String(text), space, ua.NodeIdType.String)


async def _ask(
    session: Session, answer: Answer, asking: Asking, wanted: list[tuple[ua.NodeId, list[NodePoint]]]
) -> None:
    """Put the answer to one request into the device's answer; what was too much is asked for again, in halves."""
    if session.request_count and session.endpoint.timing.request_pause_s:
        await asyncio.sleep(session.endpoint.timing.request_pause_s)
    try:
        told = await session.read([node for node, _points in wanted])
    except UaStatusCodeError as problem:
        if problem.code in TOO_MANY and len(wanted) > 1:
            asking.limit = (len(wanted) + 1) // 2
            asking.rest.extendleft(reversed(wanted))
            return
        raise
    for position, (node, points) in enumerate(wanted):
        value = _plain(told[position]) if position < len(told) else Missing.NOT_TOLD
        _complain(answer, node, value)
        for point in points:
            point.take(answer, value)


def _plain(told: ua.DataValue) -> ValueTold:
    """Return what the server told of a node, on plain values."""
    variant = told.Value if isinstance(told.Value, ua.Variant) else ua.Variant(None)
    status = told.StatusCode.value if told.StatusCode is not None else 0
    is_single = variant.VariantType is ua.VariantType.Float
    raw = str(variant.Value)[:LARGEST_RAW]
    return ValueTold(
        variant.Value, int(status), is_single, _time(told.SourceTimestamp), _time(told.ServerTimestamp), raw
    )


def _time(told: Any) -> dt.datetime | None:
    """Return a time stamp, if there is one."""
    return told if isinstance(told, dt.datetime) else None


def _complain(answer: Answer, node: ua.NodeId, value: ValueTold | Missing) -> None:
    """Say which node the server has no value for, the last one if there are several."""
    if not isinstance(value, Missing) and opcua.missing_by(value.status) is not None:
        answer.error = f"The server tells of {node.to_string()}: {ua.StatusCode(ua.UInt32(value.status)).name}."


def words(problem: BaseException) -> str:
    """Return what went wrong as part of a sentence."""
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, UaStatusCodeError):
        return f"the server answers {ua.StatusCode(ua.UInt32(problem.code)).name}"
    if isinstance(problem, OSError):
        return f"the connection fails: {problem.strerror or problem or 'it was closed'}"
    return f"the answer cannot be understood ({type(problem).__name__})"
