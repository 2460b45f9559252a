"""Heat by IAPWS-IF97 and error limits, against published and computed tables."""

import csv
from pathlib import Path

import pytest

from thermal.domain import accuracy, physics
from thermal.domain.physics import Fluid, Side

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
IF97 = Path(__file__).parents[4] / "shared/data/thermo/if97_region1_table5.csv"
# Class, ΔT in K, q/qp, permissible error in percent; ΔΘmin is 3 K.
ERROR_LIMITS = [
    ("2", 30, 1.0, 3.42),
    ("2", 10, 0.1, 4.40),
    ("2", 3, 0.02, 8.00),
    ("3", 3, 0.02, 10.0),
    ("1", 10, 0.1, 3.30),
]


@pytest.mark.parametrize(("supply_c", "return_c", "in_return", "in_supply"), K_TABLE)
def test_k_equals_the_table_to_its_last_digit(
    supply_c: float, return_c: float, in_return: float, in_supply: float
) -> None:
    k = [physics.heat_coefficient_kwh_m3k(supply_c, return_c, side) for side in (Side.RETURN, Side.SUPPLY)]
    assert k == [pytest.approx(in_return, abs=5.1e-6), pytest.approx(in_supply, abs=5.1e-6)]


def test_the_formulation_is_that_of_the_iapws() -> None:
    if not IF97.exists():
        pytest.skip("shared/data/thermo is not here")
    for row in csv.DictReader(IF97.read_text().splitlines()):
        celsius, bar = float(row["T_K"]) - 273.15, float(row["P_MPa"]) * 10
        assert physics.specific_volume_m3_kg(celsius, bar) == pytest.approx(float(row["v_m3kg"]), rel=4e-9)
        assert physics.enthalpy_kj_kg(celsius, bar) == pytest.approx(float(row["h_kJkg"]), rel=3e-9)


def test_pressure_is_a_ten_thousandth() -> None:
    at_6_bar = physics.heat_coefficient_kwh_m3k(70, 40, Side.RETURN, pressure_bar=6)
    assert at_6_bar == pytest.approx(1.15249, abs=1e-5)


def test_k_has_a_value_where_both_pipes_are_alike() -> None:
    assert physics.heat_coefficient_kwh_m3k(40, 40, Side.RETURN) == pytest.approx(1.1514, abs=1e-3)


def test_a_real_frame_proves_its_side() -> None:
    by_side = {side: physics.heat_kwh(0.543, 101.69, 46.16, side) for side in Side}
    side, better = physics.fitting_side(34.7, by_side)
    assert by_side[Side.RETURN] == pytest.approx(34.758, abs=0.001)
    assert (side, round(better, 2)) == (Side.RETURN, 0.03)


@pytest.mark.parametrize("celsius", [-0.1, 300.1])
def test_what_is_no_water_is_refused(celsius: float) -> None:
    with pytest.raises(physics.NotLiquid):
        physics.enthalpy_kj_kg(celsius)


@pytest.mark.parametrize(
    ("fluid", "k"),
    [
        (Fluid.MEG_25, 1.0980), (Fluid.MEG_30, 1.0814), (Fluid.MEG_40, 1.0434),
        (Fluid.MPG_25, 1.1160), (Fluid.MPG_30, 1.1037), (Fluid.MPG_40, 1.0717),
    ],
)  # fmt: skip
def test_glycol_carries_less_and_is_not_legal_for_trade(fluid: Fluid, k: float) -> None:
    of_water = physics.heat_coefficient_kwh_m3k(45, 35, Side.RETURN)
    assert of_water * physics.RATIO_TO_WATER[fluid] == pytest.approx(k, abs=2e-4)
    assert not physics.is_legal_for_trade(fluid)
    assert physics.over_reading_ratio(fluid) > 0.03


@pytest.mark.parametrize(("name", "difference_k", "flow", "percent"), ERROR_LIMITS)
def test_error_limits_equal_the_table(name: str, difference_k: float, flow: float, percent: float) -> None:
    limit = accuracy.error_limit(name, difference_k, flow_share_ratio=flow, min_difference_k=3)
    assert 100 * limit.total_ratio == pytest.approx(percent, abs=1e-9)


def test_the_limits_of_an_unknown_class_are_refused() -> None:
    with pytest.raises(accuracy.ClassUnknown):
        accuracy.error_limit("B", 10)


def test_no_flow_is_as_wrong_as_the_class_allows() -> None:
    assert accuracy.error_limit("2", 30, flow_share_ratio=0).flow_ratio == 0.05
