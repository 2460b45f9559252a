"""The nightly check finds each kind of violation, and nothing in a sound portal."""

import datetime as dt
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from contracts.models import BilledMark, Contract, Invoice, TrueUp
from contracts.services import billing, crediting, true_ups
from kernel.periods import Period
from portal import invariants
from tests.makers import accounts, hosting, thermal
from tests.makers import billing as make
from tests.makers import commissioning as devices
from tests.tampering import without_triggers
from thermal.models import Alarm, MeterReading, SiteInterval
from thermal.services import settlement

pytestmark = pytest.mark.django_db

NOW = make.NOVEMBER_2


@pytest.fixture
def contract() -> Contract:
    """A contract whose October is billed."""
    billable, _placement = make.billable()
    billing.run_month(month_on=make.OCTOBER, by=None, now=NOW, issue=True)
    return billable


def broken() -> set[int]:
    return {finding.invariant.number for finding in invariants.check(now=NOW) if finding.violations}


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def test_a_sound_portal_passes(contract: Contract) -> None:
    assert Invoice.objects.filter(contract=contract, state="issued").count() == 1
    assert broken() == set()
    call_command("check_invariants")


def test_a_billed_month_that_nobody_looked_at_is_found(contract: Contract) -> None:
    BilledMark.objects.create(contract=contract, month_on=make.OCTOBER, marked_at=NOW - dt.timedelta(hours=2))
    assert broken() == set()
    BilledMark.objects.create(contract=contract, month_on=make.OCTOBER, marked_at=NOW - dt.timedelta(days=2))
    assert broken() == {3}


def test_a_cancelled_month_that_nobody_bills_again_is_found(contract: Contract) -> None:
    invoice = Invoice.objects.get(contract=contract)
    credit = crediting.propose_credit(invoice=invoice, reason="Wrong address", by=accounts.billing_clerk(), now=NOW)
    crediting.approve_credit(credit=credit, by=accounts.approver(), now=NOW)
    assert broken() == set()
    true_ups.examine_marked(now=NOW)
    assert broken() == set()
    TrueUp.objects.update(state=TrueUp.State.AGREES)
    assert broken() == {3}


@pytest.mark.parametrize(
    ("number", "table", "sql"),
    [
        (1, "contracts_numberseries", "UPDATE contracts_numberseries SET last_number = last_number + 1"),
        (1, "contracts_invoicedocument", "UPDATE contracts_invoicedocument SET pdf = 'other'"),
        (2, "contracts_invoiceline", "UPDATE contracts_invoiceline SET net_amount = net_amount + 1 WHERE position = 1"),
        (8, "hosting_meter", "UPDATE hosting_meter SET verified_until_on = '2026-10-15'"),
    ],
)
def test_a_changed_row_is_found(contract: Contract, number: int, table: str, sql: str) -> None:
    with without_triggers(table):
        run(sql)
    assert broken() == {number}
    with pytest.raises(CommandError, match="violations"):
        call_command("check_invariants")


def test_a_day_billed_twice_is_found(contract: Contract) -> None:
    billing.run_month(month_on=make.OCTOBER, by=None, now=NOW, issue=True)
    with without_triggers("contracts_invoice"):
        run(
            "INSERT INTO contracts_invoice SELECT (i).* FROM (SELECT jsonb_populate_record(v, "
            "jsonb_build_object('id', v.id + 1, 'month_on', '2026-11-01', 'number', 'again', 'sequence_number', 2)) i "
            "FROM contracts_invoice v) copies"
        )
    assert 4 in broken()


def test_a_ledger_row_that_was_changed_by_hand_is_found() -> None:
    thermal.make_partitions(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    placement = hosting.make_placement()
    start = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    quarters = [(start + n * dt.timedelta(minutes=15), n) for n in range(5)]
    thermal.make_readings(placement.meter, quarters)
    period = Period(start, quarters[-1][0])
    settlement.settle_period(site=placement.site, period=period, now=NOW)
    assert broken() == set()
    run("UPDATE thermal_heatinterval SET heat_kwh = heat_kwh + 1")
    assert broken() == {6}
    assert SiteInterval.objects.filter(site=placement.site).count() == 4


def test_heat_that_nobody_made_is_found() -> None:
    site = hosting.make_site(lifecycle="retired")
    common = {"site": site, "rule_version": 1, "settled_at": NOW}
    SiteInterval.objects.create(start=NOW, it_kwh=10.0, delivered_kwh=9.9, **common)
    assert broken() == set()
    SiteInterval.objects.filter(site=site).update(delivered_kwh=10.5)
    assert broken() == {9}


def test_an_open_alarm_that_nobody_looks_after_is_found() -> None:
    rule = thermal.make_rule(evaluated_at=NOW)
    alarm = thermal.make_alarm(rule)
    assert broken() == set()
    rule.evaluated_at = NOW - dt.timedelta(hours=1)
    rule.save()
    assert broken() == {10}
    Alarm.objects.filter(pk=alarm.pk).update(state="closed", closed_at=NOW)
    assert broken() == set()


def test_a_device_that_is_billed_from_without_acceptance_is_found(contract: Contract) -> None:
    placement = contract.delivery_point.placements.get()
    device = devices.make_meter_device(placement)
    assert broken() == set()
    polled = {"energy_kwh": Decimal(99_000), "source": MeterReading.Source.POLL}
    MeterReading.objects.create(meter=placement.meter, at=NOW - dt.timedelta(hours=1), received_at=NOW, **polled)
    assert broken() == {8}
    devices.accept(device, now=NOW - dt.timedelta(minutes=10), note="Read with the caretaker.")
    assert broken() == set()
    contract.legal_entity.requires_acceptance = False
    contract.legal_entity.save()
    assert broken() == set()


def test_a_device_that_is_read_otherwise_than_it_was_accepted_is_found() -> None:
    device = devices.make_meter_device()
    devices.accept(device, now=NOW)
    assert broken() == set()
    point = device.profile.points.get(slot=0)
    point.address = point.address | {"word_order": "little"}
    point.save()
    [said] = [one.violations for one in invariants.check(now=NOW) if one.violations]
    assert "the register map" in said[0]
    device.profile = hosting.make_profile()
    device.save()
    [said] = [one.violations for one in invariants.check(now=NOW) if one.violations]
    assert "was accepted with" in said[0]
    device.enabled = False
    device.save()
    assert broken() == set()
