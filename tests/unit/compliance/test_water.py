"""Laboratory figures against limits."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.domain.water import Limits, Sign, Verdict, judge, worst

FIGURES = st.decimals(min_value=0, max_value=10_000, places=3)


@pytest.mark.parametrize(
    ("value", "low", "high", "sign", "expected"),
    [
        ("79.9", None, "100", "", Verdict.IN_LIMIT),
        ("80", None, "100", "", Verdict.IN_LIMIT),
        ("80.1", None, "100", "", Verdict.WARNING),
        ("100", None, "100", "", Verdict.WARNING),
        ("100.1", None, "100", "", Verdict.OUT),
        ("32", "25", None, "", Verdict.IN_LIMIT),
        ("30", "25", None, "", Verdict.WARNING),
        ("24.9", "25", None, "", Verdict.OUT),
        ("9.1", "8.2", "10.0", "", Verdict.IN_LIMIT),
        ("8.38", "8.2", "10.0", "", Verdict.IN_LIMIT),
        ("8.37", "8.2", "10.0", "", Verdict.WARNING),
        ("9.83", "8.2", "10.0", "", Verdict.WARNING),
        ("8.1", "8.2", "10.0", "", Verdict.OUT),
        ("10.01", "8.2", "10.0", "", Verdict.OUT),
        ("0", None, "0", "", Verdict.IN_LIMIT),
        ("1", None, "0", "", Verdict.OUT),
        ("0.01", None, "0.02", "<", Verdict.IN_LIMIT),
        ("0.05", None, "0.02", "<", Verdict.UNDECIDED),
        ("10", "25", None, "<", Verdict.OUT),
        ("30", "25", None, "<", Verdict.UNDECIDED),
        ("2000", None, "1000", ">", Verdict.OUT),
        ("500", None, "1000", ">", Verdict.UNDECIDED),
        ("40", "25", None, ">", Verdict.IN_LIMIT),
        ("9", "8.2", "10.0", "<", Verdict.UNDECIDED),
        ("8.2", "8.2", "10.0", "<", Verdict.OUT),
        ("10.0", "8.2", "10.0", ">", Verdict.OUT),
    ],
)
def test_verdict(value: str, low: str | None, high: str | None, sign: str, expected: Verdict) -> None:
    limits = Limits(Decimal(low) if low else None, Decimal(high) if high else None)
    assert judge(Decimal(value), limits, Sign(sign)) == expected


def test_a_figure_without_limits_is_not_judged() -> None:
    assert judge(Decimal(5), None) == judge(Decimal(5), Limits()) == Verdict.NOT_JUDGED


def test_limits_that_cross_are_refused() -> None:
    with pytest.raises(ValueError, match="must lie below"):
        Limits(Decimal(10), Decimal(8))


@given(FIGURES, FIGURES)
def test_a_greater_figure_is_never_better_against_an_upper_limit(one: Decimal, other: Decimal) -> None:
    order = [Verdict.IN_LIMIT, Verdict.WARNING, Verdict.OUT]
    limits = Limits(highest_value=Decimal(500))
    small, great = sorted((one, other))
    assert order.index(judge(small, limits)) <= order.index(judge(great, limits))


@given(FIGURES, st.decimals(min_value=1, max_value=5000, places=2), st.decimals(min_value=1, max_value=5000, places=2))
def test_what_is_in_limit_is_inside_and_what_is_out_is_outside(value: Decimal, low: Decimal, width: Decimal) -> None:
    limits = Limits(low, low + width)
    assert (judge(value, limits) == Verdict.OUT) == (not limits.holds(value))


def test_a_sample_is_as_bad_as_its_worst_result() -> None:
    assert worst([Verdict.IN_LIMIT, Verdict.WARNING, Verdict.OUT]) == Verdict.OUT
    assert worst([Verdict.IN_LIMIT, Verdict.NOT_JUDGED]) == Verdict.IN_LIMIT
