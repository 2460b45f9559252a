"""How far equipment moved from what it was at its commissioning, and what that hints at."""

import enum
from dataclasses import dataclass

from thermal.domain.kpis import heat_pump, water_side
from thermal.domain.kpis.heat_pump import USUAL_BAND, Verdict


class Standing(enum.StrEnum):
    """How a figure stands to its baseline."""

    UNKNOWN = "unknown"
    NO_BASELINE = "no_baseline"
    STEADY = "steady"
    DRIFTED = "drifted"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A standing, and the change for the worse from the baseline: a share of one for efficiencies, K for approaches."""

    standing: Standing
    change: float | None = None


def judge_efficiency(
    efficiency_ratio: float | None,
    baseline_ratio: float | None,
    limit_ratio: float = heat_pump.DRIFT_RATIO,
    impossible_count: float = 0.0,
) -> Judgement:
    """How a second-law efficiency stands to its baseline; a COP at or above Carnot says that a meter is wrong.

    >>> judge_efficiency(0.42, 0.50).standing.value, round(judge_efficiency(0.42, 0.50).change, 2)
    ('drifted', 0.16)
    >>> judge_efficiency(0.45, 0.50).standing.value, judge_efficiency(0.45, 0.50, impossible_count=3).standing.value
    ('steady', 'impossible')
    """
    if impossible_count:
        return Judgement(Standing.IMPOSSIBLE)
    if efficiency_ratio is None:
        return Judgement(Standing.UNKNOWN)
    if baseline_ratio is None or baseline_ratio <= 0:
        return Judgement(Standing.NO_BASELINE)
    drifted = heat_pump.has_drifted(efficiency_ratio, baseline_ratio, limit_ratio)
    return Judgement(Standing.DRIFTED if drifted else Standing.STEADY, 1 - efficiency_ratio / baseline_ratio)


def judge_approach(
    approach_k: float | None, baseline_k: float | None, limit_k: float = water_side.FOULING_K
) -> Judgement:
    """How an exchanger's approach under load stands to its baseline.

    >>> judge_approach(4.5, 2.0).standing.value, judge_approach(3.0, 2.0).change
    ('drifted', 1.0)
    """
    if approach_k is None:
        return Judgement(Standing.UNKNOWN)
    if baseline_k is None:
        return Judgement(Standing.NO_BASELINE)
    moved = water_side.fouling(baseline_k, approach_k, limit_k)
    return Judgement(Standing.DRIFTED if moved.has_fouled else Standing.STEADY, moved.by_k)


def place_in_band(efficiency_ratio: float | None, band: tuple[float, float] = USUAL_BAND) -> Verdict | None:
    """Where an efficiency lies beside those found in the field.

    >>> place_in_band(0.3).value, place_in_band(0.5).value, place_in_band(0.7).value, place_in_band(None)
    ('low', 'usual', 'high', None)
    """
    if efficiency_ratio is None:
        return None
    if efficiency_ratio < band[0]:
        return Verdict.LOW
    return Verdict.HIGH if efficiency_ratio > band[1] else Verdict.USUAL
