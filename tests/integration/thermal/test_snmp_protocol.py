"""SNMP over real sockets: snmpsim with recorded and with made walks, and a small agent that misbehaves."""

import asyncio
import datetime as dt
import json
import socket
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v2c

from tests.makers import agents, field
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.domain.snmp import LogInIsWrong
from thermal.protocols import PROTOCOLS
from thermal.protocols.base import Endpoint, Target, Timing

SNMP = PROTOCOLS["snmp"]
BASE = "1.3.6.1.4.1.99999.1"
RECORDED = ("apc_ap8959eu3", "pcoweb-rittalchiller", "raritan-pdu")
MADE = f"""\
{BASE}.1.0|2|-40
{BASE}.2.0|70|18446744073709551615
{BASE}.3.0|4| 23.50
{BASE}.4.0|4|off
{BASE}.5.0|2|2147483647
{BASE}.6.0|66|5
{BASE}.7.0|4x|07EA0B16141E00002B0100
{BASE}.8.0|68x|9F780442293333
{BASE}.9.1|66|100
{BASE}.9.2|66|200
{BASE}.10.0|67|4200"""


def spec(slot: int, place: str, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    oid = place if place.startswith("1.3.6.") else f"{BASE}.{place}"
    return PointSpec(slot, f"p{slot}", f"Point {slot}", quantity, unit, {"oid": oid, **address})


def target(points: list[PointSpec], *, unit: str = "1", **options: Any) -> Target:
    return Target(1, unit, points, options, SNMP.plan(points, options))


def community(name: str) -> dict[str, str]:
    return {"version": "2c", "community": name}


async def ask(port: int, credentials: Mapping[str, str], *targets: Target, timeout_s: float = 1.0) -> list[Answer]:
    endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s), credentials)
    return [answer async for _target, answer in SNMP.read(endpoint, list(targets))]


def read(port: int, credentials: Mapping[str, str], *targets: Target, timeout_s: float = 1.0) -> list[Answer]:
    return asyncio.run(ask(port, credentials, *targets, timeout_s=timeout_s))


@pytest.fixture(scope="module")
def simulator() -> Iterator[int]:
    walks = {name: agents.recorded_walk(name) for name in RECORDED if (agents.RECORDED / f"{name}.snmprec").exists()}
    with agents.simulated({"made": MADE, **walks}) as port:
        yield port


def recorded_sensors(name: str) -> list[dict[str, Any]]:
    agents.recorded_walk(name)
    found = json.loads((agents.RECORDED / f"{name}.json").read_text())
    for sensor in found["sensors"]["discovery"]["sensors"]:
        # The file took the number from one column of the table, and the name from another.
        if sensor["sensor_oid"] == ".1.3.6.1.4.1.9839.2.1.3.120.0":
            sensor["sensor_oid"] = ".1.3.6.1.4.1.9839.2.1.2.120.0"
    return [sensor for sensor in found["sensors"]["discovery"]["sensors"] if sensor["sensor_current"] is not None]


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("user", ["", "sha2"], ids=["version-2c", "version-3"])
def test_every_sensor_of_a_recorded_device_has_the_value_that_others_found(
    simulator: int, name: str, user: str
) -> None:
    sensors = recorded_sensors(name)
    points = [
        spec(
            slot,
            sensor["sensor_oid"].removeprefix("."),
            scale=sensor["sensor_multiplier"],
            divisor=sensor["sensor_divisor"],
        )
        for slot, sensor in enumerate(sensors)
    ]
    if user:
        (answer,) = read(simulator, agents.log_in(user), target(points, unit=name))
    else:
        (answer,) = read(simulator, community(name), target(points))
    assert (answer.error, answer.missing) == ("", {})
    assert answer.values == pytest.approx([sensor["sensor_current"] for sensor in sensors])
    assert answer.request_count == -(-len(points) // 24)


@pytest.mark.parametrize("user", agents.USERS)
def test_every_kind_of_user_is_understood(simulator: int, user: str) -> None:
    (answer,) = read(simulator, agents.log_in(user), target([spec(0, "1.0"), spec(1, "6.0")], unit="made"))
    assert (answer.values, answer.error) == ([-40, 5], "")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"auth_key": "not the right one"}, "authentication key or protocol is wrong"),
        ({"priv_key": "not the right one"}, "privacy key or protocol is wrong"),
        ({"user": "nobody"}, "does not know the user"),
    ],
)
def test_a_wrong_log_in_is_told_in_words(simulator: int, change: dict[str, str], problem: str) -> None:
    (answer,) = read(simulator, agents.log_in("sha") | change, target([spec(0, "1.0")], unit="made"))
    assert problem in answer.error
    assert answer.missing == {0: Missing.REFUSED}


