"""What passed between two readings besides heat: volume, flow and the temperatures weighted by volume."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from thermal.domain.differences import Difference
from thermal.domain.validation.vocabulary import SENSOR_CODES_C

# Registers of volume and of E8 and E9 are read one after another: of a few drops they say nothing.
LEAST_VOLUME_M3 = 0.005


@dataclass(frozen=True, slots=True)
class Flow:
    """What passed in one difference; temperatures are None where nothing tells them."""

    step: Difference
    volume_m3: float
    supply_c: float | None
    return_c: float | None
    from_registers: bool
    """Whether the temperatures come from E8 and E9; else they are the mean of two looks at the sensors."""

    @property
    def flow_m3h(self) -> float:
        """The mean flow in m³/h."""
        return self.volume_m3 / self.step.hours

    @property
    def difference_k(self) -> float | None:
        """The volume-weighted temperature difference in K."""
        if self.supply_c is None or self.return_c is None:
            return None
        return self.supply_c - self.return_c


def flow_of(step: Difference) -> Flow | None:
    """What passed in the difference; None where the meter counts no volume, or counted it down."""
    before, after = step.before, step.after
    if before.volume_m3 is None or after.volume_m3 is None or after.volume_m3 < before.volume_m3:
        return None
    volume = float(after.volume_m3 - before.volume_m3)
    weighted = _weighted(step, volume)
    if weighted is not None:
        return Flow(step, volume, *weighted, from_registers=True)
    return Flow(step, volume, *_seen(step), from_registers=False)


def flows(steps: Iterable[Difference]) -> list[Flow]:
    """What passed in each difference that tells it."""
    return [flow for step in steps if (flow := flow_of(step)) is not None]


def _weighted(step: Difference, volume_m3: float) -> tuple[float, float] | None:
    """Supply and return in °C, weighted by volume, from the registers E8 and E9."""
    before, after = step.before, step.after
    if volume_m3 < LEAST_VOLUME_M3:
        return None
    if before.supply_energy_m3c is None or after.supply_energy_m3c is None:
        return None
    if before.return_energy_m3c is None or after.return_energy_m3c is None:
        return None
    supply = float(after.supply_energy_m3c - before.supply_energy_m3c)
    back = float(after.return_energy_m3c - before.return_energy_m3c)
    return None if supply < 0 or back < 0 else (supply / volume_m3, back / volume_m3)


def _seen(step: Difference) -> tuple[float | None, float | None]:
    """Supply and return in °C as the mean of what the sensors showed at both ends."""
    means: list[float | None] = []
    for one, other in ((step.before.supply_c, step.after.supply_c), (step.before.return_c, step.after.return_c)):
        told = None not in (one, other) and not {float(one or 0), float(other or 0)} & set(SENSOR_CODES_C)
        means.append((float(one or 0) + float(other or 0)) / 2 if told else None)
    return means[0], means[1]
