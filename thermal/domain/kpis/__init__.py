"""Key figures of heat reuse: each a plain function of energies, temperatures or times of one period.

=================  ============================================================================================
Module             Holds
=================  ============================================================================================
``reuse``          PUE, ERF, ERE, CUE, WUE, REF, capture and usable ratio, heat value
``heat_pump``      COP at the boundaries H1 to H4, SCOP, Carnot and Lorenz limits and the check against them
``water_side``     volume-weighted temperatures, exchangers, buffers
``drift``          how equipment stands to its commissioning
``export``         balance, export mode, curtailment, coincidence
``avoided``        fuel and emissions that the heat replaced, with dated factors
``sums``           inputs that add up over months and sites, from which every ratio is made
``disclosure``     size classes and quotas of the law
=================  ============================================================================================

Ratios are shares of one. A figure whose inputs are unknown, or whose divisor is nothing, is None: a missing meter is
not a zero.
"""

from thermal.domain.kpis.export import balance_error_kwh
from thermal.domain.kpis.heat_pump import coefficient_of_performance
from thermal.domain.kpis.reuse import (
    capture_ratio,
    carbon_usage_effectiveness,
    energy_reuse_effectiveness,
    energy_reuse_factor,
    power_usage_effectiveness,
    renewable_energy_factor,
    usable_ratio,
    water_usage_effectiveness,
)

__all__ = [
    "balance_error_kwh",
    "capture_ratio",
    "carbon_usage_effectiveness",
    "coefficient_of_performance",
    "energy_reuse_effectiveness",
    "energy_reuse_factor",
    "power_usage_effectiveness",
    "renewable_energy_factor",
    "usable_ratio",
    "water_usage_effectiveness",
]
