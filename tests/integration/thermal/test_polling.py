"""Polling from claim to stored row, over real sockets and a real database."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from hosting.domain.field_network import FieldNetwork
from hosting.models import Controller, Device, Meter, MeterPlacement
from hosting.models.field import CircuitState
from tests.makers import field, hosting
from tests.makers.field import BusMeter, Gateway
from thermal.domain import pacing
from thermal.models import DirtyMark, MeterReading, TelemetryFrame
from thermal.services import polling
from thermal.services.polling import asking, polls

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, 0, 30, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
WHOLE = "04 06 E7 91 00 00 04 14 2C DB 00 00 04 59 B9 27 00 00 04 5D 08 12 00 00 04 6D 1E 15 76 3B"
"""37351 kWh, 561.08 m³, 101.69 °C, 46.16 °C, 2027-11-22 21:30 by the meter's clock."""


def poll(now: dt.datetime = NOW, **claim: Any) -> polls.Polled:
    return polling.poll_batch(batch=polling.claim_due(now=now, **claim), now=now)


def polled_outcomes() -> list[asking.Outcome]:
    """What a poll of everything due hears, stored nowhere."""

    async def ask() -> list[asking.Outcome]:
        batch = await sync_to_async(polling.claim_due)(now=NOW)
        return [
            outcome
            async for outcomes in polling.ask_batch(batch, network=FieldNetwork(on_this_machine=True))
            for outcome in outcomes
        ]

    return async_to_sync(ask)()


def point(key: str, quantity: str, unit: str = "", **address: Any) -> dict[str, Any]:
    return {"key": key, "quantity": quantity, "unit": unit, "address": address}


def power_profile() -> Any:
    return hosting.make_profile(
        [
            point("energy-kwh", "energy_kwh", "kWh", register=0, type="uint32", scale="0.01"),
            point("power-kw", "power_kw", "W", register=2, type="uint16"),
            point("far", "state", register=150, type="int16", missing=-1),
        ]
    )


def heat_profile(**fields: Any) -> Any:
    quantities = ("energy_kwh", "volume_m3", "supply_c", "return_c", "device_time")
    points = [{"key": q.replace("_", "-"), "quantity": q, "unit": "", "address": {}} for q in quantities]
    return hosting.make_profile(points, protocol="mbus_tcp", **fields)


def modbus_device(port: int, **fields: Any) -> Device:
    controller = Controller.objects.filter(port=port).first() or hosting.make_controller(port=port, timeout_ms=500)
    return hosting.make_device(controller, **{"unit_address": "1", "profile": power_profile()} | fields)


def mbus_device(port: int, **fields: Any) -> Device:
    controller = Controller.objects.filter(port=port).first() or hosting.make_controller(
        port=port, protocol="mbus_tcp", timeout_ms=300
    )
    return hosting.make_device(controller, **{"unit_address": "1", "profile": heat_profile()} | fields)


METER = {1: {"hr": {0: 0x0001, 1: 0xE240, 2: 18400, 150: 0xFFFF}}}


def test_a_poll_stores_a_frame_and_an_exact_reading_and_is_due_again_at_its_own_time() -> None:
    placement = hosting.make_placement(role=MeterPlacement.Role.IT_ELECTRICITY, site=hosting.make_site())
    with field.modbus_server(METER) as port:
        device = modbus_device(port, meter=placement.meter)
        polled = poll()
    assert (polled.controller_count, polled.frame_count, polled.reading_count, polled.failed_count) == (1, 1, 1, 0)
    frame = TelemetryFrame.objects.get()
    assert frame.values == [1234.56, 18.4, None]
    assert (bytes(frame.quality or b""), frame.profile_id) == (b"\x00\x00\x03", device.profile_id)
    assert MINUTE > frame.at - NOW >= dt.timedelta(0)
    reading = MeterReading.objects.get()
    assert (reading.energy_kwh, reading.power_kw, reading.at) == (Decimal("1234.56"), Decimal("18.4"), frame.at)
    device.refresh_from_db()
    assert (device.last_error, device.circuit, device.last_success_at) == ("", CircuitState.CLOSED, frame.at)
    assert device.last_latency_ms is not None
    controller = device.controller
    controller.refresh_from_db()
    assert controller.claim_token is None
    assert controller.next_poll_at is not None
    assert NOW < controller.next_poll_at <= NOW + MINUTE
    assert DirtyMark.objects.exists()


