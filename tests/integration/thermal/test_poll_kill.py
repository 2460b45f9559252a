"""Killing a polling worker loses and doubles nothing."""

import asyncio
import datetime as dt
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.utils import timezone

from hosting.models import Controller, Device, Meter
from tests import programs, waiting
from tests.makers import field, hosting
from tests.makers.field import BusMeter, Gateway
from thermal import tasks
from thermal.models import MeterReading, TelemetryFrame
from thermal.services import polling

pytestmark = pytest.mark.django_db(transaction=True)
ENERGY = "04 06 E7 91 00 00"
LEASE = dt.timedelta(seconds=256)
"""Longer than a claim of a controller that is polled every hour holds."""


@contextmanager
def running_worker() -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that finds a tick of the schedule in its queue; killed when the block ends."""
    with programs.celery_worker("poll") as worker:
        tasks.poll_due.delay()
        yield worker


def wait_until(holds: Callable[[], bool], worker: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 120
    while not holds():
        assert worker.poll() is None, "the worker ended before it could be killed"
        assert time.monotonic() < deadline, "waited in vain"


def a_meter(port: int) -> Device:
    controller = hosting.make_controller(port=port, protocol="mbus_tcp", poll_s=3600, timeout_ms=20_000)
    profile = hosting.make_profile(
        [{"key": "energy-kwh", "quantity": "energy_kwh", "unit": "", "address": {}}], protocol="mbus_tcp"
    )
    return hosting.make_device(
        controller, unit_address="1", profile=profile, meter=hosting.make_meter(Meter.Kind.ELECTRICITY)
    )


def poll_at(now: dt.datetime) -> None:
    polling.poll_batch(batch=polling.claim_due(now=now), now=now)


def assert_everything_is_there_once(devices: list[Device]) -> None:
    assert sorted(TelemetryFrame.objects.values_list("device_id", flat=True)) == [device.pk for device in devices]
    assert sorted(MeterReading.objects.values_list("meter_id", flat=True)) == [device.meter_id for device in devices]
    assert set(MeterReading.objects.values_list("energy_kwh", flat=True)) == {Decimal(37351)}


def test_a_worker_killed_while_it_waits_for_a_device_leaves_the_rest_to_the_next_one() -> None:
    answers = threading.Event()

    async def hold_back(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
        await asyncio.get_running_loop().run_in_executor(None, answers.wait)
        writer.write(answer)

    prompt = Gateway({1: BusMeter([field.telegram_of(ENERGY)])})
    slow = Gateway({1: BusMeter([field.telegram_of(ENERGY)])}, send=hold_back)
    with field.mbus_gateway(prompt) as first, field.mbus_gateway(slow) as second:
        devices = [a_meter(first), a_meter(second)]
        with running_worker() as worker:
            wait_until(lambda: TelemetryFrame.objects.exists() and bool(slow.requests), worker)
        answers.set()
        waiting.wait_for(_nobody_works)
        assert TelemetryFrame.objects.get().device_id == devices[0].pk
        # Its own rhythm must not bring the first one round again while this test runs.
        Controller.objects.filter(claim_token=None).update(next_poll_at=timezone.now() + dt.timedelta(hours=1))
        poll_at(timezone.now())
        assert TelemetryFrame.objects.count() == 1, "the claim of the dead worker still holds"
        poll_at(timezone.now() + LEASE)
        assert_everything_is_there_once(devices)
        assert not Controller.objects.exclude(claim_token=None).exists()


def test_a_worker_killed_in_the_middle_of_storing_stores_nothing_of_it() -> None:
    with field.mbus_gateway(Gateway({1: BusMeter([field.telegram_of(ENERGY)])})) as port:
        device = a_meter(port)
        with transaction.atomic(), running_worker() as worker:
            # The worker's transaction has stored frame and reading when it comes to this row, and waits.
            Device.objects.select_for_update().get(pk=device.pk)
            wait_until(_somebody_waits, worker)
        waiting.wait_for(_nobody_works)
        assert not TelemetryFrame.objects.exists()
        assert not MeterReading.objects.exists()
        poll_at(timezone.now() + LEASE)
        assert_everything_is_there_once([device])


def _somebody_waits() -> bool:
    return _others("wait_event_type = 'Lock' AND query LIKE '%hosting_device%'") > 0


def _nobody_works() -> bool:
    """The server notices only at its next word that the killed worker is gone; until then its rows stay locked."""
    return _others("state <> 'idle'") == 0


def _others(condition: str) -> int:
    with connection.cursor() as cursor:
        # Within a transaction the activity is otherwise told as it was at the first look.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            f"WHERE datname = current_database() AND pid <> pg_backend_pid() AND {condition}"
        )
        return int(cursor.fetchone()[0])
