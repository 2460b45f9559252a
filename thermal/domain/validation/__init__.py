"""Rules V01 to V19: what is wrong with what meters told, with the values that show it.

Each rule is a pure function from differences of registers (or sums of the ledger) and thresholds to `Evidence`. Rules
do not know each other, the clock or what was found before.
"""

from thermal.domain.validation.vocabulary import (
    SPECS,
    Evidence,
    MeterFacts,
    RuleSpec,
    Severity,
    Thresholds,
    UnknownThreshold,
    checked_thresholds,
    stretches,
)

__all__ = [
    "SPECS",
    "Evidence",
    "MeterFacts",
    "RuleSpec",
    "Severity",
    "Thresholds",
    "UnknownThreshold",
    "checked_thresholds",
    "stretches",
]
