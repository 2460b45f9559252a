"""Rules on the order of registers: V01 gap, V02 clock, V03 decrease, V04 static maximum, V05 spike, V06 frozen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Final
from zoneinfo import ZoneInfo

from kernel.periods import local_date
from thermal.domain.differences import Difference, Doubt, Kind
from thermal.domain.validation import flows, limits
from thermal.domain.validation.vocabulary import Evidence, MeterFacts, Thresholds, evidence_of, stretches

FEWEST_OF_A_DAY: Final = 3


def gaps(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V01: readings that should have come and did not; grave where a day is missing."""
    found = []
    for step in steps:
        if step.seconds > limit["gap_factor"] * facts.interval_s:
            missing_h = (step.seconds - facts.interval_s) / 3600
            values = {
                "hours": round(step.hours, 2),
                "missing_h": round(missing_h, 2),
                "interval_s": facts.interval_s,
                "heat_kwh": None if step.heat_kwh is None else str(step.heat_kwh),
            }
            found.append(evidence_of("V01", [step], values, is_grave=missing_h > limit["long_gap_h"]))
    return found


def clock(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V02: stretches in which the meter's clock was wrong; grave where days would be told apart wrongly."""
    del facts

    def is_wrong(step: Difference) -> bool:
        offset = step.after.clock_offset_s
        return offset is not None and abs(offset) > limit["warn_s"]

    found = []
    for run in stretches(steps, is_wrong):
        worst = max((step.after.clock_offset_s or 0.0 for step in run), key=abs)
        values = {"offset_s": round(worst), "reading_count": len(run)}
        found.append(evidence_of("V02", run, values, is_grave=abs(worst) > limit["reject_s"]))
    return found


def decreases(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V03: the register fell, or is told in another unit, and nothing on record explains it."""
    del facts, limit
    found: list[Evidence] = []
    changed: Difference | None = None
    for step in steps:
        if step.kind is Kind.UNIT_CHANGE:
            if changed is not None:
                found.append(_unit_change(changed, step))
                changed = None
            else:
                changed = step
        elif step.kind in {Kind.RESET, Kind.DECREASE}:
            found.append(evidence_of("V03", [step], _ends(step)))
    if changed is not None:
        found.append(_unit_change(changed, steps[-1]))
    return found


def _unit_change(first: Difference, last: Difference) -> Evidence:
    """From the first reading in the other unit to where kWh are told again, or to the end."""
    values = _ends(first) | {"unit": first.unit, "is_over": last is not first and last.kind is Kind.UNIT_CHANGE}
    return evidence_of("V03", [first, last], values)


def static_maximum(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V04: more heat than the greatest power can bring, or more flow than the meter is made for.

    What settlement does not count is found whatever the threshold says; a lower one also finds what it counts.
    """
    ratio = min(limits.Decimal(str(limit["power_ratio"])), facts.counter.power_ratio)
    found = [
        evidence_of("V04", [step], _ends(step) | {"most_kwh": _text(facts.counter.most_kwh(_exact(step), ratio))})
        for step in steps
        if step.kind is Kind.JUMP or _is_above(step, facts.counter.most_kwh(_exact(step), ratio))
    ]
    if not facts.qp_m3h:
        return found
    most_m3h = limit["flow_ratio"] * facts.qp_m3h

    def is_too_fast(step: Difference) -> bool:
        flow = flows.flow_of(step)
        told = step.after.flow_m3h
        return (flow is not None and flow.flow_m3h > most_m3h) or (told is not None and float(told) > most_m3h)

    for run in stretches(steps, is_too_fast):
        told = [float(step.after.flow_m3h) for step in run if step.after.flow_m3h is not None]
        means = [flow.flow_m3h for flow in flows.flows(run)]
        values = {"flow_m3h": round(max(told + means), 3), "most_m3h": round(most_m3h, 3)}
        found.append(evidence_of("V04", run, values))
    return found


def _is_above(step: Difference, most_kwh: limits.Decimal | None) -> bool:
    """Whether heat that settlement counts is more than can have passed."""
    return most_kwh is not None and step.heat_kwh is not None and step.heat_kwh > most_kwh


def spikes(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds, zone: ZoneInfo) -> list[Evidence]:
    """V05: a lone reading out of line (grave), or a rise that stands far above the third highest of its local day."""
    found = [
        evidence_of("V05", run, _ends(run[0]) | {"next_kwh": str(run[-1].after.energy_kwh)}, is_grave=True)
        for run in stretches(steps, lambda step: step.kind is Kind.SPIKE)
    ]
    usual = [step for step in steps if step.is_known and step.kind in {Kind.NORMAL, Kind.ROLLOVER, Kind.CLOCK_JUMP}]
    for _day, of_day in groupby(usual, key=lambda step: local_date(step.before.at, zone)):
        found += _spike_of_day(list(of_day), facts, limit)
    return found


def _spike_of_day(steps: list[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    if len(steps) < FEWEST_OF_A_DAY:
        return []
    by_heat = sorted(steps, key=lambda step: step.heat_kwh or 0, reverse=True)
    most, third = (float(step.heat_kwh or 0) for step in (by_heat[0], by_heat[2]))
    if most <= limit["step_count"] * facts.step_kwh or most - third <= limit["excess_ratio"] * third:
        return []
    values = {"most_kwh": round(most, 4), "third_kwh": round(third, 4)}
    return [evidence_of("V05", [by_heat[0]], values)]


def frozen(steps: Sequence[Difference], facts: MeterFacts, limit: Thresholds) -> list[Evidence]:
    """V06: the heat register stands still while warm water passes and must have brought several steps of it."""

    def stands_still(step: Difference) -> bool:
        flow = flows.flow_of(step)
        if step.heat_kwh != 0 or flow is None or flow.difference_k is None:
            return False
        return flow.flow_m3h > limits.flow(facts, limit["flow_ratio"]) and flow.difference_k > facts.min_difference_k

    found = []
    for run in stretches(steps, stands_still):
        passage = limits.merged(flows.flows(run))
        implied = limits.implied_kwh(passage, facts) if passage else 0.0
        if len(run) >= limit["interval_count"] and implied > limit["step_count"] * facts.step_kwh:
            values = {"register_kwh": str(run[0].before.energy_kwh), "implied_kwh": round(implied, 3)}
            found.append(evidence_of("V06", run, values | {"interval_count": len(run)}))
    return found


def clock_steps(rows: Iterable[tuple[dt.datetime, float]]) -> list[tuple[int, dt.timedelta]]:
    """Where a file's times go back although the register went on: the row's index, and by how much.

    A meter's own log is in the order of its writing. If a later line has an earlier time and a higher register, the
    clock was put back between the two.

    Examples
    --------
    >>> noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    >>> hour = dt.timedelta(hours=1)
    >>> clock_steps([(noon, 10), (noon + hour, 11), (noon + hour, 12), (noon + 2 * hour, 13)])
    [(2, datetime.timedelta(0))]
    """
    found = []
    before: tuple[dt.datetime, float] | None = None
    for index, row in enumerate(rows):
        if before is not None and row[0] <= before[0] and row[1] > before[1]:
            found.append((index, before[0] - row[0]))
        before = row
    return found


def _ends(step: Difference) -> dict[str, str]:
    values = {"before_kwh": str(step.before.energy_kwh), "after_kwh": str(step.after.energy_kwh)}
    return values | {"doubt": step.doubt.value} if step.doubt is not Doubt.NONE else values


def _exact(step: Difference) -> limits.Decimal:
    return limits.Decimal(str(step.seconds))


def _text(value: limits.Decimal | None) -> str | None:
    return None if value is None else f"{value:.4f}"
