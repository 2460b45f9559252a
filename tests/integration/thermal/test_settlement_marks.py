"""Registers that a person enters or sets right reach the ledger, whenever they are entered, and count once."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from hosting.models import DeliveryPoint
from kernel.periods import Period
from tests.makers import hosting, thermal
from thermal.models import HeatInterval
from thermal.services import recording, settlement
from thermal.services.recording import NewReading

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture
def point() -> DeliveryPoint:
    return hosting.make_delivery_point()


def record(placement: Any, rows: dict[int, int]) -> None:
    meter_id = placement.meter_id
    readings = [NewReading(meter_id=meter_id, at=DAY + n * HOUR, energy_kwh=Decimal(kwh)) for n, kwh in rows.items()]
    recording.record_readings(readings=readings, now=LATER)
    settlement.settle_marked(now=LATER)


def heat(point: DeliveryPoint, first: int, last: int) -> Decimal:
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=DAY + first * HOUR, start__lt=DAY + last * HOUR)
    return sum((row.heat_kwh or Decimal(0) for row in rows), Decimal(0))


def test_a_reading_that_comes_after_the_meter_was_removed_settles_up_to_its_final_register(
    point: DeliveryPoint,
) -> None:
    placement = hosting.make_placement(
        delivery_point=point, valid_from=DAY, valid_until=DAY + 4 * HOUR, final_register=Decimal(40)
    )
    record(placement, {1: 10})
    assert heat(point, 0, 4) == 40
    record(placement, {2: 12})
    assert [heat(point, 1, 2), heat(point, 2, 4)] == [2, 28]


def test_a_meter_that_nobody_read_counts_from_its_first_to_its_final_register(point: DeliveryPoint) -> None:
    placement = hosting.make_placement(delivery_point=point, valid_from=DAY, first_register=Decimal(5))
    placement.valid_until, placement.final_register = DAY + 4 * HOUR, Decimal(21)
    placement.save()
    settlement.settle_marked(now=LATER)
    assert heat(point, 0, 4) == 16


def test_a_first_register_that_is_set_right_settles_what_lies_before_the_first_reading(point: DeliveryPoint) -> None:
    thermal.make_partitions(DAY, months=3)
    placement = hosting.make_placement(delivery_point=point, valid_from=DAY, first_register=Decimal(0))
    record(placement, {2: 20, 3: 25})
    placement.first_register = Decimal(12)
    placement.save()
    settlement.settle_marked(now=LATER)
    assert [heat(point, 0, 2), heat(point, 2, 3)] == [8, 5]


def test_a_reading_that_was_set_right_tells_its_temperature_once(point: DeliveryPoint) -> None:
    thermal.make_partitions(DAY, months=3)
    meter = hosting.make_placement(delivery_point=point, valid_from=DAY).meter
    thermal.make_reading(meter, DAY + dt.timedelta(minutes=3), 1, supply_c=Decimal(40))
    for version in (1, 2):
        thermal.make_reading(meter, DAY + dt.timedelta(minutes=9), version, version=version, supply_c=Decimal(50))
    settlement.settle_period(site=point.site, period=Period(DAY, DAY + HOUR), now=LATER)
    assert HeatInterval.objects.get(delivery_point=point, start=DAY).supply_mean_c == 45
