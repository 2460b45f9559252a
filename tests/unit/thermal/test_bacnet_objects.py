"""What a profile says about BACnet objects, what their values mean, and datagrams against bacpypes3's own."""

import datetime as dt
import struct
from decimal import Decimal
from typing import Any

import pytest
from bacpypes3.basetypes import ObjectType, PropertyIdentifier
from bacpypes3.npdu import NPDU
from bacpypes3.pdu import PDU
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import bacnet
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec
from thermal.protocols.bacnet import messages
from thermal.protocols.bacnet.messages import READ_MULTIPLE, READ_PROPERTY
from thermal.protocols.datagrams import ReplyGarbled


def spec(slot: int = 0, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    return PointSpec(slot, f"p{slot}", "", quantity, unit, {"object": "analog-input,1", **address})


def test_names_have_the_numbers_of_the_standard() -> None:
    assert {name: int(ObjectType(name)) for name in bacnet.OBJECT_TYPES} == bacnet.OBJECT_TYPES
    assert {name: int(PropertyIdentifier(name)) for name in bacnet.PROPERTIES} == bacnet.PROPERTIES


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ({"object": None}, "not an object"),
        ({"object": "analog-input"}, "not an object"),
        ({"object": "thermometer,1"}, "not an object"),
        ({"object": "1024,1"}, "not an object"),
        ({"object": "analog-input,4194303"}, "not an object"),
        ({"property": "temperature"}, "neither a known property"),
        ({"property": "4194304"}, "neither a known property"),
        ({"index": -1}, "not a place"),
        ({"index": True}, "not a place"),
        ({"oid": "1.3.6"}, "not known to BACnet"),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_by_name(address: dict[str, Any], problem: str) -> None:
    with pytest.raises(PointIsWrong, match=problem):
        bacnet.plan([spec(**address)], {})


@pytest.mark.parametrize("limit", [0, 129, "24"])
def test_a_limit_that_makes_no_sense_is_refused(limit: object) -> None:
    with pytest.raises(PointIsWrong, match="max_properties"):
        bacnet.plan([spec()], {"max_properties": limit})


@pytest.mark.parametrize(
    "unit", ["", "x", "4194303", "1@0:1", "1@65535:1", "1@7:", "1@7:256", "1@7:0a0", "1@7:" + "ab" * 8]
)
def test_a_unit_that_is_no_device_is_refused(unit: str) -> None:
    with pytest.raises(bacnet.DeviceUnknown, match="not a BACnet device"):
        bacnet.station(unit)


def test_each_object_is_read_once_with_its_state() -> None:
    points = [spec(0), spec(1, property="reliability"), spec(2, object="0:1", bit=0), spec(3, object="device,7")]
    device, first = bacnet.plan(points, {}).objects(7)
    assert (device.kind, device.instance, list(device.parts)) == (8, 7, [(75, None), (85, None), (111, None)])
    assert list(first.parts) == [(85, None), (111, None), (103, None)]
    assert first.slots == [0, 1, 2]


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ((0, b""), Missing.NOT_AVAILABLE),
        ((1, b"\x01"), Decimal(1)),
        ((2, b"\xff\xff\xff\xff"), Decimal(2**32 - 1)),
        ((3, b"\xff\x38"), Decimal(-200)),
        ((4, struct.pack(">f", 21.3)), Decimal("21.3")),
        ((4, struct.pack(">f", float("inf"))), Missing.INVALID),
        ((4, b"\0"), Missing.INVALID),
        ((5, struct.pack(">d", 0.1)), Decimal("0.1")),
        ((7, b"\x0012.5"), Decimal("12.5")),
        ((7, b"\x05\xff"), Missing.INVALID),
        ((8, b"\x04\x50"), Decimal(0b1010)),
        ((8, b"\x09\x50"), Missing.INVALID),
        ((9, b"\x01"), Decimal(1)),
        ((12, b"\0\0\0\1"), Missing.INVALID),
        ((200, b""), Missing.INVALID),
    ],
)
def test_what_a_value_stands_for(told: tuple[int, bytes], value: Any) -> None:
    assert bacnet.number_told([[told]]).value == value