def test_a_wrong_community_is_met_with_silence(simulator: int) -> None:
    (answer,) = read(simulator, community("wrong"), target([spec(0, "1.0")]), timeout_s=0.3)
    assert (answer.error, answer.missing) == ("No answer within 0.3 s.", {0: Missing.NO_ANSWER})


def test_numbers_of_every_type_are_read_and_registers_stay_exact(simulator: int) -> None:
    points = [
        spec(0, "1.0", "temperature_c", "°C", divisor=10),
        spec(1, "2.0", "energy_kwh", "Wh", divisor=1000),
        spec(2, "3.0", "supply_c", "°C"),
        spec(3, "8.0", "return_c", "°C"),
        spec(4, "10.0", "operating_h", "s", divisor=100),
        spec(5, "6.0", bit=2),
        spec(6, "6.0", bit=1),
    ]
    (answer,) = read(simulator, community("made"), target(points))
    assert answer.values == pytest.approx([-4, 18446744073709.551615, 23.5, 42.3, 42 / 3600, 1, 0])
    assert answer.exact[1] == Decimal("18446744073709.551615")
    assert (str(answer.exact[2]), str(answer.exact[3])) == ("23.5", "42.3")
    assert answer.request_count == 1


def test_what_is_missing_has_a_reason_and_is_never_zero(simulator: int) -> None:
    points = [
        spec(0, "77.0"),
        spec(1, "1.99"),
        spec(2, "4.0"),
        spec(3, "5.0", missing=[2147483647, -1]),
        spec(4, "6.0"),
        spec(5, "6.0", "device_time"),
    ]
    (answer,) = read(simulator, community("made"), target(points))
    assert answer.values == [None, None, None, None, 5, None]
    assert answer.missing == {
        0: Missing.NOT_TOLD,
        1: Missing.NOT_TOLD,
        2: Missing.INVALID,
        3: Missing.NOT_AVAILABLE,
        5: Missing.INVALID,
    }


def test_the_clock_of_the_device_is_read(simulator: int) -> None:
    (answer,) = read(simulator, community("made"), target([spec(0, "7.0", "device_time")]))
    assert answer.exact[0] == dt.datetime(2026, 11, 22, 19, 30, tzinfo=dt.UTC)


def test_the_unit_of_a_device_stands_in_the_names_of_its_objects(simulator: int) -> None:
    points = [spec(0, "9.{unit}")]
    answers = read(simulator, community("made"), target(points, unit="1"), target(points, unit="2"))
    assert [answer.values for answer in answers] == [[100], [200]]
    (wrong,) = read(simulator, community("made"), target(points, unit="left"))
    assert "not a number" in wrong.error
    assert wrong.request_count == 0


def test_somebody_who_looks_sees_what_was_on_the_wire(simulator: int) -> None:
    points = [spec(0, "1.0", divisor=10), spec(1, "3.0"), spec(2, "77.0")]
    looked = Target(1, "1", points, {}, SNMP.plan(points, {}), with_raw=True)
    (answer,) = read(simulator, community("made"), looked)
    assert answer.raw == {0: "-40", 1: "20 32 33 2E 35 30", 2: ""}


def test_many_agents_are_asked_at_once(simulator: int) -> None:
    points = [spec(0, "1.0"), spec(1, "6.0")]

    async def run() -> list[list[Answer]]:
        logins = [community("made"), agents.log_in("sha"), agents.log_in("old")] * 10
        return await asyncio.gather(
            *(ask(simulator, login, target(points, unit="1" if "community" in login else "made")) for login in logins)
        )

    assert [answers[0].values for answers in asyncio.run(run())] == [[-40, 5]] * 30


def test_an_agent_that_was_restarted_is_met_anew() -> None:
    points = [spec(0, "1.0")]
    with agents.simulated({"made": MADE}) as port:
        assert read(port, agents.log_in("sha"), target(points, unit="made"))[0].values == [-40]
    (gone,) = read(port, agents.log_in("sha"), target(points, unit="made"))
    assert gone.missing == {0: Missing.NO_ANSWER}
    assert "Nobody listens" in gone.error
    with agents.simulated({"made": MADE}, port=port):
        assert read(port, agents.log_in("sha"), target(points, unit="made"))[0].values == [-40]


MANY: dict[tuple[int, ...], Any] = {(1, 3, 6, 1, 4, 1, 99999, 2, number): v2c.Integer32(number) for number in range(20)}


def many(count: int = 20) -> list[PointSpec]:
    return [spec(number, f"1.3.6.1.4.1.99999.2.{number}") for number in range(count)]


