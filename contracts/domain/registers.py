"""Energy from the registers of a meter: last minus first, rollovers counted, other decreases refused."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from kernel.errors import Refusal
from kernel.money import round_half_up

# A register that rolled over stood near its end and now stands near its start.
_NEAR_END_RATIO: Final = Decimal("0.9")
_NEAR_START_RATIO: Final = Decimal("0.1")
# Nameplate powers are exceeded a little: V04 of the validation rules.
_POWER_MARGIN: Final = Decimal("1.1")
_MICROSECONDS_PER_HOUR: Final = Decimal(3_600_000_000)
REGISTER_PLACES: Final = 4


class RegisterFell(Refusal):
    sentence = "The register of meter %(serial)s fell from %(before)s to %(after)s kWh without a recorded exchange."


class How(StrEnum):
    """How a register at an instant was obtained."""

    READ = "read"
    INTERPOLATED = "interpolated"
    FITTED = "fitted"
    REMOVED = "removed"
    AS_BILLED = "as_billed"


@dataclass(frozen=True, slots=True)
class Reading:
    """One recorded register in kWh: which meter, when, and which version of the record."""

    meter_id: int
    at: datetime
    version: int
    energy_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Register:
    """The register in kWh at an instant, how it was obtained and from which readings."""

    at: datetime
    energy_kwh: Decimal
    how: How
    readings: tuple[Reading, ...] = ()


@dataclass(frozen=True, slots=True)
class Counter:
    """The counting mechanism of a meter: at how much it starts again, and how fast it can count."""

    serial: str
    digits: int
    step_kwh: Decimal
    max_kw: Decimal | None = None

    @property
    def modulus_kwh(self) -> Decimal:
        """The reading at which the register shows zero again, in kWh.

        >>> Counter("M1", 7, Decimal(1)).modulus_kwh
        Decimal('10000000')
        """
        return self.step_kwh * Decimal(10) ** self.digits


@dataclass(frozen=True, slots=True)
class Stay:
    """A meter's part of a billed stretch: its registers at both ends and the falls of the register between."""

    placement_id: int
    meter_id: int
    counter: Counter
    first: Register
    last: Register
    falls: tuple[tuple[Reading, Reading], ...] = ()


def hours_between(start: datetime, end: datetime) -> Decimal:
    """The hours from one UTC instant to another, exact."""
    return Decimal((end - start) // timedelta(microseconds=1)) / _MICROSECONDS_PER_HOUR


def interpolate(at: datetime, before: Reading, after: Reading) -> Register:
    """The register between two readings in proportion to time, to four decimals.

    Settlement draws the same line with the same rounding, so the quarter hours of the heat ledger between two
    such registers add up to their difference.

    Examples
    --------
    >>> from datetime import UTC
    >>> def reading(hour, kwh): return Reading(1, datetime(2026, 1, 1, hour, tzinfo=UTC), 1, Decimal(kwh))
    >>> interpolate(datetime(2026, 1, 1, 1, tzinfo=UTC), reading(0, 100), reading(3, 110)).energy_kwh
    Decimal('103.3333')
    """
    share = hours_between(before.at, at) / hours_between(before.at, after.at)
    risen = round_half_up((after.energy_kwh - before.energy_kwh) * share, REGISTER_PLACES)
    return Register(at, before.energy_kwh + risen, How.INTERPOLATED, (before, after))


def is_rollover(counter: Counter, before: Reading, after: Reading) -> bool:
    """Whether a fall of the register is explained by its having started again at zero.

    Examples
    --------
    >>> from datetime import UTC
    >>> def reading(hour, kwh): return Reading(1, datetime(2026, 1, 1, hour, tzinfo=UTC), 1, Decimal(kwh))
    >>> seven_digits = Counter("M1", 7, Decimal(1), Decimal(200))
    >>> is_rollover(seven_digits, reading(0, 9_999_870), reading(4, 245))
    True
    >>> is_rollover(seven_digits, reading(0, 5_000_000), reading(4, 12))
    False
    """
    modulus = counter.modulus_kwh
    if before.energy_kwh < _NEAR_END_RATIO * modulus or after.energy_kwh > _NEAR_START_RATIO * modulus:
        return False
    if counter.max_kw is None:
        return True
    most_kwh = counter.max_kw * hours_between(before.at, after.at) * _POWER_MARGIN
    return modulus - before.energy_kwh + after.energy_kwh <= most_kwh


def heat_kwh(stay: Stay) -> Decimal:
    """The energy in kWh that passed during the stay.

    Raises
    ------
    RegisterFell
        Where the register went down and neither a rollover nor an exchange explains it.
    """
    for before, after in stay.falls:
        if not is_rollover(stay.counter, before, after):
            raise RegisterFell(
                serial=stay.counter.serial, before=before.energy_kwh, after=after.energy_kwh, at=after.at.isoformat()
            )
    energy = stay.last.energy_kwh - stay.first.energy_kwh + len(stay.falls) * stay.counter.modulus_kwh
    if energy < 0:
        raise RegisterFell(
            serial=stay.counter.serial,
            before=stay.first.energy_kwh,
            after=stay.last.energy_kwh,
            at=stay.last.at.isoformat(),
        )
    return energy
