"""A real heat meter, two years of hourly registers: imported, settled, recomputed from its temperatures."""

import csv
import datetime as dt
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from django.db.models import Max, Min, Sum

from hosting.models import DeliveryPoint, Meter
from kernel.periods import Period, local_month
from tests.makers import hosting
from thermal.domain import water
from thermal.models import HeatInterval, MeterReading
from thermal.models.ledger import Quality
from thermal.queries import intervals
from thermal.services import importing, settlement

pytestmark = pytest.mark.django_db

FILE = Path(__file__).parents[4] / "shared/data/heat_meter/kamstrup_660_hourly_2018_2019.csv"
NOW = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
COLUMNS = importing.Columns(
    time="time_rounded",
    values={
        "energy_kwh": "energy_heat_kwh",
        "volume_m3": "volume_flow_m3",
        "supply_energy_m3c": "inlet_flow_energy_m3xC",
        "return_energy_m3c": "back_flow_energy_m3xC",
    },
)


@pytest.fixture
def rows() -> list[dict[str, str]]:
    if not FILE.exists():
        pytest.skip("shared/data/heat_meter is not here")
    return list(csv.DictReader(FILE.read_text().splitlines()))


def four_places(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def settled(rows: list[dict[str, str]]) -> tuple[DeliveryPoint, Meter]:
    """The meter, imported by its file and settled."""
    first = dt.datetime.fromisoformat(rows[0]["time_rounded"])
    placement = hosting.make_placement(
        delivery_point=hosting.make_delivery_point(hosting.make_site(time_zone="Europe/Copenhagen")),
        valid_from=first,
        first_register=four_places(rows[0]["energy_heat_kwh"]),
    )
    report = importing.import_readings(
        meter=placement.meter, content=FILE.read_bytes(), columns=COLUMNS, time_zone=None, by=None, now=NOW
    )
    assert report.problems == []
    assert report.new_count == len(rows)
    settlement.settle_marked(now=NOW)
    assert placement.delivery_point is not None
    return placement.delivery_point, placement.meter


def test_settled_months_equal_register_differences(rows: list[dict[str, str]]) -> None:
    point, meter = settled(rows)
    registers = {reading.at: reading.energy_kwh for reading in MeterReading.objects.filter(meter=meter)}
    checked = 0
    for number in range(24):
        month = local_month(2018 + number // 12, number % 12 + 1, point.site.zone)
        bounds = registers.get(month.start), registers.get(month.end)
        if None in bounds:
            continue
        heat = intervals.heat_total(delivery_point=point, period=month)
        assert heat.heat_kwh == bounds[1] - bounds[0], month  # type: ignore[operator]
        assert heat.shares.missing_ratio == 0
        checked += 1
    assert checked >= 20
    whole = HeatInterval.objects.filter(delivery_point=point).aggregate(
        heat=Sum("heat_kwh"), first=Min("start"), last=Max("start")
    )
    assert whole["heat"] == four_places(rows[-1]["energy_heat_kwh"]) - four_places(rows[0]["energy_heat_kwh"])
    worst = HeatInterval.objects.filter(delivery_point=point, heat_kwh__isnull=False).aggregate(q=Min("quality"))["q"]
    assert worst == Quality.SPREAD  # nothing of an hourly meter is measured by the quarter hour


def test_weighted_temperatures_of_the_ledger_are_those_of_the_registers(rows: list[dict[str, str]]) -> None:
    point, meter = settled(rows)
    january = local_month(2019, 1, point.site.zone)
    first, last = (MeterReading.objects.get(meter=meter, at=at) for at in (january.start, january.end))
    assert None not in (first.volume_m3, last.volume_m3, first.supply_energy_m3c, last.supply_energy_m3c)
    passed = last.volume_m3 - first.volume_m3  # type: ignore[operator]
    supply_c = float((last.supply_energy_m3c - first.supply_energy_m3c) / passed)  # type: ignore[operator]
    total = intervals.heat_total(delivery_point=point, period=Period(january.start, january.end))
    assert total.supply_vw_c == pytest.approx(supply_c, abs=0.02)
    assert total.volume_m3 == passed


def test_heat_recomputed_from_water_and_temperatures_agrees_within_a_thousandth(rows: list[dict[str, str]]) -> None:
    volume, supply, back = (
        [float(row[name]) for row in rows]
        for name in ("volume_flow_m3", "inlet_flow_energy_m3xC", "back_flow_energy_m3xC")
    )
    energy = [float(row["energy_heat_kwh"]) for row in rows]
    days = range(0, len(rows), 24)
    by_side = {
        in_return: water.heat_of_registers_kwh(
            [volume[n] for n in days], [supply[n] for n in days], [back[n] for n in days], sensor_in_return=in_return
        )
        for in_return in (True, False)
    }
    told_kwh = energy[days[-1]] - energy[0]
    # The file does not say on which side the flow sensor sits; the physics do: in the supply, 1.8 % apart.
    assert by_side[False] == pytest.approx(told_kwh, rel=0.001)
    assert by_side[True] / told_kwh - 1 == pytest.approx(0.018, abs=0.001)
