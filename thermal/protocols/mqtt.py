"""MQTT: a poll collects what a broker has queued for a device since the last one, and publishes nothing.

Each device has a session of its own at the broker, which lasts between polls: the broker keeps what is published with
QoS 1 meanwhile, also while the device is left alone after failures. A message that tells its time is stored at its own
time; of those that do not, the last one counts, as of now. A retained message is the state in which a new session
begins and comes only once, so that a device that fell silent does not go on looking alive.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
import logging
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from socket import socket
from typing import Any, Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hosting.domain.addresses import LANGUAGES
from kernel.errors import Refusal
from thermal.domain import told
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec
from thermal.domain.told import ToldPlan, ToldPoint
from thermal.protocols.base import Endpoint, NoConnection, Target, failed

log = logging.getLogger(__name__)

LANGUAGE: Final = LANGUAGES["mqtt"]
SESSION_S: Final = 7 * 86_400
"""How long the broker keeps a session that nobody comes back to."""
LARGEST_PACKET_BYTES: Final = 1_000_000
MOST_MESSAGES: Final = 20_000
"""In one poll; what is more stays at the broker until the next."""
SESSIONS_AT_ONCE: Final = 16
"""At one broker."""
DRAIN_S: Final = 15.0
QUIET_S: Final = 0.25
"""After so long without a message, the broker has sent what it had queued; what comes later waits for the next poll."""
LOOK_S: Final = 0.05
RETAINED_IF_NEW: Final = 1
SILENT: Final = "No message came since the last poll."


@dataclass(frozen=True, slots=True)
class MqttPlan:
    """The points of a profile by the topics, as the profile writes them, in which they are told."""

    told: ToldPlan
    by_topic: dict[str, tuple[ToldPoint, ...]]

    @property
    def register_slots(self) -> dict[str, int]:
        """Return the slot of each quantity that a meter reading keeps."""
        return self.told.register_slots

    def topics(self, unit: str) -> dict[str, tuple[ToldPoint, ...]]:
        """Return the points by the topics of one device."""
        return {topic.replace("{unit}", unit): points for topic, points in self.by_topic.items()}


class TopicsRefused(Refusal):
    """A broker that does not let the portal listen."""

    sentence = "The broker refuses the topic %(topic)s."


class Mqtt:
    """Values that devices publish to a broker."""

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> MqttPlan:  # noqa: ARG002
        """Return the plan of a profile, or refuse a point that cannot be listened to."""
        plan = told.plan(points, LANGUAGE.point_names)
        by_topic: dict[str, tuple[ToldPoint, ...]] = {}
        for point in plan.points:
            topic = _topic(point)
            by_topic[topic] = (*by_topic.get(topic, ()), point)
        return MqttPlan(plan, by_topic)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield what the broker has queued for each device, the latest instant at the end."""
        await _knock(endpoint)
        for first in range(0, len(targets), SESSIONS_AT_ONCE):
            listening = targets[first : first + SESSIONS_AT_ONCE]
            # Waiting for quiet is most of the time, and a broker serves many at once.
            heard = await asyncio.gather(*(_hear(endpoint, target) for target in listening))
            for target, answers in zip(listening, heard, strict=True):
                for answer in answers:
                    yield target, answer


async def _hear(endpoint: Endpoint, target: Target) -> list[Answer]:
    """Return what one device told, or why nothing can be heard of it."""
    started = asyncio.get_running_loop().time()
    try:
        answers = await _listen(endpoint, target)
    except TopicsRefused as refusal:
        answers = [failed(target, refusal.detail, Missing.REFUSED)]
    except NoConnection as refusal:
        answers = [failed(target, refusal.detail, Missing.NO_ANSWER)]
    for answer in answers:
        answer.latency_s = asyncio.get_running_loop().time() - started
        answer.request_count = 1
    return answers


def _topic(point: ToldPoint) -> str:
    """Return the topic of a point, as its profile gives it."""
    topic = point.address.get("topic")
    if not isinstance(topic, str) or not topic or set(topic) & set("+#\0"):
        raise PointIsWrong(point=point.key, problem="the topic is not given, or has a wildcard in it.")
    for name in ("path", "time"):
        if not isinstance(point.address.get(name, ""), str):
            raise PointIsWrong(point=point.key, problem=f"{name} is not a text of keys with dots between.")
    return topic


async def _knock(endpoint: Endpoint) -> None:
    """Refuse a broker at whose address nobody answers; the library would wait for it in one of a few threads."""
    try:
        async with asyncio.timeout(endpoint.timing.timeout_s):
            _reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except (TimeoutError, OSError):
        raise NoConnection(host=endpoint.host, port=endpoint.port, reason="nobody answers") from None
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


async def _listen(endpoint: Endpoint, target: Target) -> list[Answer]:
    """Return what one device told, by instant."""
    plan: MqttPlan = target.plan
    topics = plan.topics(target.unit_address)
    inbox: asyncio.Queue[aiomqtt.Message] = asyncio.Queue()
    tls = _tls(endpoint)
    try:
        async with _client(endpoint, target, inbox, tls) as client:
            options = SubscribeOptions(qos=1, retainHandling=0 if target.with_raw else RETAINED_IF_NEW)
            codes = await client.subscribe([(topic, options) for topic in topics])
            for topic, code in zip(topics, codes, strict=True):
                if isinstance(code, ReasonCode) and code.is_failure:
                    raise TopicsRefused(topic=topic)
            await _drain(inbox, wait_for=len(topics) if target.with_raw else 0, most_s=endpoint.timing.timeout_s)
    except aiomqtt.MqttError as error:
        # What has come is acknowledged, so it must not be thrown away with a connection that broke.
        if inbox.empty():
            raise NoConnection(host=endpoint.host, port=endpoint.port, reason=f"{error}") from None
    finally:
        if tls is not None:
            tls.close()
    collected = _Collected(plan.told, topics, with_raw=target.with_raw)
    while not inbox.empty():
        collected.take(inbox.get_nowait())
    return collected.answers()


