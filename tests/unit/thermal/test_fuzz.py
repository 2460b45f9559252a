"""Whatever stands in a profile or comes over the wire: a refusal in words or a value that was told, and soon.

The decoders of SNMP, BACnet, OPC UA and of what MQTT brings have more laws like these beside their other tests.
"""

import asyncio
import json
import math
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hosting.domain.address_fields import AddressField, Kind
from hosting.domain.addresses import LANGUAGES
from kernel.errors import Refusal
from tests.makers.field import readdressed, telegram_of
from thermal.domain import dropping, mbus, planning, pushing
from thermal.domain.mbus import points as record_points
from thermal.domain.mbus import requests
from thermal.domain.planning import plan as plan_registers
from thermal.domain.readings import CANONICAL_UNITS, Answer, PointIsWrong, PointSpec
from thermal.domain.registers import KINDS, TABLES
from thermal.protocols import PROTOCOLS
from thermal.protocols.mbus import Bus
from thermal.protocols.modbus.frames import READS, GarbledAnswerError, Question, RtuFraming, TcpFraming
from thermal.protocols.mqtt import document_of

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "mbus"
RECORDED = [bytes.fromhex(path.read_text()) for path in sorted(FOLDER.glob("*.hex"))] or [
    telegram_of("04 06 E7 91 00 00 04 14 2C DB 00 00 04 59 B9 27 00 00 04 6D 1A 2F 65 11")
]
NASTY = st.sampled_from(
    ["1e999999999", "-1e-999999999", "1/0", "1/3", "nan", "inf", "-Infinity", "0x", "0x8000", "٣", "", " 7 ", "1_000"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**400), 10**400) | st.floats() | st.text(max_size=8)
    | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def sound(field: AddressField) -> st.SearchStrategy[Any]:
    """What the field is meant for."""
    if field.kind is Kind.CHOICE:
        return st.sampled_from(field.choices)
    if field.kind is Kind.INTEGER:
        return st.integers(field.minimum or 0, min(field.maximum or 10, 200))
    if field.kind is Kind.FLAG:
        return st.booleans()
    if field.kind is Kind.DECIMAL:
        return st.sampled_from([1, "0.1", -3.5, "1e3"])
    if field.kind is Kind.NUMBERS:
        return st.lists(st.integers(-40000, 70000) | st.sampled_from(["0x8000", "nan"]), max_size=2)
    return st.sampled_from(["p0", "p1", "1.3.6.1.2.1.1.3.0", "analog-input,3", "ns=2;s=Power", "a/b", "Energy"])


def said_of(fields: tuple[AddressField, ...]) -> st.SearchStrategy[dict[str, Any]]:
    """Something sound or senseless in some of the fields, and what is always needed."""
    needed = {field.name: sound(field) | JSON for field in fields if field.required}
    other = {field.name: sound(field) | JSON for field in fields if not field.required}
    return st.fixed_dictionaries(needed, optional=other)


@st.composite
def profiles(draw: st.DrawFn, language: str) -> tuple[list[PointSpec], dict[str, Any]]:
    names = LANGUAGES[language]
    units = st.sampled_from(["", "kWh", "°C", "MWh", "bar", "parsec"])
    quantities = st.sampled_from(sorted(CANONICAL_UNITS))
    points = [
        PointSpec(slot, f"p{slot}", "", draw(quantities), draw(units), said)
        for slot, said in enumerate(draw(st.lists(said_of(names.point), min_size=1, max_size=2)))
    ]
    return points, draw(said_of(names.options))


@pytest.mark.parametrize("language", sorted(set(PROTOCOLS) & set(LANGUAGES)))
@given(data=st.data())
def test_a_profile_is_planned_or_refused_by_the_name_of_its_point(language: str, data: st.DataObject) -> None:
    specs, options = data.draw(profiles(language))
    with suppress(Refusal):
        PROTOCOLS[language].plan(specs, options)


def is_accounted_for(answer: Answer, slots: list[int]) -> bool:
    """Whether each slot has a finite value, or an instant, or a reason why not, and never two of them."""
    for slot in slots:
        value, reason = answer.values[slot], answer.missing.get(slot)
        if value is None and slot not in answer.exact and reason is None:
            return False
        if reason is not None and (value is not None or slot in answer.exact):
            return False
        if value is not None and not math.isfinite(value):
            return False
    return True


REGISTERS = st.fixed_dictionaries(
    {"register": st.integers(0, 30), "type": st.sampled_from(sorted(KINDS))},
    optional={
        "table": st.sampled_from(TABLES[:2]),
        "word_order": st.sampled_from(["big", "little"]),
        "byte_order": st.sampled_from(["big", "little"]),
        "scale": st.sampled_from([1, "0.001", "1e300", "1/3", -1]),
        "offset": st.sampled_from([0, "273.15", "1e300"]),
        "missing": st.sampled_from(["0x8000", "0xFFFF"]),
    },
)


