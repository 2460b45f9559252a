"""Commissioning a device: a look over the wire, the display beside it, a verdict, and for how long it holds."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from accounts.models import Job
from hosting.models import Controller, Device, DeviceProfile
from hosting.services import metering, profiles
from hosting.services.metering import Registers
from kernel.periods import Period
from tests.makers import accounts, field, hosting, thermal
from tests.makers.commissioning import NOW, accept, make_meter_device, make_probe, told
from thermal.domain.commissioning import Typed
from thermal.models import DeviceAcceptance, DeviceProbe, MeterReading, TelemetryFrame
from thermal.queries import commissioning as queries
from thermal.services import commissioning

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)
RIGHT = Typed({0: Decimal(37351)})


def judge(device: Device, typed: Typed = RIGHT, *, probe: Any = None, note: str = "", **given: Any) -> DeviceAcceptance:
    look = make_probe(device, probe)
    return commissioning.accept_device(probe=look, typed=typed, note=note, by=None, now=given.get("now", NOW))


def test_a_worker_looks_at_the_device_and_keeps_registers_and_values_side_by_side() -> None:
    engineer = accounts.engineer()
    registers = {0: 0x0000, 1: 0x91E7, 4: 0x428C, 5: 0x0000}
    with field.modbus_server({1: {"hr": registers}}) as port:
        device = make_meter_device(controller=hosting.make_controller(port=port), unit_address="1")
        asked = commissioning.ask_for_probe(device=device, by=engineer, now=NOW)
        probe = commissioning.carry_out(probe_id=asked.pk, clock=lambda: NOW + MINUTE)
    assert probe.told_at == NOW + MINUTE
    rows = {row["quantity"]: (row["raw"], row["value"]) for row in probe.told}
    assert rows["energy_kwh"] == ("0000 91E7", "37351")
    assert rows["supply_c"] == ("428C 0000", "70")
    job = Job.objects.get()
    assert (job.state, job.message, job.asked_by) == (Job.State.DONE, "6 of 6 values", engineer)
    assert job.result_url == f"/inventory/devices/{device.pk}/commissioning/"
    assert not TelemetryFrame.objects.exists()
    assert commissioning.carry_out(probe_id=asked.pk, clock=lambda: NOW + 2 * MINUTE).told_at == NOW + MINUTE


def test_a_dead_device_is_a_look_with_its_reason_and_cannot_be_accepted() -> None:
    device = make_meter_device(controller=hosting.make_controller(port=field.free_port(), timeout_ms=200))
    asked = commissioning.ask_for_probe(device=device, by=None, now=NOW)
    probe = commissioning.carry_out(probe_id=asked.pk, clock=lambda: NOW)
    assert "No connection" in probe.error
    with pytest.raises(commissioning.DeviceToldNothing):
        commissioning.accept_device(probe=probe, typed=RIGHT, note="it will be fine", by=None, now=NOW)


def test_a_device_that_speaks_first_is_looked_at_by_what_it_told_last() -> None:
    placement = hosting.make_placement(meter=hosting.make_meter(register_step=Decimal(1)))
    profile = make_meter_device(placement).profile
    Device.objects.all().update(enabled=False)
    pushed = hosting.make_controller(placement.site, protocol="http_push", host="", port=None)
    device = hosting.make_device(pushed, meter=placement.meter, profile=profile)
    thermal.make_partitions(NOW, months=2)
    thermal.make_frame(device, NOW, [37351.0, 561.08, 70.0, 40.0, None, None])
    thermal.make_reading(placement.meter, NOW, "37351.1234")
    asked = commissioning.ask_for_probe(device=device, by=None, now=NOW)
    probe = commissioning.carry_out(probe_id=asked.pk, clock=lambda: NOW)
    values = {row["quantity"]: row["value"] for row in probe.told}
    assert (values["energy_kwh"], values["supply_c"], values["power_kw"]) == ("37351.1234", "70", None)


def test_an_acceptance_keeps_what_was_told_and_typed_and_under_which_facts() -> None:
    device, engineer = make_meter_device(), accounts.engineer()
    accepted = accept(device, by=engineer)
    assert (accepted.verdict, accepted.by, accepted.finding_codes) == ("accepted", engineer, [])
    accepted.refresh_from_db()
    assert accepted.typed["values"][0]["typed"] == "37351"
    assert (accepted.profile, accepted.meter, accepted.unit_address) == (
        device.profile,
        device.meter,
        device.unit_address,
    )
    assert queries.standing_acceptance(device) == accepted


def test_what_speaks_against_the_values_needs_a_note() -> None:
    device = make_meter_device()
    with pytest.raises(commissioning.DifferencesNeedNote):
        judge(device, Typed({0: Decimal(37300)}))
    with pytest.raises(commissioning.DifferencesNeedNote):
        judge(device, probe=told("37351", "561.08", "40.0", "70.0"))
    accepted = judge(device, Typed({0: Decimal(37300)}), note="The display shows tariff 1 only.")
    assert accepted.finding_codes == ["display_differs"]
    assert accepted.findings[0]["facts"]["steps"] == "51"


def test_the_display_of_a_meter_must_be_read() -> None:
    with pytest.raises(commissioning.DisplayNotRead):
        judge(make_meter_device(), Typed({}), note="no time")


def test_a_device_without_meter_is_accepted_without_a_display() -> None:
    device = hosting.make_device()
    probe = make_probe(device, told())
    assert commissioning.accept_device(probe=probe, typed=Typed({}), note="", by=None, now=NOW).meter is None


def test_a_serial_number_of_another_meter_needs_a_note() -> None:
    device = make_meter_device(hosting.make_placement(meter=hosting.make_meter(serial="67204418")))
    with pytest.raises(commissioning.DifferencesNeedNote):
        judge(device, probe=told(serial="67204419"))


def test_an_old_look_is_not_accepted() -> None:
    with pytest.raises(commissioning.LookIsTooOld):
        judge(make_meter_device(), now=NOW + dt.timedelta(hours=2))


def test_a_look_before_a_change_is_not_accepted() -> None:
    device = make_meter_device()
    probe = make_probe(device)
    device.unit_address = "77"
    device.save()
    with pytest.raises(commissioning.ReadOtherwiseNow):
        commissioning.accept_device(probe=probe, typed=RIGHT, note="", by=None, now=NOW)


def test_a_look_that_is_under_way_is_not_judged() -> None:
    probe = commissioning.ask_for_probe(device=make_meter_device(), by=None, now=NOW)
    for verdict in (commissioning.accept_device, commissioning.reject_device):
        with pytest.raises(commissioning.LookIsNotOver):
            verdict(probe=probe, typed=RIGHT, note="now", by=None, now=NOW)


def test_a_rejection_says_why_and_ends_the_acceptance() -> None:
    device = make_meter_device()
    accept(device)
    with pytest.raises(commissioning.RejectionNeedsNote):
        commissioning.reject_device(probe=make_probe(device), typed=RIGHT, note=" ", by=None, now=NOW + MINUTE)
    commissioning.reject_device(probe=make_probe(device), typed=RIGHT, note="Wrong display.", by=None, now=NOW + MINUTE)
    assert queries.standing_acceptance(device) is None


def move(device: Device) -> None:
    Controller.objects.filter(pk=device.controller_id).update(host="10.0.0.9")


def change_port(device: Device) -> None:
    Controller.objects.filter(pk=device.controller_id).update(port=2)


def change_unit(device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(unit_address="200")


def change_profile(device: Device) -> None:
    following = profiles.next_version(profile=DeviceProfile.objects.get(pk=device.profile_id), by=accounts.engineer())
    Device.objects.filter(pk=device.pk).update(profile=following)


def change_meter(device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(meter=hosting.make_meter())


def swap_meter(device: Device) -> None:
    assert device.meter is not None
    metering.swap_meter(
        placement=device.meter.placements.get(),
        successor=hosting.make_meter(),
        removed_at=NOW + MINUTE,
        fitted_at=NOW + 2 * MINUTE,
        final=Registers(Decimal(37352)),
        first=Registers(Decimal(0)),
        reason="verification",
        by=accounts.engineer(),
        now=NOW + 2 * MINUTE,
    )


@pytest.mark.parametrize("change", [move, change_port, change_unit, change_profile, change_meter, swap_meter])
def test_an_acceptance_lapses_with_the_facts_it_was_given_for(change: Any) -> None:
    device = make_meter_device()
    accept(device)
    change(device)
    fresh = Device.objects.select_related("controller").get(pk=device.pk)
    assert queries.standing_acceptance(fresh) is None
    assert DeviceAcceptance.objects.count() == 1


def test_a_new_name_or_pace_leaves_the_acceptance_alone() -> None:
    device = make_meter_device()
    accept(device)
    Device.objects.filter(pk=device.pk).update(name="Other", reading_s=60, circuit="open")
    assert queries.standing_acceptance(Device.objects.get(pk=device.pk)) is not None


def unaccepted(device: Device) -> list[str | None]:
    assert device.meter is not None
    period = Period(NOW - dt.timedelta(days=1), NOW + dt.timedelta(days=1))
    placements = device.meter.placements.order_by("valid_from")
    return [found.device.code if found.device else None for found in queries.unaccepted(placements, period)]


def test_polled_registers_need_an_accepted_device_and_imported_ones_do_not() -> None:
    thermal.make_partitions(NOW, months=2)
    device = make_meter_device()
    assert device.meter is not None
    thermal.make_reading(device.meter, NOW, 1, source=MeterReading.Source.IMPORT)
    assert unaccepted(device) == []
    thermal.make_reading(device.meter, NOW + MINUTE, 2)
    assert unaccepted(device) == [device.code]
    accept(device)
    assert unaccepted(device) == []


def test_a_meter_that_was_taken_away_is_judged_by_the_last_verdict_while_it_stood_there() -> None:
    thermal.make_partitions(NOW, months=2)
    seen, unseen = make_meter_device(), make_meter_device()
    accept(seen)
    for device in (seen, unseen):
        assert device.meter is not None
        thermal.make_reading(device.meter, NOW, 37351)
        swap_meter(device)
    assert unaccepted(seen) == []
    assert unaccepted(unseen) == [None]


def test_a_verdict_is_never_changed() -> None:
    accepted = accept(make_meter_device())
    with pytest.raises(DatabaseError, match="final"), transaction.atomic():
        DeviceAcceptance.objects.filter(pk=accepted.pk).update(verdict="rejected")
    with pytest.raises(DatabaseError, match="final"), transaction.atomic():
        DeviceAcceptance.objects.filter(pk=accepted.pk).delete()


def acceptance(**fields: Any) -> DeviceAcceptance:
    device = make_meter_device()
    facts: dict[str, Any] = {"verdict": "accepted", "at": NOW, "told_at": NOW, "told": {}, "typed": {}, "findings": []}
    wiring = queries.wiring_of(device).as_json()
    return DeviceAcceptance(device=device, **wiring, **facts | fields)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"verdict": "rejected"}, "acceptance_explains_differences"),
        ({"finding_codes": ["clock_off"]}, "acceptance_explains_differences"),
        ({"told_at": NOW + MINUTE}, "acceptance_after_the_look"),
    ],
)
def test_the_database_refuses_a_verdict_without_reason(fields: dict[str, Any], constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        acceptance(**fields).save()


def test_the_database_refuses_an_answer_before_the_question() -> None:
    with pytest.raises(IntegrityError, match="device_probe_told_after_asked"), transaction.atomic():
        DeviceProbe.objects.create(device=hosting.make_device(), asked_at=NOW, told_at=NOW - MINUTE)


def test_looks_are_tidied_away_and_verdicts_stay() -> None:
    device = make_meter_device()
    accept(device)
    commissioning.ask_for_probe(device=device, by=None, now=NOW + dt.timedelta(days=8))
    assert DeviceProbe.objects.count() == 1
    assert queries.standing_acceptance(device) is not None
