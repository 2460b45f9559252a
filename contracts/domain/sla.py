"""The class of a quarter hour, the availability of a month, and the credit for what is missing.

`docs/pricing.md` says the same in prose and tables; a test computes the tables with these functions.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from enum import StrEnum
from typing import Final

MINUTES_PER_QUARTER: Final = 15
# 24 hours, and two more for the largest clock change that any zone has made.
MOST_QUARTERS_PER_DAY: Final = 104
_PERCENT: Final = Decimal("0.01")
RATIO_PLACES: Final = Decimal("0.00000001")


class Class(StrEnum):
    """What a quarter hour counts as; the letter is what the database stores."""

    MET = "m"
    FAILED = "f"
    PLANNED = "p"
    NO_DEMAND = "n"
    NO_DATA = "d"
    OFFTAKER = "o"
    FORCE_MAJEURE = "x"


LETTERS: Final = "".join(Class)
EXCLUDED: Final = frozenset({Class.PLANNED, Class.NO_DEMAND, Class.OFFTAKER, Class.FORCE_MAJEURE})


@dataclass(frozen=True, slots=True)
class Band:
    """The supply temperatures in degC that count as met, both bounds included."""

    supply_min_c: Decimal
    supply_max_c: Decimal

    def holds(self, supply_c: Decimal) -> bool:
        """Whether the temperature lies inside."""
        return self.supply_min_c <= supply_c <= self.supply_max_c


@dataclass(frozen=True, slots=True)
class Quarter:
    """What the ledger says of one quarter hour; None where it does not know."""

    supply_c: Decimal | None
    has_demand: bool | None


def classify(
    quarter: Quarter | None,
    band: Band | None,
    *,
    is_planned: bool,
    is_offtaker_caused: bool = False,
    is_force_majeure: bool = False,
) -> Class:
    """The one class of a quarter hour: the first that fits.

    Force majeure, planned works, caused by the offtaker, no data, no demand, and only then met or failed by
    the temperature band. ``quarter`` is None where the ledger has no row, ``band`` where no terms hold.

    Examples
    --------
    >>> band = Band(Decimal(38), Decimal(43))
    >>> classify(Quarter(Decimal("40.1"), True), band, is_planned=False).name
    'MET'
    >>> classify(Quarter(Decimal("37.9"), True), band, is_planned=False).name
    'FAILED'
    >>> classify(Quarter(Decimal("37.9"), False), band, is_planned=False).name
    'NO_DEMAND'
    >>> classify(None, band, is_planned=True).name
    'PLANNED'
    """
    if is_force_majeure:
        return Class.FORCE_MAJEURE
    if is_planned:
        return Class.PLANNED
    return Class.OFFTAKER if is_offtaker_caused else _by_ledger(quarter, band)


def _by_ledger(quarter: Quarter | None, band: Band | None) -> Class:
    """The class of a quarter hour that nothing excuses."""
    if quarter is None or quarter.has_demand is None:
        return Class.NO_DATA
    if not quarter.has_demand:
        return Class.NO_DEMAND
    if quarter.supply_c is None or band is None:
        return Class.NO_DATA
    return Class.MET if band.holds(quarter.supply_c) else Class.FAILED


def minutes_per_class(days: Iterable[str]) -> dict[Class, int]:
    """The minutes of every class in days written as one letter per quarter hour.

    >>> minutes = minutes_per_class(["mmfp", "md"])
    >>> minutes[Class.MET], minutes[Class.NO_DATA], sum(minutes.values())
    (45, 15, 90)
    """
    counts: Counter[str] = Counter()
    for classes in days:
        counts.update(classes)
    return {kind: counts[kind.value] * MINUTES_PER_QUARTER for kind in Class}


@dataclass(frozen=True, slots=True)
class Promise:
    """What the contract promises of a month."""

    target_ratio: Decimal
    credit_ratio: Decimal
    credit_cap_ratio: Decimal
    no_data_grace_h: Decimal


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a month came to.

    ``availability_ratio`` is None where no minute counts; ``credit_ratio`` is a share of the standing charge.
    """

    counted_minutes: Decimal
    failed_minutes: Decimal
    availability_ratio: Decimal | None
    started_percents: int
    credit_ratio: Decimal


def judge(minutes: Mapping[Class, int], promise: Promise) -> Judgement:
    """The availability of a month and the credit for it.

    Notes
    -----
    availability = met / (met + failed), where `failed` holds the failed minutes and those minutes without data
    that exceed the grace. Planned works, no demand, what the offtaker caused, force majeure and the missing data
    within the grace count on neither side. The comparison with the target uses the unrounded quotient.

    Examples
    --------
    A month of 30 days with 8 h of announced works and 6 h of failures:

    >>> promise = Promise(Decimal("0.99"), Decimal("0.05"), Decimal("0.25"), Decimal(24))
    >>> minutes = {Class.MET: 706 * 60, Class.FAILED: 6 * 60, Class.PLANNED: 8 * 60}
    >>> judge(minutes, promise).availability_ratio
    Decimal('0.99157303')
    >>> judge({Class.MET: 700 * 60, Class.FAILED: 12 * 60}, promise).credit_ratio
    Decimal('0.05')
    """
    missing = max(Decimal(0), minutes.get(Class.NO_DATA, 0) - promise.no_data_grace_h * 60)
    met = Decimal(minutes.get(Class.MET, 0))
    failed = minutes.get(Class.FAILED, 0) + missing
    counted = met + failed
    if not counted:
        return Judgement(counted, failed, None, 0, Decimal(0))
    availability = met / counted
    percents = started_percents_below(availability, promise.target_ratio)
    credit = min(percents * promise.credit_ratio, promise.credit_cap_ratio)
    return Judgement(counted, failed, availability.quantize(RATIO_PLACES), percents, credit)


def started_percents_below(availability_ratio: Decimal, target_ratio: Decimal) -> int:
    """How many percent the availability lies below the target, each started one counted.

    >>> started_percents_below(Decimal("0.98315"), Decimal("0.99"))
    1
    >>> started_percents_below(Decimal("0.97"), Decimal("0.99"))
    2
    >>> started_percents_below(Decimal("0.999"), Decimal("0.99"))
    0
    """
    short = target_ratio - availability_ratio
    return 0 if short <= 0 else int((short / _PERCENT).to_integral_value(ROUND_CEILING))
