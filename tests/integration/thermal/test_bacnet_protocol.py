"""BACnet/IP over real sockets, against a device that others wrote."""

import asyncio
import datetime as dt
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from tests.makers import field
from tests.makers.peers import Peer
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols import PROTOCOLS
from thermal.protocols.base import Endpoint, Target, Timing

BACNET = PROTOCOLS["bacnet_ip"]
StartPeer = Callable[..., Peer]
DEVICE = 1201
REAL, DOUBLE, UNSIGNED, SIGNED, TEXT, BITS, ENUMERATED, DATE, TIME = 4, 5, 2, 3, 7, 8, 9, 10, 11
PRESENT_VALUE, STATUS = 85, 111
SINGLE, MULTIPLE = 12, 14


def state(bits: int) -> list[Any]:
    return [[BITS, {"bitsUsed": 4, "value": [bits]}]]


FAULT, OUT_OF_SERVICE = 0b0010, 0b1000
OBJECTS: dict[str, dict[int, list[Any]]] = {
    "0,1": {PRESENT_VALUE: [[REAL, 21.5]], STATUS: state(0)},
    "2,2": {PRESENT_VALUE: [[REAL, 123456.7]]},
    "23,3": {PRESENT_VALUE: [[UNSIGNED, 987654321]], STATUS: state(0)},
    "3,4": {PRESENT_VALUE: [[ENUMERATED, 1]], STATUS: state(0)},
    "45,5": {PRESENT_VALUE: [[SIGNED, -70000]]},
    "46,6": {PRESENT_VALUE: [[DOUBLE, 0.1]]},
    "0,7": {PRESENT_VALUE: [[REAL, 99.0]], STATUS: state(FAULT)},
    "0,8": {PRESENT_VALUE: [[REAL, 98.0]], STATUS: state(OUT_OF_SERVICE)},
    "2,9": {87: [[0, None], [REAL, 40.5], [0, None]]},
    "8,1201": {56: [[DATE, "2026-11-22T20:30:15"]], 57: [[TIME, "2026-11-22T20:30:15"]]},
}


def spec(slot: int, place: str, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    return PointSpec(slot, f"p{slot}", f"Point {slot}", quantity, unit, {"object": place, **address})


def target(points: list[PointSpec], *, unit: str = str(DEVICE), **options: Any) -> Target:
    return Target(1, unit, points, options, BACNET.plan(points, options))


async def ask(port: int, *targets: Target, timeout_s: float = 1.0) -> list[Answer]:
    endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s))
    return [answer async for _target, answer in BACNET.read(endpoint, list(targets))]


def read(port: int, *targets: Target, timeout_s: float = 1.0) -> list[Answer]:
    return asyncio.run(ask(port, *targets, timeout_s=timeout_s))


POINTS = [
    spec(0, "analog-input,1", "supply_c", "°C"),
    spec(1, "accumulator,3", "energy_kwh", "kWh", divisor=100),
    spec(2, "binary-input,4", "flag"),
    spec(3, "45,5"),
    spec(4, "large-analog-value,6"),
    spec(5, "analog-value,9", property="priority-array", index=2),
    spec(6, "device", "device_time", property="local-time"),
]


def check_points(answer: Answer) -> None:
    assert (answer.error, answer.missing) == ("", {})
    assert answer.values == pytest.approx([21.5, 9876543.21, 1, -70000, 0.1, 40.5, None])
    assert answer.exact == {
        0: Decimal("21.5"),
        1: Decimal("9876543.21"),
        6: dt.datetime(2026, 11, 22, 20, 30, 15),  # noqa: DTZ001 (the clock on the wall)
    }


def test_values_of_every_type_come_in_one_request(peer: StartPeer) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS)
    (answer,) = read(device.port, target(POINTS))
    check_points(answer)
    assert answer.request_count == 1


def test_a_device_that_knows_no_multiple_is_read_one_by_one_and_asked_only_once_about_it(peer: StartPeer) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS, multiple=False)
    (answer,) = read(device.port, target(POINTS, max_properties=2))
    check_points(answer)
    device.end()
    services = [request["service"] for request in device.told("request")]
    assert services == [MULTIPLE, *[SINGLE] * (len(services) - 1)]
    assert answer.request_count == len(services)
    # The next poll knows.
    assert answer.refusals == {"multiple": False}
    assert not BACNET.plan(POINTS, {"refusals": {"profile": 1, "multiple": False}}).multiple


