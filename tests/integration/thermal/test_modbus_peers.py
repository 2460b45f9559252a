"""Modbus against devices and masters that others wrote: modbus-serial, jsmodbus, and libmodbus in mbpoll."""

import asyncio
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.makers import field, peers
from tests.makers.peers import Peer
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import Endpoint, Target, Timing
from thermal.protocols.modbus import ModbusRtuTcp, ModbusTcp

MODBUS = ModbusTcp()
LINE = ModbusRtuTcp()
StartPeer = Callable[..., Peer]

NUMBERS: dict[str, tuple[str, float]] = {
    "int16": (">h", -5),
    "uint16": (">H", 65535),
    "int32": (">i", -70000),
    "uint32": (">I", 4_000_000_000),
    "int64": (">q", -(2**40)),
    "uint64": (">Q", 2**63),
    "float32": (">f", 41.5),
    "float64": (">d", 0.1),
}


def words(fmt: str, number: float) -> list[int]:
    packed = struct.pack(fmt, number)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


def laid_out() -> tuple[list[PointSpec], dict[int, int]]:
    """A point of every type in both word orders, and the registers that hold them."""
    points: list[PointSpec] = []
    registers: dict[int, int] = {}
    for word_order in ("big", "little"):
        for kind, (fmt, number) in NUMBERS.items():
            address = {"register": len(registers), "type": kind, "word_order": word_order}
            points.append(PointSpec(len(points), f"{kind}-{word_order}", "", "state", "", address))
            content = words(fmt, number)
            registers |= dict(enumerate(content if word_order == "big" else reversed(content), start=len(registers)))
    return points, registers


def spec(slot: int, **address: Any) -> PointSpec:
    return PointSpec(slot, f"p{slot}", "", "state", "", address)


def read(
    port: int, points: list[PointSpec], *, unit: str = "1", language: ModbusTcp = MODBUS, timeout_s: float = 2.0
) -> Answer:
    async def run() -> list[Answer]:
        target = Target(1, unit, points, {}, language.plan(points, {}))
        endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s))
        return [answer async for _target, answer in language.read(endpoint, [target])]

    (answer,) = asyncio.run(run())
    return answer


def test_every_type_and_table_of_a_foreign_device_is_understood(peer: StartPeer) -> None:
    points, registers = laid_out()
    expected = [number for _order in range(2) for _fmt, number in NUMBERS.values()]
    more = [
        spec(len(points), table="input", register=9, type="int16", scale="0.1"),
        spec(len(points) + 1, table="coil", register=3),
        spec(len(points) + 2, table="discrete", register=11),
    ]
    unit = {"holding": registers, "input": {9: 227}, "coil": {3: 1}, "discrete": {11: 1}}
    device = peer("modbus_tcp", units={7: unit})
    answer = read(device.port, [*points, *more], unit="7")
    assert (answer.error, answer.missing) == ("", {})
    assert answer.values == pytest.approx([*expected, 22.7, 1, 1])
    assert answer.request_count == 4


def test_what_a_foreign_device_refuses_has_its_reason(peer: StartPeer) -> None:
    device = peer("modbus_tcp", units={1: {"holding": {0: 11, 500: "busy"}}})
    answer = read(device.port, [spec(0, register=0), spec(1, register=200)])
    assert (answer.values, answer.missing) == ([11, None], {1: Missing.REFUSED})
    assert "no such registers" in answer.error
    busy = read(device.port, [spec(0, register=500)])
    assert "busy" in busy.error
    silent = read(device.port, [spec(0, register=0)], unit="9")
    assert "behind the gateway does not answer" in silent.error


def test_a_foreign_serial_line_behind_tcp_is_understood(peer: StartPeer) -> None:
    points, registers = laid_out()
    expected = [number for _order in range(2) for _fmt, number in NUMBERS.values()]
    more = [
        spec(len(points), table="input", register=1, type="int16", scale="0.1"),
        spec(len(points) + 1, table="coil", register=3),
        spec(len(points) + 2, table="discrete", register=8),
    ]
    line = peer("modbus_rtu_tcp", holding=list(registers.values()), input=[0, 227], coils="08", discrete="0001")
    answer = read(line.port, [*points, *more], language=LINE)
    assert (answer.error, answer.missing) == ("", {})
    assert answer.values == pytest.approx([*expected, 22.7, 1, 1])
    assert answer.request_count == 4
    line.end()
    # On a line, the function code follows the unit.
    assert {bytes.fromhex(request)[1] for request in line.told("request")} == READING_CODES


READING_CODES = {1, 2, 3, 4}


def test_only_reading_function_codes_are_on_the_wire(peer: StartPeer) -> None:
    points, registers = laid_out()
    tables = [spec(90, table="input", register=0), spec(91, table="coil", register=0)]
    device = peer("modbus_tcp", units={1: {"holding": registers, "input": {0: 1}, "coil": {0: 1}}})
    read(device.port, [*points, *tables, spec(92, table="discrete", register=0)])
    device.end()
    requests = [bytes.fromhex(request) for request in device.told("request")]
    assert len(requests) == 4
    # A request over TCP has the function code after six bytes of header and the unit.
    assert {request[7] for request in requests} == READING_CODES


def mbpoll(port: int, *options: str, timeout_s: float = 20) -> dict[int, str]:
    """What mbpoll reads, by reference from 0."""
    program = shutil.which("mbpoll")
    if program is None:
        peers.absent("no mbpoll on this machine (Debian: apt-get install mbpoll)")
    command = [str(program), "-0", "-1", "-q", *options, "-p", str(port), "127.0.0.1"]
    told = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=True).stdout
    return {int(place): value for place, value in re.findall(r"^\[(\d+)\]:\s+(\S+)", told, flags=re.MULTILINE)}


def test_a_foreign_master_reads_the_same_from_the_server_of_our_tests() -> None:
    registers = [*words(">h", -5), *words(">I", 4_000_000_000), *words(">f", 41.5)]
    content = {"hr": dict(enumerate(registers)), "ir": {7: 227}, "co": {3: 1}, "di": {4: 1}}
    points = [
        spec(0, register=0, type="int16"),
        spec(1, register=1, type="uint32"),
        spec(2, register=3, type="float32"),
        spec(3, table="input", register=7),
        spec(4, table="coil", register=3),
        spec(5, table="discrete", register=4),
    ]
    with field.modbus_server({1: content}) as port:
        ours = read(port, points)
        theirs = [
            mbpoll(port, "-t", "4:hex", "-r", "0")[0],
            mbpoll(port, "-t", "4:int", "-B", "-r", "1")[1],
            mbpoll(port, "-t", "4:float", "-B", "-r", "3")[3],
            mbpoll(port, "-t", "3", "-r", "7")[7],
            mbpoll(port, "-t", "0", "-r", "3")[3],
            mbpoll(port, "-t", "1", "-r", "4")[4],
        ]
    assert ours.values == [-5, 4_000_000_000, 41.5, 227, 1, 1]
    # mbpoll prints 32 bits with a sign, and no sign at 16 bits but in hexadecimal.
    assert theirs == ["0xFFFB", str(4_000_000_000 - 2**32), "41.5", "227", "1", "1"]
