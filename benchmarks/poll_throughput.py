"""How many devices one worker polls and stores in a second: 500 controllers, 40 points each, 20 ms to answer.

    python -m benchmarks.poll_throughput [--controllers 500] [--points 40] [--answer-ms 20] [--seconds 5]

The simulated controllers answer from a second process on addresses of their own (127.x.y.z), so that every one of them
takes a connection. Beside the planned reads stand two naive ways: one request for each register, still with all
controllers at once; and one blocking client that asks register after register and controller after controller. "Per
processor second" leaves out what other programs took of the machine meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import multiprocessing
import resource
import socket
import struct
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any

from benchmarks import ground

REGISTERS = struct.pack(">500f", *(20 + n / 7 for n in range(500)))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one way of polling came to."""

    devices: int
    samples: int
    seconds: float
    busy_seconds: float
    """Processor time of the worker."""


def serve(port: int, answer_s: float, ready: Event) -> None:
    """Answer every read after a while, for ever; the process is ended from outside."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(serve_controllers(port, answer_s, ready))


async def serve_controllers(port: int, answer_s: float, ready: Event) -> None:
    """Listen on every loopback address at once."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SimulatedController(loop, answer_s), "0.0.0.0", port, backlog=1024)
    ready.set()
    await server.serve_forever()


class SimulatedController(asyncio.Protocol):
    """One connection to a controller that thinks before it answers."""

    def __init__(self, loop: asyncio.AbstractEventLoop, answer_s: float) -> None:
        self.loop, self.answer_s = loop, answer_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        transaction, _protocol, _length, unit, function, start, count = struct.unpack(">HHHBBHH", data)
        values = REGISTERS[2 * start : 2 * (start + count)]
        head = struct.pack(">HHHBBB", transaction, 0, 3 + len(values), unit, function, len(values))
        self.loop.call_later(self.answer_s, self.transport.write, head + values)


def fill(count: int, point_count: int, port: int) -> None:
    """Store the controllers, each with one device of one profile."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    site = hosting.Site.objects.create(code="s", name="S", time_zone="UTC", country="DE", installed_it_kw=1)
    profile = hosting.DeviceProfile.objects.create(key="p", name="P", protocol="modbus_tcp")
    hosting.ProfilePoint.objects.bulk_create(
        hosting.ProfilePoint(
            profile=profile,
            slot=slot,
            key=f"p{slot}",
            name=f"Point {slot}",
            quantity="temperature_c",
            unit="°C",
            address={"table": "holding", "register": 2 * slot, "type": "float32"},
        )
        for slot in range(point_count)
    )
    controllers = hosting.Controller.objects.bulk_create(
        hosting.Controller(
            site=site, code=f"c{n}", protocol="modbus_tcp", host=f"127.1.{n >> 8}.{n & 255}", port=port, poll_s=3600
        )
        for n in range(count)
    )
    devices = hosting.Device.objects.bulk_create(
        hosting.Device(controller=c, code=f"d-{c.code}", unit_address="1", profile=profile) for c in controllers
    )
    hosting.Measurement.objects.bulk_create(
        hosting.Measurement(device=device, slot=0, role="supply_temperature", site=site) for device in devices
    )


def poll_for(seconds: float) -> Figures:
    """Return what polling whatever is due, again and again, came to."""
    from django.utils import timezone  # noqa: PLC0415 -- Django is set up by now

    from hosting import models as hosting  # noqa: PLC0415
    from thermal.services import polling  # noqa: PLC0415

    devices = 0
    started, worked = time.perf_counter(), time.process_time()
    while time.perf_counter() - started < seconds:
        hosting.Controller.objects.update(next_poll_at=timezone.now())
        polled = polling.poll_due(clock=timezone.now)
        assert polled.failed_count == 0, "a simulated controller did not answer"
        devices += polled.frame_count
    elapsed, busy = time.perf_counter() - started, time.process_time() - worked
    return Figures(devices, stored_samples(), elapsed, busy)


def stored_samples() -> int:
    """Return how many values the table of frames holds, and empty it."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(sum(cardinality(values)), 0) FROM thermal_telemetryframe")
        (samples,) = cursor.fetchone()
        cursor.execute("TRUNCATE thermal_telemetryframe")
    return int(samples)


def keep_connections() -> None:
    """Let the connections stay open between the polls."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    hosting.Controller.objects.update(keep_open_s=60)


def one_request_per_register() -> None:
    """Move the points apart and forbid to bridge what lies between them."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    hosting.DeviceProfile.objects.update(options={"max_gap": 0})
    for point in hosting.ProfilePoint.objects.all():
        point.address["register"] = 4 * point.slot
        point.save()


def one_after_another(seconds: float, count: int, point_count: int, port: int) -> Figures:
    """Return what a blocking client that asks for one register at a time came to."""
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 -- only this way needs it

    started, worked = time.perf_counter(), time.process_time()
    devices = 0
    while time.perf_counter() - started < seconds:
        client: Any = ModbusTcpClient(f"127.1.{(devices % count) >> 8}.{devices % count & 255}", port=port)
        client.connect()
        for slot in range(point_count):
            client.read_holding_registers(2 * slot, count=2)
        client.close()
        devices += 1
    return Figures(devices, 0, time.perf_counter() - started, time.process_time() - worked)


def report(name: str, figures: Figures) -> None:
    """Print one line of figures."""
    print(
        f"{name:<56} {figures.devices / figures.seconds:>7,.0f} device reads/s"
        f" {figures.samples / figures.seconds:>9,.0f} samples/s"
        f" {figures.devices / figures.busy_seconds:>7,.0f} reads per processor second"
    )


def measure(arguments: argparse.Namespace, port: int) -> None:
    """Fill the portal, poll it in each of the ways, and print what came of it."""
    fill(arguments.controllers, arguments.points, port)
    poll_for(0.1)  # makes this month's partition and fills the caches
    print(
        f"{arguments.controllers} controllers, {arguments.points} points each, {arguments.answer_ms:g} ms to answer, "
        f"one worker, {dt.datetime.now(dt.UTC):%Y-%m-%d}"
    )
    report("planned reads, a connection for each poll", poll_for(arguments.seconds))
    keep_connections()
    report("planned reads, connections kept", poll_for(arguments.seconds))
    one_request_per_register()
    report("one request per register, connections kept", poll_for(arguments.seconds))
    slow = one_after_another(arguments.seconds, arguments.controllers, arguments.points, port)
    report("one request per register, one after another, not stored", slow)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--controllers", type=int, default=500)
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--answer-ms", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=5.0)
    arguments = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    ready = multiprocessing.Event()
    field = multiprocessing.Process(target=serve, args=(port, arguments.answer_ms / 1000, ready), daemon=True)
    field.start()
    ready.wait(10)
    try:
        with ground.throw_away_portal():
            measure(arguments, port)
    finally:
        field.kill()
        field.join()


if __name__ == "__main__":
    main()
