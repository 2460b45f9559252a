"""Alarms raised from recorded values, in a real PostgreSQL."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from hosting.models import Measurement, Site
from tests.makers import hosting, thermal
from thermal import signals
from thermal.models import Alarm, AlarmRule
from thermal.models.alarms import Priority
from thermal.services import alarms, rules

pytestmark = pytest.mark.django_db

T0 = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def partitions() -> None:
    thermal.make_partitions(T0, months=3)


@pytest.fixture
def news() -> Iterator[list[tuple[str, Alarm]]]:
    heard: list[tuple[str, Alarm]] = []

    def on_raise(alarm: Alarm, **_: Any) -> None:
        heard.append(("raised", alarm))

    def on_return(alarm: Alarm, **_: Any) -> None:
        heard.append(("returned", alarm))

    signals.alarm_raised.connect(on_raise)
    signals.alarm_returned.connect(on_return)
    yield heard
    signals.alarm_raised.disconnect(on_raise)
    signals.alarm_returned.disconnect(on_return)


@pytest.fixture
def rule() -> AlarmRule:
    return thermal.make_rule()


@pytest.fixture
def user() -> User:
    return User.objects.create_user("operator@example.test")


def see(rule: AlarmRule, minute: int, value: float | None) -> None:
    """One poll: a frame is stored and the rules of its device are judged."""
    assert rule.measurement is not None
    at = T0 + minute * MINUTE
    thermal.make_frame(rule.measurement.device, at, [value])
    alarms.evaluate(now=at, devices=[rule.measurement.device_id])


def test_a_value_above_its_limit_raises_one_alarm(
    rule: AlarmRule, news: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        for minute in range(4):
            see(rule, minute, 51.0)
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.value, alarm.limit_value, alarm.unit) == ("unack", 51.0, 50.0, "°C")
    assert alarm.raised_at == T0 + MINUTE
    assert [(what, who) for what, who in news] == [("raised", alarm)]
    assert "too high" in alarm.message


def test_it_returns_below_the_deadband_and_closes_when_acknowledged(rule: AlarmRule, user: User) -> None:
    for minute, value in enumerate([51.0, 51.0, 49.0, 49.0, 47.0, 47.0]):
        see(rule, minute, value)
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.returned_at) == ("rtn", T0 + 5 * MINUTE)
    alarms.acknowledge(alarm=alarm, by=user, note="Valve was stuck.", now=T0 + 9 * MINUTE)
    alarm.refresh_from_db()
    assert (alarm.state, alarm.closed_at, alarm.acknowledged_by) == ("closed", T0 + 9 * MINUTE, user)
    states = list(alarm.transitions.order_by("pk").values_list("from_state", "to_state", "note"))
    assert states == [("", "unack", ""), ("unack", "rtn", ""), ("rtn", "closed", "Valve was stuck.")]


def test_an_acknowledged_alarm_closes_when_it_returns(rule: AlarmRule, user: User) -> None:
    see(rule, 0, 51.0)
    see(rule, 1, 51.0)
    alarms.acknowledge(alarm=Alarm.objects.get(), by=user, now=T0 + 2 * MINUTE)
    see(rule, 3, 40.0)
    see(rule, 4, 40.0)
    assert Alarm.objects.get().state == "closed"


def test_a_second_occurrence_after_closing_is_a_new_row(rule: AlarmRule, user: User) -> None:
    test_an_acknowledged_alarm_closes_when_it_returns(rule, user)
    see(rule, 5, 51.0)
    see(rule, 6, 51.0)
    assert Alarm.objects.count() == 2


def test_a_returned_alarm_that_comes_again_counts_up(rule: AlarmRule) -> None:
    for minute, value in enumerate([51.0, 51.0, 40.0, 40.0, 51.0, 51.0]):
        see(rule, minute, value)
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.occurrence_count) == ("unack", 2)


def test_acknowledging_twice_is_refused(rule: AlarmRule, user: User) -> None:
    alarm = thermal.make_alarm(rule)
    alarms.acknowledge(alarm=alarm, by=user, now=T0)
    with pytest.raises(alarms.AlarmNeedsNoAcknowledgement):
        alarms.acknowledge(alarm=alarm, by=user, now=T0)


def test_a_missing_value_changes_nothing(rule: AlarmRule) -> None:
    see(rule, 0, 51.0)
    see(rule, 1, None)
    assert not Alarm.objects.exists()


def test_a_silent_device_is_noticed_by_the_sweep(news: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    rule = thermal.make_rule(kind=AlarmRule.Kind.NO_DATA, limit_value=300.0, on_delay_s=0, off_delay_s=0)
    device = rule.device
    assert device is not None
    device.last_success_at = T0
    device.save()
    assert alarms.evaluate(now=T0 + 4 * MINUTE) == 0
    with django_capture_on_commit_callbacks(execute=True):
        assert alarms.evaluate(now=T0 + 6 * MINUTE) == 1
    device.last_success_at = T0 + 7 * MINUTE
    device.save()
    with django_capture_on_commit_callbacks(execute=True):
        assert alarms.evaluate(now=T0 + 8 * MINUTE, devices=[device.pk]) == 1
    assert [what for what, _ in news] == ["raised", "returned"]


def test_a_device_that_never_answered_is_silent() -> None:
    thermal.make_rule(kind=AlarmRule.Kind.NO_DATA, limit_value=None, on_delay_s=0)
    alarms.evaluate(now=T0)
    assert Alarm.objects.get().value is None


def test_announced_work_keeps_it_quiet_until_the_work_is_over(
    rule: AlarmRule, news: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    outage = hosting.make_outage(rule.site, starts_at=T0 - MINUTE, ends_at=T0 + 5 * MINUTE)
    with django_capture_on_commit_callbacks(execute=True):
        see(rule, 0, 51.0)
        see(rule, 1, 51.0)
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.suppressed_by, news) == ("ack", outage, [])
    with django_capture_on_commit_callbacks(execute=True):
        see(rule, 5, 51.0)
    alarm.refresh_from_db()
    assert (alarm.state, alarm.suppressed_by, news) == ("unack", None, [("raised", alarm)])


def test_a_called_off_outage_keeps_nothing_quiet(rule: AlarmRule) -> None:
    hosting.make_outage(rule.site, starts_at=T0 - MINUTE, ends_at=T0 + 5 * MINUTE, cancelled_at=T0 - MINUTE)
    see(rule, 0, 51.0)
    see(rule, 1, 51.0)
    assert Alarm.objects.get().state == "unack"


def test_a_rule_for_demand_sleeps_without_demand() -> None:
    point = hosting.make_delivery_point()
    device = thermal.make_plant_device(
        point.site, [Measurement.Role.SUPPLY_TEMPERATURE, Measurement.Role.DEMAND], delivery_point=point
    )
    low, high = rules.set_supply_band_rule(delivery_point=point, low_c=38.0, high_c=43.0, by=None, now=T0)
    assert (low.limit_value, high.limit_value, low.only_on_demand) == (38.0, 43.0, True)
    for minute in range(0, 20, 5):
        thermal.make_frame(device, T0 + minute * MINUTE, [30.0, 0])
        alarms.evaluate(now=T0 + minute * MINUTE)
    assert not Alarm.objects.exists()
    for minute in range(20, 40, 5):
        thermal.make_frame(device, T0 + minute * MINUTE, [30.0, 1])
        alarms.evaluate(now=T0 + minute * MINUTE)
    assert Alarm.objects.get().rule == low


def test_a_new_promise_moves_the_limits() -> None:
    point = hosting.make_delivery_point()
    assert rules.set_supply_band_rule(delivery_point=point, low_c=38.0, high_c=43.0, by=None, now=T0) == []
    thermal.make_plant_device(point.site, [Measurement.Role.SUPPLY_TEMPERATURE], delivery_point=point)
    for low_c in (38.0, 40.0):
        rules.set_supply_band_rule(delivery_point=point, low_c=low_c, high_c=45.0, by=None, now=T0)
    assert list(AlarmRule.objects.order_by("limit_value").values_list("limit_value", flat=True)) == [40.0, 45.0]


def test_every_site_starts_with_rules(site: Site) -> None:
    thermal.make_plant_device(site, [Measurement.Role.LEAK, Measurement.Role.REJECTION_CAPACITY])
    first = rules.ensure_default_rules(site=site, by=None, now=T0)
    assert [rule.kind for rule in first] == ["no_data", "high", "low"]
    assert first[1].priority == Priority.HIGH
    AlarmRule.objects.filter(kind="high").update(limit_value=7)
    assert [rule.pk for rule in rules.ensure_default_rules(site=site, by=None, now=T0)] == [r.pk for r in first]
    assert AlarmRule.objects.get(kind="high").limit_value == 7


@pytest.fixture
def site() -> Site:
    return hosting.make_site()


def test_the_database_keeps_one_open_alarm_per_rule(rule: AlarmRule) -> None:
    thermal.make_alarm(rule)
    with pytest.raises(IntegrityError, match="alarm_one_open_per_rule"), transaction.atomic():
        thermal.make_alarm(rule)


def test_the_database_wants_a_time_of_closing(rule: AlarmRule) -> None:
    with pytest.raises(IntegrityError, match="alarm_closed_has_time"), transaction.atomic():
        thermal.make_alarm(rule, state="closed")


def test_the_database_wants_something_to_watch() -> None:
    with pytest.raises(IntegrityError, match="alarm_rule_watches_something"), transaction.atomic():
        thermal.make_rule(measurement=None)


def test_a_changed_limit_stays_in_the_history_and_judging_writes_none(rule: AlarmRule) -> None:
    rule.limit_value = 48.0
    rule.save()
    see(rule, 0, 47.0)
    events = AlarmRule.pgh_event_model.objects.filter(pgh_obj=rule).order_by("pgh_id")  # type: ignore[attr-defined]
    assert list(events.values_list("pgh_label", "limit_value")) == [("created", 50.0), ("changed", 48.0)]
