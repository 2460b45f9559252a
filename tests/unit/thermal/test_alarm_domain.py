"""The state machine of alarms, on plain values."""

import datetime as dt

import pytest

from thermal.domain.alarms import Event, State, Watch, holds, next_state

T0 = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    ("state", "event", "expected"),
    [
        (None, Event.RAISE, State.UNACKNOWLEDGED),
        (None, Event.RETURN, None),
        (State.UNACKNOWLEDGED, Event.ACKNOWLEDGE, State.ACKNOWLEDGED),
        (State.UNACKNOWLEDGED, Event.RETURN, State.RETURNED),
        (State.UNACKNOWLEDGED, Event.RAISE, None),
        (State.ACKNOWLEDGED, Event.RETURN, State.CLOSED),
        (State.ACKNOWLEDGED, Event.ACKNOWLEDGE, None),
        (State.RETURNED, Event.ACKNOWLEDGE, State.CLOSED),
        (State.RETURNED, Event.RAISE, State.UNACKNOWLEDGED),
        (State.CLOSED, Event.ACKNOWLEDGE, None),
    ],
)
def test_an_alarm_goes_only_where_the_table_says(state: State | None, event: Event, expected: State | None) -> None:
    assert next_state(state, event) == expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [("high", 50, True), ("high", 48, None), ("high", 47.9, False), ("low", 50, True), ("low", 52, None)],
)
def test_the_deadband_lies_on_the_good_side(kind: str, value: float, expected: bool | None) -> None:
    assert holds(kind, value, 50.0, 2.0) is expected


def test_a_condition_raises_only_after_its_delay() -> None:
    watch = Watch().observed(held=True, at=T0).observed(held=True, at=T0 + MINUTE)
    assert watch.event(T0 + MINUTE, on_delay=2 * MINUTE, off_delay=MINUTE) is None
    assert watch.event(T0 + 2 * MINUTE, on_delay=2 * MINUTE, off_delay=MINUTE) is Event.RAISE


def test_a_glance_inside_the_deadband_starts_the_wait_anew() -> None:
    watch = Watch().observed(held=True, at=T0).observed(held=None, at=T0 + MINUTE)
    watch = watch.observed(held=True, at=T0 + 2 * MINUTE)
    assert watch.condition_since == T0 + 2 * MINUTE


def test_it_returns_only_after_the_off_delay() -> None:
    watch = Watch(condition_since=T0).observed(held=False, at=T0 + MINUTE)
    assert watch.event(T0 + MINUTE, on_delay=MINUTE, off_delay=MINUTE) is None
    assert watch.event(T0 + 2 * MINUTE, on_delay=MINUTE, off_delay=MINUTE) is Event.RETURN
