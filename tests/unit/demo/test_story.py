"""The story fits the day on which the demo is built, whichever day that is."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from demo.plant.faults import Fault
from demo.seed.story import LEAST_HISTORY, Story

INSTANTS = st.datetimes(
    min_value=dt.datetime(2026, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=dt.datetime(2032, 1, 1),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)


@given(INSTANTS)
def test_history_begins_in_time_and_holds_two_whole_months(built_at: dt.datetime) -> None:
    story = Story(built_at=built_at)
    assert LEAST_HISTORY < built_at - story.epoch < LEAST_HISTORY + dt.timedelta(days=34)
    assert story.first_month_on <= story.month_before_on < story.last_month_on < built_at.date()


@given(INSTANTS)
def test_all_events_lie_in_the_past_and_in_order(built_at: dt.datetime) -> None:
    story = Story(built_at=built_at)
    assert all(story.epoch < event.starts_at < event.ends_at < built_at for event in story.events)
    assert sorted(event.starts_at for event in story.events) == [event.starts_at for event in story.events]


@given(INSTANTS)
def test_the_last_month_has_a_failure_and_announced_work(built_at: dt.datetime) -> None:
    story = Story(built_at=built_at)
    faults = {event.fault for event in story.events if event.starts_at.date().replace(day=1) == story.last_month_on}
    assert {Fault.PUMP_FAILURE, Fault.MAINTENANCE, Fault.METER_SILENT} <= faults


def test_a_story_told_again_is_the_same_story() -> None:
    built_at = dt.datetime(2026, 11, 22, 21, 5, tzinfo=dt.UTC)
    assert Story(built_at=built_at).events == Story(built_at=built_at).events