def test_what_is_not_due_is_left_alone() -> None:
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        assert poll().frame_count == 1
        assert poll().controller_count == 0
        Controller.objects.update(enabled=False)
        assert poll(NOW + 10 * MINUTE).controller_count == 0
        Controller.objects.update(enabled=True)
        Device.objects.filter(pk=device.pk).update(enabled=False)
        assert poll(NOW + 10 * MINUTE).frame_count == 0


def test_readings_are_stored_at_their_own_pace_and_frames_at_every_poll() -> None:
    meter = hosting.make_meter(Meter.Kind.ELECTRICITY)
    with field.modbus_server(METER) as port:
        modbus_device(port, meter=meter, reading_s=900)
        for minute in range(0, 31, 5):
            poll(dt.datetime(2026, 11, 22, 20, minute, 20, tzinfo=dt.UTC))
    assert TelemetryFrame.objects.count() == 7
    minutes = [reading.at.minute for reading in MeterReading.objects.order_by("at")]
    assert minutes == [0, 15, 30]


def test_a_claim_is_exclusive_until_its_lease_ends() -> None:
    hosting.make_device(hosting.make_controller())
    assert len(polling.claim_due(now=NOW).controllers) == 1
    assert polling.claim_due(now=NOW + dt.timedelta(seconds=59)).controllers == ()
    assert len(polling.claim_due(now=NOW + dt.timedelta(seconds=61)).controllers) == 1


def test_a_batch_holds_no_more_than_its_limit_and_the_longest_due_come_first() -> None:
    for late in (1, 3, 2):
        hosting.make_controller(next_poll_at=NOW - late * MINUTE)
    batch = polling.claim_due(now=NOW, limit=2)
    assert batch.is_full
    claimed = Controller.objects.filter(claim_token=batch.token)
    assert sorted(NOW - c.next_poll_at for c in claimed if c.next_poll_at) == [2 * MINUTE, 3 * MINUTE]
    assert not polling.claim_due(now=NOW, limit=2).is_full


def test_what_a_worker_tells_after_its_claim_ran_out_is_not_stored() -> None:
    with field.modbus_server(METER) as port:
        modbus_device(port)
        batch = polling.claim_due(now=NOW)
        Controller.objects.update(claim_token=uuid.uuid4())
        polled = polling.poll_batch(batch=batch, now=NOW)
    assert (polled.controller_count, polled.frame_count) == (0, 0)
    assert not TelemetryFrame.objects.exists()


def test_storing_the_same_outcome_twice_stores_it_once() -> None:
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        batch = polling.claim_due(now=NOW)
        polling.poll_batch(batch=batch, now=NOW)
        polling.poll_batch(batch=batch, now=NOW)
    assert TelemetryFrame.objects.filter(device=device).count() == 1


def test_a_dead_device_is_asked_less_and_less_and_its_circuit_opens() -> None:
    device = modbus_device(field.free_port())
    pauses = []
    now = NOW
    for _attempt in range(5):
        poll(now)
        device.refresh_from_db()
        assert device.retry_at is not None
        pauses.append(round((device.retry_at - now) / MINUTE))
        now = device.retry_at + MINUTE
    assert pauses == [1, 2, 4, 5, 5]
    assert (device.circuit, device.failure_count) == (CircuitState.OPEN, 5)
    assert device.last_error.startswith("No connection to 127.0.0.1")
    assert not TelemetryFrame.objects.exists()


def test_a_device_that_comes_back_is_polled_as_before() -> None:
    port = field.free_port()
    device = modbus_device(port)
    Device.objects.update(circuit=CircuitState.OPEN, failure_count=9, retry_at=NOW)
    batch = polling.claim_due(now=NOW)
    device.refresh_from_db()
    assert device.circuit == CircuitState.HALF_OPEN
    polling.poll_batch(batch=batch, now=NOW)
    device.refresh_from_db()
    assert (device.circuit, device.failure_count) == (CircuitState.OPEN, 10)
    with field.modbus_server(METER) as living:
        Controller.objects.update(port=living)
        poll(NOW + 10 * MINUTE)
    device.refresh_from_db()
    assert (device.circuit, device.failure_count, device.retry_at, device.last_error) == ("closed", 0, None, "")


