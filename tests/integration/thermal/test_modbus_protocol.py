"""Modbus over real sockets."""

import asyncio
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pymodbus.framer import FramerType

from tests.makers import field
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols import base
from thermal.protocols.base import Endpoint, Target, Timing
from thermal.protocols.modbus import ModbusRtuTcp, ModbusTcp

MODBUS = ModbusTcp()


def spec(slot: int, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    return PointSpec(slot, f"p{slot}", f"Point {slot}", quantity, unit, address)


def target(points: list[PointSpec], *, unit: str = "1", device_id: int = 1, **options: Any) -> Target:
    return Target(device_id, unit, points, options, MODBUS.plan(points, options))


def read(port: int, *targets: Target, timeout_s: float = 1.0) -> list[Answer]:
    async def run() -> list[Answer]:
        endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s))
        return [answer async for _target, answer in MODBUS.read(endpoint, list(targets))]

    return asyncio.run(run())


def words(fmt: str, *numbers: float) -> list[int]:
    packed = struct.pack(fmt, *numbers)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def test_every_type_word_order_and_table_is_read_in_one_request_each() -> None:
    holding = dict(enumerate(words(">hHiIqQfd", -5, 65535, -70000, 4_000_000_000, -(2**40), 2**63, 41.5, 0.1)))
    holding |= dict(enumerate(reversed(words(">I", 123456789)), start=40))
    holding |= {50: 0x3412, 51: 0b1010}
    points = [
        spec(0, register=0, type="int16"),
        spec(1, register=1, type="uint16"),
        spec(2, register=2, type="int32"),
        spec(3, register=4, type="uint32"),
        spec(4, register=6, type="int64"),
        spec(5, register=10, type="uint64"),
        spec(6, register=14, type="float32"),
        spec(7, register=16, type="float64"),
        spec(8, register=40, type="uint32", word_order="little"),
        spec(9, register=50, type="uint16", byte_order="little"),
        spec(10, register=51, type="uint16", bit=1),
        spec(11, register=51, type="uint16", bit=2),
        spec(12, table="input", register=7, type="int16", scale="0.1"),
        spec(13, table="coil", register=3),
        spec(14, table="discrete", register=4),
    ]
    with field.modbus_server({1: {"hr": holding, "ir": {7: 227}, "co": {3: 1}, "di": {4: 1}}}) as port:
        (answer,) = read(port, target(points, max_gap=40))
    assert answer.error == ""
    assert answer.values == pytest.approx(
        [-5, 65535, -70000, 4e9, -(2**40), 2**63, 41.5, 0.1, 123456789, 0x1234, 1, 0, 22.7, 1, 1]
    )
    assert answer.request_count == 4
    assert answer.missing == {}


def test_registers_for_bills_stay_exact_whatever_the_scale() -> None:
    registers = dict(enumerate(words(">I", 4_294_967_295))) | dict(enumerate(words(">I", 1001), start=2))
    points = [
        spec(0, "energy_kwh", "Wh", register=0, type="uint32", scale="0.1"),
        spec(1, "volume_m3", "l", register=2, type="uint32", scale=0.01),
    ]
    with field.modbus_server({1: {"hr": registers}}) as port:
        (answer,) = read(port, target(points))
    assert {slot: str(value) for slot, value in answer.exact.items()} == {0: "429496.7295", 1: "0.01001"}


def test_a_missing_value_has_a_reason_and_is_never_zero() -> None:
    registers = {0: 0x8000, **dict(enumerate(words(">f", float("nan")), start=1)), 3: 7}
    points = [
        spec(0, register=0, type="int16", missing=-32768),
        spec(1, register=1, type="float32"),
        spec(2, register=3, type="uint16", missing=[65535, 65534]),
    ]
    with field.modbus_server({1: {"hr": registers}}) as port:
        (answer,) = read(port, target(points))
    assert answer.values == [None, None, 7]
    assert answer.missing == {0: Missing.NOT_AVAILABLE, 1: Missing.INVALID}
    assert answer.quality == bytes([3, 4, 0])


def test_a_refused_request_leaves_the_others_their_values() -> None:
    points = [spec(0, register=3, type="uint16"), spec(1, register=5000, type="uint16")]
    with field.modbus_server({1: {"hr": {3: 11}}}) as port:
        (answer,) = read(port, target(points))
    assert answer.values == [11, None]
    assert answer.missing == {1: Missing.REFUSED}
    assert "no such registers" in answer.error


def test_several_units_behind_one_address_are_read_over_one_connection() -> None:
    units = {unit: {"hr": {0: unit * 10}} for unit in (1, 2, 3)}
    points = [spec(0, register=0, type="uint16")]
    with field.modbus_server(units) as port:
        answers = read(port, *(target(points, unit=str(unit), device_id=unit) for unit in units))
    assert [answer.values for answer in answers] == [[10], [20], [30]]


def test_a_wrong_unit_is_told_without_asking() -> None:
    with field.modbus_server({1: {}}) as port:
        (answer,) = read(port, target([spec(0, register=0)], unit="300"))
    assert "not a Modbus unit" in answer.error
    assert answer.request_count == 0


