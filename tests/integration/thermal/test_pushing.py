"""Values that a source pushes: signed, stored once, answered the same again."""

import datetime as dt
import json
import threading
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client, override_settings
from django.utils import timezone

from hosting.models import Controller, Device, Measurement
from hosting.services import secrets
from tests.makers import hosting as makers
from thermal.domain import pushing as domain
from thermal.models import DeviceDay, DirtyMark, MeterReading, PushReceipt, TelemetryFrame
from thermal.services import pushing

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(microsecond=0)
AT = NOW - dt.timedelta(minutes=10)
POINTS = [
    {"key": "energy-kwh", "quantity": "energy_kwh", "unit": "MWh", "address": {}},
    {"key": "power-kw", "quantity": "power_kw", "unit": "kW", "address": {"missing": [-1]}},
    {"key": "running", "quantity": "flag", "unit": "", "address": {}},
]


@pytest.fixture(autouse=True)
def _no_counts_of_earlier_tests() -> None:
    cache.clear()


def source(**fields: Any) -> tuple[Controller, str]:
    controller = makers.make_controller(**{"protocol": "http_push", "host": "", "port": None} | fields)
    return controller, secrets.make_push_key(controller=controller, by=None, now=NOW)


def device_of(controller: Controller, **fields: Any) -> Device:
    profile = makers.make_profile(POINTS, protocol="http_push")
    return makers.make_device(controller, **{"profile": profile} | fields)


def body_of(*items: dict[str, Any], sequence: int = 1) -> bytes:
    return json.dumps({"sequence": sequence, "sent_at": NOW.isoformat(), "items": items}).encode()


def item(device: Device, at: dt.datetime = AT, values: dict[str, Any] | None = None) -> dict[str, Any]:
    told = values or {"energy-kwh": "12.3456", "power-kw": 40.5, "running": "on"}
    return {"device": device.code, "at": at.isoformat(), "values": told}


def push(
    controller: Controller, key: str, body: bytes, *, offset_s: int = 0, headers: dict[str, str] | None = None
) -> Any:
    stamp = str(int(timezone.now().timestamp()) + offset_s)
    signed = {"X-Heatledger-Timestamp": stamp, "X-Heatledger-Signature": domain.signature(key, stamp, body)}
    address = f"/api/v1/push/{controller.code}/"
    return Client().post(address, body, content_type="application/json", headers=signed | (headers or {}))


def test_a_batch_is_judged_like_a_poll_and_keeps_every_digit() -> None:
    controller, key = source()
    meter = makers.make_meter()
    device = device_of(controller, meter=meter)
    makers.make_measurement(device, Measurement.Role.DELIVERED_POWER, slot=1)
    answer = push(controller, key, body_of(item(device)))
    assert answer.status_code == 200, answer.content
    assert answer.json()["items"] == [{"result": "stored"}]
    frame = TelemetryFrame.objects.get(device=device)
    assert (frame.at, frame.values) == (AT, [pytest.approx(12345.6), 40.5, 1.0])
    reading = MeterReading.objects.get(meter=meter)
    assert (reading.at, reading.energy_kwh) == (AT, Decimal("12345.6000"))
    assert DirtyMark.objects.filter(site=controller.site).exists()
    device.refresh_from_db()
    assert (device.circuit, device.failure_count, device.last_error) == ("closed", 0, "")
    assert device.last_success_at is not None
    day = DeviceDay.objects.get(device=device)
    assert (day.poll_count, day.answered_count, day.frame_count, day.told_value_count) == (1, 1, 1, 3)


def test_the_same_batch_again_gets_the_first_answer_and_stores_nothing() -> None:
    controller, key = source()
    body = body_of(item(device_of(controller)))
    first, again = push(controller, key, body), push(controller, key, body)
    assert first.json() == again.json()
    assert PushReceipt.objects.count() == 1
    assert DeviceDay.objects.get().poll_count == 1