def test_fewer_objects_are_asked_for_when_the_answer_is_too_big() -> None:
    def judge(_number: int, objects: Any) -> tuple[int, int]:
        return (1, 0) if len(objects) > 5 else (0, 0)

    with agents.small_agent(MANY, judge) as (port, agent):
        (answer,) = read(port, community("x"), target(many()))
        assert answer.values == list(range(20))
        assert answer.refusals == {"limit": 5}
        assert read(port, community("x"), target(many(), refusals=answer.refusals))[0].values == list(range(20))
    assert [len(objects) for objects in agent.requests] == [20, 10, 5, 5, 5, 5, 5, 5, 5, 5]


def test_an_object_that_an_agent_refuses_does_not_cost_the_others() -> None:
    def judge(_number: int, objects: Any) -> tuple[int, int]:
        bad = (1, 3, 6, 1, 4, 1, 99999, 2, 3)
        return (5, objects.index(bad) + 1) if bad in objects else (0, 0)

    with agents.small_agent(MANY, judge) as (port, _agent):
        (answer,) = read(port, community("x"), target(many(6)))
    assert answer.values == [0, 1, 2, None, 4, 5]
    assert answer.missing == {3: Missing.REFUSED}
    assert "99999.2.3: it failed inside" in answer.error


def test_an_agent_that_refuses_everything_is_left_alone_in_the_end() -> None:
    with agents.small_agent(MANY, lambda _number, _objects: (5, 0)) as (port, agent):
        (answer,) = read(port, community("x"), target(many(8)))
    assert answer.missing == dict.fromkeys(range(8), Missing.REFUSED)
    assert len(agent.requests) < 20


def test_a_lost_datagram_is_sent_once_more() -> None:
    with agents.small_agent(MANY, lambda number, _objects: None if number == 1 else (0, 0)) as (port, agent):
        (answer,) = read(port, community("x"), target(many(3)), timeout_s=0.4)
    assert answer.values == [0, 1, 2]
    assert (len(agent.requests), answer.request_count) == (2, 1)


def test_a_silent_agent_costs_its_time_out_once() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        (answer,) = read(silent.getsockname()[1], community("x"), target(many(), max_oids=8), timeout_s=0.2)
    assert answer.missing == dict.fromkeys(range(8), Missing.NO_ANSWER) | dict.fromkeys(range(8, 20), Missing.NOT_ASKED)
    assert 0.2 <= answer.latency_s < 1


def test_an_agent_that_is_too_slow_is_asked_no_further_and_keeps_its_values() -> None:
    """Each answer comes only to the second asking, at half of the time-out; eight time-outs are all that it has."""
    with agents.small_agent(MANY, lambda number, _objects: None if number % 2 else (0, 0)) as (port, _agent):
        (answer,) = read(port, community("x"), target(many(), max_oids=1), timeout_s=0.2)
    told = sum(value is not None for value in answer.values)
    assert 0 < told < 20
    assert answer.missing == dict.fromkeys(range(told, 20), Missing.NOT_ASKED)
    assert answer.error == "The device is too slow: asked no further after 1.6 s."


@pytest.mark.parametrize("rubbish", [b"HTTP/1.1 400 Bad Request", b"\x30\x82\xff\xff", b"\x30" * 400, b"\x00" * 9])
def test_rubbish_is_no_value(rubbish: bytes) -> None:
    with agents.small_agent(MANY, lambda _number, _objects: rubbish) as (port, _agent):
        (answer,) = read(port, community("x"), target(many(2)), timeout_s=0.2)
    assert answer.missing == {0: Missing.GARBLED, 1: Missing.GARBLED}
    assert "cannot be understood" in answer.error


def test_an_answer_to_another_question_is_not_taken_for_ours() -> None:
    late = v2c.Message()
    v2c.apiMessage.set_defaults(late)
    response = v2c.ResponsePDU()
    v2c.apiPDU.set_defaults(response)
    v2c.apiPDU.set_varbinds(response, [((1, 3, 6, 1, 4, 1, 99999, 2, 0), v2c.Integer32(99))])
    v2c.apiMessage.set_pdu(late, response)
    with agents.small_agent(MANY, lambda _number, _objects: bytes(encoder.encode(late))) as (port, _agent):
        (answer,) = read(port, community("x"), target(many(1)), timeout_s=0.2)
    assert answer.missing == {0: Missing.NO_ANSWER}


def test_nothing_is_asked_without_a_log_in() -> None:
    with pytest.raises(LogInIsWrong, match="no credentials"):
        read(field.free_port(), {}, target(many(1)))
    with pytest.raises(LogInIsWrong, match="no agreed way"):
        read(field.free_port(), agents.log_in("sha") | {"priv_protocol": "AES-256"}, target(many(1)))
