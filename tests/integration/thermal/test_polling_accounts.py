"""The accounts of polling: every poll that was due is counted once, with what it told."""

import datetime as dt
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from hosting.models import Controller, Device
from tests.integration.thermal.test_polling import METER, MINUTE, NOW, mbus_device, modbus_device, poll
from tests.makers import field, hosting
from tests.makers.field import BusMeter, Gateway
from thermal.domain import pacing
from thermal.models import DeviceDay, TelemetryFrame
from thermal.services import polling
from thermal.services.polling import PollCount

pytestmark = pytest.mark.django_db
TODAY = NOW.date()


def day_of(device: Device, on: dt.date = TODAY) -> DeviceDay:
    return DeviceDay.objects.get(device=device, polled_on=on)


def test_an_answered_poll_counts_its_values_and_its_frame() -> None:
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        for minute in range(3):
            poll(NOW + minute * MINUTE)
    day = day_of(device)
    assert (day.poll_count, day.answered_count, day.failed_count, day.frame_count) == (3, 3, 0, 3)
    assert (day.expected_value_count, day.told_value_count, day.missing_value_count) == (9, 6, 3)
    assert day.request_count == 6
    stored = [value for frame in TelemetryFrame.objects.all() for value in frame.values if value is not None]
    assert len(stored) == day.told_value_count


def test_a_day_ends_at_midnight_utc() -> None:
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        poll(dt.datetime(2026, 11, 22, 23, 59, tzinfo=dt.UTC))
        poll(dt.datetime(2026, 11, 23, 0, 1, tzinfo=dt.UTC))
    assert [day.polled_on.day for day in DeviceDay.objects.filter(device=device)] == [22, 23]


def test_a_poll_without_answer_is_failed_and_all_its_values_are_missing() -> None:
    device = modbus_device(field.free_port())
    poll()
    day = day_of(device)
    assert (day.poll_count, day.failed_count, day.unreached_count, day.frame_count) == (1, 1, 0, 0)
    assert (day.expected_value_count, day.missing_value_count) == (3, 3)
    assert day.latency_sum_ms == 0


def test_what_is_left_alone_was_not_due() -> None:
    device = modbus_device(field.free_port())
    poll()
    Device.objects.update(retry_at=NOW + 5 * MINUTE)
    poll(NOW + 2 * MINUTE)
    assert day_of(device).poll_count == 1


def test_a_device_that_was_not_reached_in_time_counts_as_failed_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "LONGEST_CYCLE_S", 0.5)
    with field.mbus_gateway(Gateway({2: BusMeter([field.telegram_of("04 06 01 00 00 00", address=2)])})) as port:
        mbus_device(port, unit_address="1")
        second = mbus_device(port, unit_address="2")
        poll()
    day = day_of(second)
    assert (day.poll_count, day.failed_count, day.unreached_count) == (1, 1, 1)


def test_what_came_under_a_claim_that_ran_out_is_not_counted() -> None:
    with field.modbus_server(METER) as port:
        modbus_device(port)
        batch = polling.claim_due(now=NOW)
        Controller.objects.update(claim_token=None)
        polling.poll_batch(batch=batch, now=NOW)
    assert not DeviceDay.objects.exists()


def test_a_poll_that_begins_after_its_time_is_late() -> None:
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        for late_s in (5, 6, 120):
            Controller.objects.update(next_poll_at=NOW)
            poll(NOW + dt.timedelta(seconds=late_s))
    assert (day_of(device).poll_count, day_of(device).late_count) == (3, 2)


def test_a_number_that_no_frame_can_hold_is_missing() -> None:
    points = [
        {"key": "huge", "quantity": "state", "address": {"register": 0, "type": "float64"}},
        {"key": "plain", "quantity": "state", "address": {"register": 4}},
    ]
    with field.modbus_server({1: {"hr": {0: 0x7E37, 4: 7}}}) as port:
        device = modbus_device(port, profile=hosting.make_profile(points))
        poll()
    day, frame = day_of(device), TelemetryFrame.objects.get()
    assert (day.told_value_count, day.missing_value_count) == (1, 1)
    assert (frame.values, bytes(frame.quality or b"")) == ([None, 7], b"\x04\x00")


def test_polls_add_up_in_one_statement_for_any_number_of_devices() -> None:
    devices = [hosting.make_device(hosting.make_controller()) for _each in range(3)]
    counts = [
        PollCount(device_id=device.pk, polled_on=TODAY, answered_count=1, latency_sum_ms=each, latency_max_ms=each)
        for device in devices
        for each in (30, 10, 20)
    ]
    polling.add_polls(counts=counts)
    polling.add_polls(counts=[])
    polling.add_polls(counts=counts[:1])
    assert [(d.poll_count, d.latency_sum_ms, d.latency_max_ms) for d in DeviceDay.objects.order_by("device")] == [
        (4, 90, 30),
        (3, 60, 30),
        (3, 60, 30),
    ]


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("device_day_polls_balance", {"poll_count": 2, "answered_count": 1}),
        ("device_day_values_balance", {"expected_value_count": 3, "told_value_count": 2}),
        ("device_day_unreached_polls_failed", {"unreached_count": 1}),
        ("device_day_late_polls_are_polls", {"late_count": 1}),
        ("device_day_frames_come_of_answers", {"frame_count": 1}),
        ("device_day_latency_within_sum", {"latency_max_ms": 1}),
    ],
)
def test_the_database_keeps_the_accounts_balanced(constraint: str, fields: dict[str, Any]) -> None:
    device = hosting.make_device(hosting.make_controller())
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        DeviceDay.objects.create(device=device, polled_on=TODAY, **fields)


def test_accounts_are_kept_as_long_as_frames(settings: Any) -> None:
    settings.THERMAL_KEEP_FRAMES_MONTHS = 2
    device = hosting.make_device(hosting.make_controller())
    for month in (8, 9, 10, 11):
        DeviceDay.objects.create(device=device, polled_on=dt.date(2026, month, 1))
    assert polling.drop_expired_accounts(now=NOW) == 1
    settings.THERMAL_KEEP_FRAMES_MONTHS = 0
    assert polling.drop_expired_accounts(now=NOW + dt.timedelta(days=900)) == 0


def test_what_is_stored_and_what_is_counted_dies_together() -> None:
    """The frame is stored, the count fails: nothing of the poll remains."""
    with field.modbus_server(METER) as port:
        modbus_device(port)
        batch = polling.claim_due(now=NOW)
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE thermal_deviceday RENAME TO elsewhere")
        with pytest.raises(Exception, match="thermal_deviceday"), transaction.atomic():
            polling.poll_batch(batch=batch, now=NOW)
    assert not TelemetryFrame.objects.exists()