def test_another_body_under_a_used_number_is_a_conflict() -> None:
    controller, key = source()
    device = device_of(controller)
    push(controller, key, body_of(item(device)))
    answer = push(controller, key, body_of(item(device, AT + dt.timedelta(minutes=1))))
    assert (answer.status_code, answer.json()["code"]) == (409, "sequence_used")
    assert TelemetryFrame.objects.count() == 1


def test_what_is_stored_already_is_known_under_another_number() -> None:
    controller, key = source()
    device = device_of(controller)
    push(controller, key, body_of(item(device)))
    later = item(device, AT + dt.timedelta(minutes=1))
    answer = push(controller, key, body_of(item(device), later, sequence=2)).json()
    assert [one["result"] for one in answer["items"]] == ["known", "stored"]
    assert (answer["known"], answer["stored"], answer["refused"]) == (1, 1, 0)


def test_late_and_unordered_registers_give_one_reading_for_each_step() -> None:
    controller, key = source()
    meter = makers.make_meter()
    device = device_of(controller, meter=meter, reading_s=900)
    start = NOW.replace(minute=0, second=0) - dt.timedelta(hours=3)
    later = [item(device, start + dt.timedelta(minutes=minutes)) for minutes in (50, 40, 35, 31)]
    push(controller, key, body_of(*later))
    earlier = [item(device, start + dt.timedelta(minutes=minutes)) for minutes in (20, 10, 5, 45)]
    push(controller, key, body_of(*earlier, sequence=2))
    minutes = [(reading.at - start).seconds // 60 for reading in MeterReading.objects.order_by("at")]
    assert minutes == [10, 20, 40, 50]
    assert TelemetryFrame.objects.count() == 8


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"device": "elsewhere"}, "device"),
        ({"at": "2026-11-22T20:00:00"}, "at"),
        ({"at": (NOW + dt.timedelta(hours=1)).isoformat()}, "at"),
        ({"at": "1970-01-01T00:00:00Z"}, "at"),
        ({"values": {}}, "values"),
        ({"values": {"unknown": 1}}, "values.unknown"),
        ({"values": {"power-kw": "a lot"}}, "values.power-kw"),
        ({"values": {"power-kw": [1]}}, "values.power-kw"),
        ({"values": {"power-kw": "1e999"}}, "values.power-kw"),
        ({"values": {"power-kw": None}}, "values"),
        ({"values": {"power-kw": -1}}, "values"),
        ({"more": 1}, "item"),
    ],
)
def test_a_refused_item_names_its_field_and_the_others_are_stored(change: dict[str, Any], field: str) -> None:
    controller, key = source()
    device = device_of(controller)
    answer = push(controller, key, body_of(item(device) | change, item(device))).json()
    assert [one["result"] for one in answer["items"]] == ["refused", "stored"]
    assert answer["items"][0]["field"] == field
    assert answer["items"][0]["reason"]


def test_a_batch_that_tells_one_instant_twice_stores_the_first() -> None:
    controller, key = source()
    device = device_of(controller)
    answer = push(controller, key, body_of(item(device), item(device, values={"power-kw": 7}))).json()
    assert [one["result"] for one in answer["items"]] == ["stored", "refused"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"\xff", b"[]", b"[" * 100_000, b'{"sequence": 1}', b'{"sequence": NaN}',
        b'{"sequence": "1", "sent_at": "2026-11-22T20:00:00Z", "items": [1]}',
        b'{"sequence": true, "sent_at": "2026-11-22T20:00:00Z", "items": [1]}',
        b'{"sequence": -1, "sent_at": "2026-11-22T20:00:00Z", "items": [1]}',
        b'{"sequence": 1, "sent_at": "2026-11-22T20:00:00", "items": [1]}',
        b'{"sequence": 1, "sent_at": "2026-11-22T20:00:00Z", "items": []}',
        b'{"sequence": 1, "sent_at": "2026-11-22T20:00:00Z", "items": [' + b"1," * 1000 + b"1]}",
    ],
)  # fmt: skip
def test_a_batch_that_is_not_understood_leaves_no_trace(body: bytes) -> None:
    controller, key = source()
    answer = push(controller, key, body)
    assert answer.status_code == 400
    assert answer.json()["field"]
    assert not PushReceipt.objects.exists()


