"""The water side: volume-weighted temperatures, exchangers and buffers.

References
----------
EN 1434-1 (registers of volume and temperature); HNTAS technical specification (names VWAFT, VWART, VWATD, substation
approach temperature); IAPWS-IF97 (density and enthalpy of water).
"""

from dataclasses import dataclass
from typing import Final

from kernel.errors import Refusal
from thermal.domain import water
from thermal.domain.kpis.ratios import ratio

# By how many kelvin an exchanger may grow worse before somebody should clean it; a default, to be set per site.
FOULING_K: Final = 2.0
# An exchanger whose heat is not metered is under load from this difference between in and out on; a default.
LOADED_K: Final = 1.0
LITERS_PER_M3: Final = 1000.0


class BufferUpsideDown(Refusal):
    sentence = "A buffer is full when it is hotter than when it is empty; %(hot)s °C is not above %(cold)s °C."


@dataclass(frozen=True, slots=True)
class WeightedTemperatures:
    """Flow and return temperature of a period, weighted by the water that passed, and their difference."""

    supply_c: float
    return_c: float

    @property
    def difference_k(self) -> float:
        """Supply minus return in K (VWATD)."""
        return self.supply_c - self.return_c


def volume_weighted(
    volume_m3: float | None, supply_m3c: float | None, return_m3c: float | None
) -> WeightedTemperatures | None:
    """The volume-weighted temperatures (VWAFT, VWART, VWATD) from volume and the products m³·°C; None without water.

    >>> mean = volume_weighted(100.0, 5_500.0, 4_000.0)
    >>> mean.supply_c, mean.return_c, mean.difference_k
    (55.0, 40.0, 15.0)
    """
    supply_c, return_c = ratio(supply_m3c, volume_m3), ratio(return_m3c, volume_m3)
    return None if supply_c is None or return_c is None else WeightedTemperatures(supply_c, return_c)


def approach_k(primary_in_c: float, secondary_out_c: float) -> float:
    """By how many kelvin the heated water stays below the heating water of a plate exchanger.

    >>> approach_k(42.0, 39.8)
    2.2
    """
    return round(primary_in_c - secondary_out_c, 6)


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an exchanger's approach moved from its baseline, and whether that hints at fouling."""

    baseline_k: float
    now_k: float
    has_fouled: bool

    @property
    def by_k(self) -> float:
        """The rise of the approach in K."""
        return self.now_k - self.baseline_k


def fouling(baseline_k: float, now_k: float, limit_k: float = FOULING_K) -> Drift:
    """The drift of an exchanger: dirt or scale makes its approach rise at equal load.

    >>> fouling(2.0, 4.5).has_fouled, fouling(2.0, 3.0).by_k
    (True, 1.0)
    """
    return Drift(baseline_k, now_k, now_k - baseline_k > limit_k)


def stored_kwh(volume_l: float, mean_c: float, reference_c: float) -> float:
    """The heat in kWh that a store of water holds above a reference: volume · density · Δh, negative below it.

    >>> round(stored_kwh(2000.0, 60.0, 40.0), 2)
    45.88
    """
    middle_c = (mean_c + reference_c) / 2
    mass_kg = volume_l / LITERS_PER_M3 * water.density_kg_m3(middle_c)
    return mass_kg * (water.enthalpy_kj_kg(mean_c) - water.enthalpy_kj_kg(reference_c)) / 3600


def buffer_change_kwh(volume_l: float, before_c: float, after_c: float) -> float:
    """The heat in kWh that went into a buffer while its mean temperature moved; negative if it came out.

    >>> round(buffer_change_kwh(1000.0, 45.0, 50.0), 3)
    5.74
    """
    return stored_kwh(volume_l, after_c, before_c)


def state_of_charge_ratio(mean_c: float, empty_c: float, full_c: float) -> float:
    """The share of a buffer's usable heat that it holds, cut to 0 to 1.

    >>> state_of_charge_ratio(50.0, 40.0, 60.0), state_of_charge_ratio(35.0, 40.0, 60.0)
    (0.5, 0.0)
    """
    if full_c <= empty_c:
        raise BufferUpsideDown(hot=full_c, cold=empty_c)
    return min(1.0, max(0.0, (mean_c - empty_c) / (full_c - empty_c)))


def top_up_l_per_day(volume_m3: float | None, days: float) -> float | None:
    """The water refilled per day in liters: a leak shows here first.

    >>> top_up_l_per_day(0.3, 30.0)
    10.0
    """
    return None if volume_m3 is None else ratio(volume_m3 * LITERS_PER_M3, days)
