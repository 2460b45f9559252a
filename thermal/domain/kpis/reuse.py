"""Key figures of the whole site: how much energy it takes, how much of it is used again.

References
----------
ISO/IEC 30134-2 and EN 50600-4-2 (PUE); ISO/IEC 30134-6 and EN 50600-4-6 (ERF); The Green Grid, white paper 29 (ERE);
ISO/IEC 30134-3 and EN 50600-4-3 (REF); ISO/IEC 30134-8 (CUE); ISO/IEC 30134-9 and EN 50600-4-9 (WUE).

Notes
-----
Boundary: the data centre with its cooling. Reused heat is counted where it is handed over to the other party, and only
what is used outside; what comes back to cool the data centre is taken off. A heat pump inside the boundary takes its
electricity from the site's total and is followed by the meter; one outside is preceded by it.
"""

from thermal.domain.kpis.ratios import ratio


def power_usage_effectiveness(total_kwh: float | None, it_kwh: float | None) -> float | None:
    """The energy of the whole site per energy of its IT: PUE.

    The category (1: IT energy at the output of the UPS, 2: of the PDU, 3: at the input of the IT) is a fact of the
    site and stands beside the figure; PUEs of different categories are not comparable.

    >>> power_usage_effectiveness(192_500.0, 175_000.0)
    1.1
    """
    return ratio(total_kwh, it_kwh)


def energy_reuse_factor(delivered_kwh: float | None, total_kwh: float | None) -> float | None:
    """The share of the site's energy that is reused outside of it: ERF, from 0 to 1.

    >>> round(energy_reuse_factor(127_181.0, 192_500.0), 4)
    0.6607
    """
    return ratio(delivered_kwh, total_kwh)


def energy_reuse_effectiveness(
    total_kwh: float | None, delivered_kwh: float | None, it_kwh: float | None
) -> float | None:
    """The energy that is not reused per energy of the IT: ERE = PUE · (1 − ERF).

    >>> round(energy_reuse_effectiveness(192_500.0, 127_181.0, 175_000.0), 4)
    0.3733
    """
    if total_kwh is None or delivered_kwh is None:
        return None
    return ratio(total_kwh - delivered_kwh, it_kwh)


def renewable_energy_factor(renewable_kwh: float | None, total_kwh: float | None) -> float | None:
    """The share of the site's energy that comes from renewable sources: REF.

    >>> renewable_energy_factor(96_250.0, 192_500.0)
    0.5
    """
    return ratio(renewable_kwh, total_kwh)


def water_usage_effectiveness(water_m3: float | None, it_kwh: float | None) -> float | None:
    """The water taken in per IT energy in m³/MWh, which is l/kWh: WUE.

    >>> water_usage_effectiveness(35.0, 175_000.0)
    0.2
    """
    return ratio(water_m3, None if it_kwh is None else it_kwh / 1000)


def carbon_usage_effectiveness(
    total_kwh: float | None, grid_g_per_kwh: float | None, it_kwh: float | None
) -> float | None:
    """The emissions of the site's energy per IT energy in kg CO₂e per kWh: CUE.

    >>> round(carbon_usage_effectiveness(192_500.0, 363.0, 175_000.0), 4)
    0.3993
    """
    if total_kwh is None or grid_g_per_kwh is None:
        return None
    return ratio(total_kwh * grid_g_per_kwh / 1000, it_kwh)


def capture_ratio(captured_kwh: float | None, it_kwh: float | None) -> float | None:
    """The share of the IT energy that is captured as heat.

    >>> capture_ratio(148_750.0, 175_000.0)
    0.85
    """
    return ratio(captured_kwh, it_kwh)


def usable_ratio(delivered_kwh: float | None, it_kwh: float | None) -> float | None:
    """The heat delivered per energy of the IT; with a heat pump it may pass one.

    >>> usable_ratio(87_500.0, 175_000.0)
    0.5
    """
    return ratio(delivered_kwh, it_kwh)


def heat_value_per_kwh(
    delivered_kwh: float | None, heat_price_per_kwh: float | None, total_kwh: float | None
) -> float | None:
    """What the heat delivered is worth per kWh that the site consumed, in the currency of the price.

    >>> round(heat_value_per_kwh(127_181.0, 0.06, 192_500.0), 4)
    0.0396
    """
    if delivered_kwh is None or heat_price_per_kwh is None:
        return None
    return ratio(delivered_kwh * heat_price_per_kwh, total_kwh)
