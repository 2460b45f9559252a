"""Key figures of heat reuse, each a plain function of energies of one period.

References
----------
EN 50600-4-2 / ISO/IEC 30134-2 (PUE), EN 50600-4-6 / ISO/IEC 30134-6 (ERF), The Green Grid (ERE), SEPEMO boundary H1
(COP). Ratios are shares of one. A figure whose inputs are unknown, or whose divisor is nothing, is None: a missing
meter is not a zero.
"""


def energy_reuse_factor(delivered_kwh: float | None, total_kwh: float | None) -> float | None:
    """The share of the site's energy that is reused outside of it: ERF.

    >>> round(energy_reuse_factor(127_181.0, 192_500.0), 4)
    0.6607
    """
    return _ratio(delivered_kwh, total_kwh)


def power_usage_effectiveness(total_kwh: float | None, it_kwh: float | None) -> float | None:
    """The energy of the whole site per energy of its IT: PUE.

    >>> power_usage_effectiveness(192_500.0, 175_000.0)
    1.1
    """
    return _ratio(total_kwh, it_kwh)


def energy_reuse_effectiveness(
    total_kwh: float | None, delivered_kwh: float | None, it_kwh: float | None
) -> float | None:
    """The energy that is not reused per energy of the IT: ERE = PUE · (1 − ERF).

    >>> round(energy_reuse_effectiveness(192_500.0, 127_181.0, 175_000.0), 4)
    0.3733
    """
    if total_kwh is None or delivered_kwh is None:
        return None
    return _ratio(total_kwh - delivered_kwh, it_kwh)


def coefficient_of_performance(heat_kwh: float | None, heat_pump_kwh: float | None) -> float | None:
    """The heat that heat pumps gave per electricity of their compressors: COP at boundary H1, pumps left out.

    >>> coefficient_of_performance(400.0, 100.0)
    4.0
    """
    return _ratio(heat_kwh, heat_pump_kwh)


def capture_ratio(captured_kwh: float | None, it_kwh: float | None) -> float | None:
    """The share of the IT energy that is captured as heat.

    >>> capture_ratio(148_750.0, 175_000.0)
    0.85
    """
    return _ratio(captured_kwh, it_kwh)


def usable_ratio(delivered_kwh: float | None, it_kwh: float | None) -> float | None:
    """The share of the IT energy that is delivered as heat.

    >>> usable_ratio(87_500.0, 175_000.0)
    0.5
    """
    return _ratio(delivered_kwh, it_kwh)


def balance_error_kwh(
    captured_kwh: float | None,
    heat_pump_kwh: float | None,
    delivered_kwh: float | None,
    rejected_kwh: float | None,
    buffer_change_kwh: float | None,
) -> float | None:
    """What came in and did not go out or into the buffer: losses and errors of measurement, in kWh.

    >>> balance_error_kwh(100.0, 20.0, 90.0, 25.0, 2.0)
    3.0
    """
    if captured_kwh is None or delivered_kwh is None:
        return None
    came_in = captured_kwh + (heat_pump_kwh or 0.0)
    return came_in - delivered_kwh - (rejected_kwh or 0.0) - (buffer_change_kwh or 0.0)


def _ratio(part: float | None, whole: float | None) -> float | None:
    if part is None or whole is None or whole <= 0:
        return None
    return part / whole