@given(st.lists(REGISTERS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_any_registers_are_values_or_reasons(addresses: list[dict[str, Any]], chance: Any) -> None:
    quantities = ["energy_kwh", "state", "supply_c", "info_code"]
    specs = [PointSpec(n, f"p{n}", "", quantities[n % 4], "", address) for n, address in enumerate(addresses)]
    try:
        plan = plan_registers(specs, {})
    except PointIsWrong:
        return
    answer = Answer(slot_count=plan.slot_count)
    for reader in plan.readers:
        reader.read_payload(answer, chance.randbytes(2 * reader.request.count))
    answer.distrust(plan.distrust)
    assert is_accounted_for(answer, [spec.slot for spec in specs])
    assert all(value.is_finite() for value in answer.exact.values() if isinstance(value, Decimal))


QUESTIONS = st.builds(
    Question, st.integers(1, 255), st.sampled_from(sorted(READS)), st.integers(0, 999), st.integers(1, 125)
)


def answered(framing: TcpFraming | RtuFraming, question: Question, received: bytes) -> None:
    rest = bytearray(received)
    try:
        reply = framing.unwrap(question, 7, rest)
    except GarbledAnswerError:
        return
    if reply is not None and not reply.exception:
        bits = question.table in ("coil", "discrete")
        assert len(reply.payload) == ((question.count + 7) // 8 if bits else 2 * question.count)
    assert len(rest) <= len(received)


@given(QUESTIONS, st.binary(max_size=300))
@example(Question(1, "holding", 0, 1), b"\x00\x07\x00\x00\x00\x03\x01\x03\x02")
def test_any_bytes_after_a_question_of_modbus_are_its_answer_or_refused(question: Question, received: bytes) -> None:
    answered(TcpFraming(), question, received)
    answered(RtuFraming(), question, received)


@given(QUESTIONS, st.randoms(use_true_random=False), st.integers(0, 262), st.integers(1, 255))
def test_a_spoilt_byte_on_a_serial_line_is_never_a_value(
    question: Question, chance: Any, place: int, change: int
) -> None:
    length = (question.count + 7) // 8 if question.table in ("coil", "discrete") else 2 * question.count
    body = bytes([question.unit, READS[question.table], length]) + chance.randbytes(length)
    whole = bytearray(with_crc(body))
    whole[place % len(whole)] ^= change
    try:
        reply = RtuFraming().unwrap(question, 7, whole)
    except GarbledAnswerError:
        return
    assert reply is None


def with_crc(body: bytes) -> bytes:
    """The frame with its checksum (MODBUS over Serial Line V1.02, chapter 6.2.2), computed bit by bit."""
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _bit in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return body + crc.to_bytes(2, "little")


@st.composite
def mutated_telegrams(draw: st.DrawFn) -> bytes:
    """A recorded telegram with bytes changed, left out and put in, in a frame that is sound again."""
    body = bytearray(draw(st.sampled_from(RECORDED))[7:-2])
    for _change in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, max(len(body) - 1, 0)))
        kind = draw(st.sampled_from(["change", "leave out", "put in", "cut"]))
        if kind == "change" and body:
            body[place] = draw(st.integers(0, 255))
        elif kind == "leave out" and body:
            del body[place]
        elif kind == "put in":
            body.insert(place, draw(st.integers(0, 255)))
        else:
            del body[place:]
    content = bytes([0x08, 1, draw(st.sampled_from([0x72, 0x72, 0x72, 0x73]))]) + bytes(body[:240])
    return bytes([0x68, len(content), len(content), 0x68]) + content + bytes([sum(content) % 256, 0x16])


METER = [
    PointSpec(slot, name, "", name, "", {})
    for slot, name in enumerate(
        ("energy_kwh", "volume_m3", "power_kw", "supply_c", "return_c", "device_time", "info_code")
    )
]
METER_PLAN = record_points.plan(METER)


def check_filled(telegram: mbus.Telegram) -> None:
    """Every value is accounted for, and is one that a valid record of the telegram tells."""
    answer = Answer(slot_count=METER_PLAN.slot_count)
    record_points.fill(answer, METER_PLAN, telegram.records)
    assert is_accounted_for(answer, [spec.slot for spec in METER])
    told = {record.quantity for record in telegram.records if record.valid and record.is_main_register}
    for point in METER_PLAN.points:
        if point.spec.slot not in answer.missing:
            assert point.quantity in {quantity.casefold() for quantity in told}


@given(mutated_telegrams())
def test_a_mutated_telegram_of_a_real_meter_is_refused_or_told_as_it_stands(telegram: bytes) -> None:
    try:
        decoded = mbus.decode(telegram)
    except mbus.TelegramRefused:
        return
    mbus.billing_values(decoded)
    check_filled(decoded)
    assert decoded.secondary.startswith(decoded.identification)


@given(st.sampled_from(RECORDED), st.data())
def test_a_stream_that_loses_bytes_is_refused_whole(telegram: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(telegram) - 1))
    end = data.draw(st.integers(start + 1, len(telegram)))
    with pytest.raises(mbus.TelegramRefused):
        decode_all(telegram[:start] + telegram[end:])