def test_who_does_not_sign_learns_nothing() -> None:
    controller, key = source()
    keyless = makers.make_controller(protocol="http_push", host="", port=None)
    asked = makers.make_controller()
    off, off_key = source(enabled=False)
    body = body_of(item(device_of(controller)))
    answers = [
        push(controller, "another key", body),
        push(controller, key, body, headers={"X-Heatledger-Signature": ""}),
        push(controller, key, body, headers={"X-Heatledger-Signature": "ü"}),
        push(controller, key, body, headers={"X-Heatledger-Timestamp": "soon"}),
        push(keyless, key, body),
        push(asked, key, body),
        push(off, off_key, body),
        push(Controller(code="nowhere"), key, body),
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert not TelemetryFrame.objects.exists()


def test_a_lost_field_key_closes_the_door_and_says_so_to_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    controller, key = source()
    with override_settings(HOSTING_FIELD_KEYS=["another"]):
        assert push(controller, key, body_of(item(device_of(controller)))).status_code == 401
    assert "HEATLEDGER_FIELD_KEY" in caplog.text
    assert key not in caplog.text


@pytest.mark.parametrize("offset_s", [-400, 400])
def test_an_old_signature_is_not_taken_again(offset_s: int) -> None:
    controller, key = source()
    answer = push(controller, key, body_of(item(device_of(controller))), offset_s=offset_s)
    assert (answer.status_code, answer.json()["code"]) == (401, "clock_off")


def test_a_source_that_sends_too_often_waits() -> None:
    controller, key = source()
    body = body_of(item(device_of(controller)))
    with override_settings(THERMAL_PUSH_RATE_PER_SOURCE="2/min"):
        codes = [push(controller, key, body).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_a_batch_has_a_largest_size() -> None:
    controller, key = source()
    with override_settings(THERMAL_PUSH_MOST_BYTES=10):
        assert push(controller, key, body_of(item(device_of(controller)))).status_code == 413


def test_nothing_of_a_batch_is_stored_without_its_receipt() -> None:
    controller, _key = source()
    body = body_of(item(device_of(controller)))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE thermal_pushreceipt ADD CONSTRAINT no_more CHECK (false) NOT VALID")
    with pytest.raises(IntegrityError, match="no_more"), transaction.atomic():
        pushing.receive_push(controller=controller, body=body, now=NOW)
    assert not TelemetryFrame.objects.exists()
    assert not DeviceDay.objects.exists()


def test_a_number_is_received_once_and_the_items_add_up() -> None:
    controller, _key = source()
    facts = {"controller": controller, "received_at": NOW, "sent_at": NOW, "body_sha256": b"x", "answer": {}}
    counts = {"item_count": 1, "stored_count": 1, "known_count": 0, "refused_count": 0}
    PushReceipt.objects.create(sequence_number=1, **facts, **counts)
    for name, wrong in (
        ("push_receipt_sequence_unique", {"sequence_number": 1}),
        ("push_receipt_sequence_not_negative", {"sequence_number": -1}),
        ("push_receipt_items_balance", {"sequence_number": 2, "item_count": 2}),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            PushReceipt.objects.create(**facts | counts | wrong)


def test_receipts_are_dropped_with_the_frames_they_tell_of() -> None:
    controller, key = source()
    push(controller, key, body_of(item(device_of(controller))))
    assert pushing.drop_expired(now=NOW) == 0
    assert pushing.drop_expired(now=NOW + dt.timedelta(days=26 * 31)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_copies_sent_at_once_are_stored_once() -> None:
    controller, key = source()
    body = body_of(item(device_of(controller)))
    answers: list[Any] = []

    def send() -> None:
        answers.append(push(controller, key, body).json())
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers[0]["stored"] == 1
    assert answers == [answers[0]] * 3
    assert DeviceDay.objects.get().poll_count == 1
