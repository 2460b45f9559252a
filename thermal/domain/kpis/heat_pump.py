"""Heat pumps: coefficients of performance with their boundary, and what thermodynamics allows.

References
----------
EN 14511 (COP at one operating point, with the pump work that overcomes the exchangers); EN 14825 (SCOP); SEPEMO-Build,
D4.2 and D5.1 (boundaries H1 to H4); Baehr and Kabelac, Thermodynamik (Carnot and Lorenz process).
"""

import enum
import math
from dataclasses import dataclass
from typing import Final

from kernel.errors import Refusal
from thermal.domain.kpis.ratios import ratio

ABSOLUTE_ZERO_C: Final = -273.15
# Shares of the Lorenz limit between which heat pumps in the field are found; a default, to be set per site.
USUAL_BAND: Final = (0.35, 0.65)
# A drop of the second-law efficiency from its baseline by this share hints at fouling or lost refrigerant; a default.
DRIFT_RATIO: Final = 0.15


class Boundary(enum.StrEnum):
    """What is counted as the work of a heat pump system (SEPEMO)."""

    H1 = "H1"
    H2 = "H2"
    H3 = "H3"
    H4 = "H4"


class NoLift(Refusal):
    """A heat pump between equal or crossed temperatures has no limit."""

    sentence = "The sink of a heat pump must be warmer than its source; %(sink)s °C is not above %(source)s °C."


class BelowAbsoluteZero(Refusal):
    sentence = "%(temperature)s °C is below absolute zero."


@dataclass(frozen=True, slots=True)
class HeatPumpWork:
    """Heat and electricity of one heat pump system over one period, in kWh; None where it is not known."""

    heat_kwh: float | None
    heat_pump_kwh: float | None
    source_pump_kwh: float | None = None
    sink_pump_kwh: float | None = None
    backup_heat_kwh: float | None = None
    backup_kwh: float | None = None


def coefficient_of_performance(heat_kwh: float | None, heat_pump_kwh: float | None) -> float | None:
    """The heat that heat pumps gave per electricity of their compressors: COP at boundary H1, pumps left out.

    >>> coefficient_of_performance(400.0, 100.0)
    4.0
    """
    return ratio(heat_kwh, heat_pump_kwh)


def cop(work: HeatPumpWork, boundary: Boundary) -> float | None:
    """The coefficient of performance at a declared boundary.

    Parameters
    ----------
    work
        Heat and electricity of the period in kWh.
    boundary
        H1: the compressor. H2: with pumps and fans of the source. H3: with the backup heater, its heat included.
        H4: with pumps of the sink and the buffer. H2 equals H3 where there is no backup heater.

    Notes
    -----
    A boundary whose parts are not known gives None, never the figure of a narrower boundary. A site without a backup
    heater states 0 for it.

    Examples
    --------
    >>> work = HeatPumpWork(400.0, 100.0, source_pump_kwh=5.0, sink_pump_kwh=4.0, backup_heat_kwh=10.0, backup_kwh=10.0)
    >>> [round(cop(work, boundary), 3) for boundary in Boundary]
    [4.0, 3.81, 3.565, 3.445]
    >>> cop(HeatPumpWork(400.0, 100.0), Boundary.H2) is None
    True
    """
    heat: tuple[float | None, ...] = (work.heat_kwh,)
    spent: tuple[float | None, ...] = (work.heat_pump_kwh,)
    if boundary is not Boundary.H1:
        spent += (work.source_pump_kwh,)
    if boundary in {Boundary.H3, Boundary.H4}:
        heat += (work.backup_heat_kwh,)
        spent += (work.backup_kwh,)
    if boundary is Boundary.H4:
        spent += (work.sink_pump_kwh,)
    return ratio(_sum(heat), _sum(spent))


def seasonal_cop(heat_kwh: list[float | None], spent_kwh: list[float | None]) -> float | None:
    """The heat of a season per electricity of the season: SCOP, weighted by heat and not a mean of COPs.

    >>> seasonal_cop([400.0, 100.0], [100.0, 50.0])
    3.3333333333333335
    """
    return ratio(_sum(tuple(heat_kwh)), _sum(tuple(spent_kwh)))


