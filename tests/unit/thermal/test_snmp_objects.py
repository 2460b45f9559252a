"""What a profile says about SNMP objects, and what their values mean."""

import datetime as dt
import struct
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import snmp, usm
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec
from thermal.domain.scalars import Number
from thermal.protocols.datagrams import ReplyGarbled
from thermal.protocols.snmp import messages


def spec(slot: int = 0, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    return PointSpec(slot, f"p{slot}", "", quantity, unit, {"oid": "1.3.6.1.2.1.1.3.0", **address})


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ({"oid": None}, "not an object identifier"),
        ({"oid": "iso.3.6"}, "not an object identifier"),
        ({"oid": "1.3.6.1."}, "not an object identifier"),
        ({"oid": "3.1.1"}, "not an object identifier"),
        ({"oid": "1.40.1"}, "not an object identifier"),
        ({"oid": "1.3.4294967296"}, "not an object identifier"),
        ({"oid": "1.3.{device}"}, "not an object identifier"),
        ({"divisor": 0}, "divided by zero"),
        ({"divisor": "ten"}, "not a number"),
        ({"scale": "1/0"}, "not a number"),
        ({"missing": "none"}, "raw number"),
        ({"missing": [True]}, "raw number"),
        ({"bit": 64}, "not a bit"),
        ({"single_precision": "yes"}, "neither true nor false"),
        ({"register": 7}, "not known to SNMP"),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_by_name(address: dict[str, Any], problem: str) -> None:
    with pytest.raises(PointIsWrong, match=problem):
        snmp.plan([spec(**address)], {})


@pytest.mark.parametrize("limit", [0, 129, "24", True])
def test_a_limit_that_makes_no_sense_is_refused(limit: object) -> None:
    with pytest.raises(PointIsWrong, match="max_oids"):
        snmp.plan([spec()], {"max_oids": limit})


def test_one_object_with_many_bits_is_asked_for_once() -> None:
    plan = snmp.plan([spec(slot, bit=slot) for slot in range(8)], {})
    wanted = plan.objects("1")
    assert list(wanted) == [(1, 3, 6, 1, 2, 1, 1, 3, 0)]
    answer = Answer(slot_count=plan.slot_count)
    snmp.fill(answer, wanted[1, 3, 6, 1, 2, 1, 1, 3, 0], 0b1010_0001)
    assert answer.values == [1, 0, 0, 0, 0, 1, 0, 1]


def test_a_number_below_zero_has_no_bits() -> None:
    plan = snmp.plan([spec(bit=3)], {})
    answer = Answer(slot_count=1)
    snmp.fill(answer, plan.objects("1")[1, 3, 6, 1, 2, 1, 1, 3, 0], -1)
    assert answer.missing == {0: Missing.INVALID}


@pytest.mark.parametrize(
    ("told", "value"),
    [
        (7, Decimal(7)),
        (b"12.5", Decimal("12.5")),
        (b"-3\0", Decimal(-3)),
        (b" 1e3 ", Decimal(1000)),
        (b"1e999", Missing.INVALID),
        (b"12,5", Missing.INVALID),
        (b"1" * 41, Missing.INVALID),
        (b"", Missing.INVALID),
        (b"\xff", Missing.INVALID),
        (b"nan", Missing.INVALID),
        (snmp.OPAQUE_FLOAT + struct.pack(">f", 42.3), Decimal("42.3")),
        (snmp.OPAQUE_FLOAT + struct.pack(">f", float("nan")), Missing.INVALID),
        (snmp.OPAQUE_FLOAT + b"\0", Missing.INVALID),
        (snmp.OPAQUE_DOUBLE + struct.pack(">d", 0.1), Decimal("0.1")),
        (Missing.NOT_TOLD, Missing.NOT_TOLD),
        (2**70, Missing.INVALID),
    ],
)
def test_what_a_value_stands_for(told: Any, value: Any) -> None:
    assert snmp.number_told(told).value == value


@pytest.mark.parametrize(
    ("told", "at"),
    [
        ("07EA0B16141E0005", dt.datetime(2026, 11, 22, 20, 30, 0, 500_000)),  # noqa: DTZ001
        ("07EA0B16141E3C00", dt.datetime(2026, 11, 22, 20, 30, 59)),  # noqa: DTZ001
        ("07EA0B16141E00002D0530", dt.datetime(2026, 11, 23, 2, 18, tzinfo=dt.UTC)),
        ("07EA0D16141E0000", Missing.INVALID),
        ("07EA0B16141E00002A0100", Missing.INVALID),
        ("07EA0B16141E00002BFF00", Missing.INVALID),
        ("07EA", Missing.INVALID),
    ],
)
def test_the_clock_of_a_device(told: str, at: Any) -> None:
    assert snmp.number_told(bytes.fromhex(told), is_time=True).value == at


def test_a_register_in_a_float_of_seven_digits_is_no_meter_reading_unless_the_profile_wants_it() -> None:
    told = snmp.OPAQUE_FLOAT + struct.pack(">f", 123456.7)
    for allowed in (False, True):
        plan = snmp.plan([spec(quantity="energy_kwh", unit="kWh", single_precision=allowed)], {})
        answer = Answer(slot_count=1)
        snmp.fill(answer, [plan.points[0].scalar], told)
        assert answer.values == [pytest.approx(123456.7)]
        assert answer.exact == ({0: Decimal("123456.7")} if allowed else {})
        assert bool(answer.error) is not allowed


@given(st.binary(max_size=40) | st.integers() | st.sampled_from(Missing), st.booleans())
def test_whatever_is_told_becomes_a_value_or_a_reason(told: Any, is_time: bool) -> None:
    number = snmp.number_told(told, is_time=is_time)
    assert isinstance(number, Number)
    assert isinstance(number.value, Decimal | dt.datetime | Missing)
    for quantity in ("state", "energy_kwh", "device_time"):
        plan = snmp.plan([spec(quantity=quantity, scale="1e30", bit=None)], {})
        answer = Answer(slot_count=1)
        snmp.fill(answer, [plan.points[0].scalar], told)
        assert (answer.values[0] is not None) + bool(answer.missing) + (0 in answer.exact) >= 1


def encoded(request_id: int = 7) -> bytes:
    request = messages.get_request(request_id, [(1, 3, 6, 1, 2, 1, 1, 3, 0)])
    return messages.community_message("plant", request)


READERS = [messages.read_community_message, messages.read_user_message, messages.read_scoped]


@pytest.mark.parametrize("read", READERS)
@given(st.binary(max_size=120))
def test_bytes_that_are_no_message_are_refused_and_nothing_else_happens(read: Any, datagram: bytes) -> None:
    try:
        read(datagram)
    except ReplyGarbled as refusal:
        assert refusal.detail  # noqa: PT017 (whether it is raised depends on the bytes)


@given(st.integers(0, len(encoded()) - 1), st.binary(min_size=1, max_size=6))
def test_a_message_with_a_spoilt_place_is_refused_or_read(place: int, spoilt: bytes) -> None:
    message = encoded()
    try:
        messages.read_community_message(message[:place] + spoilt + message[place + len(spoilt) :])
    except ReplyGarbled as refusal:
        assert refusal.detail  # noqa: PT017 (whether it is raised depends on the bytes)


def test_a_request_is_not_taken_for_an_answer() -> None:
    with pytest.raises(ReplyGarbled, match="get-request"):
        messages.read_community_message(encoded())


@pytest.mark.parametrize(
    ("protocol", "key"),
    [
        ("MD5", "526f5eed9fcce26f8964c2930787d82b"),
        ("SHA", "6695febc9288e36282235fc7151f128497b38f3f"),
        # As pysnmp makes it from the same password.
        ("SHA-256", "8982e0e549e866db361a6b625d84cccc11162d453ee8ce3a6445c2d6776f0f8b"),
    ],
)
def test_keys_are_those_of_the_standard(protocol: str, key: str) -> None:
    """RFC 3414, A.3: the password maplesyrup at engine 2."""
    assert usm.localized_key(protocol, "maplesyrup", bytes(11) + b"\2").hex() == key


@pytest.mark.parametrize("protocol", usm.KEY_BYTES)
@given(st.binary(max_size=64), st.binary(min_size=8, max_size=8))
def test_what_is_enciphered_can_be_deciphered(protocol: str, plain: bytes, salt: bytes) -> None:
    key = bytes(range(32))
    secret = usm.encrypted(protocol, key, boots=3, time_s=2**31 - 1, salt=salt, plain=plain)
    told = usm.decrypted(protocol, key, boots=3, time_s=2**31 - 1, salt=salt, secret=secret)
    assert told[: len(plain)] == plain
