"""Rules on what a meter says of itself: V10 sensor codes, V11 its ΔT, V12 error hours, V13 operating hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from kernel.periods import local_date
from thermal.domain.differences import Difference, Reading
from thermal.domain.validation.vocabulary import (
    SENSOR_CODES_C,
    Evidence,
    MeterFacts,
    Thresholds,
    evidence_of,
    stretches,
)

STEP_OF_HOURS: Final = dt.timedelta(hours=1)
# What a meter's temperatures are told by where all of them are whole numbers.
KELVIN_RESOLUTION_K: Final = 1.0


def sensor_codes(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V10: a temperature that stands for a broken sensor, or an information bit that forbids billing."""
    del facts
    mask = int(limit["info_mask"])

    def is_faulty(step: Difference) -> bool:
        return _has_code(step.after) or bool((step.after.info_code or 0) & mask)

    found = []
    for run in stretches(steps, is_faulty):
        bits = 0
        for step in run:
            bits |= (step.after.info_code or 0) & mask
        values: dict[str, object] = {"info_bits": bits, "reading_count": len(run)}
        code = next((step.after for step in run if _has_code(step.after)), None)
        if code is not None:
            values |= {"supply_c": str(code.supply_c), "return_c": str(code.return_c)}
        found.append(evidence_of("V10", run, values))
    return found


def _has_code(reading: Reading) -> bool:
    told = (reading.supply_c, reading.return_c)
    return any(value is not None and float(value) in SENSOR_CODES_C for value in told)


def is_wrong_difference(
    difference_k: float, supply_c: float, return_c: float, limit: Thresholds, resolution_k: float = 0.0
) -> bool:
    """V11: whether the ΔT that a meter tells is not that of the temperatures it tells.

    Examples
    --------
    A Landis+Gyr that shows temperatures by the kelvin and the difference by the tenth is not wrong:

    >>> is_wrong_difference(0.6, 52, 51, {"difference_k": 0.2}, resolution_k=1.0)
    False
    >>> is_wrong_difference(55.53, 101.69, 46.16, {"difference_k": 0.2})
    False
    """
    return abs(difference_k - (supply_c - return_c)) > max(limit["difference_k"], resolution_k) + 1e-6


def error_hours(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V12: the meter counted hours in which it did not add energy."""
    del facts

    def counts(step: Difference) -> bool:
        grown = _grown(step.before.error_h, step.after.error_h)
        return grown is not None and grown > limit["error_h"]

    found = []
    for run in _joined(stretches(steps, counts)):
        hours = sum(_grown(step.before.error_h, step.after.error_h) or 0.0 for step in run)
        lasted = (run[-1].after.at - run[0].before.at).total_seconds() / 3600
        values = {"error_h": round(hours, 2), "hours": round(lasted, 2)}
        found.append(evidence_of("V12", run, values))
    return found


def _joined(runs: list[list[Difference]]) -> list[list[Difference]]:
    """The runs, those as one between which less than a step of the counter lies: it counts whole hours."""
    joined: list[list[Difference]] = []
    for run in runs:
        if joined and run[0].before.at - joined[-1][-1].after.at < STEP_OF_HOURS:
            joined[-1] += run
        else:
            joined.append(list(run))
    return joined


def operating_hours(
    steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds, zone: ZoneInfo
) -> list[Evidence]:
    """V13: on a local day the meter was on for less than it was there, a step of its counter granted."""
    del facts
    found = []
    told = [step for step in steps if _grown(step.before.operating_h, step.after.operating_h) is not None]
    for _day, of_day in groupby(told, key=lambda step: local_date(step.before.at, zone)):
        day = list(of_day)
        there_h = sum(step.hours for step in day)
        on_h = sum(_grown(step.before.operating_h, step.after.operating_h) or 0.0 for step in day)
        if on_h + limit["counter_step_h"] < limit["share_ratio"] * there_h:
            found.append(evidence_of("V13", day, {"operating_h": round(on_h, 2), "hours": round(there_h, 2)}))
    return found


def _grown(before: Decimal | None, after: Decimal | None) -> float | None:
    """How far a counter went on; None where it is missing or was set back."""
    if before is None or after is None or after < before:
        return None
    return float(after - before)
