"""The whole chain, with the processes that a real installation runs: devices, a worker, its schedule.

Nothing is called that a person or the schedule would not call: the demo is built, its field devices answer on
sockets, a Celery worker polls them, a fault raises an alarm and an incident, the month with an outage is billed
and shows what it cost, and the pack that a worker builds can be checked by anyone.
"""

import datetime as dt
import time
from collections.abc import Callable
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from compliance.models.incidents import Incident
from compliance.models.packs import AuditPack
from contracts.models import Contract, Invoice, SlaResult
from demo.seed import building, people
from demo.seed.story import Story
from demo.sites import NETWORK, POOL
from hosting.models import Device
from tests.programs import program
from tests.waiting import wait_for
from thermal.models import Alarm, AlarmRule, DeviceProbe, HeatInterval, TelemetryFrame
from thermal.models.ledger import Quality
from thermal.queries.commissioning import standing_acceptance
from thermal.services import commissioning

pytestmark = pytest.mark.django_db(transaction=True)

# Enough for the last whole month, whatever the day of the month is.
LEAST_HISTORY = dt.timedelta(days=32)
PATIENCE_S = 90


def worker(schedule: Path) -> tuple[str, ...]:
    """A worker of every queue, with the schedule."""
    queues = ("-Q", "poll,settle,default", "-c", "2", "-B", "-s", str(schedule))
    return ("-m", "celery", "-A", "portal", "worker", "--loglevel", "WARNING", *queues)


def build() -> Story:
    """The demo up to now; its month is left to be billed."""
    now = timezone.now()
    var = settings.VAR_DIR
    building.build_people(var=var, now=now)
    story = building.build_plant(var=var, now=now, least_history=LEAST_HISTORY)
    building.build_inventory(story=story)
    building.build_history(var=var, now=now, say=lambda _text: None)
    building.build_ledger(now=now)
    return story


def run(*command: str) -> str:
    """What a command printed; a failing one fails the test."""
    printed = StringIO()
    call_command(*command, stdout=printed)
    return printed.getvalue()


def test_from_a_field_device_to_an_audit_pack(tmp_path: Path) -> None:
    story = build()
    AlarmRule.objects.update(on_delay_s=1, off_delay_s=1)
    with ExitStack() as running:
        running.enter_context(program("manage.py", "run_plant", "--first-port", "0"))
        running.enter_context(program(*worker(tmp_path / "schedule")))
        every_device_is_polled()
        a_technician_looks_at_the_billing_meter()
        a_fault_raises_an_alarm_and_an_incident()
        the_month_is_billed_with_what_the_outage_cost(story)
        a_worker_builds_a_pack_that_verifies(story, tmp_path)
    assert "BROKEN" not in run("check_invariants")


def every_device_is_polled() -> None:
    started_at = timezone.now()
    count = Device.objects.filter(enabled=True).count()

    def polled() -> bool:
        fresh = TelemetryFrame.objects.filter(at__gte=started_at).values("device").distinct()
        return fresh.count() == count

    eventually(polled, "every device answered")


def a_technician_looks_at_the_billing_meter() -> None:
    """It was accepted where it answers now, and a worker shows its telegram beside the values."""
    device = Device.objects.get(code=f"{POOL.code.lower()}-delivered-heat")
    accepted = standing_acceptance(device)
    assert accepted is not None
    assert accepted.port == device.controller.port
    probe = commissioning.ask_for_probe(device=device, by=people.account_of("engineer"), now=timezone.now())
    eventually(lambda: DeviceProbe.objects.filter(pk=probe.pk, told_at__isnull=False).exists(), "a look at the meter")
    probe.refresh_from_db()
    assert device.meter is not None
    assert probe.identification == device.meter.serial
    assert all(row["raw"] for row in probe.told if row["value"] is not None)


def a_fault_raises_an_alarm_and_an_incident() -> None:
    """The path that rejects heat without the offtaker fails: the highest alarm there is."""
    before = set(Alarm.objects.values_list("pk", flat=True))
    fault = ("plant", "--fault", "dry-cooler-fan", "--site", NETWORK.code)
    new = Alarm.objects.exclude(pk__in=before).filter(site__code=NETWORK.code, rule__key="rejection-capacity-1")
    run(*fault)
    eventually(new.filter(state=Alarm.State.UNACKNOWLEDGED).exists, "an alarm")
    eventually(Incident.objects.filter(alarm__in=new).exists, "an incident")
    run(*fault, "--clear")
    eventually(new.filter(state=Alarm.State.RETURNED).exists, "the alarm returned")


def the_month_is_billed_with_what_the_outage_cost(story: Story) -> None:
    month_on = story.last_month_on
    contract = Contract.objects.get(delivery_point__site__code=POOL.code)
    printed = run("bill", "--month", f"{month_on:%Y-%m}", "--contract", contract.number, "--issue")
    assert "1 issued" in printed
    result = SlaResult.objects.get(contract=contract, month_on=month_on, is_latest=True)
    assert result.failed_minutes > 0, "the pump failure of the month costs availability"
    invoice = Invoice.objects.get(contract=contract, month_on=month_on)
    assert invoice.number is not None
    run("reproduce_invoice", invoice.number)
    ledger = HeatInterval.objects.filter(
        delivery_point=contract.delivery_point, start__gte=invoice.starts_at, start__lt=invoice.ends_at
    )
    heat = sum((row.heat_kwh for row in ledger.exclude(quality=Quality.MISSING) if row.heat_kwh), start=0)
    assert heat == invoice.heat_kwh, "the ledger and the bill come from the same registers"


def a_worker_builds_a_pack_that_verifies(story: Story, folder: Path) -> None:
    building.order_pack(story=story, now=timezone.now())

    def built() -> AuditPack | None:
        return AuditPack.objects.filter(state=AuditPack.State.READY).first()

    eventually(built, "the pack")
    pack = AuditPack.objects.get()
    file = folder / "pack.zip"
    with default_storage.open(pack.storage_name) as stored:
        file.write_bytes(stored.read())
    assert run("verify_pack", str(file), "--sha256", pack.sha256).startswith("OK")
    assert pack.asked_by == people.account_of("compliance")


def eventually(look: Callable[[], object], what: str) -> None:
    """Wait for what the other processes do, and say what did not come."""
    begun = time.monotonic()
    try:
        wait_for(look, seconds=PATIENCE_S)
    except AssertionError:
        pytest.fail(f"{what}: not within {time.monotonic() - begun:.0f} s")