def _sum(parts: tuple[float | None, ...]) -> float | None:
    total = 0.0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def work_kwh(source_kwh: float, cop_value: float) -> float:
    """The electricity in kWh that lifts heat of the source at a COP: W = Q_source ÷ (COP − 1).

    >>> round(work_kwh(127_181.25, 4.0), 1)
    42393.8
    """
    if cop_value <= 1:
        raise NotAHeatPump(cop=round(cop_value, 3))
    return source_kwh / (cop_value - 1)


class NotAHeatPump(Refusal):
    sentence = "A heat pump gives more heat than it takes electricity; a COP of %(cop)s is none."


def carnot_cop(sink_c: float, source_c: float) -> float:
    """The most that any heat pump between two constant temperatures can reach: Th ÷ (Th − Tc).

    >>> round(carnot_cop(70.0, 30.0), 3), round(carnot_cop(55.0, 28.0), 3)
    (8.579, 12.154)
    """
    return _limit(_kelvin(sink_c), _kelvin(source_c))


def lorenz_cop(sink: tuple[float, float], source: tuple[float, float]) -> float:
    """The most that a heat pump with gliding temperatures can reach.

    Parameters
    ----------
    sink
        Temperature in °C at which the heated water enters and leaves.
    source
        Temperature in °C at which the cooled water enters and leaves.

    Notes
    -----
    As Carnot's limit, of the logarithmic means: Tm = (T1 − T2) ÷ ln(T1 ÷ T2).

    Examples
    --------
    >>> round(lorenz_cop((40.0, 70.0), (35.0, 25.0)), 3), round(lorenz_cop((45.0, 55.0), (30.0, 25.0)), 3)
    (13.223, 14.373)
    """
    return _limit(_mean_k(*sink), _mean_k(*source))


def _mean_k(first_c: float, last_c: float) -> float:
    first, last = _kelvin(first_c), _kelvin(last_c)
    return first if abs(first - last) < 1e-9 else (first - last) / math.log(first / last)


def _kelvin(temperature_c: float) -> float:
    if temperature_c <= ABSOLUTE_ZERO_C:
        raise BelowAbsoluteZero(temperature=temperature_c)
    return temperature_c - ABSOLUTE_ZERO_C


def _limit(sink_k: float, source_k: float) -> float:
    if sink_k <= source_k:
        raise NoLift(sink=round(sink_k + ABSOLUTE_ZERO_C, 2), source=round(source_k + ABSOLUTE_ZERO_C, 2))
    return sink_k / (sink_k - source_k)


class Verdict(enum.StrEnum):
    """What a COP looks like beside its limit."""

    USUAL = "usual"
    LOW = "low"
    HIGH = "high"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True)
class SecondLaw:
    """A COP beside its limits: the shares of one that it reaches, and the verdict."""

    carnot: float
    lorenz: float
    efficiency_ratio: float
    verdict: Verdict


def second_law(
    cop_value: float,
    sink: tuple[float, float],
    source: tuple[float, float],
    band: tuple[float, float] = USUAL_BAND,
) -> SecondLaw:
    """The COP as a share of the Lorenz limit; at or above Carnot's limit it is impossible: a meter is wrong.

    Carnot's limit is taken between the hottest water made and the coldest source water, Lorenz' of the glides.

    >>> second_law(4.0, (40.0, 55.0), (30.0, 25.0)).verdict.value, second_law(12.0, (40.0, 70.0), (35.0, 25.0)).verdict
    ('low', <Verdict.IMPOSSIBLE: 'impossible'>)
    """
    carnot, lorenz = carnot_cop(max(sink), min(source)), lorenz_cop(sink, source)
    efficiency = cop_value / lorenz
    if cop_value >= carnot:
        verdict = Verdict.IMPOSSIBLE
    elif efficiency < band[0]:
        verdict = Verdict.LOW
    else:
        verdict = Verdict.HIGH if efficiency > band[1] else Verdict.USUAL
    return SecondLaw(carnot, lorenz, efficiency, verdict)


def has_drifted(efficiency_ratio: float, baseline_ratio: float, limit_ratio: float = DRIFT_RATIO) -> bool:
    """Whether the efficiency fell from its baseline by more than the limit, as with fouling or lost refrigerant.

    >>> has_drifted(0.42, 0.50), has_drifted(0.45, 0.50)
    (True, False)
    """
    return baseline_ratio > 0 and 1 - efficiency_ratio / baseline_ratio > limit_ratio
