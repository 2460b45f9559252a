"""MQTT against the mosquitto of Debian: queued, retained, late and wrong messages, and who may listen."""

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hosting.models import Controller, Device, Measurement
from hosting.services import secrets
from tests.makers import brokers, field
from tests.makers import hosting as makers
from tests.makers.brokers import Broker
from thermal.models import DeviceDay, DirtyMark, MeterReading, TelemetryFrame
from thermal.services import polling
from thermal.services.polling import polls

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, 0, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
ONE_PAYLOAD = [
    {
        "key": "energy-kwh",
        "quantity": "energy_kwh",
        "unit": "MWh",
        "address": {"topic": "plant/{unit}/meter", "path": "registers.0.heat", "time": "at"},
    },
    {
        "key": "power-kw",
        "quantity": "power_kw",
        "unit": "W",
        "address": {"topic": "plant/{unit}/meter", "path": "power", "time": "at", "missing": [-1]},
    },
]
MANY_TOPICS = [
    {"key": "power-kw", "quantity": "power_kw", "unit": "kW", "address": {"topic": "plant/{unit}/power"}},
    {"key": "running", "quantity": "flag", "unit": "", "address": {"topic": "plant/{unit}/running"}},
]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with brokers.mosquitto(tmp_path_factory.mktemp("broker")) as running:
        yield running


def controller_of(broker: Broker, **log_in: str) -> Controller:
    controller = makers.make_controller(protocol="mqtt", port=broker.port, timeout_ms=3000)
    fields = {"user": broker.user, "password": broker.password} | log_in
    secrets.keep_secret(controller=controller, fields=fields, by=None, now=NOW)
    return controller


def device_of(broker: Broker, points: list[dict[str, Any]], **fields: Any) -> Device:
    profile = makers.make_profile(points, protocol="mqtt")
    controller = Controller.objects.filter(port=broker.port).first() or controller_of(broker)
    return makers.make_device(controller, **{"profile": profile} | fields)


def poll(now: dt.datetime = NOW) -> polls.Polled:
    Controller.objects.update(next_poll_at=None)
    Device.objects.update(retry_at=None)
    return polling.poll_batch(batch=polling.claim_due(now=now), now=now)


def meter_message(device: Device, at: dt.datetime, heat_mwh: str, power_w: float) -> tuple[str, str]:
    told = {"at": at.isoformat(), "registers": [{"heat": heat_mwh}], "power": power_w}
    return f"plant/{device.unit_address}/meter", json.dumps(told)


def frames(device: Device) -> list[tuple[dt.datetime, list[float | None]]]:
    return list(TelemetryFrame.objects.filter(device=device).order_by("at").values_list("at", "values"))


def error_of(device: Device) -> str:
    device.refresh_from_db()
    return device.last_error


def test_what_was_queued_between_polls_is_stored_at_its_own_times(broker: Broker) -> None:
    meter = makers.make_meter()
    device = device_of(broker, ONE_PAYLOAD, meter=meter)
    makers.make_measurement(device, Measurement.Role.DELIVERED_POWER, slot=1)
    poll()
    assert "No message came" in error_of(device)
    instants = [NOW - 40 * MINUTE, NOW - 20 * MINUTE, NOW - MINUTE]
    # Out of order, and the second one twice.
    for position in (1, 0, 1, 2):
        broker.publish(meter_message(device, instants[position], f"12.00{position}", 1500 + position))
    polled = poll(NOW + MINUTE)
    assert (polled.frame_count, polled.answered_count, polled.failed_count) == (3, 1, 0)
    assert frames(device) == [
        (instant, [12000.0 + position, pytest.approx(1.5 + position / 1000)])
        for position, instant in enumerate(instants)
    ]
    read = MeterReading.objects.filter(meter=meter).order_by("at").values_list("at", "energy_kwh")
    assert list(read) == [(instant, Decimal(12000 + position)) for position, instant in enumerate(instants)]
    assert error_of(device) == ""
    assert device.circuit == "closed"
    day = DeviceDay.objects.get(device=device)
    assert (day.poll_count, day.answered_count, day.failed_count, day.frame_count) == (2, 1, 1, 3)


def test_many_devices_of_one_broker_are_heard_in_one_poll(broker: Broker) -> None:
    devices = [device_of(broker, ONE_PAYLOAD) for _ in range(40)]
    poll()
    broker.publish(*(meter_message(device, NOW, "1", 1) for device in devices))
    polled = poll(NOW + MINUTE)
    assert (polled.answered_count, polled.failed_count, polled.frame_count) == (40, 0, 40)


def test_late_data_marks_the_ledger(broker: Broker) -> None:
    device = device_of(broker, ONE_PAYLOAD)
    makers.make_measurement(device, Measurement.Role.DELIVERED_POWER, slot=1)
    poll()
    DirtyMark.objects.all().delete()
    late_at = NOW - dt.timedelta(days=2)
    broker.publish(meter_message(device, late_at, "11", 1000))
    poll(NOW + MINUTE)
    starts = DirtyMark.objects.filter(site=device.controller.site).values_list("start", flat=True)
    assert [start.date() for start in starts] == [late_at.date()]


