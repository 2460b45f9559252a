"""What every field language offers: read some devices behind one address, within their deadlines."""

from __future__ import annotations

import asyncio
import functools
import importlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hosting.domain.field_network import FieldNetwork
from kernel.errors import Refusal
from thermal.domain.readings import Answer, Missing, PointSpec

TIME_OUTS_OF_A_DEVICE: Final = 8
"""With the usual time-out of 3 s, one slow device leaves half of a minute's cycle to the others."""


class HostUnknown(Refusal):
    """A host name that leads nowhere."""

    sentence = "%(host)s cannot be found on the network."


class NoConnection(Refusal):
    """Nobody answers at the address."""

    sentence = "No connection to %(host)s, port %(port)s: %(reason)s."


class DeviceTooSlow(Refusal):
    """A device that answers, but would keep the others behind its address waiting for too long."""

    sentence = "The device is too slow: asked no further after %(limit_s)s s."


@dataclass(frozen=True, slots=True)
class Timing:
    """How patient to be with one address, in seconds."""

    timeout_s: float = 3.0
    connect_pause_s: float = 0.0
    request_pause_s: float = 0.0
    keep_open_s: float = 0.0
    """For how long a connection stays open after a poll, in languages that can keep one."""

    @property
    def device_limit_s(self) -> float:
        """For how long one device may be asked in all, however many requests that takes."""
        return TIME_OUTS_OF_A_DEVICE * self.timeout_s

    def check(self, *, passed_s: float) -> None:
        """Refuse to ask a device any further after so many seconds."""
        if passed_s > self.device_limit_s:
            raise DeviceTooSlow(limit_s=f"{self.device_limit_s:g}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address on the field network."""

    host: str
    port: int
    timing: Timing = field(default_factory=Timing)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What the other side asks for, opened; by the names of `hosting.domain.credentials`."""
    name: str = ""
    """The name by which the host was given, which its certificate has to bear; the host is a numeric address then."""
    client_name: str = "heatledger"
    """What the portal calls itself where it has to."""


@dataclass(frozen=True, slots=True)
class Target:
    """One device behind an address and what to read from it."""

    device_id: int
    unit_address: str
    points: Sequence[PointSpec]
    options: dict[str, Any] = field(default_factory=dict)
    plan: Any = None
    """What the language made of the points, so that many devices of one profile share it."""
    on_trial: bool = False
    """Whether the device did not answer lately, so that the cheapest question should come first."""
    with_raw: bool = False
    """Whether the answer is to tell what stood on the wire as well; nobody pays for it at a poll."""


class FieldProtocol(Protocol):
    """A field language: how to plan a profile, and how to read devices one after another."""

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> Any:
        """Return the plan of a profile, or refuse a point that cannot be read."""

    def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device as it comes; failures are answers too, with their reason.

        A device that tells of several instants has several answers, the latest at the end.
        """


class LoadedAtFirstUse:
    """A field language whose library takes long to import: no process pays for what it does not speak."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    @functools.cached_property
    def language(self) -> FieldProtocol:
        """The language itself."""
        spoken: FieldProtocol = getattr(importlib.import_module(self.module), self.name)()
        return spoken

    def plan(self, points: Sequence[PointSpec], options: dict[str, Any]) -> Any:
        """Return the plan of a profile."""
        return self.language.plan(points, options)

    def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each device as it comes."""
        return self.language.read(endpoint, targets)


async def resolved(host: str, port: int, network: FieldNetwork) -> str:
    """Return the numeric address to connect to, after checking that field devices may have it.

    The name is resolved once and the result used, so that it cannot mean something else a moment later.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise HostUnknown(host=host) from None
        address = ipaddress.ip_address(found[0][4][0])
    network.check(host, address, port)
    return str(address)


def failed(target: Target, reason: str, missing: Missing, *, latency_s: float = 0.0) -> Answer:
    """Return the answer of a device that told nothing."""
    slots = [point.slot for point in target.points]
    answer = Answer(slot_count=max(slots, default=-1) + 1, error=reason, latency_s=latency_s)
    answer.miss(slots, missing)
    return answer