def decode_all(stream: bytes) -> list[mbus.Telegram]:
    return [mbus.decode(frame) for frame in mbus.split_frames(stream)]


def heard(stream: bytes) -> list[bytes]:
    """What a master takes for answers in all that a gateway sends before it hangs up."""

    async def listen() -> list[bytes]:
        reader = asyncio.StreamReader()
        reader.feed_data(stream)
        reader.feed_eof()
        bus, found = Bus(reader, None, 1.0), []  # type: ignore[arg-type]
        with suppress(asyncio.IncompleteReadError, mbus.TelegramRefused):
            while True:
                found.append(await bus._next_frame())
        return found

    return asyncio.run(listen())


@given(st.binary(max_size=400) | st.binary(max_size=3).map(lambda piece: piece * 900))
def test_any_stream_of_a_gateway_ends_in_whole_frames(stream: bytes) -> None:
    for frame in heard(stream):
        assert frame == b"\xe5" or len(frame) == frame[1] + 6
        assert frame in stream


NOISE = st.integers(0, 255).filter(lambda byte: byte not in (0x68, 0xE5))


@given(st.lists(NOISE, max_size=200), st.sampled_from(RECORDED))
def test_a_telegram_is_found_behind_any_noise_without_a_start(noise: list[int], telegram: bytes) -> None:
    assert heard(bytes(noise) + telegram) == [telegram]


@given(st.text(max_size=20) | st.integers(0, 300).map(str) | st.text("0123456789abcdefF", min_size=8, max_size=16))
def test_a_unit_of_the_bus_is_an_address_or_refused(text: str) -> None:
    try:
        address = requests.meter_address(text)
    except requests.MeterAddressWrong:
        return
    assert len(requests.select_meter(address.secondary)) == 17 if address.secondary else address.primary <= 250
    assert len(readdressed(RECORDED[0], address.on_link)) == len(RECORDED[0])


def test_a_number_that_would_take_for_ever_is_refused_at_once() -> None:
    for scale in ("1e999999999", "-1e-999999999"):
        with pytest.raises(PointIsWrong, match="scale"):
            planning.plan([PointSpec(0, "p", "", "state", "", {"register": 0, "scale": scale})], {})


ENDLESS = "1e9999999999999999999"


@given(st.binary(max_size=60) | JSON.map(lambda told: json.dumps(told).encode()))
@example(ENDLESS.encode())
@example(b'"\\ud800"')
def test_no_payload_of_a_broker_is_more_than_a_document_or_a_refusal(payload: bytes) -> None:
    with suppress(Refusal):
        document_of(payload)


BATCH = {"sequence": 1, "sent_at": "2026-10-25T02:30:00+01:00", "items": []}
ITEM = {"device": "d", "at": "2026-10-25T02:30:00+01:00", "values": {"heat": 1}}


@given(
    st.fixed_dictionaries({name: st.just(said) | JSON for name, said in BATCH.items()}),
    st.lists(st.fixed_dictionaries({name: st.just(said) | JSON for name, said in ITEM.items()}) | JSON, max_size=3),
    st.booleans(),
)
def test_a_pushed_batch_is_refused_or_each_of_its_items_is_judged(
    batch: dict[str, Any], items: list[Any], whole: bool
) -> None:
    body = json.dumps(batch | {"items": items} if whole else batch).encode()
    try:
        read = pushing.batch_of(body, most_items=3)
    except pushing.BatchRefused:
        return
    assert all(item.reason or (item.device.isprintable() and item.values) for item in read.items)


@pytest.mark.parametrize("place", ["sequence", "sent_at", "items"])
def test_a_number_without_end_in_a_batch_is_no_json(place: str) -> None:
    body = json.dumps(BATCH | {place: "HERE"}).replace('"HERE"', ENDLESS).encode()
    with pytest.raises(pushing.BatchRefused):
        pushing.batch_of(body, most_items=3)


FORMS = st.text("%dmYHMSyzZjGV -.:T(", max_size=12) | st.sampled_from(["", "%d.%m.%Y %H:%M", "%d %d", "%Y-%m-%d %z"])
TIMES = st.text("0123456789-:T +Z.", max_size=25) | st.datetimes().map(str) | st.sampled_from(
    ["0001-01-01 00:00", "9999-12-31 23:59", "0001-01-01T00:00+23:59", "25.10.2026 02:30", "1 1"]
)  # fmt: skip


@given(FORMS, TIMES, st.sampled_from(["Europe/Berlin", "Asia/Tokyo", "America/Los_Angeles"]))
@example("%d %d", "1 1", "Europe/Berlin")
@example("", "0001-01-01 00:00", "Asia/Tokyo")
@example("%Y-%m-%d", "9999-12-31", "America/Los_Angeles")
def test_a_time_in_a_dropped_file_is_an_instant_or_refused(form: str, text: str, zone: str) -> None:
    with suppress(Refusal):
        assert dropping.layout_of({"time_form": form}).instant(text, ZoneInfo(zone)).tzinfo is not None
