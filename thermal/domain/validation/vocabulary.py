"""What rules speak of: severities, thresholds, evidence, and what must be known of a meter."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.errors import Refusal
from thermal.domain.differences import Counter, Difference, Kind, Reading
from thermal.domain.physics import Side

Thresholds = Mapping[str, float]
"""The limits of one rule by name; the names carry their units."""

# Kamstrup 403/603: t1/t2 out of range, wrong polarity, air, wrong direction, no word from the flow sensor.
BLOCKING_INFO_BITS: Final = 0x303F8
# What meters send instead of the temperature of a sensor that is shorted or open (Kamstrup 403 and 603).
SENSOR_CODES_C: Final = (0.0, 185.0)
# The smallest difference of heat meters of the common kind, where a meter states none.
UNKNOWN_DIFFERENCE_K: Final = 3.0


class UnknownThreshold(Refusal):
    sentence = "Rule %(rule)s has no threshold “%(name)s”."


class Severity(enum.IntEnum):
    """What a finding calls for."""

    WARN = 1
    REVIEW = 2
    BLOCK = 3


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """A rule as it ships: its thresholds, what a finding calls for, and what a grave one calls for."""

    code: str
    thresholds: Thresholds = field(default_factory=dict)
    severity: Severity = Severity.REVIEW
    grave: Severity | None = None

    @property
    def worst(self) -> Severity:
        """What a grave finding calls for."""
        return self.grave or self.severity


_ALL: Final = (
    RuleSpec("V01", {"gap_factor": 1.5, "long_gap_h": 24}, Severity.WARN, Severity.REVIEW),
    RuleSpec("V02", {"warn_s": 180, "reject_s": 900}, Severity.WARN, Severity.REVIEW),
    RuleSpec("V03", {}, Severity.BLOCK),
    RuleSpec("V04", {"power_ratio": 1.1, "flow_ratio": 2.0}, Severity.BLOCK),
    RuleSpec("V05", {"excess_ratio": 1.8, "step_count": 3}, Severity.REVIEW, Severity.BLOCK),
    RuleSpec("V06", {"interval_count": 3, "flow_ratio": 0.02, "step_count": 2}, Severity.REVIEW),
    RuleSpec(
        "V07",
        {"margin_ratio": 0.02, "block_ratio": 0.1, "step_count": 3, "energy_step_m3c": 1},
        Severity.REVIEW,
        Severity.BLOCK,
    ),
    RuleSpec("V08", {"better_ratio": 0.005, "step_count": 200}, Severity.BLOCK),
    RuleSpec("V09", {"difference_k": 0.5, "flow_ratio": 0.01, "minutes": 15, "energy_step_m3c": 1}, Severity.REVIEW),
    RuleSpec("V10", {"info_mask": BLOCKING_INFO_BITS}, Severity.REVIEW),
    RuleSpec("V11", {"difference_k": 0.2}, Severity.WARN),
    RuleSpec("V12", {"error_h": 0}, Severity.REVIEW),
    RuleSpec("V13", {"share_ratio": 0.98, "counter_step_h": 1}, Severity.WARN),
    RuleSpec("V14", {"least_loss_ratio": -0.03, "most_loss_ratio": 0.15, "known_ratio": 0.9}, Severity.REVIEW),
    RuleSpec("V15", {"tolerated_ratio": 1.02}, Severity.BLOCK),
    RuleSpec("V16", {"zero_h": 48}, Severity.REVIEW),
    RuleSpec("V17", {"least_ratio": 0.5, "most_ratio": 1.6, "known_ratio": 0.9, "least_kd": 20}, Severity.REVIEW),
    RuleSpec("V18", {}, Severity.BLOCK),
    RuleSpec("V19", {"volume_ratio": 0.2}, Severity.WARN),
    # Ours, not of the list of the trade: two exports that overlap and tell different registers for one instant, and a
    # heat meter in another fluid than the one it is approved for.
    RuleSpec("V20", {}, Severity.REVIEW),
    RuleSpec("V21", {}, Severity.REVIEW),
)
SPECS: Final[dict[str, RuleSpec]] = {spec.code: spec for spec in _ALL}
"""Every rule with its proposed defaults; which of them hold where stands in the database."""


def checked_thresholds(rule: str, given: Mapping[str, float]) -> dict[str, float]:
    """The thresholds of a rule, those that are given in place of its defaults; an unknown name is refused.

    >>> checked_thresholds("V16", {"zero_h": 72})
    {'zero_h': 72}
    """
    known = dict(SPECS[rule].thresholds)
    for name, value in given.items():
        if name not in known:
            raise UnknownThreshold(rule=rule, name=name)
        known[name] = value
    return known


RULES_ON_DIFFERENCES: Final = frozenset({"V01", "V03", "V04", "V05"})
"""Those that find something in what a difference is; the others look at something beside it."""


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What must be known of a placed meter to judge what it told."""

    counter: Counter
    interval_s: float
    side: Side | None = None
    accuracy_class: str = ""
    qp_m3h: float | None = None
    min_difference_k: float = UNKNOWN_DIFFERENCE_K
    verified_until_on: dt.date | None = None

    @property
    def step_kwh(self) -> float:
        """The smallest step of the register in kWh."""
        return float(self.counter.step_kwh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing that a rule found: when, how grave, the numbers that show it, and the readings at both ends."""

    rule: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    values: dict[str, Any] = field(default_factory=dict)
    is_grave: bool = False
    kind: str = ""
    before: Reading | None = None
    after: Reading | None = None


def evidence_of(rule: str, steps: list[Difference], values: dict[str, Any], *, is_grave: bool = False) -> Evidence:
    """The evidence that several differences in a row are, from the first reading to the last."""
    first, last = steps[0], steps[-1]
    kind = "" if rule not in RULES_ON_DIFFERENCES or first.kind is Kind.NORMAL else first.kind.value
    return Evidence(
        rule=rule, starts_at=first.before.at, ends_at=last.after.at, values=values, is_grave=is_grave,
        kind=kind, before=first.before, after=last.after,
    )  # fmt: skip


def stretches(steps: Iterable[Difference], holds: Callable[[Difference], bool]) -> list[list[Difference]]:
    """The runs of consecutive differences for which something holds."""
    runs: list[list[Difference]] = []
    current: list[Difference] = []
    for step in steps:
        if holds(step):
            current.append(step)
        elif current:
            runs.append(current)
            current = []
    if current:
        runs.append(current)
    return runs
