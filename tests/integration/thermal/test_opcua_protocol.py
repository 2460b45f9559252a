"""OPC UA over real sockets, against a server that others wrote."""

import asyncio
import datetime as dt
import socket
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.makers import field, peers
from tests.makers.peers import Peer
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols import PROTOCOLS
from thermal.protocols.base import Endpoint, NoConnection, Target, Timing

OPCUA = PROTOCOLS["opc_ua"]
SPACE = "nsu=urn:heatledger:peer;"
MEASURED = "2026-11-22T20:30:00Z"
NODES: dict[str, dict[str, Any]] = {
    "s=Line1.Power": {"type": "Double", "value": 42.5},
    "s=Line1.Energy": {"type": "UInt64", "value": [0, 987654321]},
    "s=Line2.Power": {"type": "Double", "value": 17.25},
    "i=17": {"type": "Float", "value": 123456.7},
    "i=18": {"type": "Int16", "value": -40},
    "i=19": {"type": "Boolean", "value": True},
    "i=20": {"type": "String", "value": "21.50"},
    "i=21": {"type": "UInt32", "value": [11, 22, 33]},
    "i=22": {"type": "DateTime", "value": MEASURED},
    "i=23": {"type": "Double", "value": 1.0, "at": MEASURED},
    "i=30": {"type": "Double", "value": 1.0, "status": "BadSensorFailure"},
    "i=31": {"type": "Double", "value": 1.0, "status": "UncertainLastUsableValue"},
    "i=32": {"type": "Double", "value": 1.0, "status": "BadNoCommunication"},
    "i=33": {"type": "Double", "value": 1.0, "status": "BadNotReadable"},
    "i=34": {"type": "String", "value": "standby"},
    "i=35": {"type": "Int32", "value": 32767},
    "g=09087e75-8e5e-499b-954f-f2a9603db28a": {"type": "Double", "value": 7.0},
    "b=M/RbKBsRVkePCePcx24oRA==": {"type": "Double", "value": 8.0},
}


