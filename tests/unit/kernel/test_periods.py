from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import periods
from kernel.periods import Period

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Berlin",
        "America/New_York",
        "America/Sao_Paulo",
        "America/Havana",
        "America/St_Johns",
        "Africa/Cairo",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Pacific/Kwajalein",
        "Asia/Kathmandu",
        "UTC",
    )
]
START = datetime(2026, 1, 1, tzinfo=UTC)

zones = st.sampled_from(ZONES)
days = st.dates(min_value=date(1990, 1, 2), max_value=date(2037, 12, 30))
instants = st.integers(631_152_000, 2_145_830_400).map(lambda second: datetime.fromtimestamp(second, UTC))


@st.composite
def stretches(draw: st.DrawFn, longest_hours: int = 24 * 70) -> Period:
    start = draw(instants)
    return Period(start, start + timedelta(minutes=draw(st.integers(1, longest_hours * 60))))


def hour(start: int, end: int) -> Period:
    return Period(START + timedelta(hours=start), START + timedelta(hours=end))


def test_naive_bounds_are_refused() -> None:
    with pytest.raises(periods.NaiveInstant):
        Period(START.replace(tzinfo=None), START + timedelta(days=1))


@pytest.mark.parametrize("end", [START, START - timedelta(seconds=1)])
def test_period_must_end_after_it_starts(end: datetime) -> None:
    with pytest.raises(periods.PeriodEndsBeforeItStarts, match="must end after it starts"):
        Period(START, end)


def test_bounds_are_kept_in_utc() -> None:
    period = Period(START.astimezone(BERLIN), (START + timedelta(hours=1)).astimezone(timezone(timedelta(hours=-5))))
    assert period.start.tzinfo is UTC
    assert period == hour(0, 1)


def test_end_belongs_to_the_next_period() -> None:
    assert hour(0, 1).contains(START)
    assert not hour(0, 1).contains(START + timedelta(hours=1))
    assert hour(0, 1).overlap(hour(1, 2)) is None
    assert not hour(0, 1).overlaps(hour(1, 2))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), "23"),
        ("Europe/Berlin", date(2026, 10, 25), "25"),
        ("Europe/Berlin", date(2026, 10, 26), "24"),
        ("America/New_York", date(2026, 3, 8), "23"),
        ("America/New_York", date(2026, 11, 1), "25"),
        ("America/Sao_Paulo", date(2018, 11, 4), "23"),  # midnight does not exist
        ("America/Sao_Paulo", date(2018, 2, 17), "25"),  # 23:00 comes twice
        ("America/Sao_Paulo", date(2018, 2, 18), "24"),
        ("America/Havana", date(2026, 11, 1), "25"),  # midnight comes twice
        ("America/Havana", date(2026, 3, 8), "23"),
        ("Africa/Cairo", date(2026, 4, 24), "23"),  # midnight does not exist
        ("Africa/Cairo", date(2026, 10, 29), "25"),
        ("Australia/Lord_Howe", date(2026, 10, 4), "23.5"),
        ("Australia/Lord_Howe", date(2026, 4, 5), "24.5"),
        ("Pacific/Apia", date(2011, 12, 29), "24"),
        ("Pacific/Apia", date(2011, 12, 31), "24"),
        ("America/Toronto", date(1919, 3, 30), "23.5"),  # jump from 23:30 to 00:30
        ("America/Toronto", date(1919, 3, 31), "23.5"),
    ],
)
def test_local_day_has_its_true_length(zone: str, day: date, hours: str) -> None:
    assert periods.local_day(day, ZoneInfo(zone)).hours == Decimal(hours)


def test_day_skipped_by_the_date_line_does_not_exist() -> None:
    apia = ZoneInfo("Pacific/Apia")
    with pytest.raises(periods.DayDoesNotExist, match="no 2011-12-30 in Pacific/Apia"):
        periods.local_day(date(2011, 12, 30), apia)
    december = periods.local_month(2011, 12, apia)
    assert december.hours == 30 * 24
    assert len(list(periods.days_of(december, apia))) == 30


