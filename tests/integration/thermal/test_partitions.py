"""Months of recorded values come and go as whole tables."""

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from tests.makers import hosting
from thermal.models import MeterReading
from thermal.services import partitions

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2031, 11, 22, 20, tzinfo=dt.UTC)


def test_partitions_are_made_for_this_month_and_three_more_and_only_once() -> None:
    assert partitions.make_ahead(now=NOW) == 8
    assert partitions.make_ahead(now=NOW) == 0
    assert {"thermal_meterreading_2031_11", "thermal_meterreading_2032_02"} <= set(
        partitions.existing(partitions.READINGS)
    )


def test_a_row_of_the_last_microsecond_of_a_month_lands_in_that_month() -> None:
    last = dt.datetime(2031, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)
    partitions.ensure_for(table=partitions.READINGS, instants=[last])
    MeterReading.objects.create(meter=hosting.make_meter(), at=last, received_at=last, energy_kwh=1)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM thermal_meterreading_2031_12")
        assert cursor.fetchone() == (1,)


def test_a_local_instant_belongs_to_its_month_in_utc() -> None:
    berlin = dt.timezone(dt.timedelta(hours=1))
    assert partitions.first_of_month(dt.datetime(2032, 1, 1, 0, 30, tzinfo=berlin)) == dt.date(2031, 12, 1)


def test_a_year_before_there_were_such_meters_is_refused() -> None:
    with pytest.raises(partitions.InstantOutOfRange):
        partitions.ensure_for(table=partitions.FRAMES, instants=[dt.datetime(1970, 1, 1, tzinfo=dt.UTC)])


def test_frames_older_than_what_is_kept_go_and_readings_stay(settings: Any) -> None:
    settings.THERMAL_KEEP_FRAMES_MONTHS = 25
    old, kept = dt.date(2029, 9, 1), dt.date(2029, 10, 1)
    for table in partitions.TABLES:
        partitions.ensure(table=table, months=[old, kept])
    dropped = partitions.drop_expired(now=NOW)
    assert "thermal_telemetryframe_2029_09" in dropped
    assert "thermal_telemetryframe_2029_10" not in dropped
    assert "thermal_telemetryframe_2029_10" in partitions.existing(partitions.FRAMES)
    assert "thermal_meterreading_2029_09" in partitions.existing(partitions.READINGS)


@pytest.mark.parametrize(
    "change",
    ["UPDATE thermal_meterreading SET energy_kwh = energy_kwh + 1", "DELETE FROM thermal_meterreading"],
)
def test_a_stored_reading_can_neither_be_changed_nor_deleted(change: str) -> None:
    partitions.ensure_for(table=partitions.READINGS, instants=[NOW])
    MeterReading.objects.create(meter=hosting.make_meter(), at=NOW, received_at=NOW, energy_kwh=1)
    with pytest.raises(DatabaseError, match="final"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
