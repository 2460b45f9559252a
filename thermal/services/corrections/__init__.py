"""Corrections of what meters told: proposed by one person, applied by another where much heat depends on it.

Nothing stored is changed. A register set right is a new version of its reading; heat that no register told stands in
rows of its own, which count while their correction is applied.
"""

from thermal.services.corrections.bridging import Bridge, bridge, estimate_exchange
from thermal.services.corrections.deciding import (
    APPROVE,
    AlreadyDecided,
    NeedsAnotherPerson,
    NotYoursToDecide,
    ReadingsChanged,
    approve,
    lock_meter,
    reject,
    withdraw,
)
from thermal.services.corrections.editing import (
    Edit,
    NobodyMeasuredThere,
    NothingToCorrect,
    RegisterStaysUnknown,
    distribute,
    edit_registers,
    placement_at,
)
from thermal.services.corrections.estimating import (
    EstimatedAlready,
    NotQuarterHours,
    add_estimate,
    check_estimable,
)
from thermal.services.corrections.previewing import Preview, preview
from thermal.services.corrections.proposing import DEFAULT_APPROVAL_RATIO, approval_ratio
from thermal.services.corrections.reworking import (
    FactorIsNoFactor,
    NoReadingsThere,
    NothingIsShifted,
    rescale_registers,
    shift_readings,
)

__all__ = [
    "APPROVE",
    "DEFAULT_APPROVAL_RATIO",
    "AlreadyDecided",
    "Bridge",
    "Edit",
    "EstimatedAlready",
    "FactorIsNoFactor",
    "NeedsAnotherPerson",
    "NoReadingsThere",
    "NobodyMeasuredThere",
    "NotQuarterHours",
    "NotYoursToDecide",
    "NothingIsShifted",
    "NothingToCorrect",
    "Preview",
    "ReadingsChanged",
    "RegisterStaysUnknown",
    "add_estimate",
    "approval_ratio",
    "approve",
    "bridge",
    "check_estimable",
    "distribute",
    "edit_registers",
    "estimate_exchange",
    "lock_meter",
    "placement_at",
    "preview",
    "reject",
    "rescale_registers",
    "shift_readings",
    "withdraw",
]
