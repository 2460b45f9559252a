"""What drives a plant from outside: IT load, weather and the heat that is asked for."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from demo.plant.noise import smooth_noise
from demo.plant.spec import OfftakerKind, PlantSpec

KNOT_S: Final = 900
_HOUR_S: Final = 3_600.0
_DAY_S: Final = 86_400.0
_WARMEST_DAY: Final = 201
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Drivers:
    """The outside of the plant at one instant."""

    it_kw: float
    ambient_c: float
    demand_kw: float


class Outside:
    """The outside of one plant, for any instant.

    Notes
    -----
    Drawn at every quarter-hour and joined by straight lines: a pure function of the
    specification and the instant, so that any part of history can be computed again.
    """

    def __init__(self, spec: PlantSpec) -> None:
        self._spec = spec
        self._ripple_seed = f"{spec.seed}:ripple"
        self._index: int | None = None
        self._before = self._after = Drivers(0.0, 0.0, 0.0)

    def at(self, at_s: float) -> Drivers:
        """IT load [kW], outdoor temperature [degC] and heat asked for [kW] at an instant."""
        index = math.floor(at_s / KNOT_S)
        if index != self._index:
            self._index = index
            self._before, self._after = _knot(self._spec, index), _knot(self._spec, index + 1)
        before, after, share = self._before, self._after, at_s / KNOT_S - index
        ripple = 1.0 + 0.012 * smooth_noise(self._ripple_seed, at_s, 60.0)
        it_kw = _between(before.it_kw, after.it_kw, share) * ripple
        return Drivers(
            it_kw=min(self._spec.it_kw, it_kw),
            ambient_c=_between(before.ambient_c, after.ambient_c, share),
            demand_kw=_between(before.demand_kw, after.demand_kw, share),
        )


def _between(before: float, after: float, share: float) -> float:
    return before + (after - before) * share


@lru_cache(maxsize=4_096)
def _knot(spec: PlantSpec, index: int) -> Drivers:
    at_s = float(index * KNOT_S)
    local = datetime.fromtimestamp(at_s, UTC).astimezone(ZoneInfo(spec.timezone))
    hour = local.hour + local.minute / 60.0
    ambient_c = _ambient_c(spec, at_s, local.timetuple().tm_yday, hour)
    return Drivers(
        it_kw=spec.it_kw * _it_ratio(spec, at_s, hour, local.weekday()),
        ambient_c=ambient_c,
        demand_kw=spec.contract_kw * _DEMAND[spec.kind](spec, at_s, hour, ambient_c),
    )


def _wave(hour: float, peak_hour: float) -> float:
    return math.cos((hour - peak_hour) / 24.0 * 2.0 * math.pi)


def _bell(hour: float, peak_hour: float, width_h: float) -> float:
    distance_h = (hour - peak_hour + 12.0) % 24.0 - 12.0
    return math.exp(-((distance_h / width_h) ** 2))


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def _it_ratio(spec: PlantSpec, at_s: float, hour: float, weekday: int) -> float:
    weekend = 0.06 if weekday >= _SATURDAY else 0.0
    wander = 0.08 * smooth_noise(f"{spec.seed}:jobs", at_s, 2.5 * _DAY_S)
    jobs = 0.05 * smooth_noise(f"{spec.seed}:batch", at_s, 2.0 * _HOUR_S)
    return _clamp(0.72 + 0.07 * _wave(hour, 15.0) - weekend + wander + jobs, 0.2, 1.0)


def _ambient_c(spec: PlantSpec, at_s: float, day_of_year: int, hour: float) -> float:
    season = math.cos((day_of_year - _WARMEST_DAY) / 365.25 * 2.0 * math.pi)
    fronts = 4.5 * smooth_noise(f"{spec.seed}:fronts", at_s, 3.0 * _DAY_S)
    clouds = 0.8 * smooth_noise(f"{spec.seed}:clouds", at_s, 3.0 * _HOUR_S)
    climate = spec.climate
    yearly_k = climate.yearly_swing_k * season
    return climate.mean_c + yearly_k + climate.daily_swing_k * _wave(hour, 15.0) + fronts + clouds


def _pool_ratio(spec: PlantSpec, at_s: float, hour: float, ambient_c: float) -> float:
    """A pool wants heat all year; more by day, when it is cold and when fresh water is filled."""
    open_now = 0.18 if 6.0 <= hour < 22.0 else 0.0
    refill = 0.15 * _bell(hour, 22.5, 1.2)
    cold = 0.012 * max(0.0, 22.0 - ambient_c)
    swimmers = 0.05 * smooth_noise(f"{spec.seed}:swimmers", at_s, 1.5 * _HOUR_S)
    return _clamp(0.34 + open_now + refill + cold + swimmers, 0.05, 1.0)


def _greenhouse_ratio(spec: PlantSpec, at_s: float, hour: float, ambient_c: float) -> float:
    """A greenhouse wants heat when it is colder than the crop likes; the sun pays by day."""
    sun_k = 7.0 * max(0.0, _wave(hour, 13.0))
    wind = 0.04 * smooth_noise(f"{spec.seed}:wind", at_s, 2.0 * _HOUR_S)
    lack_k = 18.5 - ambient_c - sun_k
    return 0.0 if lack_k <= 0.0 else _clamp(0.055 * lack_k + wind, 0.0, 1.0)


def _network_ratio(spec: PlantSpec, at_s: float, hour: float, ambient_c: float) -> float:
    """A network wants hot water all year, mornings and evenings, and heating when it is cold."""
    taps = 0.14 + 0.12 * _bell(hour, 7.0, 1.5) + 0.10 * _bell(hour, 19.0, 2.0)
    heating = 0.045 * max(0.0, 16.0 - ambient_c)
    homes = 0.03 * smooth_noise(f"{spec.seed}:homes", at_s, _HOUR_S)
    return _clamp(taps + heating + homes, 0.04, 1.0)


_DEMAND: Final[dict[OfftakerKind, Callable[[PlantSpec, float, float, float], float]]] = {
    OfftakerKind.POOL: _pool_ratio,
    OfftakerKind.GREENHOUSE: _greenhouse_ratio,
    OfftakerKind.NETWORK: _network_ratio,
}
