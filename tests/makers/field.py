"""Field devices on real sockets: a Modbus server, and an M-Bus gateway that can misbehave in every known way."""

import asyncio
import datetime as dt
import ipaddress
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer

ACK = b"\xe5"


@contextmanager
def loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop of its own, so that servers answer while the test itself waits."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(end_tasks(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def let_in() -> None:
    """Let the loop accept who waits at the door: asyncio loses the socket of one who comes in while a server closes."""
    for _round in range(3):
        await asyncio.sleep(0.001)


async def end_tasks() -> None:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for transport in open_transports():
        transport.abort()
    for _round in range(500):
        if not open_transports():
            return
        await asyncio.sleep(0.002)


def open_transports() -> list[Any]:
    transports = getattr(asyncio.get_running_loop(), "_transports")  # noqa: B009 (private to asyncio)
    return [transport for transport in transports.values() if transport.get_extra_info("socket").fileno() >= 0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def block(values: dict[int, int], *, size: int = 200) -> ModbusSequentialDataBlock:
    """Registers from 0; pymodbus counts from one more."""
    registers = [0] * size
    for address, value in values.items():
        registers[address] = value
    return ModbusSequentialDataBlock(1, registers)  # type: ignore[no-untyped-call]


@contextmanager
def modbus_server(
    units: dict[int, dict[str, dict[int, int]]], *, framer: FramerType = FramerType.SOCKET
) -> Iterator[int]:
    """The port of a Modbus server; by unit, the contents of its tables hr, ir, co, di."""
    devices: dict[int, Any] = {
        unit: ModbusDeviceContext(**{name: block(tables.get(name, {})) for name in ("di", "co", "hr", "ir")})
        for unit, tables in units.items()
    }
    port = free_port()

    async def start() -> ModbusTcpServer:
        context = ModbusServerContext(devices, single=False)
        server = ModbusTcpServer(context, framer=framer, address=("127.0.0.1", port))
        await server.serve_forever(background=True)
        return server

    with loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield port
        finally:
            asyncio.run_coroutine_threadsafe(let_in(), loop).result(5)
            asyncio.run_coroutine_threadsafe(server.shutdown(), loop).result(5)  # type: ignore[no-untyped-call]


Sender = Callable[[asyncio.StreamWriter, bytes], object]


@dataclass
class BusMeter:
    """One meter on the bus: its telegrams in turn, as real meters give them."""

    telegrams: list[bytes]
    secondary: str = ""
    next_telegram: int = 0
    last_count_bit: int | None = None
    answers: int = 0

    def answer(self, control: int) -> bytes:
        """The next telegram if the frame count bit has changed, else the last one again."""
        bit = control & 0x20
        if self.last_count_bit is not None and bit != self.last_count_bit:
            self.next_telegram = min(self.next_telegram + 1, len(self.telegrams) - 1)
        self.last_count_bit = bit
        self.answers += 1
        return self.telegrams[self.next_telegram]

    def reset(self) -> None:
        self.next_telegram, self.last_count_bit = 0, None


@dataclass
class Gateway:
    """An M-Bus gateway: passes frames between one connection and the meters."""

    meters: dict[int, BusMeter]
    send: Callable[[asyncio.StreamWriter, bytes, int], "asyncio.Future[None] | object"] | None = None
    requests: list[bytes] = field(default_factory=list)
    selected: BusMeter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                start = await reader.readexactly(1)
                if start == b"\x10":
                    frame = start + await reader.readexactly(4)
                elif start == b"\x68":
                    head = start + await reader.readexactly(3)
                    frame = head + await reader.readexactly(head[1] + 2)
                else:
                    continue
                self.requests.append(frame)
                answer = self.answer_to(frame)
                if answer is not None:
                    await self.deliver(writer, answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer_to(self, frame: bytes) -> bytes | None:
        if frame[0] == 0x68:
            digits = (frame[10:6:-1] + frame[11:15]).hex().upper()
            found = [m for m in self.meters.values() if _matches(digits, m.secondary)]
            self.selected = found[0] if found else None  # also lets go of the one selected before
            if self.selected:
                self.selected.reset()
            return ACK if self.selected else None
        control, address = frame[1], frame[2]
        meter = self.selected if address == 253 else self.meters.get(address)
        if meter is None:
            return None
        if control == 0x40:
            meter.reset()
            if address == 253:
                self.selected = None
            return ACK
        return meter.answer(control)

    async def deliver(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        if self.send is None:
            writer.write(answer)
        else:
            result = self.send(writer, answer, len(self.requests))
            if asyncio.iscoroutine(result):
                await result
        await writer.drain()


def _matches(wanted: str, secondary: str) -> bool:
    return bool(secondary) and all(w in ("F", h) for w, h in zip(wanted, secondary, strict=True))


@contextmanager
def mbus_gateway(gateway: Gateway) -> Iterator[int]:
    """The port of the gateway."""

    async def start() -> asyncio.Server:
        return await asyncio.start_server(gateway.serve, "127.0.0.1", 0)

    with loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            asyncio.run_coroutine_threadsafe(let_in(), loop).result(5)
            loop.call_soon_threadsafe(server.close)


def readdressed(telegram: bytes, address: int) -> bytes:
    """The telegram as the meter at another primary address would send it."""
    body = bytes([telegram[4], address]) + telegram[6:-2]
    return telegram[:4] + body + bytes([sum(body) % 256, 0x16])


def telegram_of(records: str, *, address: int = 1, number: str = "12345678", access: int = 1) -> bytes:
    """A heat meter's telegram with these records."""
    head = bytes.fromhex(number)[::-1] + bytes.fromhex("2D2C 08 04") + bytes([access, 0, 0, 0])
    body = bytes([0x08, address, 0x72]) + head + bytes.fromhex(records)
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) % 256, 0x16])


@dataclass(frozen=True)
class Certificate:
    """A certificate that vouches for itself, and its key."""

    pem: str
    key_pem: str


def certificate(host: str = "127.0.0.1") -> Certificate:
    """A certificate of an authority of one's own, for a server at the address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(made.public_bytes(serialization.Encoding.PEM).decode(), private.decode())
