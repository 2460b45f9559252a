"""What lies between two consecutive registers of a meter: a state machine over readings.

Every difference keeps the two readings it came from. How much heat it tells, and whether it tells any, follows the rule
by which settlement counts (`thermal/services/settlement_sql/registers.py`; a test compares the two on random
sequences). The kind says more: why a register fell or leapt.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Final

# A register that rolled over stood near its end and now stands near its start (a declared convention of ours).
NEAR_END_RATIO: Final = Decimal("0.9")
NEAR_START_RATIO: Final = Decimal("0.1")
# Nameplate powers are exceeded a little, and a display may lag by a step at either end. Settlement counts no more than
# this share of the greatest power; rule V04 may ask for less.
POWER_RATIO: Final = Decimal("1.1")
STEPS_OF_DISPLAY: Final = 2
_MICROSECOND: Final = dt.timedelta(microseconds=1)
_MICROSECONDS_PER_S: Final = Decimal(1_000_000)

# A number told in the unit, times the factor, is kWh. Both ways: a meter is set to another unit, and set back.
UNIT_FACTORS: Final[dict[str, Decimal]] = {
    "MWh": Decimal(1000),
    "GJ": Decimal(2500) / Decimal(9),
    "MJ": Decimal(5) / Decimal(18),
    "Wh": Decimal(1) / Decimal(1000),
}
# Registers of fewer steps than this agree with some unit by mere chance.
FEWEST_STEPS_FOR_UNIT: Final = 1000
UNIT_TOLERANCE_RATIO: Final = Decimal("0.01")
# How far above the rise over two steps a lone reading must stand where no greatest power is known.
OUTLIER_FACTOR: Final = 10


class Kind(enum.StrEnum):
    """What a register difference is."""

    NORMAL = "normal"
    GAP = "gap"
    ROLLOVER = "rollover"
    SWAP = "swap"
    CLOCK_JUMP = "clock_jump"
    UNIT_CHANGE = "unit_change"
    SPIKE = "spike"
    RESET = "reset"
    DECREASE = "decrease"
    JUMP = "jump"


# What no record and no arithmetic explains: the meter is not billed over it.
UNEXPLAINED: Final = frozenset({Kind.UNIT_CHANGE, Kind.SPIKE, Kind.RESET, Kind.DECREASE, Kind.JUMP})


class Doubt(enum.StrEnum):
    """Why settlement counts no heat."""

    NONE = ""
    DECREASED = "decreased"
    IMPLAUSIBLE = "implausible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The registers of one meter at one instant, as the version that counts has them; version 0 is a fitter's note."""

    meter_id: int
    at: dt.datetime
    version: int
    energy_kwh: Decimal
    volume_m3: Decimal | None = None
    supply_energy_m3c: Decimal | None = None
    return_energy_m3c: Decimal | None = None
    flow_m3h: Decimal | None = None
    supply_c: Decimal | None = None
    return_c: Decimal | None = None
    operating_h: Decimal | None = None
    error_h: Decimal | None = None
    info_code: int | None = None
    device_at: dt.datetime | None = None
    is_divided: bool = False
    """Whether nobody read it: a register difference was divided, so it says nothing about how often readings come."""

    @property
    def clock_offset_s(self) -> float | None:
        """How far the meter's clock is ahead of ours in seconds; None where it told no time."""
        return None if self.device_at is None else (self.device_at - self.at).total_seconds()


@dataclass(frozen=True, slots=True)
class Counter:
    """The counting mechanism: digits before it rolls over, counted in steps, and the greatest power.

    `power_ratio` is the share of the greatest power up to which settlement counts.
    """

    digits: int
    step_kwh: Decimal
    max_kw: Decimal | None = None
    power_ratio: Decimal = POWER_RATIO

    @property
    def modulus_kwh(self) -> Decimal:
        """The register at which it shows zero again, in kWh.

        >>> Counter(7, Decimal(1)).modulus_kwh
        Decimal('10000000')
        """
        return self.step_kwh * Decimal(10) ** self.digits

    def most_kwh(self, seconds: Decimal, power_ratio: Decimal | None = None) -> Decimal | None:
        """The most that can have passed in a time, in kWh; None where the greatest power is not known.

        >>> Counter(7, Decimal(1), Decimal(60)).most_kwh(Decimal(3600), Decimal("1.05"))
        Decimal('65.00')
        """
        if self.max_kw is None:
            return None
        ratio = self.power_ratio if power_ratio is None else power_ratio
        return self.max_kw * ratio * seconds / 3600 + STEPS_OF_DISPLAY * self.step_kwh