def test_the_profile_may_say_that_a_device_is_read_one_by_one(peer: StartPeer) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS, multiple=False)
    (answer,) = read(device.port, target(POINTS, multiple=False, status_flags=False))
    check_points(answer)
    # Each of the seven, the other half of the clock, and whether it is the right device.
    assert answer.request_count == 9


def test_fewer_are_asked_for_when_the_answer_does_not_fit(peer: StartPeer) -> None:
    objects = {f"0,{number}": {PRESENT_VALUE: [[REAL, number]]} for number in range(1, 21)}
    device = peer("bacnet", device=DEVICE, objects=objects, largest=12)
    points = [spec(number - 1, f"analog-input,{number}") for number in range(1, 21)]
    (answer,) = read(device.port, target(points))
    assert answer.values == list(range(1, 21))
    assert answer.refusals == {"limit": 6}
    (again,) = read(device.port, target(points, refusals=answer.refusals))
    assert (again.values, again.request_count, again.refusals) == (answer.values, 4, None)
    device.end()
    # The device and 20 objects with their states; then 11, then 6 at a time.
    assert [request["count"] for request in device.told("request")] == [41, 21, 11, 12, 12, 6, 11, 12, 12, 6]


def test_what_is_missing_has_a_reason_and_is_never_zero(peer: StartPeer) -> None:
    points = [
        spec(0, "analog-input,1"),
        spec(1, "analog-input,99"),
        spec(2, "analog-input,1", property="reliability"),
        spec(3, "analog-input,7"),
        spec(4, "analog-input,8"),
        spec(5, "analog-value,9", property="priority-array", index=1),
        spec(6, "analog-value,9", property="priority-array", index=17),
        spec(7, "analog-value,9", property="priority-array"),
        spec(8, "binary-input,4", missing=1),
    ]
    expected = {
        1: Missing.NOT_TOLD,
        2: Missing.NOT_TOLD,
        3: Missing.INVALID,
        4: Missing.INVALID,
        5: Missing.NOT_AVAILABLE,
        6: Missing.NOT_TOLD,
        7: Missing.AMBIGUOUS,
        8: Missing.NOT_AVAILABLE,
    }
    device = peer("bacnet", device=DEVICE, objects=OBJECTS)
    for multiple in (True, False):
        (answer,) = read(device.port, target(points, multiple=multiple))
        assert answer.values == [21.5, *[None] * 8]
        assert answer.missing == expected


def test_an_object_that_may_not_be_read_is_told(peer: StartPeer) -> None:
    points = [spec(0, "analog-input,1"), spec(1, "accumulator,3")]
    device = peer("bacnet", device=DEVICE, objects=OBJECTS, refused={"23,3": [2, 27]})
    for multiple in (True, False):
        (answer,) = read(device.port, target(points, multiple=multiple))
        assert answer.values == [21.5, None]
        assert answer.missing == {1: Missing.REFUSED}
        assert "object 23,3: read-access-denied" in answer.error


def test_a_register_in_single_precision_is_shown_but_is_no_meter_reading(peer: StartPeer) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS)
    (answer,) = read(device.port, target([spec(0, "analog-value,2", "energy_kwh", "kWh")]))
    assert answer.values == [pytest.approx(123456.7)]
    assert answer.exact == {}
    assert "32-bit float" in answer.error
    (allowed,) = read(device.port, target([spec(0, "analog-value,2", "energy_kwh", "kWh", single_precision=True)]))
    assert allowed.exact == {0: Decimal("123456.7")}


@pytest.mark.parametrize("multiple", [True, False])
def test_another_device_at_the_address_is_not_taken_for_the_right_one(peer: StartPeer, multiple: bool) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS)
    (answer,) = read(device.port, target(POINTS[:5], unit="1202", multiple=multiple))
    assert answer.missing == dict.fromkeys(range(5), Missing.REFUSED)
    assert "Another device than 1202" in answer.error
    (nobody,) = read(device.port, target(POINTS[:1], unit="north"))
    assert "not a BACnet device" in nobody.error
    assert nobody.request_count == 0


