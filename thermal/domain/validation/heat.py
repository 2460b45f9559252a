"""Rules on heat against water: V07 physics, V08 side of the flow sensor, V09 polarity, V19 small differences."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

from kernel.periods import local_date
from thermal.domain import accuracy, physics
from thermal.domain.differences import Difference
from thermal.domain.physics import Passage, Side
from thermal.domain.validation import flows, limits
from thermal.domain.validation.flows import Flow
from thermal.domain.validation.vocabulary import Evidence, MeterFacts, Thresholds, evidence_of, stretches

DEFAULT_CLASS = "2"
# k of water, to a percent or two: enough to say what a step of a register is worth.
HEAT_OF_M3K_KWH = 1.15


def against_physics(
    steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds, zone: ZoneInfo
) -> list[Evidence]:
    """V07: days on which the heat differs from ΔV·k·ΔT by more than the class allows; grave where by far.

    Where temperatures are looked at only when the register is read, the difference proves nothing grave.
    """
    found = []
    for _day, of_day in groupby(flows.flows(steps), key=lambda flow: local_date(flow.step.before.at, zone)):
        day = [flow for flow in of_day if flow.step.is_known and flow.difference_k is not None]
        passage = limits.merged(day)
        if passage is None:
            continue
        values = _compared(passage, day, facts)
        error_kwh = abs(values["told_kwh"] - values["implied_kwh"])
        if error_kwh <= limit["step_count"] * _resolution_kwh(day, facts, limit):
            continue
        ratio = error_kwh / max(values["told_kwh"], facts.step_kwh)
        if ratio > values["allowed_ratio"] + limit["margin_ratio"]:
            is_grave = ratio > limit["block_ratio"] and all(flow.from_registers for flow in day)
            values |= {"error_ratio": round(ratio, 4)}
            found.append(evidence_of("V07", [flow.step for flow in day], values, is_grave=is_grave))
    return found


def _resolution_kwh(found: list[Flow], facts: MeterFacts, limit: Thresholds) -> float:
    """The heat in kWh that one step of the coarsest register stands for: the heat register, or E8 and E9."""
    by_temperature = limit["energy_step_m3c"] * HEAT_OF_M3K_KWH
    return max(facts.step_kwh, by_temperature if any(flow.from_registers for flow in found) else 0.0)


def _compared(passage: Passage, found: list[Flow], facts: MeterFacts) -> dict[str, float]:
    """What was told, what physics say, and what the class allows at the mean flow and difference."""
    hours = sum(flow.step.hours for flow in found)
    difference_k = passage.supply_c - passage.return_c
    allowed = accuracy.error_limit(
        facts.accuracy_class if facts.accuracy_class in accuracy.CLASSES else DEFAULT_CLASS,
        max(difference_k, facts.min_difference_k / 2),
        flow_share_ratio=passage.volume_m3 / hours / facts.qp_m3h if facts.qp_m3h else 1.0,
        min_difference_k=facts.min_difference_k,
    )
    return {
        "told_kwh": round(passage.heat_kwh, 4),
        "implied_kwh": round(limits.implied_kwh(passage, facts), 4),
        "volume_m3": round(passage.volume_m3, 4),
        "difference_k": round(difference_k, 3),
        "allowed_ratio": round(allowed.total_ratio, 5),
    }


def side(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V08: the heat fits the flow sensor in the other pipe better than in the declared one.

    Only registers E8 and E9 are sharp enough for it, and only a heat that spans many steps.
    """
    sharp = [flow for flow in flows.flows(steps) if flow.from_registers and flow.step.is_known]
    days = groupby(sharp, key=lambda flow: flow.step.before.at.date())
    passages = [passage for _day, of_day in days if (passage := limits.merged(of_day)) is not None]
    told = sum(passage.heat_kwh for passage in passages)
    if facts.side is None or told <= 0 or told < limit["step_count"] * facts.step_kwh:
        return []
    by_side = {one: physics.implied_kwh(passages, one) for one in Side}
    fits, better_ratio = physics.fitting_side(told, by_side)
    if fits is facts.side or better_ratio <= limit["better_ratio"]:
        return []
    values = {
        "declared": facts.side.value,
        "fits": fits.value,
        "better_ratio": round(better_ratio, 5),
        "told_kwh": round(told, 3),
        "return_kwh": round(by_side[Side.RETURN], 3),
        "supply_kwh": round(by_side[Side.SUPPLY], 3),
    }
    return [evidence_of("V08", [flow.step for flow in sharp], values)]


def polarity(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V09: water that passes is warmer in the return than in the supply; no meter counts its heat."""

    def is_reversed(step: Difference) -> bool:
        flow = flows.flow_of(step)
        if flow is None or flow.difference_k is None:
            return False
        return flow.difference_k < -limit["difference_k"] and flow.flow_m3h > limits.flow(facts, limit["flow_ratio"])

    found = []
    for run in stretches(steps, is_reversed):
        minutes = sum(step.seconds for step in run) / 60
        if minutes >= limit["minutes"] and _is_beyond_steps(flows.flows(run), limit):
            lowest = min(flow.difference_k or 0.0 for flow in flows.flows(run))
            found.append(evidence_of("V09", run, {"difference_k": round(lowest, 2), "minutes": round(minutes)}))
    return found


def _is_beyond_steps(found: list[Flow], limit: Thresholds) -> bool:
    """Whether the return was warmer by more than a step of E8 and one of E9 can feign in so little water."""
    turned_m3c = -sum(flow.volume_m3 * (flow.difference_k or 0.0) for flow in found)
    grace_m3c = limit["difference_k"] * sum(flow.volume_m3 for flow in found)
    if any(flow.from_registers for flow in found):
        grace_m3c += 2 * limit["energy_step_m3c"]
    return turned_m3c > grace_m3c


def small_differences(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V19: too much of the volume passed at a difference for which the meter is not approved."""
    told = [flow for flow in flows.flows(steps) if flow.difference_k is not None]
    volume = sum(flow.volume_m3 for flow in told)
    if not volume:
        return []
    low = sum(flow.volume_m3 for flow in told if (flow.difference_k or 0.0) < facts.min_difference_k)
    if low / volume <= limit["volume_ratio"]:
        return []
    values = {
        "volume_m3": round(volume, 3),
        "low_volume_m3": round(low, 3),
        "low_ratio": round(low / volume, 4),
        "min_difference_k": facts.min_difference_k,
    }
    return [evidence_of("V19", [flow.step for flow in told], values)]
