"""Heat carried by water, as a heat meter with its flow sensor in the return pipe counts it."""

from typing import Final

_DENSITY: Final = (
    1.000629497e3,
    5.308095495e-2,
    -8.090187210e-3,
    6.244420305e-5,
    -4.244196426e-7,
    1.698562941e-9,
    -2.967148125e-12,
)
_ENTHALPY: Final = (
    1.601809536,
    4.205794966,
    -9.790636642e-4,
    1.402102539e-5,
    -1.001619040e-7,
    4.672141365e-10,
    -8.422312985e-13,
)
_KJ_PER_KWH: Final = 3600.0


def _polynomial(coefficients: tuple[float, ...], x: float) -> float:
    total = 0.0
    for coefficient in reversed(coefficients):
        total = total * x + coefficient
    return total


def heat_coefficient_kwh_m3_k(supply_c: float, return_c: float) -> float:
    """Heat per cubic meter and kelvin between the pipes, in kWh/(m3 K).

    Parameters
    ----------
    supply_c, return_c
        Temperatures of the pipes [degC]; the volume is counted at the return.

    Notes
    -----
    A fit to IAPWS-IF97 at 16 bar, valid from 1 to 150 degC within 0.014 % for differences of
    2 K and more. The plant keeps its own fit, so that a mistake in the portal's water tables
    shows up as a disagreement with the meters of the demo.

    References
    ----------
    EN 1434-1, annex A: k = rho(return) * (h(supply) - h(return)) / (supply - return).

    Examples
    --------
    >>> round(heat_coefficient_kwh_m3_k(70.0, 40.0), 4)
    1.1524
    >>> round(heat_coefficient_kwh_m3_k(45.0, 35.0), 4)
    1.1535
    """
    density_kg_m3 = _polynomial(_DENSITY, return_c)
    lift_kj_kg = _polynomial(_ENTHALPY, supply_c) - _polynomial(_ENTHALPY, return_c)
    return density_kg_m3 * lift_kj_kg / (supply_c - return_c) / _KJ_PER_KWH