@dataclass(frozen=True, slots=True)
class Pace:
    """How often readings come, when a pause is a gap, and when a clock has jumped."""

    interval_s: float
    gap_factor: float = 1.5
    clock_jump_s: float = 180.0


@dataclass(frozen=True, slots=True)
class Difference:
    """The step from one reading to the next, what it is, and the heat that it tells, in kWh."""

    before: Reading
    after: Reading
    kind: Kind
    heat_kwh: Decimal | None
    doubt: Doubt = Doubt.NONE
    unit: str = ""
    """With `UNIT_CHANGE`: the unit that is told, or was told until then, instead of kWh."""

    @property
    def seconds(self) -> float:
        """How long it lasted, in seconds."""
        return (self.after.at - self.before.at).total_seconds()

    @property
    def hours(self) -> float:
        """How long it lasted, in hours."""
        return self.seconds / 3600

    @property
    def is_known(self) -> bool:
        """Whether settlement counts it."""
        return self.heat_kwh is not None


def differences(readings: Sequence[Reading], counter: Counter, pace: Pace) -> list[Difference]:
    """Return the difference of each reading to the one before; all of one meter in one place, in order.

    Examples
    --------
    >>> def reading(hour, kwh):
    ...     at = dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC)
    ...     return Reading(meter_id=1, at=at, version=1, energy_kwh=Decimal(kwh))
    >>> steps = differences(
    ...     [reading(0, 9_999_870), reading(4, 245)], Counter(7, Decimal(1), Decimal(200)), Pace(4 * 3600)
    ... )
    >>> steps[0].kind.value, steps[0].heat_kwh
    ('rollover', Decimal('375'))
    """
    found = []
    for index in range(1, len(readings)):
        earlier = readings[index - 2] if index > 1 else None
        later = readings[index + 1] if index + 1 < len(readings) else None
        found.append(_difference((earlier, readings[index - 1], readings[index], later), counter, pace))
    return found


def swap(final: Reading, first: Reading) -> Difference:
    """Return the step from the final register of one meter to the first one of its successor: no heat is told."""
    return Difference(final, first, Kind.SWAP, None)


def heat_of(steps: Iterable[Difference]) -> Decimal | None:
    """Return the heat of several differences in kWh; None where one of them tells none."""
    total = Decimal(0)
    for step in steps:
        if step.heat_kwh is None:
            return None
        total += step.heat_kwh
    return total


