"""Estimates: in the agreed order, and never another total than the registers tell."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import estimation, physics
from thermal.domain.estimation import Facts, Method

PASSAGES = [physics.Passage(1.0, 70.0, 40.0, 0.0)] * 4
EVERYTHING: dict[str, Any] = {
    "check_kwh": [5.0] * 4,
    "before_kwh": 2.0,
    "after_kwh": 4.0,
    "passages": PASSAGES,
    "history_kwh": [[3.0, 5.0]] * 4,
    "average_before_kwh": 6.0,
    "average_after_kwh": 8.0,
}
ORDER = [
    ("check_kwh", Method.CHECK_METER, 20.0),
    ("before_kwh", Method.LINEAR, 12.0),
    ("passages", Method.FROM_VOLUME, 4 * 34.571),
    ("history_kwh", Method.HISTORY, 16.0),
    ("average_before_kwh", Method.AVERAGE, 28.0),
]


@pytest.mark.parametrize("position", range(len(ORDER)))
def test_the_first_method_whose_facts_are_known_is_taken_and_the_better_ones_are_named(position: int) -> None:
    missing = {name for name, _method, _total in ORDER[:position]}
    facts = Facts(4, **{name: value for name, value in EVERYTHING.items() if name not in missing})
    found = estimation.estimate(facts)
    _name, method, total_kwh = ORDER[position]
    assert found.method is method
    assert float(found.total_kwh) == pytest.approx(total_kwh, rel=1e-3)
    assert list(found.passed_over) == list(Method)[: list(Method).index(method)]
    assert not found.total_is_measured


def test_a_straight_line_ends_after_two_hours() -> None:
    line: dict[str, Any] = {"before_kwh": 1.0, "after_kwh": 1.0, "average_before_kwh": 3.0}
    assert estimation.estimate(Facts(8, **line)).method is Method.LINEAR
    assert estimation.estimate(Facts(9, **line)).method is Method.AVERAGE


def test_a_line_rises_from_the_quarter_hour_before_to_the_one_after() -> None:
    found = estimation.estimate(Facts(3, before_kwh=1.0, after_kwh=5.0))
    assert found.heat_kwh == (Decimal("2.0000"), Decimal("3.0000"), Decimal("4.0000"))


def test_known_registers_keep_the_total_and_earlier_weeks_give_its_shape() -> None:
    found = estimation.estimate(Facts(2, known_kwh=Decimal("12.3456"), history_kwh=[[1.0], [3.0]]))
    assert (found.method, found.total_is_measured) == (Method.REGISTERS, True)
    assert found.heat_kwh == (Decimal("3.0864"), Decimal("9.2592"))


def test_colder_weeks_need_more() -> None:
    assert estimation.estimate(Facts(1, history_kwh=[[4.0]], weather_ratio=1.5)).total_kwh == 6


def test_nothing_known_is_refused_and_so_is_a_method_without_its_facts() -> None:
    with pytest.raises(estimation.NothingToEstimateFrom):
        estimation.estimate(Facts(4))
    with pytest.raises(estimation.MethodNotPossible):
        estimation.estimate(Facts(4, average_before_kwh=1.0), method=Method.HISTORY)


@given(
    st.decimals(0, 10**6, places=4),
    st.lists(st.floats(0, 10**4, allow_nan=False, allow_infinity=False), min_size=1, max_size=200),
)
def test_parts_add_up_to_the_total_and_none_is_negative(total_kwh: Decimal, weights: list[float]) -> None:
    parts = estimation.spread(total_kwh, weights)
    assert sum(parts) == total_kwh
    assert min(parts) >= 0
    assert len(parts) == len(weights)