def test_a_device_that_never_answers_costs_its_time_out_once(peer: StartPeer) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS, silent=True)
    (answer,) = read(device.port, target(POINTS, max_properties=3), timeout_s=0.2)
    # The first request asks for the device, with its clock, and for two more.
    asked = {6, 0, 1}
    assert answer.missing == {
        slot: Missing.NO_ANSWER if slot in asked else Missing.NOT_ASKED for slot in range(len(POINTS))
    }
    assert 0.2 <= answer.latency_s < 1
    assert answer.request_count == 1


def test_several_devices_are_asked_at_once_and_a_dead_one_delays_nobody(peer: StartPeer) -> None:
    device = peer("bacnet", device=DEVICE, objects=OBJECTS)

    async def run() -> list[list[Answer]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            dead = asyncio.create_task(ask(silent.getsockname()[1], target(POINTS), timeout_s=5))
            told = await asyncio.gather(*(ask(device.port, target(POINTS)) for _each in range(10)))
            assert not dead.done()
            dead.cancel()
            return told

    for (answer,) in asyncio.run(run()):
        check_points(answer)


def test_a_device_that_was_restarted_is_read_again(peer: StartPeer) -> None:
    first = peer("bacnet", device=DEVICE, objects=OBJECTS)
    check_points(read(first.port, target(POINTS))[0])
    first.end()
    (gone,) = read(first.port, target(POINTS))
    assert gone.missing == dict.fromkeys(range(7), Missing.NO_ANSWER)
    assert "Nobody listens" in gone.error
    peer("bacnet", device=DEVICE, objects=OBJECTS, port=first.port)
    check_points(read(first.port, target(POINTS))[0])


@contextmanager
def babbler(answer: Callable[[bytes], bytes]) -> Iterator[int]:
    """A port where every datagram is answered by what `answer` makes of it."""

    class Babbler(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.transport.sendto(answer(data), addr)

    async def start() -> Any:
        return await asyncio.get_running_loop().create_datagram_endpoint(Babbler, local_addr=("127.0.0.1", 0))

    with field.loop_in_thread() as loop:
        transport, _babbler = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        yield transport.get_extra_info("sockname")[1]
        loop.call_soon_threadsafe(transport.close)


def framed(message: bytes) -> bytes:
    return struct.pack(">BBH", 0x81, 0x0A, len(message) + 4) + message


@pytest.mark.parametrize(
    ("rubbish", "missing"),
    [
        (lambda _data: b"HTTP/1.1 400 Bad Request", Missing.GARBLED),
        (lambda _data: framed(b""), Missing.GARBLED),
        (lambda data: framed(bytes([1, 0, 0x30, data[8], MULTIPLE, 0x0C])), Missing.GARBLED),
        (lambda data: framed(bytes([1, 0, 0x38, data[8], 0, 1, MULTIPLE])), Missing.NO_ANSWER),
        (lambda data: framed(bytes([1, 0, 0x38, data[8], MULTIPLE, 1, 4])), Missing.GARBLED),
        (lambda data: framed(bytes([1, 0, 0x30, (data[8] + 1) % 256, MULTIPLE])), Missing.NO_ANSWER),
        (lambda data: framed(bytes([1, 0, 0x50, data[8], MULTIPLE, 0xFF])), Missing.GARBLED),
        (lambda data: data, Missing.NO_ANSWER),
    ],
)
def test_rubbish_is_no_value(rubbish: Callable[[bytes], bytes], missing: Missing) -> None:
    with babbler(rubbish) as port:
        (answer,) = read(port, target(POINTS[:2]), timeout_s=0.2)
    assert answer.missing == {0: missing, 1: missing}
    assert answer.error


def test_a_device_that_refuses_everything_is_left_alone_in_the_end() -> None:
    with babbler(lambda data: framed(bytes([1, 0, 0x71, data[8], 0]))) as port:
        (answer,) = read(port, target(POINTS[:5]))
    assert answer.missing == dict.fromkeys(range(5), Missing.REFUSED)
    assert answer.request_count < 30


def test_only_reading_services_are_on_the_wire() -> None:
    heard: list[bytes] = []

    def listen(data: bytes) -> bytes:
        heard.append(data)
        return framed(bytes([1, 0, 0x60, data[8], 9]))

    with babbler(listen) as port:
        read(port, target(POINTS))
    assert {data[9] for data in heard} == {SINGLE, MULTIPLE}