def test_a_dead_address_does_not_keep_the_others_waiting() -> None:
    with field.modbus_server(METER) as port:
        living = modbus_device(port)
        dead = mbus_device(field.free_port())
        poll()
    living.refresh_from_db()
    dead.refresh_from_db()
    assert living.last_success_at is not None
    assert dead.failure_count == 1


def test_partial_answers_are_kept_with_the_reason_for_the_rest() -> None:
    profile = hosting.make_profile(
        [
            {"key": "near", "quantity": "state", "unit": "", "address": {"register": 2, "type": "uint16"}},
            {"key": "beyond", "quantity": "state", "unit": "", "address": {"register": 9000, "type": "uint16"}},
        ]
    )
    with field.modbus_server(METER) as port:
        device = modbus_device(port, profile=profile)
        poll()
    device.refresh_from_db()
    assert TelemetryFrame.objects.get().values == [18400, None]
    assert "no such registers" in device.last_error
    assert device.failure_count == 0


def test_a_profile_that_cannot_be_read_says_so_on_the_device() -> None:
    bad = hosting.make_profile([{"key": "odd", "quantity": "state", "unit": "", "address": {"register": -1}}])
    device = modbus_device(field.free_port(), profile=bad)
    poll()
    device.refresh_from_db()
    assert "Point odd" in device.last_error


def test_a_profile_for_another_protocol_stops_only_its_own_device() -> None:
    with field.modbus_server({1: {"ir": {0: 42}}}) as port:
        sound = modbus_device(port)
        other = hosting.make_profile(protocol="mbus_tcp", points=[])
        wrong = hosting.make_device(sound.controller, profile=other, unit_address="9")
        poll()
    wrong.refresh_from_db()
    sound.refresh_from_db()
    assert "written for mbus_tcp, the controller speaks modbus_tcp" in wrong.last_error
    assert sound.last_success_at is not None


def test_an_address_outside_the_field_network_is_not_connected_to(settings: Any) -> None:
    settings.THERMAL_FIELD_NETWORKS = ["10.0.0.0/8"]
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        poll()
    device.refresh_from_db()
    assert "not an address of the field network" in device.last_error


def test_a_heat_meter_on_a_bus_gives_a_reading_with_its_own_clock() -> None:
    placement = hosting.make_placement(hosting.make_meter(serial="12345678"))
    telegram = field.telegram_of(WHOLE.replace("76 3B", "76 1B"))  # 2027 made 2011: long before now
    with field.mbus_gateway(Gateway({1: BusMeter([telegram])})) as port:
        device = mbus_device(port, meter=placement.meter)
        poll()
    reading = MeterReading.objects.get()
    assert (reading.energy_kwh, reading.volume_m3) == (Decimal(37351), Decimal("561.08"))
    assert (reading.supply_c, reading.return_c) == (Decimal("101.69"), Decimal("46.16"))
    assert reading.payload_hash is not None
    assert reading.device_at == dt.datetime(2011, 11, 22, 20, 30, tzinfo=dt.UTC)
    device.refresh_from_db()
    assert device.clock_offset_s is not None
    assert device.clock_offset_s < -400_000_000


def test_a_clock_that_runs_ahead_is_told_on_the_device() -> None:
    with field.mbus_gateway(Gateway({1: BusMeter([field.telegram_of(WHOLE)])})) as port:
        device = mbus_device(port, meter=hosting.make_meter(serial="12345678"))
        poll()
    device.refresh_from_db()
    assert "ahead" in device.last_error
    assert MeterReading.objects.count() == 1


def test_another_meter_at_the_address_is_not_taken_for_the_one_that_is_billed() -> None:
    with field.mbus_gateway(Gateway({1: BusMeter([field.telegram_of(WHOLE)])})) as port:
        device = mbus_device(port, meter=hosting.make_meter(serial="87654321"))
        poll()
    device.refresh_from_db()
    assert "Meter 12345678 answers where meter 87654321 is expected" in device.last_error
    assert not MeterReading.objects.exists()
    assert TelemetryFrame.objects.count() == 1


