"""Heat by the laws of water, to check what a meter says: k by IAPWS-IF97 for both places of the flow sensor.

`thermal.domain.water` has a fit of the same formulation, good enough for simulations and ten times as fast. Here stands
the formulation itself, region 1 (liquid water), at any pressure: a check must not lean on what it checks.

References
----------
IAPWS R7-97(2012), equation 7 with table 2; EN 1434-1 (k at 16 bar); OIML R 75-1.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kernel.errors import Refusal

GAS_CONSTANT_KJ_KGK: Final = 0.461526
PRESSURE_OF_TABLES_BAR: Final = 16.0
LOWEST_C: Final = 0.0
HIGHEST_C: Final = 300.0
KJ_PER_KWH: Final = 3600.0
# Nearer than this the quotient of two rounding errors decides; k of the pair a little apart is taken.
SMALLEST_DIFFERENCE_K: Final = 0.01

# (I, J, n) of equation 7: gamma = sum of n (7.1 - pi)^I (tau - 1.222)^J.
_TERMS: Final = (
    (0, -2, 0.14632971213167), (0, -1, -0.84548187169114), (0, 0, -0.37563603672040e1), (0, 1, 0.33855169168385e1),
    (0, 2, -0.95791963387872), (0, 3, 0.15772038513228), (0, 4, -0.16616417199501e-1), (0, 5, 0.81214629983568e-3),
    (1, -9, 0.28319080123804e-3), (1, -7, -0.60706301565874e-3), (1, -1, -0.18990068218419e-1),
    (1, 0, -0.32529748770505e-1), (1, 1, -0.21841717175414e-1), (1, 3, -0.52838357969930e-4),
    (2, -3, -0.47184321073267e-3), (2, 0, -0.30001780793026e-3), (2, 1, 0.47661393906987e-4),
    (2, 3, -0.44141845330846e-5), (2, 17, -0.72694996297594e-15), (3, -4, -0.31679644845054e-4),
    (3, 0, -0.28270797985312e-5), (3, 6, -0.85205128120103e-9), (4, -5, -0.22425281908000e-5),
    (4, -2, -0.65171222895601e-6), (4, 10, -0.14341729937924e-12), (5, -8, -0.40516996860117e-6),
    (8, -11, -0.12734301741641e-8), (8, -6, -0.17424871230634e-9), (21, -29, -0.68762131295531e-18),
    (23, -31, 0.14478307828521e-19), (29, -38, 0.26335781662795e-22), (30, -39, -0.11947622640071e-22),
    (31, -40, 0.18228094581404e-23), (32, -41, -0.93537087292458e-25),
)  # fmt: skip


class NotLiquid(Refusal):
    sentence = "Water is checked between 0 and 300 °C, not at %(temperature)s °C."


class Side(enum.StrEnum):
    """The pipe in which the flow sensor sits."""

    RETURN = "return"
    SUPPLY = "supply"


class Fluid(enum.StrEnum):
    """What a heat carrier is made of; the number is the mass fraction of glycol in percent."""

    WATER = "water"
    MEG_25 = "meg_25"
    MEG_30 = "meg_30"
    MEG_40 = "meg_40"
    MPG_25 = "mpg_25"
    MPG_30 = "mpg_30"
    MPG_40 = "mpg_40"


# k of the mixture over k of water at 45/35 °C, flow sensor in the return (CoolProp 8, incompressible mixtures). A meter
# that counts with the k of water reads too much by the inverse.
RATIO_TO_WATER: Final[dict[Fluid, float]] = {
    Fluid.WATER: 1.0,
    Fluid.MEG_25: 0.9519,
    Fluid.MEG_30: 0.9375,
    Fluid.MEG_40: 0.9045,
    Fluid.MPG_25: 0.9675,
    Fluid.MPG_30: 0.9568,
    Fluid.MPG_40: 0.9291,
}


def is_legal_for_trade(fluid: Fluid) -> bool:
    """Whether meters are approved for the fluid: EN 1434 and the MID approve them for water.

    >>> is_legal_for_trade(Fluid.WATER), is_legal_for_trade(Fluid.MEG_30)
    (True, False)
    """
    return fluid is Fluid.WATER


def over_reading_ratio(fluid: Fluid) -> float:
    """The share by which a meter programmed for water reads too much in the fluid.

    >>> round(over_reading_ratio(Fluid.MEG_30), 4)
    0.0667
    """
    return 1 / RATIO_TO_WATER[fluid] - 1


def specific_volume_m3_kg(temperature_c: float, pressure_bar: float = PRESSURE_OF_TABLES_BAR) -> float:
    """The volume of a kilogram of liquid water in m³.

    >>> round(specific_volume_m3_kg(26.85, 30.0), 11)
    0.00100215168
    """
    kelvin, pi, tau = _reduced(temperature_c, pressure_bar)
    slope = sum(-n * i * (7.1 - pi) ** (i - 1) * (tau - 1.222) ** j for i, j, n in _TERMS if i)
    # R in kJ/(kg·K), p in kPa: m³/kg.
    return GAS_CONSTANT_KJ_KGK * kelvin / (pressure_bar * 100) * pi * slope


def density_kg_m3(temperature_c: float, pressure_bar: float = PRESSURE_OF_TABLES_BAR) -> float:
    """The density of liquid water in kg/m³.

    >>> round(density_kg_m3(40.0), 3)
    992.879
    """
    return 1 / specific_volume_m3_kg(temperature_c, pressure_bar)


def enthalpy_kj_kg(temperature_c: float, pressure_bar: float = PRESSURE_OF_TABLES_BAR) -> float:
    """The specific enthalpy of liquid water in kJ/kg.

    >>> round(enthalpy_kj_kg(60.0), 3)
    252.481
    """
    kelvin, pi, tau = _reduced(temperature_c, pressure_bar)
    slope = sum(n * (7.1 - pi) ** i * j * (tau - 1.222) ** (j - 1) for i, j, n in _TERMS if j)
    return GAS_CONSTANT_KJ_KGK * kelvin * tau * slope


def heat_coefficient_kwh_m3k(
    supply_c: float, return_c: float, side: Side, pressure_bar: float = PRESSURE_OF_TABLES_BAR
) -> float:
    """The heat in kWh that a cubic metre at the flow sensor carries per kelvin: k of EN 1434-1.

    Parameters
    ----------
    supply_c, return_c
        Temperatures of the two pipes in °C.
    side
        The pipe of the flow sensor: the volume is counted at its temperature.
    pressure_bar
        Absolute pressure; from 16 to 6 bar k grows by 0.01 %.

    Raises
    ------
    NotLiquid
        Below 0 and above 300 °C; at 16 bar water boils at 201 °C.

    Examples
    --------
    >>> [round(heat_coefficient_kwh_m3k(70, 40, side), 5) for side in (Side.RETURN, Side.SUPPLY)]
    [1.15237, 1.13561]
    """
    if abs(supply_c - return_c) < SMALLEST_DIFFERENCE_K:
        supply_c, return_c = supply_c + SMALLEST_DIFFERENCE_K, max(return_c - SMALLEST_DIFFERENCE_K, LOWEST_C)
    density = density_kg_m3(return_c if side is Side.RETURN else supply_c, pressure_bar)
    rise_kj_kg = enthalpy_kj_kg(supply_c, pressure_bar) - enthalpy_kj_kg(return_c, pressure_bar)
    return density * rise_kj_kg / (supply_c - return_c) / KJ_PER_KWH


def heat_kwh(volume_m3: float, supply_c: float, return_c: float, side: Side) -> float:
    """The heat in kWh that a volume left behind between the two temperatures.

    >>> round(heat_kwh(100, 70, 40, Side.RETURN), 1), round(heat_kwh(100, 70, 40, Side.SUPPLY), 1)
    (3457.1, 3406.8)
    """
    return volume_m3 * heat_coefficient_kwh_m3k(supply_c, return_c, side) * (supply_c - return_c)


@dataclass(frozen=True, slots=True)
class Passage:
    """A volume in m³ that passed with its weighted temperatures in °C, and the heat in kWh that the meter counted."""

    volume_m3: float
    supply_c: float
    return_c: float
    heat_kwh: float


def implied_kwh(passages: Sequence[Passage], side: Side) -> float:
    """The heat in kWh that water must have carried; the temperatures of each passage must be those of liquid water."""
    return sum(heat_kwh(one.volume_m3, one.supply_c, one.return_c, side) for one in passages)


def fitting_side(told_kwh: float, by_side: dict[Side, float]) -> tuple[Side, float]:
    """The side whose physics fit what the meter counted better, and by how much as a share of it.

    Examples
    --------
    A Kamstrup 601 that shows 34.7 kW at 0.543 m³/h between 101.69 and 46.16 °C counts in the return:

    >>> by_side = {side: heat_kwh(0.543, 101.69, 46.16, side) for side in Side}
    >>> [round(kw, 2) for kw in by_side.values()]
    [34.76, 33.62]
    >>> fitting_side(34.7, by_side)[0].value
    'return'
    """
    errors = {side: abs(kwh - told_kwh) / told_kwh for side, kwh in by_side.items()}
    best = min(errors, key=lambda side: errors[side])
    return best, max(errors.values()) - errors[best]


def _reduced(temperature_c: float, pressure_bar: float) -> tuple[float, float, float]:
    """The temperature in K, and the reduced pressure and inverse temperature of the formulation."""
    if not LOWEST_C <= temperature_c <= HIGHEST_C:
        raise NotLiquid(temperature=round(temperature_c, 2))
    kelvin = temperature_c + 273.15
    return kelvin, pressure_bar / 10 / 16.53, 1386.0 / kelvin