async def _drain(inbox: asyncio.Queue[aiomqtt.Message], *, wait_for: int, most_s: float) -> None:
    """Wait until nothing more comes; for a look, until each topic may have spoken."""
    loop = asyncio.get_running_loop()
    started = quiet_since = loop.time()
    count = 0
    while loop.time() - started < DRAIN_S and count < MOST_MESSAGES:
        await asyncio.sleep(LOOK_S)
        if inbox.qsize() != count:
            count, quiet_since = inbox.qsize(), loop.time()
        is_patient = count < wait_for and loop.time() - started < most_s
        if not is_patient and loop.time() - quiet_since > QUIET_S:
            return


def _client(
    endpoint: Endpoint, target: Target, inbox: asyncio.Queue[aiomqtt.Message], tls: ssl.SSLContext | None
) -> aiomqtt.Client:
    """Return the client of the device's session; a look is a guest who leaves the session and its queue alone."""
    is_guest = target.with_raw
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = 0 if is_guest else SESSION_S
    properties.MaximumPacketSize = LARGEST_PACKET_BYTES
    credentials = endpoint.credentials
    return aiomqtt.Client(
        endpoint.host,
        endpoint.port,
        username=credentials.get("user"),
        password=credentials.get("password"),
        identifier=None if is_guest else f"{endpoint.client_name}-{target.device_id}",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=is_guest,
        properties=properties,
        timeout=endpoint.timing.timeout_s,
        tls_context=tls,
        queue_type=lambda maxsize: inbox,  # type: ignore[arg-type]  # noqa: ARG005
        logger=log,
    )


class _NamedContext(ssl.SSLContext):
    """TLS to a numeric address, of which a certificate is expected that names the host."""

    name = ""
    wrapped: ssl.SSLSocket | None = None

    def wrap_socket(self, sock: socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
        """Return the protected socket."""
        self.wrapped = super().wrap_socket(sock, **{**options, "server_hostname": self.name})
        return self.wrapped

    def close(self) -> None:
        """Close the socket, which the library leaves open when it does not believe the other side."""
        if self.wrapped is not None:
            self.wrapped.close()


def _tls(endpoint: Endpoint) -> _NamedContext | None:
    """Return what checks the broker's certificate: against its authority, or those that the system knows."""
    if "tls" not in endpoint.credentials:
        return None
    context = _NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.name = endpoint.name or endpoint.host
    ca = endpoint.credentials.get("ca")
    if ca:
        context.load_verify_locations(cadata=ca)
    else:
        context.load_default_certs()
    return context


@dataclass(slots=True)
class _Collected:
    """What the messages of one device tell, by instant."""

    plan: ToldPlan
    topics: dict[str, tuple[ToldPoint, ...]]
    with_raw: bool = False
    by_instant: dict[dt.datetime | None, Answer] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def take(self, message: aiomqtt.Message) -> None:
        """Put the values of a message into the answers of their instants."""
        topic = str(message.topic)
        payload = message.payload if isinstance(message.payload, bytes) else b""
        points = self.topics.get(topic, ())
        try:
            document = document_of(payload)
        except told.NotANumber as refusal:
            self.problems[f"{topic}: {refusal.detail}"] = None
            return
        for point in points:
            try:
                self._put(point, document, payload)
            except Refusal as refusal:
                self.problems[f"{topic}: {refusal.detail}"] = None

    def _put(self, point: ToldPoint, document: Any, payload: bytes) -> None:
        path = point.address.get("time", "")
        at = told.time_of(told.found_at(document, path)) if path else None
        answer = self.by_instant.setdefault(at, self.plan.answer())
        answer.at = at
        answer.payload_hash = hashlib.sha256((answer.payload_hash or b"") + payload).digest()
        if self.with_raw:
            answer.raw = {**(answer.raw or {}), point.slot: payload.hex()}
        try:
            point.put(answer, told.found_at(document, point.address.get("path", "")))
        except Refusal:
            answer.missing[point.slot] = Missing.GARBLED
            raise

    def answers(self) -> list[Answer]:
        """Return the answers, the latest at the end; one that tells of nothing if there was nothing."""
        silent = self.plan.answer()
        silent.error = "" if self.problems else SILENT
        timed = sorted((at for at in self.by_instant if at), key=lambda at: at.replace(tzinfo=at.tzinfo or dt.UTC))
        found = [self.by_instant[at] for at in timed]
        found += [self.by_instant[None]] if None in self.by_instant else []
        for answer in found:
            answer.distrust(self.plan.distrust)
        final = found or [silent]
        final[-1].error = " ".join((final[-1].error, *self.problems)).strip()
        return final


def document_of(payload: bytes) -> Any:
    """Return what a payload says: a JSON document with exact numbers, or a bare text."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise told.NotANumber(text=payload[: told.LONGEST_TEXT].hex()) from None
    try:
        return json.loads(text, parse_float=told.json_number)
    except (ValueError, RecursionError):
        # A number with leading zeros, or a word such as ON, is no JSON.
        return text