def interval_of(readings: Sequence[Reading], default_s: float = 900.0) -> float:
    """Return the seconds after which the next reading usually comes."""
    read = [one for one in readings if not one.is_divided]
    lengths = sorted((after.at - before.at).total_seconds() for before, after in pairwise(read))
    return lengths[(len(lengths) - 1) // 2] if lengths else default_s


_Window = tuple[Reading | None, Reading, Reading, Reading | None]


def _difference(window: _Window, counter: Counter, pace: Pace) -> Difference:
    _earlier, before, after, _later = window
    heat, doubt, rolled = _counted(before, after, counter)
    told = heat if doubt is Doubt.NONE else None
    if rolled and told is not None:
        return Difference(before, after, Kind.ROLLOVER, told)
    if _is_beside_outlier(window, counter):
        return Difference(before, after, Kind.SPIKE, told, doubt)
    if (doubt or counter.max_kw is None) and (unit := _changed_unit(before, after, counter)):
        return Difference(before, after, Kind.UNIT_CHANGE, told, doubt, unit)
    return Difference(before, after, _plain_kind(before, after, doubt, counter, pace), told, doubt)


def _counted(before: Reading, after: Reading, counter: Counter) -> tuple[Decimal, Doubt, bool]:
    """Return the heat in kWh, why it does not count, and whether the register rolled over: the rule of settlement."""
    rise, modulus = after.energy_kwh - before.energy_kwh, counter.modulus_kwh
    rolled = (
        rise < 0 and before.energy_kwh >= NEAR_END_RATIO * modulus and after.energy_kwh <= NEAR_START_RATIO * modulus
    )
    heat = rise + modulus if rolled else rise
    most = counter.most_kwh(_seconds(before, after))
    if heat < 0 or (rolled and most is not None and heat > most):
        return heat, Doubt.DECREASED, rolled
    if most is not None and heat > most:
        return heat, Doubt.IMPLAUSIBLE, rolled
    return heat, Doubt.NONE, rolled


def _seconds(before: Reading, after: Reading) -> Decimal:
    return Decimal((after.at - before.at) // _MICROSECOND) / _MICROSECONDS_PER_S


def _is_beside_outlier(window: _Window, counter: Counter) -> bool:
    """Whether one of the two readings stands out alone, so that the readings around it continue each other."""
    earlier, before, after, later = window
    return (later is not None and _is_outlier(before, after, later, counter)) or (
        earlier is not None and _is_outlier(earlier, before, after, counter)
    )


def _is_outlier(one: Reading, lone: Reading, other: Reading, counter: Counter) -> bool:
    """Whether the reading in the middle lies below both others, or far above what they have between them."""
    through, doubt, _rolled = _counted(one, other, counter)
    if doubt:
        return False
    leap, leap_doubt, rolled = _counted(one, lone, counter)
    if lone.energy_kwh < one.energy_kwh <= other.energy_kwh:
        # Nearly a whole turn after a rollover is no return to the line.
        return not rolled
    if not one.energy_kwh <= other.energy_kwh < lone.energy_kwh:
        return False
    if counter.max_kw is not None:
        return leap_doubt is Doubt.IMPLAUSIBLE
    return leap > OUTLIER_FACTOR * max(through, STEPS_OF_DISPLAY * counter.step_kwh)


def _changed_unit(before: Reading, after: Reading, counter: Counter) -> str:
    """Return the unit told instead of kWh on one side, where only that makes the registers continue each other."""
    smaller, larger = sorted((before.energy_kwh, after.energy_kwh))
    if smaller <= 0 or larger < FEWEST_STEPS_FOR_UNIT * counter.step_kwh:
        return ""
    fell = after.energy_kwh < before.energy_kwh
    room = max(counter.most_kwh(_seconds(before, after)) or Decimal(0), UNIT_TOLERANCE_RATIO * larger)
    for unit, factor in UNIT_FACTORS.items():
        # In the finer of both units, where the numbers are large.
        ratio = factor if factor > 1 else 1 / factor
        on = smaller * ratio - larger if fell else larger - smaller * ratio
        if -ratio * counter.step_kwh <= on <= room:
            return unit
    return ""


def _plain_kind(before: Reading, after: Reading, doubt: Doubt, counter: Counter, pace: Pace) -> Kind:
    if doubt is Doubt.DECREASED:
        return Kind.RESET if _counts_from_zero(before, after, counter) else Kind.DECREASE
    if doubt is Doubt.IMPLAUSIBLE:
        return Kind.JUMP
    offsets = before.clock_offset_s, after.clock_offset_s
    if offsets[0] is not None and offsets[1] is not None and abs(offsets[1] - offsets[0]) > pace.clock_jump_s:
        return Kind.CLOCK_JUMP
    if float(_seconds(before, after)) > pace.gap_factor * pace.interval_s:
        return Kind.GAP
    return Kind.NORMAL


def _counts_from_zero(before: Reading, after: Reading, counter: Counter) -> bool:
    """Whether the register is no higher than if it had been set to zero since the reading before."""
    most = counter.most_kwh(_seconds(before, after))
    return after.energy_kwh <= (UNIT_TOLERANCE_RATIO * before.energy_kwh if most is None else most)
