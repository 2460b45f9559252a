"""The demo is built by the portal's own services, once, and goes on where it stopped."""

import datetime as dt
import stat
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.db.models import Count, Max, Min

from accounts.models import User
from accounts.services import demo as demo_mark
from compliance.models.maintenance import Task
from contracts.models import Contract, Invoice
from demo.devices.meters import show_heat
from demo.field import INSTALLATIONS
from demo.record import PlantRecord
from demo.seed import building, people
from demo.seed.people import LOGINS_FILE, PEOPLE
from demo.seed.story import Story
from hosting.models import Device, Meter, PlannedOutage, Site
from thermal.models import Alarm, HeatInterval, MeterReading, SiteInterval, TelemetryFrame

BUILT_AT = dt.datetime(2026, 3, 2, 4, 7, tzinfo=dt.UTC)
SHORT = dt.timedelta(days=1)
TABLES = (Site, Device, Meter, Contract, Invoice, Task, Alarm, TelemetryFrame, MeterReading, PlannedOutage, User)


def build(var: Path, now: dt.datetime) -> Story:
    """Everything but the pack, which a worker builds."""
    building.build_people(var=var, now=now)
    story = building.build_plant(var=var, now=now, least_history=SHORT)
    building.build_inventory(story=story)
    building.build_history(var=var, now=now, say=lambda _text: None)
    building.build_ledger(now=now)
    building.build_alarms(story=story)
    building.build_records(story=story)
    building.build_bills(story=story, now=now)
    return story


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: Any, var: Path) -> Iterator[Story]:
    """The demo, built once for the tests below, each of which works in a savepoint of this transaction."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(var, BUILT_AT)
        transaction.set_rollback(True)


@pytest.fixture
def story(built: Story, db: None) -> Story:
    return built


def counts() -> dict[str, int]:
    return {table.__name__: table.objects.count() for table in TABLES}


def test_three_sites_have_contracts_meters_and_a_ledger(story: Story) -> None:
    assert Site.objects.count() == Contract.objects.filter(state="active").count() == 3
    settled = HeatInterval.objects.values("delivery_point").annotate(n=Count("*"), first=Min("start"))
    assert [row["n"] for row in settled] == [(BUILT_AT - story.epoch) // dt.timedelta(minutes=15)] * 3
    assert {row["first"] for row in settled} == {story.epoch}


def test_the_ledger_closes_the_heat_balance(story: Story) -> None:
    for site in Site.objects.all():
        rows = SiteInterval.objects.filter(site=site)
        heat_in = sum((row.captured_kwh or 0.0) + (row.heat_pump_kwh or 0.0) for row in rows)
        heat_out = sum(
            (row.delivered_kwh or 0.0) + (row.rejected_kwh or 0.0) + (row.buffer_change_kwh or 0.0) for row in rows
        )
        assert heat_in > 1_000.0
        assert heat_out == pytest.approx(heat_in, rel=0.01)


def test_building_again_at_once_changes_nothing(story: Story, var: Path) -> None:
    before = counts()
    assert build(var, BUILT_AT) == story
    assert counts() == before


def test_the_time_since_is_filled_without_a_jump(story: Story, var: Path) -> None:
    later = BUILT_AT + dt.timedelta(hours=30)
    build(var, later)
    record = PlantRecord(var / building.FOLDER)
    (var / building.FOLDER / "checkpoints.json").unlink()
    for installation in INSTALLATIONS:
        billing = installation.billing_meter
        readings = list(MeterReading.objects.filter(meter__serial=billing.serial).order_by("at"))
        gaps = {after.at - before.at for before, after in pairwise(readings)}
        assert gaps == {dt.timedelta(minutes=15)}
        energies = [reading.energy_kwh or Decimal(0) for reading in readings]
        assert energies == sorted(energies)
        last = readings[-1]
        shown = show_heat(billing, record.timeline(installation.plant).at(last.at.timestamp()), story.epoch.timestamp())
        assert (last.energy_kwh, last.volume_m3) == (shown.energy_kwh, shown.volume_m3)


def test_every_device_was_heard_at_the_moment_of_building(story: Story) -> None:
    latest = TelemetryFrame.objects.values("device").annotate(at=Max("at"))
    assert len(latest) == Device.objects.count()
    assert {row["at"] for row in latest} == {BUILT_AT}


@time_machine.travel(BUILT_AT, tick=False)
def test_an_offtaker_sees_the_own_contract_only(story: Story) -> None:
    for person in PEOPLE:
        user = User.objects.get(email=person.email)
        seen = Contract.objects.visible_to(user).count()
        assert seen == (1 if person.audience else 3), person.email


def test_logins_are_kept_for_their_owner_only(story: Story, var: Path) -> None:
    path = var / LOGINS_FILE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert demo_mark.is_marked()
    first = people.ensure_people(var=var, now=BUILT_AT)
    assert people.ensure_people(var=var, now=BUILT_AT) == first
    assert all(User.objects.get(email=login.email).check_password(login.password) for login in first)


def test_a_lost_list_of_logins_is_drawn_anew(story: Story, var: Path) -> None:
    before = {login.email: login.password for login in people.ensure_people(var=var, now=BUILT_AT)}
    (var / LOGINS_FILE).unlink()
    for login in people.ensure_people(var=var, now=BUILT_AT):
        assert login.password != before[login.email]
        assert User.objects.get(email=login.email).check_password(login.password)


def test_a_demo_whose_plant_is_lost_is_refused(story: Story, tmp_path: Path) -> None:
    with pytest.raises(building.PlantIsLost):
        building.build_plant(var=tmp_path, now=BUILT_AT)


def test_what_was_due_is_done_with_evidence(story: Story) -> None:
    done = Task.objects.filter(state="done")
    assert all(task.documents.exists() for task in done if task.needs_document)
    assert Task.objects.filter(state="open").exists()