def test_the_last_of_several_without_a_time_counts_as_of_now(broker: Broker) -> None:
    device = device_of(broker, MANY_TOPICS)
    poll()
    unit = device.unit_address
    broker.publish((f"plant/{unit}/power", "40"), (f"plant/{unit}/power", "041.50"), (f"plant/{unit}/running", "ON"))
    poll(NOW + MINUTE)
    ((at, values),) = frames(device)
    assert values == [41.5, 1.0]
    assert dt.timedelta() <= at - (NOW + MINUTE) < MINUTE


def test_a_retained_message_begins_a_session_and_never_counts_again(broker: Broker) -> None:
    device = device_of(broker, MANY_TOPICS)
    broker.publish((f"plant/{device.unit_address}/power", "40"), retain=True)
    poll()
    assert [values for _at, values in frames(device)] == [[40.0, None]]
    poll(NOW + MINUTE)
    assert len(frames(device)) == 1
    assert device_circuit(device) == ("closed", 1)


def device_circuit(device: Device) -> tuple[str, int]:
    device.refresh_from_db()
    return device.circuit, device.failure_count


def test_the_queue_of_a_device_that_is_left_alone_waits_for_it(broker: Broker) -> None:
    device, other = device_of(broker, ONE_PAYLOAD), device_of(broker, ONE_PAYLOAD)
    poll()
    broker.publish(meter_message(device, NOW, "1", 1), meter_message(other, NOW, "2", 2))
    Device.objects.filter(pk=device.pk).update(retry_at=NOW + 10 * MINUTE)
    Controller.objects.update(next_poll_at=None)
    Device.objects.filter(pk=other.pk).update(retry_at=None)
    polling.poll_batch(batch=polling.claim_due(now=NOW + MINUTE), now=NOW + MINUTE)
    assert (len(frames(device)), len(frames(other))) == (0, 1)
    poll(NOW + 2 * MINUTE)
    assert len(frames(device)) == 1


def test_a_look_takes_nothing_out_of_the_queue(broker: Broker) -> None:
    device = device_of(broker, ONE_PAYLOAD)
    poll()
    broker.publish(meter_message(device, NOW, "1", 1))
    device = Device.objects.select_related("controller").get(pk=device.pk)
    Controller.objects.update(timeout_ms=300)
    probe = polling.probe_device(device=device, now=NOW)
    assert not probe.answered
    poll(NOW + MINUTE)
    assert len(frames(device)) == 1


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("nonsense", "NotATime"),
        ('{"at": "2026-11-22T20:00:00Z", "power": "a lot"}', "“a lot” is not a number"),
        ('{"at": "2027-11-22T20:00:00Z", "power": 5}', "cannot have been measured yet"),
        ('{"at": "1980-11-22T20:00:00Z", "power": 5}', "older than anything"),
        ('{"at": "2026-11-22T20:00:00Z", "power": -1}', ""),
        ('{"power": 5}', "neither a time"),
        ("[" * 5000, ""),
    ],
)
def test_a_message_that_is_not_understood_is_a_reason_and_no_value(broker: Broker, payload: str, problem: str) -> None:
    device = device_of(broker, ONE_PAYLOAD[1:])
    poll()
    broker.publish((f"plant/{device.unit_address}/meter", payload))
    poll(NOW + MINUTE)
    assert frames(device) == []
    assert problem.replace("NotATime", "neither a time") in error_of(device)
    assert device.failure_count == 2


def test_a_wrong_password_is_a_reason(broker: Broker) -> None:
    controller = controller_of(broker, password="wrong")
    device = makers.make_device(controller, profile=makers.make_profile(MANY_TOPICS, protocol="mqtt"))
    poll()
    assert "Not authorized" in error_of(device)


def test_nobody_at_the_address_is_a_reason() -> None:
    nowhere = Broker(field.free_port(), "reader", "hush")
    device = device_of(nowhere, MANY_TOPICS)
    poll()
    assert "nobody answers" in error_of(device)


def test_a_broker_with_a_certificate_is_believed_only_with_its_authority(tmp_path: Path) -> None:
    with brokers.mosquitto(tmp_path, certificate_of_broker=field.certificate()) as broker:
        controller = controller_of(broker, tls="yes", ca=broker.ca)
        device = makers.make_device(controller, profile=makers.make_profile(MANY_TOPICS, protocol="mqtt"))
        poll()
        assert "No message came" in error_of(device)
        secrets.keep_secret(
            controller=controller,
            fields={"user": "reader", "password": "hush", "tls": "yes", "ca": field.certificate().pem},
            by=None,
            now=NOW,
        )
        poll(NOW + MINUTE)
        assert "certificate verify failed" in error_of(device)


def test_a_certificate_of_another_name_is_not_believed(tmp_path: Path) -> None:
    with brokers.mosquitto(tmp_path, certificate_of_broker=field.certificate("127.0.0.2")) as broker:
        controller = controller_of(broker, tls="yes", ca=broker.ca)
        device = makers.make_device(controller, profile=makers.make_profile(MANY_TOPICS, protocol="mqtt"))
        poll()
        assert "certificate verify failed" in error_of(device)
