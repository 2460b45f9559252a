"""Limits that several rules share: flows of a meter's range, and heat by physics."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from thermal.domain import physics
from thermal.domain.physics import Side
from thermal.domain.validation.flows import Flow
from thermal.domain.validation.vocabulary import MeterFacts

__all__ = ["Decimal", "flow", "implied_kwh", "merged"]

# Where a meter's size is not known: about a hundredth of the smallest common heat meter.
UNKNOWN_QP_M3H: Final = 0.6


def flow(facts: MeterFacts, ratio: float) -> float:
    """The share of the meter's permanent flow in m³/h."""
    return ratio * (facts.qp_m3h or UNKNOWN_QP_M3H)


def merged(found: Iterable[Flow]) -> physics.Passage | None:
    """The flows as one, its temperatures weighted by volume; None where physics can say nothing of them.

    Within a day k hardly moves with the temperatures (0.05 % per kelvin), so the mean is as good and a hundred times
    as fast, and what the steps of E8 and E9 feign in little water evens out.
    """
    checked = [one for one in found if one.step.heat_kwh is not None and one.difference_k is not None]
    volume = sum(one.volume_m3 for one in checked)
    if not volume:
        return None
    supply = sum(one.volume_m3 * (one.supply_c or 0.0) for one in checked) / volume
    back = sum(one.volume_m3 * (one.return_c or 0.0) for one in checked) / volume
    if not all(physics.LOWEST_C < one < physics.HIGHEST_C for one in (supply, back)):
        return None
    return physics.Passage(volume, supply, back, sum(float(one.step.heat_kwh or 0) for one in checked))


def implied_kwh(passage: physics.Passage, facts: MeterFacts) -> float:
    """The heat in kWh that the water must have brought, by the meter's declared side."""
    return physics.implied_kwh([passage], facts.side or Side.RETURN)