@pytest.mark.parametrize(
    ("zone", "year", "month", "hours"),
    [
        ("Europe/Berlin", 2026, 10, 745),
        ("Europe/Berlin", 2026, 3, 743),
        ("Europe/Berlin", 2028, 2, 696),
        ("America/New_York", 2026, 12, 744),
        ("UTC", 2026, 10, 744),
    ],
)
def test_local_month_has_its_true_length(zone: str, year: int, month: int, hours: int) -> None:
    assert periods.local_month(year, month, ZoneInfo(zone)).hours == hours


def test_local_year_counts_both_clock_changes() -> None:
    assert periods.local_year(2026, BERLIN).hours == 8760
    assert periods.local_year(2028, BERLIN).hours == 8784


def test_october_day_of_the_clock_change_has_a_hundred_quarter_hours() -> None:
    quarters = list(periods.quarter_hours(periods.local_day(date(2026, 10, 25), BERLIN)))
    assert len(quarters) == 100
    assert all(before.end == after.start for before, after in pairwise(quarters))


def test_quarter_hours_are_whole_even_where_the_period_is_not() -> None:
    ragged = Period(START + timedelta(minutes=7), START + timedelta(minutes=31))
    assert [str(quarter) for quarter in periods.quarter_hours(ragged)] == [
        "2026-01-01T00:00Z/2026-01-01T00:15Z",
        "2026-01-01T00:15Z/2026-01-01T00:30Z",
        "2026-01-01T00:30Z/2026-01-01T00:45Z",
    ]


def test_gaps_are_what_is_left_open() -> None:
    covered = [hour(4, 6), hour(1, 2), hour(2, 3), hour(5, 7), hour(-3, 0), hour(30, 40)]
    assert periods.gaps(covered, hour(0, 10)) == [hour(0, 1), hour(3, 4), hour(7, 10)]
    assert periods.gaps([], hour(0, 1)) == [hour(0, 1)]
    assert periods.gaps([hour(-1, 2)], hour(0, 1)) == []


def test_months_of_a_period_are_cut_to_it() -> None:
    period = periods.local_days(date(2026, 1, 20), date(2026, 4, 3), BERLIN)
    months = list(periods.months_of(period, BERLIN))
    assert [month.hours for month in months] == [12 * 24, 28 * 24, 743, 47 + 1]
    assert months[0].start == period.start
    assert months[-1].end == period.end


@given(days, zones)
def test_days_follow_each_other_without_gap_or_overlap(day: date, zone: ZoneInfo) -> None:
    here, following = (periods.local_midnight(day + timedelta(days=n), zone) for n in (0, 1))
    assert here <= following
    assert periods.local_date(here, zone) >= day
    assert periods.local_date(here - timedelta(seconds=1), zone) < day


@given(stretches(), zones)
def test_days_of_a_period_are_the_period(period: Period, zone: ZoneInfo) -> None:
    parts = list(periods.days_of(period, zone))
    assert parts[0].start == period.start
    assert parts[-1].end == period.end
    assert all(before.end == after.start for before, after in pairwise(parts))


@given(stretches(), zones)
def test_months_of_a_period_are_the_period(period: Period, zone: ZoneInfo) -> None:
    parts = list(periods.months_of(period, zone))
    assert parts[0].start == period.start
    assert parts[-1].end == period.end
    assert all(before.end == after.start for before, after in pairwise(parts))


@given(instants, zones)
def test_every_instant_lies_in_its_day_and_month(at: datetime, zone: ZoneInfo) -> None:
    assert periods.day_of(at, zone).contains(at)
    assert periods.month_of(at, zone).contains(at)
    assert periods.quarter_of(at).contains(at)


@given(st.lists(stretches(24), max_size=8), stretches())
def test_covered_and_gaps_fill_the_whole(covered: list[Period], within: Period) -> None:
    open_time = sum((gap.duration for gap in periods.gaps(covered, within)), timedelta())
    inside = [part for period in periods.merged(covered) if (part := period.overlap(within))]
    assert open_time + sum((part.duration for part in inside), timedelta()) == within.duration
    assert not any(gap.overlaps(part) for gap in periods.gaps(covered, within) for part in inside)


@given(stretches(), stretches())
def test_overlap_is_mutual_and_inside_both(one: Period, other: Period) -> None:
    shared = one.overlap(other)
    assert shared == other.overlap(one)
    assert (shared is not None) == one.overlaps(other)
    if shared:
        assert one.covers(shared)
        assert other.covers(shared)
