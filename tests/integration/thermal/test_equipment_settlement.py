"""Quarter hours of heat pumps, exchangers and buffers, settled in a real PostgreSQL from what was recorded."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from hosting.models import Connection, Equipment, EquipmentModel, Measurement, MeterPlacement
from kernel.periods import Period
from tests.makers import heat_path, hosting, thermal
from tests.makers.heat_path import HeatPath
from thermal.domain.kpis import heat_pump, water_side
from thermal.models import EquipmentFact, EquipmentInterval, MonthMark
from thermal.models.equipment import EnergyBasis
from thermal.services import recomputing, settlement

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
STEP = dt.timedelta(minutes=5)
# In the order of `heat_path.SLOTS`: exchanger 42 to 36 against 35 to 39.8; heat pump source 35 to 25, sink 40 to 70;
# buffer 38; 20 kW of heat for 4 kW of electricity.
TOLD = [42.0, 36.0, 35.0, 39.8, 35.0, 25.0, 40.0, 70.0, 38.0, 20.0, 4.0]


@pytest.fixture(autouse=True)
def partitions() -> None:
    thermal.make_partitions(DAY, months=3)


@pytest.fixture
def path() -> HeatPath:
    return heat_path.make_heat_path()


def steps(count: int) -> list[dt.datetime]:
    return [DAY + n * STEP for n in range(count)]


def settle(path: HeatPath, quarters: int = 1) -> settlement.Settled:
    return settlement.settle_period(site=path.site, period=Period(DAY, DAY + quarters * QUARTER), now=LATER)


def rows_of(piece: Equipment) -> list[EquipmentInterval]:
    rows: Any = EquipmentInterval.objects.filter(equipment=piece).order_by("start")
    return list(rows)


def facts_of(row: EquipmentInterval) -> dict[str, Any]:
    left_out = {"rule_version", "version", "settled_at"}
    return {one.name: getattr(row, one.attname) for one in row._meta.concrete_fields if one.name not in left_out}


def test_each_pipe_tells_the_end_that_it_has_at_the_equipment(path: HeatPath) -> None:
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    done = settlement.settle_marked(now=LATER)
    assert done.equipment_rows == 3
    [exchanger, *_rest] = rows_of(path.exchanger)
    ends = (exchanger.hot_in_c, exchanger.hot_out_c, exchanger.cold_in_c, exchanger.cold_out_c)
    assert ends == (42.0, 36.0, 35.0, 39.8)
    assert exchanger.approach_k == water_side.approach_k(42.0, 39.8) == 2.2
    assert (exchanger.is_loaded, exchanger.measured_s, exchanger.heat_kwh) == (True, 900, None)
    assert (exchanger.energy_basis, len(exchanger.inputs)) == (EnergyBasis.NONE, 4)
    [buffer, *_rest] = rows_of(path.buffer)
    assert (buffer.mean_c, buffer.is_loaded, buffer.approach_k, buffer.charge_ratio) == (38.0, None, None, None)


def test_the_limits_of_a_heat_pump_are_those_of_the_functions(path: HeatPath) -> None:
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    [row] = rows_of(path.pump)[:1]
    assert (row.hot_in_c, row.hot_out_c, row.cold_in_c, row.cold_out_c) == (35.0, 25.0, 40.0, 70.0)
    assert (row.heat_kwh, row.electricity_kwh, row.energy_basis) == (5.0, 1.0, EnergyBasis.SITE)
    # Published and computed limits: Lorenz 13.223; Carnot between 70 and 25 °C 343.15 ÷ 45 = 7.6256.
    assert row.lorenz_kwh == pytest.approx(5.0 / 13.223, abs=1e-4)
    assert row.lorenz_kwh == pytest.approx(5.0 / heat_pump.lorenz_cop((40.0, 70.0), (35.0, 25.0)), abs=6e-5)
    assert row.carnot_kwh == pytest.approx(5.0 / heat_pump.carnot_cop(70.0, 25.0), abs=6e-5)
    judged = heat_pump.second_law(5.0, (40.0, 70.0), (35.0, 25.0))
    assert (row.lorenz_kwh or 0.0) / (row.electricity_kwh or 1.0) == pytest.approx(judged.efficiency_ratio, abs=1e-4)


@pytest.mark.parametrize(
    ("sink", "source", "lorenz"), [((45.0, 55.0), (30.0, 25.0), 14.373), ((35.0, 35.0), (10.0, 10.0), 12.326)]
)
def test_published_limits_come_out_of_the_ledger(
    path: HeatPath, sink: tuple[float, float], source: tuple[float, float], lorenz: float
) -> None:
    told = [*TOLD[:4], *source, *sink, 38.0, 400.0, 100.0]
    path.tell([(at, told) for at in steps(4)], now=LATER)
    settle(path)
    row = rows_of(path.pump)[0]
    assert 100.0 / (row.lorenz_kwh or 0.0) == pytest.approx(lorenz, abs=1e-3)


def test_temperatures_are_means_over_time_and_not_over_polls(path: HeatPath) -> None:
    # 40 °C held for five minutes, rising to 46 over the next ten: (40·5 + 43·10) ÷ 15 = 42.
    moments = [(DAY, 40.0), (DAY + STEP, 40.0), (DAY + STEP * 2, 43.0), (DAY + STEP * 3, 46.0)]
    path.tell([(at, [hot, *TOLD[1:]]) for at, hot in moments], now=LATER)
    settle(path)
    assert rows_of(path.exchanger)[0].hot_in_c == 42.0


def test_frost_is_no_zero(path: HeatPath) -> None:
    told = [*TOLD[:4], -2.0, -6.0, *TOLD[6:]]
    path.tell([(at, told) for at in steps(4)], now=LATER)
    settle(path)
    row = rows_of(path.pump)[0]
    assert (row.hot_in_c, row.hot_out_c) == (-2.0, -6.0)
    assert row.carnot_kwh == pytest.approx(5.0 / heat_pump.carnot_cop(70.0, -6.0), abs=6e-5)


def test_a_missing_temperature_gives_no_limit_and_a_short_one_is_said(path: HeatPath) -> None:
    path.tell([(at, [*TOLD[:5], None, *TOLD[6:]]) for at in steps(3)], now=LATER)
    settle(path)
    pump, exchanger = rows_of(path.pump)[0], rows_of(path.exchanger)[0]
    assert (pump.hot_in_c, pump.hot_out_c, pump.lorenz_kwh, pump.carnot_kwh) == (35.0, None, None, None)
    assert (exchanger.hot_in_c, exchanger.measured_s) == (42.0, 600)


def test_crossed_temperatures_have_no_limit(path: HeatPath) -> None:
    path.tell([(at, [*TOLD[:4], 80.0, 75.0, *TOLD[6:]]) for at in steps(4)], now=LATER)
    settle(path)
    assert rows_of(path.pump)[0].lorenz_kwh is None


def test_a_piece_at_rest_is_not_under_load(path: HeatPath) -> None:
    told = [36.2, 36.0, 35.6, 36.1, *TOLD[4:9], 0.0, 0.0]
    path.tell([(at, told) for at in steps(4)], now=LATER)
    settle(path)
    assert rows_of(path.exchanger)[0].is_loaded is False
    row = rows_of(path.pump)[0]
    assert (row.is_loaded, row.heat_kwh, row.lorenz_kwh) == (False, 0.0, 0.0)


def test_registers_of_the_site_come_before_integrated_power(path: HeatPath) -> None:
    role = MeterPlacement.Role.HEAT_PUMP_ELECTRICITY
    placement = hosting.make_placement(site=path.site, role=role, valid_from=DAY, first_register=Decimal(0))
    thermal.make_readings(placement.meter, [(DAY + n * QUARTER, Decimal("1.1") * n) for n in range(3)])
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    assert rows_of(path.pump)[0].electricity_kwh == 1.1


def test_two_heat_pumps_have_what_is_measured_at_each(path: HeatPath) -> None:
    other = hosting.make_equipment(path.site, EquipmentModel.Kind.HEAT_PUMP)
    roles = [Measurement.Role.HEAT_PUMP_POWER, Measurement.Role.HEAT_PUMP_HEAT_POWER]
    second = thermal.make_plant_device(path.site, roles, equipment=other)
    thermal.make_frames(second, [(at, [2.0, 9.0]) for at in steps(4)])
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    first, [row] = rows_of(path.pump)[0], rows_of(other)
    assert (first.heat_kwh, first.electricity_kwh, first.energy_basis) == (5.0, 1.0, EnergyBasis.OWN)
    assert (row.heat_kwh, row.electricity_kwh, row.energy_basis) == (2.25, 0.5, EnergyBasis.OWN)


def test_settling_again_changes_nothing_and_in_any_order_gives_the_same(path: HeatPath) -> None:
    moments = [(at, [value + number % 3 for value in TOLD]) for number, at in enumerate(steps(13))]
    path.tell(moments, now=LATER)
    settle(path, 4)
    expected = [facts_of(row) for piece in (path.exchanger, path.buffer, path.pump) for row in rows_of(piece)]
    assert settle(path, 4).equipment_rows == 0
    EquipmentInterval.objects.all().delete()
    heat_path_frames = list(path.device.frames.all())
    path.device.frames.all().delete()
    random.Random(4).shuffle(heat_path_frames)
    for frame in heat_path_frames:
        path.tell([(frame.at, frame.values)], now=LATER)
        settlement.settle_marked(now=LATER)
    settle(path, 4)
    found = [facts_of(row) for piece in (path.exchanger, path.buffer, path.pump) for row in rows_of(piece)]
    assert found == expected
    assert not recomputing.differences(site=path.site, periods=[Period(DAY, DAY + 4 * QUARTER)], now=LATER)


def test_a_late_value_makes_a_new_version_and_marks_the_month(path: HeatPath) -> None:
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    MonthMark.objects.all().delete()
    path.tell([(DAY + STEP / 2, [44.0, *TOLD[1:]])], now=LATER)
    settlement.settle_marked(now=LATER)
    assert [row.version for row in rows_of(path.exchanger)[:1]] == [2]
    assert MonthMark.objects.filter(site=path.site).exists()


def test_what_no_sensor_tells_any_more_is_gone(path: HeatPath) -> None:
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    Measurement.objects.filter(connection__in=[path.pipes[name] for name in heat_path.SLOTS[:4]]).delete()
    assert settle(path).equipment_rows == 2  # the pipe to the buffer told the buffer's end as well
    assert rows_of(path.exchanger) == []
    assert [row.version for row in rows_of(path.buffer)] == [2]


def test_a_charge_that_the_controller_tells_is_kept_beside_the_temperature(path: HeatPath) -> None:
    told = thermal.make_plant_device(path.site, [Measurement.Role.BUFFER_CHARGE], equipment=path.buffer)
    thermal.make_frames(told, [(at, [0.4]) for at in steps(4)])
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    row = rows_of(path.buffer)[0]
    assert row.mean_c == 38.0
    assert row.charge_ratio == pytest.approx(0.4)


def test_a_value_on_a_bypass_tells_nothing(path: HeatPath) -> None:
    Connection.objects.filter(pk=path.pipes["hx_hot_in"].pk).update(is_bypass=True)
    path.tell([(at, TOLD) for at in steps(4)], now=LATER)
    settle(path)
    assert rows_of(path.exchanger)[0].hot_in_c is None


def test_a_site_without_equipment_is_asked_once() -> None:
    site = hosting.make_site()
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    thermal.make_frames(device, [(at, [5.0]) for at in steps(4)])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        settlement.settle_period(site=site, period=Period(DAY, DAY + QUARTER), now=LATER)
    about = [one["sql"] for one in queries if "hosting_equipmentmodel" in one["sql"]]
    assert sum("SELECT EXISTS" in sql and "thermal" not in sql for sql in about) == 1
    assert not any("thermal_equipmentinterval" in sql for sql in about)


# ---- constraints -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("equipment_interval_seconds_in_quarter", {"measured_s": 901}),
        ("equipment_interval_energy_not_negative", {"heat_kwh": -1.0}),
        ("equipment_interval_limits_of_heat", {"carnot_kwh": 1.0, "lorenz_kwh": 1.0}),
    ],
)
def test_constraints_of_a_quarter_hour(name: str, fields: dict[str, Any]) -> None:
    piece = hosting.make_equipment()
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        EquipmentInterval.objects.create(equipment=piece, start=DAY, rule_version=1, settled_at=LATER, **fields)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("equipment_fact_ends_after_start", {"valid_until": DAY.date()}),
        ("equipment_fact_share_of_one", {"value": 42.0}),
    ],
)
def test_constraints_of_a_fact(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        _fact(hosting.make_equipment(), **fields)


def test_no_two_facts_say_something_for_one_day() -> None:
    piece = hosting.make_equipment()
    _fact(piece)
    with pytest.raises(IntegrityError, match="equipment_fact_no_overlap"), transaction.atomic():
        _fact(piece, valid_from=DAY.date() + dt.timedelta(days=3))


def _fact(piece: Equipment, **fields: Any) -> EquipmentFact:
    kind = EquipmentFact.Kind.EFFICIENCY
    given = {"equipment": piece, "kind": kind, "value": 0.4, "valid_from": DAY.date(), "source": "Protocol"} | fields
    return EquipmentFact.objects.create(**given)
