"""Rules on places and periods: V14, V15 balances, V16 no use, V17 history, V18 verification."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kernel.periods import Period
from thermal.domain import weather
from thermal.domain.validation.vocabulary import Evidence, Thresholds

# A day of which a quarter hour is missing cannot be told to have given more heat than it had.
WHOLE_RATIO: Final = 1.0


@dataclass(frozen=True, slots=True)
class Balance:
    """The energies of a site over a period in kWh, None where not measured, and the share that is known."""

    period: Period
    it_kwh: float | None
    delivered_kwh: float | None
    captured_kwh: float | None = None
    heat_pump_kwh: float | None = None
    rejected_kwh: float | None = None
    buffer_change_kwh: float | None = None
    known_ratio: float = 1.0


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter hour of a delivery point: heat in kWh, and whether heat was called for."""

    start: dt.datetime
    heat_kwh: float | None
    demand: bool | None


@dataclass(frozen=True, slots=True)
class Month:
    """The heat of a month in kWh, the share of it that is known, and its weather where demand depends on it.

    Parameters
    ----------
    degree_days_kd
        Heating degree days [K·d]; None where the weather of a day of it is not known.
    base_kwh
        What is taken whatever the weather [kWh]; None where the demand does not follow the weather at all.
    """

    period: Period
    heat_kwh: float
    known_ratio: float
    degree_days_kd: float | None = None
    base_kwh: float | None = None


class Comparison(enum.StrEnum):
    """How two months were compared, and why they were not adjusted to the weather."""

    DEGREE_DAYS = "degree_days"
    NO_DEPENDENCE = "no_dependence"
    NO_WEATHER = "no_weather"
    NO_HEATING = "no_heating"


def energy_balance(balance: Balance, limit: Thresholds) -> list[Evidence]:
    """V14: what offtakers' meters count is more, or far less, than what the source's meter counted."""
    if balance.captured_kwh is None or balance.delivered_kwh is None or balance.known_ratio < limit["known_ratio"]:
        return []
    source = (
        balance.captured_kwh
        + (balance.heat_pump_kwh or 0.0)
        - (balance.rejected_kwh or 0.0)
        - (balance.buffer_change_kwh or 0.0)
    )
    if source <= 0:
        return []
    loss = (source - balance.delivered_kwh) / source
    if limit["least_loss_ratio"] <= loss <= limit["most_loss_ratio"]:
        return []
    values = {
        "source_kwh": round(source, 3),
        "delivered_kwh": round(balance.delivered_kwh, 3),
        "loss_ratio": round(loss, 4),
    }
    return [_of_period("V14", balance.period, values)]


def it_balance(balance: Balance, limit: Thresholds) -> list[Evidence]:
    """V15: more heat left the site than IT and heat pumps made and the buffer gave."""
    if balance.it_kwh is None or balance.delivered_kwh is None or balance.known_ratio < WHOLE_RATIO:
        return []
    most = (
        balance.it_kwh * limit["tolerated_ratio"]
        + (balance.heat_pump_kwh or 0.0)
        - min(balance.buffer_change_kwh or 0.0, 0.0)
    )
    if balance.delivered_kwh <= most:
        return []
    values = {
        "delivered_kwh": round(balance.delivered_kwh, 3),
        "most_kwh": round(most, 3),
        "it_kwh": round(balance.it_kwh, 3),
        "heat_pump_kwh": round(balance.heat_pump_kwh or 0.0, 3),
    }
    return [_of_period("V15", balance.period, values)]


def zero_use(quarters: Sequence[Quarter], limit: Thresholds) -> list[Evidence]:
    """V16: heat is called for, and for days none is counted."""
    found, run = [], list[Quarter]()
    quarter = dt.timedelta(minutes=15)
    for one in [*quarters, None]:
        if one is not None and one.demand and one.heat_kwh == 0 and (not run or one.start - run[-1].start == quarter):
            run.append(one)
            continue
        if run and len(run) / 4 >= limit["zero_h"]:
            period = Period(run[0].start, run[-1].start + quarter)
            found.append(_of_period("V16", period, {"hours": len(run) / 4}))
        run = [one] if one is not None and one.demand and one.heat_kwh == 0 else []
    return found


def against_history(month: Month, year_before: Month, limit: Thresholds) -> list[Evidence]:
    """V17: the month is out of proportion to the same month a year before, adjusted to its weather where that tells.

    The values say how the two were compared, and with what.
    """
    if min(month.known_ratio, year_before.known_ratio) < limit["known_ratio"] or year_before.heat_kwh <= 0:
        return []
    comparison, expected = _expected(month, year_before, limit)
    ratio = month.heat_kwh / expected
    if limit["least_ratio"] <= ratio <= limit["most_ratio"]:
        return []
    values: dict[str, object] = {
        "heat_kwh": round(month.heat_kwh, 3),
        "year_before_kwh": round(year_before.heat_kwh, 3),
        "expected_kwh": round(expected, 3),
        "ratio": round(ratio, 4),
        "comparison": comparison.value,
    }
    if comparison is Comparison.DEGREE_DAYS:
        values |= {
            "degree_days_kd": round(month.degree_days_kd or 0.0, 2),
            "year_before_kd": round(year_before.degree_days_kd or 0.0, 2),
            "base_kwh": round(year_before.base_kwh or 0.0, 3),
        }
    return [_of_period("V17", month.period, values)]


def _expected(month: Month, year_before: Month, limit: Thresholds) -> tuple[Comparison, float]:
    """How the months can be compared, and the heat in kWh that the year before lets expect."""
    if month.base_kwh is None or year_before.base_kwh is None:
        return Comparison.NO_DEPENDENCE, year_before.heat_kwh
    if month.degree_days_kd is None or year_before.degree_days_kd is None:
        return Comparison.NO_WEATHER, year_before.heat_kwh
    if min(month.degree_days_kd, year_before.degree_days_kd) < limit["least_kd"]:
        return Comparison.NO_HEATING, year_before.heat_kwh
    expected = weather.adjusted_kwh(
        year_before.heat_kwh,
        base_kwh=year_before.base_kwh,
        degree_days_kd=year_before.degree_days_kd,
        to_degree_days_kd=month.degree_days_kd,
    )
    return Comparison.DEGREE_DAYS, expected


def verification(period: Period, ends_on: dt.date, verified_until_on: dt.date | None) -> list[Evidence]:
    """V18: the verification ends before the period does; `ends_on` is the day after its last."""
    if verified_until_on is None or verified_until_on >= ends_on:
        return []
    return [_of_period("V18", period, {"verified_until_on": verified_until_on.isoformat()})]


def _of_period(rule: str, period: Period, values: Mapping[str, object]) -> Evidence:
    return Evidence(rule=rule, starts_at=period.start, ends_at=period.end, values=dict(values))