def test_nobody_at_the_address_is_a_refusal_in_words() -> None:
    with pytest.raises(base.NoConnection, match=r"No connection to 127\.0\.0\.1"):
        read(field.free_port(), target([spec(0, register=0)]), timeout_s=0.3)


def test_a_silent_device_ends_at_its_deadline_and_is_asked_only_once() -> None:
    points = [spec(0, register=0), spec(1, register=100), spec(2, table="input", register=0)]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (answer,) = read(silent.getsockname()[1], target(points), timeout_s=0.2)
    assert answer.missing == {0: Missing.NO_ANSWER, 1: Missing.NOT_ASKED, 2: Missing.NOT_ASKED}
    assert answer.request_count == 1
    assert answer.latency_s < 2
    assert answer.error.startswith("No answer within 0.2 s")


@pytest.mark.parametrize(
    "rubbish",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 64,
        b"\xff" * 64,
        b"\x00\x01\x00\x00\x00\x07\x01\x03\x04\x00",
        b"\x00\x01\x00\x00\x00\x05\x01\x03\x02\x00\x01",
        b"\x00\x01\x00\x00\x00\x05\x63\x03\x02\x00\x01",
    ],
)
def test_rubbish_is_no_value(rubbish: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.read(12)
            writer.write(rubbish)
            await reader.read()
        finally:
            writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(babble, "127.0.0.1", 0)

    with field.loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        (answer,) = read(
            server.sockets[0].getsockname()[1], target([spec(0, register=0, type="uint32")]), timeout_s=0.3
        )
        loop.call_soon_threadsafe(server.close)
    assert answer.values == [None]
    assert answer.error


def test_no_function_of_the_protocol_writes() -> None:
    names = {name for module in (base, __import__("thermal.protocols.modbus", fromlist=["x"])) for name in dir(module)}
    assert not [name for name in names if "write" in name.lower()]


RTU = ModbusRtuTcp()


def read_line(port: int, *targets: Target, timeout_s: float = 1.0) -> list[Answer]:
    async def run() -> list[Answer]:
        endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s))
        return [answer async for _target, answer in RTU.read(endpoint, list(targets))]

    return asyncio.run(run())


def checked(frame: bytes) -> bytes:
    """The frame with its checksum, reckoned here from the published polynomial (Modbus over Serial Line, 6.2.2)."""
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _bit in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return frame + crc.to_bytes(2, "little")


@contextmanager
def line(*answers: bytes, asked: list[bytes] | None = None) -> Iterator[int]:
    """The port of a converter that gives these answers to whatever is asked, one for each question."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for answer in answers:
                question = await reader.read(64)
                if asked is not None:
                    asked.append(question)
                writer.write(answer)
            await reader.read()
        finally:
            writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0)

    with field.loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)


def test_units_on_a_serial_line_are_read_through_a_converter() -> None:
    units = {unit: {"hr": {0: unit * 10, 150: unit}, "ir": {7: 227}, "co": {3: 1}} for unit in (1, 247)}
    points = [
        spec(0, register=0),
        spec(1, register=150),
        spec(2, table="input", register=7, scale="0.1"),
        spec(3, table="coil", register=3),
    ]
    with field.modbus_server(units, framer=FramerType.RTU) as port:
        answers = read_line(port, *(target(points, unit=str(unit)) for unit in units))
    assert [answer.values for answer in answers] == [
        [10, 1, pytest.approx(22.7), 1],
        [2470, 247, pytest.approx(22.7), 1],
    ]
    assert [answer.error for answer in answers] == ["", ""]


def test_a_frame_on_the_line_is_unit_function_place_count_and_checksum() -> None:
    asked: list[bytes] = []
    with line(checked(bytes([17, 3, 2, 0x01, 0x02])), asked=asked) as port:
        (answer,) = read_line(port, target([spec(0, register=107)], unit="17"))
    assert answer.values == [0x0102]
    assert asked == [checked(bytes([17, 3, 0, 107, 0, 1]))]


@pytest.mark.parametrize(
    "spoilt",
    [
        checked(bytes([17, 3, 2, 1, 2]))[:-1] + b"\x00",
        checked(bytes([18, 3, 2, 1, 2])),
        checked(bytes([17, 3, 4, 1, 2, 3, 4])),
        checked(bytes([17, 3, 2, 1, 2]))[:4],
        b"\xff" * 40,
    ],
    ids=["wrong checksum", "another unit", "answer to another question", "half an answer", "noise"],
)
def test_a_spoilt_frame_on_the_line_is_no_value(spoilt: bytes) -> None:
    with line(spoilt) as port:
        (answer,) = read_line(port, target([spec(0, register=107)], unit="17"), timeout_s=0.2)
    assert answer.values == [None]
    assert answer.error


def test_a_refusal_on_the_line_is_told_in_words() -> None:
    with line(checked(bytes([17, 0x83, 2]))) as port:
        (answer,) = read_line(port, target([spec(0, register=107)], unit="17"))
    assert answer.missing == {0: Missing.REFUSED}
    assert "no such registers" in answer.error


def test_nobody_on_a_line_has_unit_0() -> None:
    with field.modbus_server({1: {}}, framer=FramerType.RTU) as port:
        (answer,) = read_line(port, target([spec(0, register=0)], unit="0"))
    assert "not a Modbus unit from 1" in answer.error