@pytest.fixture(autouse=True)
def _identity(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings.THERMAL_OPCUA_IDENTITY = tmp_path_factory.getbasetemp() / "opcua" / "identity.pem"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where all servers keep their keys, which take a second or two to make."""
    return str(tmp_path_factory.mktemp("opcua"))


@pytest.fixture(scope="module")
def server(folder: str) -> Iterator[Peer]:
    with peers.running("opc_ua", folder=folder, nodes=NODES, protected=True, largest=20) as peer:
        yield peer


def spec(slot: int, node: str, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    name = node if node.startswith("ns") or node == "i=2258" else SPACE + node
    return PointSpec(slot, f"p{slot}", f"Point {slot}", quantity, unit, {"node": name, **address})


def target(points: list[PointSpec], *, unit: str = "-", **options: Any) -> Target:
    return Target(1, unit, points, options, OPCUA.plan(points, options))


async def ask(
    port: int, *targets: Target, credentials: Mapping[str, str] | None = None, timeout_s: float = 3.0
) -> list[Answer]:
    endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s), credentials or {})
    return [answer async for _target, answer in OPCUA.read(endpoint, list(targets))]


def read(port: int, *targets: Target, **how: Any) -> list[Answer]:
    return asyncio.run(ask(port, *targets, **how))


POINTS = [
    spec(0, "s=Line1.Power", "power_kw", "kW"),
    spec(1, "s=Line1.Energy", "energy_kwh", "Wh", index=1),
    spec(2, "i=18", "temperature_c", "°C", divisor=10),
    spec(3, "i=19", "flag"),
    spec(4, "i=20", "supply_c", "°C"),
    spec(5, "g=09087e75-8e5e-499b-954f-f2a9603db28a"),
    spec(6, "b=M/RbKBsRVkePCePcx24oRA=="),
]


def check_points(answer: Answer) -> None:
    assert (answer.error, answer.missing) == ("", {})
    assert answer.values == pytest.approx([42.5, 987654.321, -4, 1, 21.5, 7, 8])
    assert {slot: str(value) for slot, value in answer.exact.items()} == {0: "42.5", 1: "987654.321", 4: "21.5"}


def test_values_of_every_type_come_in_one_read(server: Peer) -> None:
    (answer,) = read(server.port, target(POINTS))
    check_points(answer)
    # The namespaces, and all the values.
    assert answer.request_count == 2


def test_a_namespace_by_its_number_needs_no_question(server: Peer) -> None:
    (answer,) = read(server.port, target([spec(0, "ns=2;s=Line1.Power"), spec(1, "i=2258", "device_time")]))
    assert answer.request_count == 1


@pytest.mark.parametrize("security", ["Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"])
def test_a_protected_connection_reads_the_same(server: Peer, security: str) -> None:
    (answer,) = read(server.port, target(POINTS, security=security))
    check_points(answer)


def test_what_is_missing_has_a_reason_and_is_never_zero(server: Peer) -> None:
    points = [
        spec(0, "s=Line1.Power"),
        spec(1, "s=nothing"),
        spec(2, "i=30"),
        spec(3, "i=31"),
        spec(4, "i=32"),
        spec(5, "i=33"),
        spec(6, "i=34"),
        spec(7, "i=35", missing=[32767, 32766]),
        spec(8, "i=21"),
        spec(9, "i=21", index=3),
        spec(10, "nsu=urn:elsewhere;i=1"),
        spec(11, "i=18", "device_time"),
    ]
    (answer,) = read(server.port, target(points))
    assert answer.values == [42.5, *[None] * 11]
    assert answer.missing == {
        1: Missing.NOT_TOLD,
        2: Missing.INVALID,
        3: Missing.INVALID,
        4: Missing.NOT_AVAILABLE,
        5: Missing.REFUSED,
        6: Missing.INVALID,
        7: Missing.NOT_AVAILABLE,
        8: Missing.AMBIGUOUS,
        9: Missing.NOT_TOLD,
        10: Missing.NOT_TOLD,
        11: Missing.INVALID,
    }
    assert "BadNotReadable" in answer.error


def test_fewer_are_asked_for_when_the_server_finds_them_too_many(server: Peer) -> None:
    points = [spec(slot, "i=21", index=slot % 3) for slot in range(3)]
    points += [spec(slot, f"ns=0;i={2255 + slot}") for slot in range(3, 45)]
    before = len(server.told("request"))
    (answer,) = read(server.port, target(points))
    assert answer.values[:3] == [11, 22, 33]
    # One for the namespaces; 43 and 22 are too many for this server.
    assert answer.request_count == 1 + 2 + 4
    assert server.told("request")[before:] == [1, 43, 22, 11, 11, 11, 10]
    assert answer.refusals == {"limit": 11}
    assert read(server.port, target(points, refusals=answer.refusals))[0].request_count == 1 + 4


def test_clocks_are_told_by_the_server_by_a_value_and_by_the_source(server: Peer) -> None:
    points = [
        spec(0, "i=2258", "device_time"),
        spec(1, "i=22", "device_time"),
        spec(2, "i=23", "device_time", timestamp="source"),
        spec(3, "i=23", "device_time", timestamp="server"),
    ]
    (answer,) = read(server.port, target(points))
    now, measured = dt.datetime.now(dt.UTC), dt.datetime.fromisoformat(MEASURED)
    assert (answer.exact[1], answer.exact[2]) == (measured, measured)
    for slot in (0, 3):
        told = answer.exact[slot]
        assert isinstance(told, dt.datetime)
        assert abs(told - now) < dt.timedelta(seconds=10)


def test_the_unit_of_a_device_stands_in_the_names_of_its_nodes(server: Peer) -> None:
    points = [spec(0, "s=Line{unit}.Power")]
    answers = read(server.port, target(points, unit="1"), target(points, unit="2"), target(points, unit="1;s=x"))
    assert [answer.values for answer in answers] == [[42.5], [17.25], [None]]
    assert "cannot stand" in answers[2].error


def test_a_register_in_single_precision_is_shown_but_is_no_meter_reading(server: Peer) -> None:
    (answer,) = read(server.port, target([spec(0, "i=17", "energy_kwh", "kWh")]))
    assert answer.values == [pytest.approx(123456.7)]
    assert answer.exact == {}
    assert "32-bit float" in answer.error
    (allowed,) = read(server.port, target([spec(0, "i=17", "energy_kwh", "kWh", single_precision=True)]))
    assert allowed.exact == {0: Decimal("123456.7")}


def test_nothing_but_reading_is_asked_and_sessions_are_closed(server: Peer) -> None:
    sessions, services = len(server.told("session")), len(server.told("service"))
    read(server.port, target(POINTS), target(POINTS))
    check_points(read(server.port, target(POINTS))[0])
    assert set(server.told("service")[services:]) <= {
        "GetEndpointsRequest",
        "CreateSessionRequest",
        "ActivateSessionRequest",
        "CloseSessionRequest",
    }
    assert server.told("session")[sessions : sessions + 3] == ["opened", "closed", "opened"]


def test_many_sessions_at_once_and_a_dead_server_delays_nobody(server: Peer) -> None:
    async def run() -> list[list[Answer]]:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            dead = asyncio.create_task(ask(silent.getsockname()[1], target(POINTS), timeout_s=20))
            told = await asyncio.gather(*(ask(server.port, target(POINTS), timeout_s=10) for _each in range(5)))
            assert not dead.done()
            dead.cancel()
            return told

    for (answer,) in asyncio.run(run()):
        check_points(answer)


StartPeer = Callable[..., Peer]


def test_users_have_to_say_who_they_are(peer: StartPeer, folder: str) -> None:
    one = peer("opc_ua", folder=folder, nodes=NODES, user="reader", password="let me in", protected=True)
    known = {"user": "reader", "password": "let me in"}
    check_points(read(one.port, target(POINTS, security="Basic256Sha256"), credentials=known)[0])
    check_points(read(one.port, target(POINTS), credentials=known)[0])
    for wrong in ({}, known | {"password": "wrong"}):
        with pytest.raises(NoConnection, match="the server answers Bad"):
            read(one.port, target(POINTS), credentials=wrong)


def test_a_password_is_not_shown_to_everybody_unless_the_profile_allows_it(peer: StartPeer, folder: str) -> None:
    one = peer("opc_ua", folder=folder, nodes=NODES, user="reader", password="let me in")
    known = {"user": "reader", "password": "let me in"}
    with pytest.raises(NoConnection, match="wants the password unprotected"):
        read(one.port, target(POINTS), credentials=known)
    assert "ActivateSessionRequest" not in one.told("service")
    check_points(read(one.port, target(POINTS, plain_password=True), credentials=known)[0])


def test_a_server_that_was_restarted_is_read_again(peer: StartPeer, folder: str) -> None:
    first = peer("opc_ua", folder=folder, nodes=NODES)
    check_points(read(first.port, target(POINTS))[0])
    first.end()
    with pytest.raises(NoConnection, match="the connection fails"):
        read(first.port, target(POINTS))
    peer("opc_ua", folder=folder, nodes=NODES, port=first.port)
    check_points(read(first.port, target(POINTS))[0])


def test_a_silent_server_costs_its_time_out_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(NoConnection, match="no answer in time"):
        read(silent.getsockname()[1], target(POINTS), timeout_s=0.3)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"ACKF\x1c\x00\x00\x00" + bytes(20),
        b"ERRF\x10\x00\x00\x00\x00\x00\x80\x80\xff\xff\xff\xff",
        b"MSGF\xff\xff\xff\xff" + bytes(40),
        b"\x00" * 64,
        b"",
    ],
)
def test_rubbish_is_a_refusal_in_words(rubbish: bytes) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(rubbish)
        await writer.drain()
        if not rubbish:
            writer.close()
        await reader.read()
        writer.close()

    async def start() -> asyncio.Server:
        return await asyncio.start_server(babble, "127.0.0.1", 0)

    with field.loop_in_thread() as loop:
        babbler = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        with pytest.raises(NoConnection, match="No connection"):
            read(babbler.sockets[0].getsockname()[1], target(POINTS), timeout_s=0.3)
        loop.call_soon_threadsafe(babbler.close)
