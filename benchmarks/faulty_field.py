"""Simulated Modbus controllers that misbehave in every way that real ones do, by a seed.

Each value says whose it is: controller, unit and register. So an answer that was taken for another one's shows in what
is stored.
"""

from __future__ import annotations

import asyncio
import functools
import random
import resource
import struct
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from typing import Any, Final

from pymodbus.framer import FramerRTU

TCP_HEAD: Final = 6
FAULTS: Final = {
    "cut off": 3,
    "half an answer": 2,
    "half an answer, then cut off": 2,
    "wrong unit": 2,
    "late": 3,
    "silent": 2,
    "garbage": 2,
    "busy": 2,
    "gateway has no way": 1,
    "no value": 4,
    "answered, then cut off": 3,
}
"""How many of a thousand requests each fault befalls, when one in forty goes wrong; scaled by the given share."""


def value_of(controller: int, unit: int, register: int) -> int:
    """The whole number that a unit of a controller keeps in a pair of registers; exact in single precision.

    >>> value_of(17, 2, 6)
    17206
    """
    return controller * 1000 + unit * 100 + register


@dataclass(slots=True)
class Field:
    """All controllers of the simulation, each on a loopback address of its own."""

    seed: int
    fault_ratio: float
    late_s: float
    counts: Counter[str] = field(default_factory=Counter)

    def behavior(self, randomness: random.Random) -> str:
        """Return what becomes of one request."""
        if randomness.random() >= self.fault_ratio:
            return "sound"
        (fault,) = randomness.choices(list(FAULTS), weights=list(FAULTS.values()))
        return fault


class Controller(asyncio.Protocol):
    """One connection to a controller."""

    def __init__(self, field_: Field, *, rtu: bool) -> None:
        self.field, self.rtu = field_, rtu
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        host, port = transport.get_extra_info("sockname")
        self.number = int(host.split(".")[3])
        peer = transport.get_extra_info("peername")[1]
        self.randomness = random.Random(f"{self.field.seed} {host} {port} {peer}")

    def data_received(self, data: bytes) -> None:
        if len(data) != (8 if self.rtu else 12):
            self.transport.abort()
            return
        head, body = (b"", data[:6]) if self.rtu else (data[:4], data[6:])
        unit, function, start, count = struct.unpack(">BBHH", body)
        behavior = self.field.behavior(self.randomness)
        self.field.counts[behavior] += 1
        values = [value_of(self.number, unit, start + n) for n in range(0, count, 2)]
        if behavior == "no value":
            values = [-1] * len(values)
        answer = struct.pack(f">BBB{len(values)}i", unit, function, 2 * count, *values)
        if behavior == "wrong unit":
            answer = bytes([unit % 2 + 1]) + answer[1:]
        elif behavior in ("busy", "gateway has no way"):
            answer = bytes([unit, function | 0x80, 6 if behavior == "busy" else 10])
        self.deliver(behavior, self.framed(head, answer))

    def framed(self, head: bytes, answer: bytes) -> bytes:
        """Return the answer in the frame of the controller's language."""
        if self.rtu:
            return answer + FramerRTU.compute_CRC(answer).to_bytes(2, "big")
        return head + struct.pack(">H", len(answer)) + answer

    def deliver(self, behavior: str, answer: bytes) -> None:
        """Send the answer, or what is left of it."""
        if behavior == "cut off":
            self.transport.abort()
        elif behavior.startswith("half"):
            self.transport.write(answer[: len(answer) // 2])
            if behavior.endswith("off"):
                self.transport.close()
        elif behavior == "late":
            self.loop.call_later(self.field.late_s * self.randomness.uniform(0.5, 3), self.transport.write, answer)
        elif behavior == "garbage":
            self.transport.write(self.randomness.randbytes(self.randomness.randint(1, 300)))
        elif behavior != "silent":
            self.transport.write(answer)
            if behavior.endswith("off"):
                self.transport.close()


def serve(ports: tuple[int, int], field_: Field, ready: Event, counts: Any) -> None:
    """Answer for ever on the port for TCP and on that for RTU; what happened is told in `counts` every second."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(_serve(ports, field_, ready, counts))


async def _serve(ports: tuple[int, int], field_: Field, ready: Event, counts: Any) -> None:
    loop = asyncio.get_running_loop()
    for port, rtu in zip(ports, (False, True), strict=True):
        await loop.create_server(functools.partial(Controller, field_, rtu=rtu), "0.0.0.0", port, backlog=1024)
    ready.set()
    while True:
        await asyncio.sleep(1)
        counts.update(field_.counts)
