"""How wrong a heat meter may be: maximum permissible errors by accuracy class, as shares of the true heat.

References
----------
EN 1434-1, clause 9; Directive 2014/32/EU (MID), annex VI; OIML R 75-1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Refusal

# What a meter in service may be wrong by, as a multiple of its class (§ 22 (2) MessEV, for Germany).
IN_SERVICE_FACTOR: Final = 2.0
DEFAULT_MIN_DIFFERENCE_K: Final = 3.0


class ClassUnknown(Refusal):
    sentence = "There are no error limits for accuracy class “%(name)s”."


@dataclass(frozen=True, slots=True)
class AccuracyClass:
    """The flow sensor of a class: error of base + slope · qp/q percent, at most cap percent."""

    base: float
    slope: float
    cap: float


# Percent, as the standard writes them. The cap of class 1 is 5 in the MID and 3.5 in EN 1434: the stricter is taken.
CLASSES: Final[dict[str, AccuracyClass]] = {
    "1": AccuracyClass(1, 0.01, 3.5),
    "2": AccuracyClass(2, 0.02, 5),
    "3": AccuracyClass(3, 0.05, 5),
}


@dataclass(frozen=True, slots=True)
class ErrorLimit:
    """The parts of a permissible error, as shares of one; meters add them."""

    flow_ratio: float
    sensors_ratio: float
    calculator_ratio: float

    @property
    def total_ratio(self) -> float:
        """The whole permissible error as a share of the true heat."""
        return self.flow_ratio + self.sensors_ratio + self.calculator_ratio


def error_limit(
    name: str, difference_k: float, *, flow_share_ratio: float = 1.0, min_difference_k: float | None = None
) -> ErrorLimit:
    """The permissible error of a complete heat meter at a point of use.

    Parameters
    ----------
    name
        The accuracy class: 1, 2 or 3.
    difference_k
        Temperature difference in K.
    flow_share_ratio
        Flow over permanent flow, q/qp.
    min_difference_k
        The smallest difference that the meter is approved for; 3 K where it is not known.

    Raises
    ------
    ClassUnknown
        For any other class; those of the MID for electricity meters are no heat meters.

    Examples
    --------
    >>> round(100 * error_limit("2", 30).total_ratio, 2)
    3.42
    >>> round(100 * error_limit("2", 3, flow_share_ratio=0.02).total_ratio, 2)
    8.0
    """
    if name not in CLASSES:
        raise ClassUnknown(name=name)
    smallest = min_difference_k or DEFAULT_MIN_DIFFERENCE_K
    share = smallest / max(difference_k, 0.01)
    return ErrorLimit(
        flow_ratio=_flow_percent(CLASSES[name], flow_share_ratio) / 100,
        sensors_ratio=(0.5 + 3 * share) / 100,
        calculator_ratio=(0.5 + share) / 100,
    )


def _flow_percent(kind: AccuracyClass, flow_share_ratio: float) -> float:
    if flow_share_ratio <= 0:
        return kind.cap
    return min(kind.cap, kind.base + kind.slope / flow_share_ratio)
