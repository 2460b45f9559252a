"""Clocks, leases and what comes late."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosting.models import Controller, Measurement
from tests.integration.thermal.test_polling import MINUTE, NOW, mbus_device, poll
from tests.makers import field, hosting, thermal
from tests.makers.field import BusMeter, Gateway
from thermal.domain import pacing
from thermal.models import DirtyMark
from thermal.services import polling, recording
from thermal.services.recording import NewFrame

HOUR = dt.timedelta(hours=1)
"""The meter shows the winter time of its site."""
pytestmark = pytest.mark.django_db


def clock_record(at: dt.datetime) -> str:
    """The record by which a meter tells what its clock shows (type F, EN 13757-3)."""
    year = at.year - 2000
    return bytes([0x04, 0x6D, at.minute, at.hour, at.day | (year & 7) << 5, at.month | (year >> 3) << 4]).hex()


@pytest.mark.parametrize(
    ("offset_s", "told"),
    [(-3600, "3600 s behind"), (-240, "240 s behind"), (-120, ""), (120, ""), (240, "240 s ahead")],
)
def test_a_clock_that_is_off_by_more_than_three_minutes_is_told(offset_s: int, told: str) -> None:
    now = NOW.replace(second=0)
    records = "04 06 01 00 00 00" + clock_record(now + HOUR + dt.timedelta(seconds=offset_s))
    with field.mbus_gateway(Gateway({1: BusMeter([field.telegram_of(records)])})) as port:
        device = mbus_device(port)
        poll(now)
    device.refresh_from_db()
    assert device.clock_offset_s == pytest.approx(offset_s, abs=5)
    assert (told.rsplit(maxsplit=1)[-1] in device.last_error) if told else device.last_error.count("clock") == 0


@given(st.integers(1, 100_000))
def test_a_claim_holds_longer_than_asking_may_take(poll_s: int) -> None:
    limit_s = pacing.cycle_limit_s(every_s=poll_s)
    assert 10 <= limit_s <= 240
    assert limit_s <= max(10, poll_s)


@pytest.mark.parametrize("poll_s", [1, 13, 60, 300, 3600])
def test_the_lease_follows_the_polling_period(poll_s: int) -> None:
    controller = hosting.make_controller(poll_s=poll_s)
    polling.claim_due(now=NOW)
    controller.refresh_from_db()
    assert controller.claimed_until is not None
    held_s = (controller.claimed_until - NOW).total_seconds()
    assert held_s == pytest.approx(pacing.cycle_limit_s(every_s=poll_s) + pacing.LEASE_MARGIN_S)


def test_controllers_of_one_period_are_spread_over_it() -> None:
    site = hosting.make_site()
    made = Controller.objects.bulk_create(
        Controller(site=site, code=f"c{n}", protocol="modbus_tcp", host=f"127.2.0.{n}", port=1) for n in range(120)
    )
    seconds = [pacing.next_poll_at(now=NOW, every_s=60, number=c.pk).second for c in made]
    assert max(map(seconds.count, seconds)) == 2


def test_what_comes_late_marks_its_own_quarter_hour_and_those_up_to_its_neighbors() -> None:
    site = hosting.make_site()
    device = thermal.make_plant_device(site, [Measurement.Role.IT_POWER])
    thermal.make_partitions(NOW, months=1)

    def stored(at: dt.datetime) -> int:
        frame = NewFrame(device.pk, at, device.profile_id, [1.0])
        return recording.record_frames(frames=[frame], now=NOW)

    at = NOW.replace(minute=7)
    for later in (20, 40):
        stored(at - dt.timedelta(hours=2) + later * MINUTE)
    DirtyMark.objects.all().delete()
    assert stored(at - dt.timedelta(hours=2) + 30 * MINUTE) == 1
    marked = sorted((mark.start.hour, mark.start.minute) for mark in DirtyMark.objects.all())
    assert marked == [(18, 15), (18, 30), (18, 45)]
    DirtyMark.objects.all().delete()
    assert stored(at - dt.timedelta(hours=2) + 30 * MINUTE) == 0
    assert not DirtyMark.objects.exists(), "what was stored before changes nothing"
