"""Differences of registers: what each is, and laws that hold for all of them."""

import datetime as dt
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import differences
from thermal.domain.differences import UNEXPLAINED, Counter, Difference, Doubt, Kind, Pace, Reading

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
FIVE_DIGITS = Counter(5, Decimal(1), Decimal(60))
SEVEN_DIGITS = Counter(7, Decimal(1), Decimal(200))
UNRATED = Counter(8, Decimal("0.01"))


def readings(*registers: Any, every: dt.timedelta = HOUR, **fields: Any) -> list[Reading]:
    return [
        Reading(meter_id=1, at=START + number * every, version=1, energy_kwh=Decimal(str(kwh)), **fields)
        for number, kwh in enumerate(registers)
    ]


def steps(*registers: Any, counter: Counter = FIVE_DIGITS, every: dt.timedelta = HOUR) -> list[Difference]:
    return differences.differences(readings(*registers, every=every), counter, Pace(every.total_seconds()))


@pytest.mark.parametrize(
    ("registers", "counter", "kinds"),
    [
        ((100, 110, 110), FIVE_DIGITS, "normal normal"),
        ((99_990, 5), FIVE_DIGITS, "rollover"),
        # More than 60 kW can have counted in an hour: not the end of the counter.
        ((99_500, 5), FIVE_DIGITS, "reset"),
        ((50_000, 12), FIVE_DIGITS, "reset"),
        ((50_000, 49_000), FIVE_DIGITS, "decrease"),
        ((100, 110, 5_000, 130), FIVE_DIGITS, "normal spike spike"),
        ((100, 110, 3, 130), FIVE_DIGITS, "normal spike spike"),
        ((100, 110, 5_000, 5_010), FIVE_DIGITS, "normal jump normal"),
        ((40_000, "40.010", "40.020", 40_030), FIVE_DIGITS, "unit_change normal unit_change"),
        # It told MJ until then.
        ((40_000, 11_113, 11_120), Counter(6, Decimal(1), Decimal(60)), "unit_change normal"),
        ((40_000, "144.000", "144.036"), FIVE_DIGITS, "unit_change normal"),
        # Without a greatest power nothing is too much, but a lone reading still is.
        ((100, 110, 5_000, 130), UNRATED, "normal spike spike"),
        ((100, 110, 5_000, 5_010), UNRATED, "normal normal normal"),
        ((40_000, 40_000_010), Counter(11, Decimal("0.01")), "unit_change"),
    ],
)
def test_each_sequence_is_named(registers: tuple[Any, ...], counter: Counter, kinds: str) -> None:
    assert " ".join(step.kind for step in steps(*registers, counter=counter)) == kinds


def test_a_rollover_counts_on() -> None:
    (step,) = steps(9_999_870, 245, counter=SEVEN_DIGITS, every=4 * HOUR)
    assert (step.kind, step.heat_kwh) == (Kind.ROLLOVER, Decimal(375))


def test_a_fall_in_the_middle_of_the_counter_tells_no_heat() -> None:
    (step,) = steps(5_000_000, 12, counter=SEVEN_DIGITS, every=4 * HOUR)
    assert (step.heat_kwh, step.doubt, step.kind) == (None, Doubt.DECREASED, Kind.RESET)
    assert step.kind in UNEXPLAINED


def test_a_pause_is_a_gap_and_its_heat_is_known() -> None:
    told = readings(100, 110, 120, 130)
    late = [*told[:2], *readings(*[0] * 9, 170)[9:]]
    found = differences.differences(late, FIVE_DIGITS, Pace(3600))
    assert [(step.kind, step.heat_kwh) for step in found] == [(Kind.NORMAL, Decimal(10)), (Kind.GAP, Decimal(60))]


def test_a_clock_that_was_put_on_is_seen_by_its_offset() -> None:
    told = [
        Reading(meter_id=1, at=one.at, version=1, energy_kwh=one.energy_kwh, device_at=one.at + offset)
        for one, offset in zip(readings(1, 2, 3), (0 * HOUR, 0 * HOUR, HOUR), strict=True)
    ]
    found = differences.differences(told, FIVE_DIGITS, Pace(3600))
    assert [step.kind for step in found] == [Kind.NORMAL, Kind.CLOCK_JUMP]
    assert found[1].heat_kwh == 1


def test_an_exchange_tells_no_heat_and_keeps_both_readings() -> None:
    old, new = readings(100), readings(5)
    step = differences.swap(old[0], new[0])
    assert (step.kind, step.heat_kwh, step.before, step.after) == (Kind.SWAP, None, old[0], new[0])


def test_every_difference_keeps_the_two_readings_it_came_from() -> None:
    told = readings(100, 110, 90)
    found = differences.differences(told, FIVE_DIGITS, Pace(3600))
    assert [(step.before, step.after) for step in found] == list(pairwise(told))


def test_the_usual_interval_is_not_that_of_the_gaps() -> None:
    told = [one for one in readings(*range(40)) if one.at.hour not in {3, 4, 5}]
    assert differences.interval_of(told) == 3600
    assert differences.interval_of(told[:1]) == 900


REGISTERS = st.lists(st.integers(min_value=0, max_value=99_999), min_size=2, max_size=12)


@given(REGISTERS)
def test_no_difference_ever_tells_negative_heat(registers: list[int]) -> None:
    for counter in (FIVE_DIGITS, Counter(5, Decimal(1))):
        for step in steps(*registers, counter=counter):
            assert step.heat_kwh is None or step.heat_kwh >= 0
            assert (step.heat_kwh is None) == bool(step.doubt)


@given(st.integers(0, 99_999), st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_a_counter_that_runs_on_is_counted_whole_over_any_rollover(first: int, rises: list[int]) -> None:
    registers = [first]
    for rise in rises:
        registers.append((registers[-1] + rise) % 100_000)
    found = steps(*registers)
    assert differences.heat_of(found) == sum(rises)
    assert {step.kind for step in found} <= {Kind.NORMAL, Kind.ROLLOVER}


@given(st.lists(st.integers(0, 60), min_size=2, max_size=30), st.integers(1, 29))
def test_splitting_a_period_changes_no_sum(rises: list[int], cut: int) -> None:
    registers = [0]
    for rise in rises:
        registers.append(registers[-1] + rise)
    cut = min(cut, len(rises) - 1)
    whole, first, last = (
        differences.heat_of(steps(*part)) for part in (registers, registers[: cut + 1], registers[cut:])
    )
    assert whole == (first or 0) + (last or 0)


@given(REGISTERS)
def test_what_is_unexplained_is_never_called_normal(registers: list[int]) -> None:
    for step in steps(*registers):
        assert step.is_known or step.kind in UNEXPLAINED
