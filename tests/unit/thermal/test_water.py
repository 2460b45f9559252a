"""Water properties against published values."""

import csv
from pathlib import Path

import pytest

from thermal.domain import water

# k in kWh/(m³·K) at 16 bar from IAPWS-IF97, flow sensor in the return and in the supply.
K_TABLE = [
    (70, 40, 1.15237, 1.13561),
    (60, 40, 1.15186, 1.14140),
    (55, 45, 1.14947, 1.14423),
    (45, 35, 1.15356, 1.14913),
    (40, 30, 1.15551, 1.15152),
    (50, 30, 1.15552, 1.14669),
    (35, 28, 1.15633, 1.15377),
    (30, 20, 1.15920, 1.15621),
    (65, 25, 1.15755, 1.13841),
    (80, 60, 1.14378, 1.13054),
    (90, 50, 1.14969, 1.12329),
    (120, 60, 1.14916, 1.10237),
]
# T in °C, density in kg/m³, enthalpy in kJ/kg, at 16 bar.
POINTS = [
    (20, 998.891, 85.423),
    (30, 996.317, 127.200),
    (40, 992.879, 168.952),
    (50, 988.698, 210.705),
    (60, 983.863, 252.481),
    (70, 978.438, 294.301),
    (80, 972.472, 336.184),
    (90, 966.002, 378.152),
]
IF97 = Path(__file__).parents[4] / "shared/data/thermo/if97_region1_table5.csv"


@pytest.mark.parametrize(("supply_c", "return_c", "in_return", "in_supply"), K_TABLE)
def test_k_equals_the_table(supply_c: float, return_c: float, in_return: float, in_supply: float) -> None:
    assert water.heat_coefficient_kwh_m3k(supply_c, return_c) == pytest.approx(in_return, rel=1.4e-4)
    in_flow = water.heat_coefficient_kwh_m3k(supply_c, return_c, sensor_in_return=False)
    assert in_flow == pytest.approx(in_supply, rel=1.4e-4)


@pytest.mark.parametrize(("temperature_c", "density", "enthalpy"), POINTS)
def test_density_and_enthalpy_equal_the_table(temperature_c: float, density: float, enthalpy: float) -> None:
    assert water.density_kg_m3(temperature_c) == pytest.approx(density, rel=1.6e-5)
    assert water.enthalpy_kj_kg(temperature_c) == pytest.approx(enthalpy, abs=0.011)


def test_the_standard_s_own_verification_point_agrees() -> None:
    if not IF97.exists():
        pytest.skip("shared/data/thermo is not here")
    rows = {(row["T_K"], row["P_MPa"]): row for row in csv.DictReader(IF97.read_text().splitlines())}
    row = rows["300", "3"]  # 26.85 °C at 30 bar: the pressure beyond 16 bar is worth 1.4 bar·m³ per tonne
    assert water.density_kg_m3(26.85) == pytest.approx(1 / float(row["v_m3kg"]), rel=7e-4)
    assert water.enthalpy_kj_kg(26.85) == pytest.approx(float(row["h_kJkg"]), abs=1.4)


@pytest.mark.parametrize(("in_return", "expected"), [(True, 3457.1), (False, 3406.8)])
def test_the_side_of_the_flow_sensor_matters(in_return: bool, expected: float) -> None:
    assert water.heat_kwh(100, 70, 40, sensor_in_return=in_return) == pytest.approx(expected, abs=0.3)


def test_the_power_of_a_real_telegram_proves_its_side() -> None:
    # Kamstrup 601, medium 04 (sensor in the return), 0.543 m³/h, 101.69/46.16 °C, displayed 34.7 kW.
    assert water.heat_kwh(0.543, 101.69, 46.16) == pytest.approx(34.758, abs=0.01)
    assert water.heat_kwh(0.543, 101.69, 46.16, sensor_in_return=False) == pytest.approx(33.62, abs=0.01)


def test_equal_temperatures_have_a_coefficient_and_no_heat() -> None:
    assert water.heat_coefficient_kwh_m3k(40, 40) == pytest.approx(1.1515, abs=1e-3)
    assert water.heat_kwh(10, 40, 40) == 0


@pytest.mark.parametrize("temperature_c", [-0.1, 150.1])
def test_beyond_the_fit_it_is_refused(temperature_c: float) -> None:
    with pytest.raises(water.TemperatureOutOfRange):
        water.density_kg_m3(temperature_c)
