"""The balance and the export mode of every quarter hour of a site."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from hosting.models import EquipmentModel, Measurement, MeterPlacement, Site
from kernel.periods import Period
from tests.makers import hosting, thermal
from thermal.domain.kpis import export
from thermal.models import DirtyMark, SiteInterval
from thermal.models.ledger import ExportBasis, ExportCause, ExportMode
from thermal.services import settlement

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
STEP = dt.timedelta(minutes=5)
Role = Measurement.Role


@pytest.fixture(autouse=True)
def partitions() -> None:
    thermal.make_partitions(DAY, months=3)


@pytest.fixture
def site() -> Site:
    return hosting.make_site(installed_it_kw=20.0)


def settle(site: Site, quarters: int) -> list[SiteInterval]:
    settlement.settle_period(site=site, period=Period(DAY, DAY + quarters * QUARTER), now=LATER)
    rows: Any = SiteInterval.objects.filter(site=site, start__gte=DAY, start__lt=DAY + quarters * QUARTER)
    return list(rows.order_by("start"))


def hold(device: Any, rows: list[list[float]]) -> None:
    """Frames each five minutes, held level through each quarter hour and leaping one millisecond after its bound."""
    made = []
    for number, values in enumerate(rows):
        start = DAY + number * QUARTER
        first = start + (dt.timedelta(milliseconds=1) if number else dt.timedelta(0))
        made += [(first, values), (start + STEP, values), (start + 2 * STEP, values), (start + QUARTER, values)]
    thermal.make_frames(device, made)


# IT and captured heat, rejected, delivered, demand: kW; and what the quarter hour is.
SHOWN: list[tuple[list[float], ExportMode | None, ExportCause]] = [
    ([18, 16, 0, 15.9, 1], ExportMode.EXPORT, ExportCause.NONE),
    ([18, 16, 8, 8, 1], ExportMode.PARTIAL, ExportCause.NONE),
    ([18, 16, 8, 8, 0], ExportMode.PARTIAL, ExportCause.OFFTAKER),
    ([18, 16, 16, 0, 0], ExportMode.DUMP, ExportCause.OFFTAKER),
    ([18, 16, 16, 0, 1], ExportMode.DUMP, ExportCause.PROVIDER),
    ([1, 0.5, 0, 0, 1], None, ExportCause.NONE),
]


def test_the_mode_is_derived_as_the_function_says(site: Site) -> None:
    point = hosting.make_delivery_point(site, design_kw=20.0)
    device = thermal.make_plant_device(site, [Role.IT_POWER, Role.CAPTURED_POWER, Role.REJECTED_POWER])
    served = thermal.make_plant_device(site, [Role.DELIVERED_POWER, Role.DEMAND], delivery_point=point)
    hold(device, [values[:3] for values, _mode, _cause in SHOWN])
    hold(served, [values[3:] for values, _mode, _cause in SHOWN])
    rows = settle(site, len(SHOWN))
    for row, (values, mode, cause) in zip(rows, SHOWN, strict=True):
        quarter = export.Quarter(row.available_kwh, row.delivered_kwh, 5.0, is_called=values[4] >= 0.5)
        said = export.derived_mode(quarter)
        assert (row.export_mode, row.export_cause) == (mode, cause)
        assert [None if one is None else int(one) for one in said] == [row.export_mode, row.export_cause]
        assert row.export_basis == (ExportBasis.NONE if mode is None else ExportBasis.DERIVED)
        assert row.curtailed_s == (900 if mode == ExportMode.DUMP else 0)
        expected = export.curtailed_kwh(row.available_kwh, row.delivered_kwh, None, said[0])
        assert row.curtailed_kwh == pytest.approx(expected)
        came_in, went_out = row.captured_kwh, (row.delivered_kwh or 0) + (row.rejected_kwh or 0)
        assert row.closing_error_kwh == pytest.approx((came_in or 0) - went_out, abs=2e-4)


def test_the_balance_counts_heat_pump_and_buffer(site: Site) -> None:
    point = hosting.make_delivery_point(site, design_kw=20.0)
    model = hosting.make_equipment_model(EquipmentModel.Kind.BUFFER_TANK, volume_l=1000.0)
    buffer = hosting.make_equipment(site, model=model)
    device = thermal.make_plant_device(site, [Role.IT_POWER, Role.CAPTURED_POWER, Role.HEAT_PUMP_POWER])
    tank = thermal.make_plant_device(site, [Role.BUFFER_TEMPERATURE], equipment=buffer)
    served = thermal.make_plant_device(site, [Role.DELIVERED_POWER], delivery_point=point)
    thermal.make_frames(device, [(DAY, [18, 16, 4]), (DAY + QUARTER, [18, 16, 4])])
    thermal.make_frames(tank, [(DAY, [50]), (DAY + QUARTER, [52])])
    thermal.make_frames(served, [(DAY, [8]), (DAY + QUARTER, [8])])
    [row] = settle(site, 1)
    assert row.buffer_change_kwh == pytest.approx(2.294)
    assert row.closing_error_kwh == pytest.approx(4 + 1 - 2 - 2.294)
    assert row.export_mode == ExportMode.PARTIAL
    assert row.curtailed_kwh == pytest.approx(5 - 2 - 2.294)


def test_a_balance_with_an_unknown_part_is_unknown(site: Site) -> None:
    point = hosting.make_delivery_point(site, design_kw=20.0)
    device = thermal.make_plant_device(site, [Role.IT_POWER])
    thermal.make_plant_device(site, [Role.REJECTED_POWER])
    served = thermal.make_plant_device(site, [Role.DELIVERED_POWER], delivery_point=point)
    thermal.make_frames(device, [(DAY, [18]), (DAY + QUARTER, [18])])
    thermal.make_frames(served, [(DAY, [8]), (DAY + QUARTER, [8])])
    [row] = settle(site, 1)
    assert (row.closing_error_kwh, row.curtailed_kwh) == (None, None)


def test_what_a_controller_tells_comes_before_what_energies_show(site: Site) -> None:
    point = hosting.make_delivery_point(site, design_kw=20.0)
    device = thermal.make_plant_device(site, [Role.IT_POWER, Role.EXPORT_MODE, Role.EXPORT_CAUSE])
    served = thermal.make_plant_device(site, [Role.DELIVERED_POWER], delivery_point=point)
    thermal.make_frames(device, [(DAY, [18, 4, 3]), (DAY + QUARTER, [18, 4, 3])])
    thermal.make_frames(served, [(DAY, [18]), (DAY + QUARTER, [18])])
    [row] = settle(site, 1)
    assert (row.export_mode, row.export_cause) == (ExportMode.EMERGENCY, ExportCause.SAFETY)
    assert row.export_basis == ExportBasis.TOLD
    assert row.curtailed_s == 900


def test_announced_work_is_maintenance_also_after_the_fact(site: Site) -> None:
    point = hosting.make_delivery_point(site, design_kw=20.0)
    device = thermal.make_plant_device(site, [Role.IT_POWER])
    served = thermal.make_plant_device(site, [Role.DELIVERED_POWER], delivery_point=point)
    hold(device, [[18]] * 4)
    hold(served, [[0]] * 4)
    assert {row.export_mode for row in settle(site, 4)} == {ExportMode.DUMP}
    outage = hosting.make_outage(site, starts_at=DAY + QUARTER, ends_at=DAY + 3 * QUARTER)
    assert DirtyMark.objects.filter(site=site).count() == 2
    settlement.settle_marked(now=LATER)
    rows: Any = SiteInterval.objects.filter(site=site, start__gte=DAY).order_by("start")
    assert [row.export_mode for row in rows[:4]] == [3, 5, 5, 3]
    assert [row.export_cause for row in rows[:4]] == [2, 5, 5, 2]
    outage.cancelled_at = LATER
    outage.save()
    settlement.settle_marked(now=LATER)
    assert {row.export_mode for row in rows.all()[:4]} == {ExportMode.DUMP}


def test_water_and_pumps_are_settled_from_their_registers(site: Site) -> None:
    roles = [MeterPlacement.Role.WATER_INPUT, MeterPlacement.Role.SINK_PUMP_ELECTRICITY]
    for factor, role in zip((Decimal("0.5"), Decimal(2)), roles, strict=True):
        placement = hosting.make_placement(site=site, role=role, valid_from=DAY, first_register=Decimal(0))
        thermal.make_readings(placement.meter, [(DAY + n * QUARTER, factor * n) for n in range(3)])
    rows = settle(site, 2)
    assert [(row.water_m3, row.sink_pump_kwh) for row in rows] == [(0.5, 2.0), (0.5, 2.0)]
    assert {row.source_pump_kwh for row in rows} == {None}
