"""Validation: what was recorded and settled is judged by the rules, and what they find is kept.

Recording and settlement only mark what they touched; judging is work of its own that can be killed and repeated at any
time. Judging a thing twice finds the same, and a finding whose cause is gone is closed by the next look.
"""

from thermal.services.validating.changing import PowerRatioTooLarge, RuleUnchanged, ThresholdIsNoNumber, set_rule
from thermal.services.validating.judging import (
    Judged,
    validate_marked,
    validate_meters,
    validate_months,
    validate_sites,
)
from thermal.services.validating.resolving import (
    FindingIsResolved,
    NotYourDecision,
    ReasonIsMissing,
    accept,
    resolve,
)
from thermal.services.validating.telling import tell_clock_step, tell_contradiction

__all__ = [
    "FindingIsResolved",
    "Judged",
    "NotYourDecision",
    "PowerRatioTooLarge",
    "ReasonIsMissing",
    "RuleUnchanged",
    "ThresholdIsNoNumber",
    "accept",
    "resolve",
    "set_rule",
    "tell_clock_step",
    "tell_contradiction",
    "validate_marked",
    "validate_meters",
    "validate_months",
    "validate_sites",
]