@given(st.lists(st.lists(st.tuples(st.integers(0, 15), st.binary(max_size=12)), max_size=3), max_size=2), st.booleans())
def test_whatever_is_told_becomes_a_value_or_a_reason(told: Any, is_time: bool) -> None:
    value = bacnet.number_told(told, is_time=is_time).value
    assert isinstance(value, Decimal | dt.datetime | Missing)
    assert bacnet.is_in_fault(told[0] if told else None) in (True, False)
    (read,) = bacnet.plan([spec(object="device", property="present-value")], {}).objects(1)
    read.parts[85, None] = told[0] if told else Missing.NOT_TOLD
    answer = Answer(slot_count=1, raw={})
    read.fill(answer)
    assert (answer.values[0] is not None) + bool(answer.missing) >= 1


@pytest.mark.parametrize("unit", ["1201", "1201@2001:7", "1201@9:c0a80001bac0"])
def test_a_datagram_is_what_bacpypes_would_send(unit: str) -> None:
    station = bacnet.station(unit)
    sent = messages.datagram(station, 7, READ_PROPERTY, messages.single_request((0, 1, 85, 3)))
    head, network = sent[:4], NPDU.decode(PDU(sent[4:]))
    assert head == struct.pack(">BBH", 0x81, 0x0A, len(sent))
    assert network.pduExpectingReply
    if station.network is None:
        assert network.npduDADR is None
    else:
        assert (network.npduDADR.addrNet, network.npduDADR.addrAddr) == (station.network, station.mac)
        assert network.npduHopCount == 255
    assert bytes(network.pduData) == bytes([0, 5, 7, READ_PROPERTY]) + bytes.fromhex("0c0000000119552903")


def answered(source: bytes = b"", *, control: int = 0, invoke_id: int = 7) -> bytes:
    value = bytes.fromhex("0c000000011955 3e 4441ac0000 3f")
    message = bytes([1, control]) + source + bytes([0x30, invoke_id, READ_PROPERTY]) + value
    return struct.pack(">BBH", 0x81, 0x0A, len(message) + 4) + message


def test_an_answer_from_behind_a_router_is_taken_from_the_right_device_only() -> None:
    told = answered(bytes.fromhex("07d1 01 07"), control=0x08)
    heard = messages.understand(told, bacnet.station("1@2001:7"), 7, READ_PROPERTY)
    assert heard == {(0, 1, 85, None): [(4, bytes.fromhex("41ac0000"))]}
    assert messages.understand(told, bacnet.station("1@2001:8"), 7, READ_PROPERTY) is None
    assert messages.understand(told, bacnet.station("1"), 7, READ_PROPERTY) is None
    assert messages.understand(answered(), bacnet.station("1"), 7, READ_PROPERTY) is not None
    assert messages.understand(answered(invoke_id=8), bacnet.station("1"), 7, READ_PROPERTY) is None


def understood(datagram: bytes) -> None:
    for service in (READ_PROPERTY, READ_MULTIPLE):
        try:
            messages.understand(datagram, bacnet.station("1"), 7, service)
        except ReplyGarbled as refusal:
            assert refusal.detail  # noqa: PT017 (whether it is raised depends on the bytes)


@given(st.binary(max_size=60), st.sampled_from([0x30, 0x50, 0x60, 0x70]))
def test_rubbish_in_an_answer_is_refused_and_nothing_else_happens(content: bytes, kind: int) -> None:
    message = bytes([1, 0, kind, 7, READ_MULTIPLE]) + content
    understood(struct.pack(">BBH", 0x81, 0x0A, len(message) + 4) + message)
    understood(content)


@given(st.integers(4, len(answered()) - 1), st.binary(min_size=1, max_size=5))
def test_a_spoilt_answer_is_refused_or_read(place: int, spoilt: bytes) -> None:
    told = answered()
    understood((told[:place] + spoilt + told[place + len(spoilt) :])[: len(told)])
