"""Heat that no register tells: estimated by the first method of an agreed order that the facts allow.

The order is that of the metering rules (a declared convention of ours, after Itron's and Californian practice and
§ 21 AVBFernwärmeV): another meter, registers known at both ends, a straight line over a short gap, volume and
temperatures, the same hours of earlier weeks, the average of the periods before and after. Where the registers at both
ends are known their difference stays the total, whatever gives the shape: the heat is measured, its hours are not.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from kernel.errors import Refusal
from kernel.money import round_half_up
from thermal.domain import physics, weather

PLACES: Final = 4
QUARTERS_PER_HOUR: Final = 4
LONGEST_LINE_H: Final = 2.0
"""Over a longer gap a straight line says nothing about the hours between."""
FEWEST_WEEKS: Final = 1


class Method(enum.StrEnum):
    """How missing heat is found, in the order in which it is tried."""

    CHECK_METER = "check_meter"
    REGISTERS = "registers"
    LINEAR = "linear"
    FROM_VOLUME = "from_volume"
    HISTORY = "history"
    AVERAGE = "average"


class NothingToEstimateFrom(Refusal):
    """No method finds what it needs."""

    sentence = "Nothing tells how much heat passed: no other meter, no registers, no volume, no earlier weeks."


class MethodNotPossible(Refusal):
    """The method that was asked for lacks its facts."""

    sentence = "This method cannot be used here: what it needs is not known."


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a stretch of quarter hours whose heat is missing; energies in kWh per quarter hour.

    Parameters
    ----------
    quarters_count
        How many quarter hours the stretch has.
    known_kwh
        The difference of the registers at its two ends [kWh], where both are known.
    check_kwh
        What another meter of the same heat counted, one value for each quarter hour.
    before_kwh, after_kwh
        The heat of the quarter hours just before and just after.
    passages
        Volume and temperatures of each quarter hour, where only the energy failed.
    side
        On which side the flow sensor sits.
    history_kwh
        For each quarter hour, those of the same weekday and time in the last valid weeks.
    weather_ratio
        Degree days of the stretch over those of the quarter hours of those weeks; None where the demand does not follow
        the weather, or the weather is not known.
    base_kwh
        The heat of a quarter hour that is taken whatever the weather.
    average_before_kwh, average_after_kwh
        Mean heat of a quarter hour in the read periods before and after (or a year ago).
    """

    quarters_count: int
    known_kwh: Decimal | None = None
    check_kwh: Sequence[float] = ()
    before_kwh: float | None = None
    after_kwh: float | None = None
    passages: Sequence[physics.Passage] = ()
    side: physics.Side = physics.Side.RETURN
    history_kwh: Sequence[Sequence[float]] = ()
    weather_ratio: float | None = None
    base_kwh: float = 0.0
    average_before_kwh: float | None = None
    average_after_kwh: float | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated heat of each quarter hour in kWh, how it was found, and why nothing better was."""

    method: Method
    heat_kwh: tuple[Decimal, ...]
    total_is_measured: bool
    passed_over: tuple[Method, ...] = field(default=())
    """The better methods, whose facts were not known."""
    weather_ratio: float | None = None
    """By which ratio of degree days earlier weeks were adjusted; None where they were not."""

    @property
    def total_kwh(self) -> Decimal:
        """The heat of the whole stretch, in kWh."""
        return sum(self.heat_kwh, Decimal(0))


def estimate(facts: Facts, *, method: Method | None = None) -> Estimate:
    """Return the estimate by the first method that the facts allow, or by the one that is asked for.

    Raises
    ------
    NothingToEstimateFrom
        Where no method has its facts.
    MethodNotPossible
        Where the method asked for has not.

    Examples
    --------
    >>> found = estimate(Facts(4, known_kwh=Decimal(10), history_kwh=[[1.0], [2.0], [1.0], [1.0]]))
    >>> found.method.value, [str(one) for one in found.heat_kwh]
    ('registers', ['2.0000', '4.0000', '2.0000', '2.0000'])
    """
    passed_over: list[Method] = []
    for one in [method] if method else list(Method):
        found = _SHAPES[one](facts)
        if found is None:
            passed_over.append(one)
            continue
        total = facts.known_kwh
        ratio = facts.weather_ratio if one is Method.HISTORY else None
        return Estimate(one, _scaled(found, total), total is not None, tuple(passed_over), ratio)
    if method:
        raise MethodNotPossible
    raise NothingToEstimateFrom


def spread(total_kwh: Decimal, weights: Sequence[float]) -> tuple[Decimal, ...]:
    """Return the total divided by the weights, to four decimals that add up to it exactly.

    Examples
    --------
    >>> [str(part) for part in spread(Decimal("1"), [1, 1, 1])]
    ['0.3333', '0.3334', '0.3333']
    """
    whole = sum(weights)
    shares = [weight / whole for weight in weights] if whole > 0 else [1 / len(weights)] * len(weights)
    parts, given, reached = [], Decimal(0), 0.0
    for index, share in enumerate(shares):
        reached += share
        is_last = index == len(shares) - 1
        until = total_kwh if is_last else round_half_up(total_kwh * Decimal(repr(min(reached, 1.0))), PLACES)
        parts.append(until - given)
        given = until
    return tuple(parts)


def _scaled(shape_kwh: Sequence[float], known_kwh: Decimal | None) -> tuple[Decimal, ...]:
    """Return the shape in exact decimals, fitted to the known total if there is one."""
    total = round_half_up(Decimal(repr(sum(shape_kwh))), PLACES) if known_kwh is None else known_kwh
    return spread(total, shape_kwh)


def _check_meter(facts: Facts) -> list[float] | None:
    if len(facts.check_kwh) != facts.quarters_count:
        return None
    return list(facts.check_kwh)


def _registers(facts: Facts) -> list[float] | None:
    if facts.known_kwh is None:
        return None
    shape = _history(facts)
    return [1.0] * facts.quarters_count if shape is None or sum(shape) <= 0 else shape


def _linear(facts: Facts) -> list[float] | None:
    if facts.quarters_count > LONGEST_LINE_H * QUARTERS_PER_HOUR:
        return None
    if facts.before_kwh is None or facts.after_kwh is None:
        return None
    step = (facts.after_kwh - facts.before_kwh) / (facts.quarters_count + 1)
    return [facts.before_kwh + step * (index + 1) for index in range(facts.quarters_count)]


def _from_volume(facts: Facts) -> list[float] | None:
    if len(facts.passages) != facts.quarters_count:
        return None
    return [_carried_kwh(one, facts.side) for one in facts.passages]


def _carried_kwh(passage: physics.Passage, side: physics.Side) -> float:
    """The heat in kWh that the water brought; none where no water passed, whatever its temperature was."""
    if not passage.volume_m3:
        return 0.0
    return max(0.0, physics.heat_kwh(passage.volume_m3, passage.supply_c, passage.return_c, side))


def _history(facts: Facts) -> list[float] | None:
    told = facts.history_kwh
    if len(told) != facts.quarters_count or any(len(weeks) < FEWEST_WEEKS for weeks in told):
        return None
    means = [sum(weeks) / len(weeks) for weeks in told]
    if facts.weather_ratio is None:
        return means
    return [
        weather.adjusted_kwh(mean, base_kwh=facts.base_kwh, degree_days_kd=1.0, to_degree_days_kd=facts.weather_ratio)
        for mean in means
    ]


def _average(facts: Facts) -> list[float] | None:
    known = [mean for mean in (facts.average_before_kwh, facts.average_after_kwh) if mean is not None]
    if not known:
        return None
    return [sum(known) / len(known)] * facts.quarters_count


_SHAPES: Final = {
    Method.CHECK_METER: _check_meter,
    Method.REGISTERS: _registers,
    Method.LINEAR: _linear,
    Method.FROM_VOLUME: _from_volume,
    Method.HISTORY: _history,
    Method.AVERAGE: _average,
}
