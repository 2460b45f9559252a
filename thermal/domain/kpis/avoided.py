"""Fuel and emissions that the heat replaced, with factors of the year.

Notes
-----
Avoided burden: the electricity of the IT is not charged to the heat, it would be used anyway; that of heat pumps and
pumps is. The result is stated beside its method, is no offset, and is not netted from the provider's own emissions.
The factor of the year counts in which most of the period falls; fuel factor and boiler efficiency refer to the same
calorific value.

References
----------
UK Government GHG conversion factors 2025, methodology paper; GHG Protocol, Policy and Action Standard (avoided burden).
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from kernel.errors import Refusal


class EfficiencyOutOfRange(Refusal):
    sentence = "A boiler has an efficiency above 0 and up to 1.1 of the net calorific value; %(ratio)s is none."


@dataclass(frozen=True, slots=True)
class Factor:
    """An emission factor in g CO₂e per kWh from a day on, until a later one (exclusive) or open."""

    g_per_kwh: float
    valid_from: dt.date
    valid_until: dt.date | None = None


def factor_of(factors: Iterable[Factor], first: dt.date, until: dt.date) -> Factor | None:
    """The factor that covers most days from the first day until the last (exclusive); None where none covers any.

    >>> old, new = Factor(207.05, dt.date(2024, 1, 1), dt.date(2025, 1, 1)), Factor(177.0, dt.date(2025, 1, 1))
    >>> factor_of([old, new], dt.date(2024, 11, 1), dt.date(2025, 6, 1)).g_per_kwh
    177.0
    """
    spans = [(_days(one, first, until), one.valid_from, one) for one in factors]
    best = max(spans, key=lambda span: span[:2], default=None)
    return best[2] if best and best[0] > 0 else None


def _days(factor: Factor, first: dt.date, until: dt.date) -> int:
    start, end = max(factor.valid_from, first), min(factor.valid_until or until, until)
    return max(0, (end - start).days)


def avoided_fuel_kwh(delivered_kwh: float | None, boiler_ratio: float | None) -> float | None:
    """The fuel in kWh that a boiler would have burnt for the heat delivered.

    >>> round(avoided_fuel_kwh(100_000.0, 0.85), 1)
    117647.1
    """
    if delivered_kwh is None or boiler_ratio is None:
        return None
    if not 0 < boiler_ratio <= 1.1:
        raise EfficiencyOutOfRange(ratio=boiler_ratio)
    return delivered_kwh / boiler_ratio


def avoided_kg_co2e(
    fuel_kwh: float | None, fuel_g_per_kwh: float | None, spent_kwh: float | None, grid_g_per_kwh: float | None
) -> float | None:
    """The emissions in kg CO₂e that the heat avoided, net of the electricity spent to lift and pump it.

    Parameters
    ----------
    fuel_kwh
        Fuel that was not burnt.
    fuel_g_per_kwh, grid_g_per_kwh
        Factors of fuel and electricity, in g CO₂e per kWh.
    spent_kwh
        Electricity of heat pumps and pumps.

    Examples
    --------
    >>> gross = avoided_kg_co2e(100_000 / 0.85, 182.96, 0.0, None)
    >>> net = avoided_kg_co2e(100_000 / 0.85, 182.96, 25_000.0, 177.00 + 18.53)
    >>> round(gross, 1), round(net, 1)
    (21524.7, 16636.5)
    """
    if fuel_kwh is None or fuel_g_per_kwh is None or spent_kwh is None:
        return None
    if spent_kwh and grid_g_per_kwh is None:
        return None
    return (fuel_kwh * fuel_g_per_kwh - spent_kwh * (grid_g_per_kwh or 0.0)) / 1000
