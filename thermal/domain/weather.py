"""Heat and weather: what a demand would have been at other degree days.

References
----------
The adjustment of heat bills to the weather, as § 5 FFVAV asks for it in comparisons with the year before; that a base
load stays out of it is common practice.
"""

from __future__ import annotations


def adjusted_kwh(heat_kwh: float, *, base_kwh: float, degree_days_kd: float, to_degree_days_kd: float) -> float:
    """Return the heat in kWh that the same demand would have taken at other degree days.

    Parameters
    ----------
    heat_kwh
        The heat taken [kWh].
    base_kwh
        What of it does not follow the weather, such as hot water [kWh]; all of it where less was taken.
    degree_days_kd
        The heating degree days in which it was taken [K·d], above 0.
    to_degree_days_kd
        Those to which it is to be adjusted [K·d].

    Notes
    -----
    Q_adj = Q_base + (Q - Q_base) · HDD_to / HDD. Holds for space heating; pools and hot water are not adjusted.

    Examples
    --------
    >>> adjusted_kwh(10_565, base_kwh=2_000, degree_days_kd=300, to_degree_days_kd=330)
    11421.5
    >>> adjusted_kwh(1_500, base_kwh=2_000, degree_days_kd=300, to_degree_days_kd=330)
    1500.0
    """
    following_kwh = max(0.0, heat_kwh - base_kwh)
    return heat_kwh - following_kwh + following_kwh * to_degree_days_kd / degree_days_kd