@pytest.mark.parametrize("told", ["1E 15 74 1B", "14 15 76 1B"], ids=["two days earlier", "ten minutes earlier"])
def test_an_old_telegram_is_not_stored_as_a_new_reading(told: str) -> None:
    meter = hosting.make_meter(serial="12345678")
    with field.mbus_gateway(Gateway({1: BusMeter([field.telegram_of(WHOLE.replace("76 3B", "76 1B"))])})) as port:
        device = mbus_device(port, meter=meter)
        MeterReading.objects.bulk_create(())
        poll(NOW)
        reading = MeterReading.objects.get()
        later = field.telegram_of(WHOLE.replace("1E 15 76 3B", told))
        with field.mbus_gateway(Gateway({1: BusMeter([later])})) as other:
            Controller.objects.update(port=other)
            poll(NOW + 20 * MINUTE)
    device.refresh_from_db()
    assert "old telegram" in device.last_error
    assert MeterReading.objects.get() == reading


def test_a_number_that_no_register_can_show_does_not_stop_the_batch() -> None:
    points = [
        {"key": "energy-kwh", "quantity": "energy_kwh", "unit": "kWh", "address": {"register": 0, "type": "uint64"}}
    ]
    with field.modbus_server({1: {"hr": {0: 0xFFFF, 1: 0xFFFF}}, 2: METER[1]}) as port:
        broken = modbus_device(port, profile=hosting.make_profile(points), meter=hosting.make_meter())
        sound = modbus_device(port, unit_address="2")
        poll()
    broken.refresh_from_db()
    sound.refresh_from_db()
    assert "cannot be true" in broken.last_error
    assert sound.last_error == ""
    assert not MeterReading.objects.exists()


def test_the_number_of_statements_does_not_grow_with_the_devices() -> None:
    def statements(count: int) -> int:
        with field.modbus_server(dict.fromkeys(range(1, count + 1), METER[1])) as port:
            profile = power_profile()
            for unit in range(1, count + 1):
                modbus_device(port, unit_address=str(unit), profile=profile, meter=hosting.make_meter())
            with CaptureQueriesContext(connection) as queries:
                poll(NOW)
        return len(queries)

    statements(1)  # makes this month's partitions
    assert statements(2) == statements(20)


def test_a_device_out_of_time_is_not_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "LONGEST_CYCLE_S", 0.5)
    silent = Gateway({2: BusMeter([field.telegram_of(WHOLE, address=2)])})
    with field.mbus_gateway(silent) as port:
        first = mbus_device(port, unit_address="1")
        second = mbus_device(port, unit_address="2")
        poll()
    first.refresh_from_db()
    second.refresh_from_db()
    assert second.failure_count == 0
    assert "Not reached in time" in second.last_error


def test_probe_prints_every_value_and_stores_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with field.modbus_server(METER) as port:
        device = modbus_device(port)
        call_command("probe", device.code)
    out = capsys.readouterr().out
    assert "1234.56" in out
    assert "kWh" in out
    assert "18.4" in out
    assert "the device says that it has no value" in out
    assert not TelemetryFrame.objects.exists()
    device.refresh_from_db()
    assert device.last_polled_at is None


def test_a_look_shows_the_registers_beside_the_values_and_a_poll_does_not_pay_for_it() -> None:
    with field.modbus_server(METER) as port:
        probe = polling.probe_device(device=modbus_device(port), now=NOW)
        answers = [answer for outcome in polled_outcomes() for _device, answer in outcome.answers]
    assert [(value.quantity, value.raw) for value in probe.values] == [
        ("energy_kwh", "0001 E240"),
        ("power_kw", "47E0"),
        ("state", "FFFF"),
    ]
    assert [answer.raw for answer in answers] == [None]


def test_a_look_shows_the_bytes_of_each_record_of_a_telegram() -> None:
    gateway = Gateway({1: BusMeter([field.telegram_of(WHOLE)])})
    with field.mbus_gateway(gateway) as port:
        probe = polling.probe_device(device=mbus_device(port), now=NOW)
    assert [value.raw for value in probe.values] == [
        "E7 91 00 00",
        "2C DB 00 00",
        "B9 27 00 00",
        "08 12 00 00",
        "1E 15 76 3B",
    ]


def test_probe_of_a_dead_device_says_why_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    device = modbus_device(field.free_port())
    with pytest.raises(SystemExit, match="1"):
        call_command("probe", device.code)
    assert "No connection to 127.0.0.1" in capsys.readouterr().out


def test_probe_of_an_unknown_device_names_it() -> None:
    from django.core.management import CommandError

    with pytest.raises(CommandError, match="nowhere"):
        call_command("probe", "nowhere")
