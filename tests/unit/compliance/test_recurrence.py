"""Due days follow the calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.domain import recurrence
from compliance.domain.recurrence import Interval

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
INTERVALS = st.one_of(
    st.builds(Interval, months=st.integers(1, 60)),
    st.builds(Interval, days=st.integers(1, 800)),
)


@pytest.mark.parametrize(
    ("start", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 8, 31), 6, date(2027, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 3, 31), -13, date(2025, 2, 28)),
        (date(2026, 11, 30), 0, date(2026, 11, 30)),
    ],
)
def test_months_clamp_to_the_end_of_a_shorter_month(start: date, months: int, expected: date) -> None:
    assert recurrence.add_months(start, months) == expected


def test_a_clamped_month_does_not_pull_the_later_ones_forward() -> None:
    days = recurrence.due_days(Interval(months=1), date(2026, 1, 31), since=date(2026, 1, 1), until=date(2026, 6, 1))
    assert [day.day for day in days] == [31, 28, 31, 30, 31]


@pytest.mark.parametrize(("months", "days"), [(0, 0), (1, 1), (-1, 0), (0, -7), (-1, 8)])
def test_an_interval_is_months_or_days_and_never_both(months: int, days: int) -> None:
    with pytest.raises(ValueError, match="either a number of months or a number of days"):
        Interval(months=months, days=days)


@given(INTERVALS, DAYS, DAYS)
def test_the_next_due_day_is_the_first_of_the_due_days(interval: Interval, starts_on: date, since: date) -> None:
    expected = recurrence.next_due(interval, starts_on, since=since)
    assert expected >= max(since, starts_on)
    listed = recurrence.due_days(interval, starts_on, since=since, until=expected + timedelta(1))
    assert list(listed) == [expected]


@given(INTERVALS, DAYS, DAYS, st.integers(0, 1500), st.integers(0, 1500))
def test_cutting_a_period_in_two_loses_and_doubles_no_due_day(
    interval: Interval, starts_on: date, since: date, first: int, second: int
) -> None:
    middle, until = since + timedelta(first), since + timedelta(first + second)
    whole = list(recurrence.due_days(interval, starts_on, since=since, until=until))
    left = list(recurrence.due_days(interval, starts_on, since=since, until=middle))
    right = list(recurrence.due_days(interval, starts_on, since=middle, until=until))
    assert left + right == whole == sorted(set(whole))
