"""What was read is stored once, exactly, and marks what it touches."""

import datetime as dt
import struct
from decimal import Decimal

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosting.models import Measurement
from tests.makers import hosting
from thermal.models import DirtyMark, MeterReading, TelemetryFrame
from thermal.services import recording
from thermal.services.recording import NewFrame, NewReading

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


def frame_of(device_id: int, at: dt.datetime = NOW, values: tuple[float | None, ...] = (1.5, None)) -> NewFrame:
    return NewFrame(device_id, at, 7, values, quality=b"\x00\x03")


def test_a_frame_is_stored_once_however_often_it_is_recorded() -> None:
    device = hosting.make_device()
    frames = [frame_of(device.pk), frame_of(device.pk)]
    assert recording.record_frames(frames=frames, now=NOW) == 1
    assert recording.record_frames(frames=[frame_of(device.pk, values=(9.0, 9.0))], now=NOW) == 0
    stored = TelemetryFrame.objects.get()
    assert stored.values == [1.5, None]
    assert (bytes(stored.quality or b""), stored.profile_id, stored.at) == (b"\x00\x03", 7, NOW)


def test_numbers_that_no_sensor_field_holds_are_missing() -> None:
    device = hosting.make_device()
    values = (float("nan"), float("inf"), 1e300, -1e300, 1e-300, 0.0, -12.25)
    recording.record_frames(frames=[frame_of(device.pk, values=values)], now=NOW)
    assert TelemetryFrame.objects.get().values == [None, None, None, None, 0.0, 0.0, -12.25]


def test_registers_keep_every_digit() -> None:
    meter = hosting.make_placement().meter
    reading = NewReading(
        meter_id=meter.pk,
        at=NOW,
        energy_kwh=Decimal("123456789012.3456"),
        volume_m3=Decimal("561.08"),
        supply_energy_m3c=Decimal("0.0001"),
        supply_c=Decimal("101.69"),
        info_code=0x8000_0000,
        payload_hash=b"\x00\xff",
        reason="a\tb\\c\nd",
    )
    assert recording.record_readings(readings=[reading], now=NOW) == 1
    stored = MeterReading.objects.get()
    assert stored.energy_kwh == Decimal("123456789012.3456")
    assert (stored.volume_m3, stored.supply_c) == (Decimal("561.08"), Decimal("101.69"))
    assert (stored.info_code, bytes(stored.payload_hash or b"")) == (0x8000_0000, b"\x00\xff")
    assert (stored.reason, stored.version, stored.received_at) == ("a\tb\\c\nd", 1, NOW)


def test_a_second_reading_of_an_instant_does_not_replace_the_first() -> None:
    meter = hosting.make_placement().meter
    for kwh in ("1", "2"):
        recording.record_readings(readings=[NewReading(meter_id=meter.pk, at=NOW, energy_kwh=Decimal(kwh))], now=NOW)
    assert MeterReading.objects.get().energy_kwh == 1


def test_a_late_reading_marks_only_what_lies_between_its_neighbors() -> None:
    placement = hosting.make_placement()
    readings = [
        NewReading(meter_id=placement.meter_id, at=NOW - hour, energy_kwh=Decimal(1)) for hour in hours(4, 2, 0)
    ]
    recording.record_readings(readings=readings, now=NOW)
    DirtyMark.objects.all().delete()
    late = NewReading(meter_id=placement.meter_id, at=NOW - dt.timedelta(hours=1), energy_kwh=Decimal(1))
    recording.record_readings(readings=[late], now=NOW)
    marks = [mark.start for mark in DirtyMark.objects.order_by("start")]
    assert marks[0] == NOW - dt.timedelta(hours=2)
    assert NOW - 15 * MINUTE in marks
    assert marks[-1] <= NOW
    assert {mark.site_id for mark in DirtyMark.objects.all()} == {placement.site_id}


def hours(*counts: int) -> list[dt.timedelta]:
    return [dt.timedelta(hours=count) for count in counts]


def test_recording_the_same_again_marks_nothing() -> None:
    placement = hosting.make_placement()
    reading = NewReading(meter_id=placement.meter_id, at=NOW, energy_kwh=Decimal(1))
    recording.record_readings(readings=[reading], now=NOW)
    DirtyMark.objects.all().delete()
    assert recording.record_readings(readings=[reading], now=NOW) == 0
    assert not DirtyMark.objects.exists()


def test_many_frames_mark_every_quarter_hour_they_lie_in() -> None:
    device = hosting.make_device()
    hosting.make_measurement(device, Measurement.Role.SUPPLY_TEMPERATURE)
    start = NOW - dt.timedelta(hours=6)
    recording.record_frames(frames=[frame_of(device.pk, start + n * MINUTE) for n in range(180)], now=NOW)
    starts = set(DirtyMark.objects.values_list("start", flat=True))
    assert starts == {start + n * 15 * MINUTE for n in range(12)}


def test_a_value_from_the_future_is_refused_and_nothing_of_its_batch_is_stored() -> None:
    device = hosting.make_device()
    frames = [frame_of(device.pk), frame_of(device.pk, NOW + 4 * MINUTE)]
    with pytest.raises(recording.InstantInFuture):
        recording.record_frames(frames=frames, now=NOW)
    assert not TelemetryFrame.objects.exists()
    assert recording.record_frames(frames=[frame_of(device.pk, NOW + 2 * MINUTE)], now=NOW) == 1


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(recording.InstantHasNoZone):
        recording.record_frames(frames=[frame_of(1, dt.datetime(2026, 1, 1))], now=NOW)  # noqa: DTZ001


def test_nothing_to_record_is_no_error() -> None:
    assert recording.record_frames(frames=[], now=NOW) == 0
    assert recording.record_readings(readings=[], now=NOW) == 0


def test_values_of_several_months_find_their_partitions() -> None:
    device = hosting.make_device()
    instants = [dt.datetime(2025, month, 1, tzinfo=dt.UTC) - dt.timedelta(microseconds=1) for month in range(1, 13)]
    assert recording.record_frames(frames=[frame_of(device.pk, at) for at in instants], now=NOW) == 12
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM thermal_telemetryframe_2024_12")
        assert cursor.fetchone() == (1,)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.none() | st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=40))
def test_single_precision_values_come_back_as_they_went(values: list[float | None]) -> None:
    device = hosting.make_device()
    recording.record_frames(frames=[NewFrame(device.pk, NOW, 1, values)], now=NOW)
    stored = TelemetryFrame.objects.get(device=device).values
    for back, value in zip(stored, values, strict=True):
        if value is None or back is None:
            assert back is value
        else:
            # The database tells the shortest decimal of the same single-precision number.
            assert struct.pack("f", back) == struct.pack("f", 0.0 if abs(value) < 1.2e-38 else value)
