"""What was recorded and settled is judged, and what the rules find is kept: in a real PostgreSQL."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import User
from hosting.models import Measurement, Meter, MeterPlacement
from kernel.periods import Period
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from thermal.domain.validation import UnknownThreshold
from thermal.models import FindingTransition, ValidationFinding, ValidationMark, ValidationRule
from thermal.models.validation import Severity
from thermal.queries import validation
from thermal.services import recording, settlement, validating
from thermal.services.recording import NewReading

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)
NOW = START + dt.timedelta(days=20)
QUARTER = dt.timedelta(minutes=15)
DAY = dt.timedelta(days=1)
State = ValidationFinding.State


@pytest.fixture
def placement() -> MeterPlacement:
    thermal.make_partitions(START, months=4)
    meter = hosting.make_meter(max_kw=60.0, register_digits=7, register_step=Decimal(1))
    return hosting.make_placement(meter, valid_from=START, first_register=Decimal(1000))


def record(meter: Meter, registers: dict[int, Any], now: dt.datetime = NOW, **fields: Any) -> None:
    """Record registers by the number of their quarter hour."""
    rows = [
        NewReading(meter_id=meter.pk, at=START + number * QUARTER, energy_kwh=Decimal(str(kwh)), **fields)
        for number, kwh in registers.items()
    ]
    recording.record_readings(readings=rows, now=now)


def rising(first: int, last: int, start_kwh: int = 1000) -> dict[int, Any]:
    return {number: start_kwh + number for number in range(first, last)}


def found(**fields: Any) -> list[tuple[str, str, str]]:
    rows = ValidationFinding.objects.filter(**fields).order_by("starts_at", "rule")
    return [(row.rule, row.kind, row.state) for row in rows]


def finding() -> ValidationFinding:
    return ValidationFinding.objects.get()


def test_recording_marks_and_judging_takes_the_marks(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8))
    record(placement.meter, rising(8, 10))
    assert ValidationMark.objects.filter(meter=placement.meter).count() == 2
    done = validating.validate_marked(now=NOW)
    assert (done.meters, done.opened) == (1, 0)
    assert not ValidationMark.objects.exists()


def test_a_fall_of_the_register_is_found_with_its_two_readings(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | {8: 900, 9: 901})
    validating.validate_marked(now=NOW)
    fall = finding()
    assert (fall.rule, fall.kind, fall.severity) == ("V03", "decrease", Severity.BLOCK)
    assert (fall.before_at, fall.after_at) == (START + 7 * QUARTER, START + 8 * QUARTER)
    assert (fall.values["before_kwh"], fall.values["after_kwh"]) == ("1007.0000", "900.0000")
    assert fall.judged_by is not None
    assert fall.judged_by.source == "unverified default"


def test_looking_again_finds_the_same_and_writes_nothing(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | {8: 900})
    validating.validate_marked(now=NOW)
    window = {placement.meter_id: Period(START, START + DAY)}
    done = validating.validate_meters(windows=window, now=NOW + DAY)
    assert (done.opened, done.changed, done.closed) == (0, 0, 0)
    assert finding().seen_at == NOW


def test_a_finding_whose_cause_is_gone_is_closed_and_its_history_stays(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | {8: 3, 9: 1009})
    validating.validate_marked(now=NOW)
    assert found() == [("V05", "spike", "open")]
    thermal.make_reading(placement.meter, START + 8 * QUARTER, 1008, version=2)
    validating.validate_meters(windows={placement.meter_id: Period(START, START + DAY)}, now=NOW + DAY)
    assert found() == [("V05", "spike", "closed")]
    moves = FindingTransition.objects.order_by("pk").values_list("from_state", "to_state")
    assert list(moves) == [("", "open"), ("open", "closed")]


def test_late_readings_close_a_gap_and_one_that_grows_stays_one_finding(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | rising(40, 44))
    validating.validate_marked(now=NOW)
    gap = finding()
    assert (gap.rule, gap.severity, gap.values["missing_h"]) == ("V01", Severity.WARN, 8.0)
    record(placement.meter, rising(8, 20))
    validating.validate_marked(now=NOW)
    assert found() == [("V01", "gap", "open")]
    assert finding().pk == gap.pk
    record(placement.meter, rising(20, 40))
    validating.validate_marked(now=NOW)
    assert found() == [("V01", "gap", "closed")]


def test_a_gap_of_more_than_a_day_calls_for_a_review(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | rising(8 + 3 * 96, 12 + 3 * 96))
    validating.validate_marked(now=NOW)
    assert finding().severity == Severity.REVIEW


def test_a_rollover_is_no_finding() -> None:
    thermal.make_partitions(START, months=4)
    meter = hosting.make_meter(max_kw=60.0, register_digits=5, register_step=Decimal(1))
    hosting.make_placement(meter, valid_from=START, first_register=Decimal(99_995))
    record(meter, {number: (99_995 + number) % 100_000 for number in range(12)})
    validating.validate_marked(now=NOW)
    assert found() == []


def test_an_exchange_is_no_finding(placement: MeterPlacement) -> None:
    old, swap_at = placement.meter, START + 8 * QUARTER + dt.timedelta(minutes=3)
    record(old, rising(0, 9))
    placement.valid_until, placement.final_register = swap_at, Decimal(1009)
    placement.save()
    new = hosting.make_placement(
        hosting.make_meter(max_kw=60.0),
        delivery_point=placement.delivery_point,
        valid_from=swap_at,
        first_register=Decimal(5),
    )
    record(new.meter, rising(9, 20, start_kwh=-3))
    validating.validate_marked(now=NOW)
    assert found() == []


def test_an_accepted_finding_stays_so_until_its_values_change(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | rising(8 + 3 * 96, 12 + 3 * 96))
    validating.validate_marked(now=NOW)
    validating.accept(finding=finding(), by=people.engineer(), reason="The gateway was down.", now=NOW)
    window = {placement.meter_id: Period(START, START + 5 * DAY)}
    validating.validate_meters(windows=window, now=NOW)
    assert finding().state == State.ACCEPTED
    record(placement.meter, rising(8, 60))
    validating.validate_marked(now=NOW)
    reopened = finding()
    assert (reopened.state, reopened.resolved_by, reopened.note) == (State.OPEN, None, "")


def test_what_blocks_billing_is_accepted_by_an_approver_only(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | {8: 900, 9: 901})
    validating.validate_marked(now=NOW)
    for user in (people.engineer(), people.operator(), people.billing_clerk()):
        with pytest.raises(validating.NotYourDecision):
            validating.accept(finding=finding(), by=user, reason="Looks fine.", now=NOW)
    approver = people.approver()
    with pytest.raises(validating.ReasonIsMissing):
        validating.accept(finding=finding(), by=approver, reason=" ", now=NOW)
    validating.accept(finding=finding(), by=approver, reason="Register was set by the maker.", now=NOW)
    with pytest.raises(validating.FindingIsResolved):
        validating.accept(finding=finding(), by=approver, reason="Again.", now=NOW)


def test_nobody_accepts_what_blocks_billing_on_readings_of_their_own(placement: MeterPlacement) -> None:
    author = people.person("approver", "engineer")
    record(placement.meter, rising(0, 8) | {8: 900, 9: 901}, author_id=author.pk)
    validating.validate_marked(now=NOW)
    with pytest.raises(validating.NotYourDecision):
        validating.accept(finding=finding(), by=author, reason="It is right.", now=NOW)


def test_an_open_block_blocks_its_meter_in_its_time_and_nothing_else(placement: MeterPlacement) -> None:
    record(placement.meter, rising(0, 8) | {8: 900, 9: 901})
    other = hosting.make_placement(site=placement.site)
    validating.validate_marked(now=NOW)
    month = Period(START, START + 10 * DAY)
    assert [one.rule for one in validation.blocking_findings(placement.meter, month)] == ["V03"]
    assert not validation.blocking_findings(placement.meter, month.shifted(10 * DAY))
    assert not validation.blocking_findings(other.meter, month)
    validating.accept(finding=finding(), by=people.approver(), reason="Explained.", now=NOW)
    assert not validation.blocking_findings(placement.meter, month)


def test_a_killed_judge_leaves_its_marks(placement: MeterPlacement, monkeypatch: pytest.MonkeyPatch) -> None:
    record(placement.meter, rising(0, 8) | {8: 900})

    def killed(*_args: Any, **_kwargs: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("thermal.services.validating.keeping.keep", killed)
    with pytest.raises(KeyboardInterrupt):
        validating.validate_marked(now=NOW)
    monkeypatch.undo()
    assert ValidationMark.objects.exists()
    validating.validate_marked(now=NOW)
    assert found() == [("V03", "decrease", "open")]


def test_settlement_leads_to_a_look_at_the_site() -> None:
    thermal.make_partitions(START, months=4)
    point = hosting.make_delivery_point()
    heat = hosting.make_placement(delivery_point=point, valid_from=START, first_register=Decimal(0))
    power = hosting.make_placement(
        role=MeterPlacement.Role.IT_ELECTRICITY, site=point.site, valid_from=START, first_register=Decimal(0)
    )
    # A German day in October begins at 22:00 UTC.
    record(heat.meter, {number: 3 * number for number in range(4 * 48)})
    record(power.meter, {number: number for number in range(4 * 48)})
    settlement.settle_marked(now=NOW)
    assert ValidationMark.objects.filter(site=point.site).exists()
    validating.validate_marked(now=NOW)
    assert ("V15", "", "open") in found(site=point.site, meter=None)


def test_no_use_while_heat_is_called_for_is_found_after_two_days() -> None:
    thermal.make_partitions(START, months=4)
    point = hosting.make_delivery_point()
    heat = hosting.make_placement(delivery_point=point, valid_from=START, first_register=Decimal(7))
    device = thermal.make_plant_device(point.site, [Measurement.Role.DEMAND], delivery_point=point)
    record(heat.meter, dict.fromkeys(range(96 * 3), 7))
    frames = [recording.NewFrame(device.pk, START + n * QUARTER, device.profile_id, [1.0]) for n in range(96 * 3)]
    recording.record_frames(frames=frames, now=NOW)
    settlement.settle_marked(now=NOW)
    validating.validate_marked(now=NOW)
    assert ("V16", "", "open") in found(delivery_point=point)


# ---- months ----------------------------------------------------------------------------------------------------------


def test_a_verification_that_ran_out_blocks_until_the_meter_is_verified_again(placement: MeterPlacement) -> None:
    meter = placement.meter
    meter.verified_until_on = dt.date(2026, 10, 10)
    meter.save()
    october = Period(START, START + DAY)
    validating.validate_months(period=october, now=NOW)
    expired = finding()
    assert (expired.rule, expired.severity) == ("V18", Severity.BLOCK)
    assert expired.starts_at == dt.datetime(2026, 10, 9, 22, tzinfo=dt.UTC)
    validating.validate_months(period=october, now=NOW)
    assert finding().state == State.OPEN
    meter.verified_until_on = dt.date(2032, 1, 1)
    meter.save()
    validating.validate_months(period=october, now=NOW)
    assert finding().state == State.CLOSED


def test_a_meter_in_glycol_is_not_legal_for_trade(placement: MeterPlacement) -> None:
    assert placement.delivery_point is not None
    placement.delivery_point.medium = "glycol"
    placement.delivery_point.save()
    validating.validate_months(period=Period(START, START + DAY), now=NOW)
    assert found() == [("V21", "", "open")]


# ---- thresholds ------------------------------------------------------------------------------------------------------


def change(by: User | None = None, **fields: Any) -> ValidationRule:
    defaults: dict[str, Any] = {
        "rule": "V01",
        "thresholds": {"long_gap_h": 2},
        "severity": Severity.WARN,
        "grave_severity": Severity.BLOCK,
        "valid_from": START.date(),
        "by": by,
        "now": NOW,
    }
    return validating.set_rule(**defaults | fields)


def test_a_site_may_have_thresholds_of_its_own(placement: MeterPlacement) -> None:
    change(site=placement.site)
    record(placement.meter, rising(0, 8) | rising(40, 44))
    validating.validate_marked(now=NOW)
    gap = finding()
    assert (gap.severity, gap.values["limits"]) == (Severity.BLOCK, {"gap_factor": 1.5, "long_gap_h": 2})
    assert gap.judged_by is not None
    assert gap.judged_by.site == placement.site


def test_a_rule_that_is_off_finds_nothing(placement: MeterPlacement) -> None:
    change(country=placement.site.country, enabled=False)
    record(placement.meter, rising(0, 8) | rising(40, 44))
    validating.validate_marked(now=NOW)
    assert found() == []


def test_what_held_before_a_change_stays_on_record(placement: MeterPlacement) -> None:
    shipped = ValidationRule.objects.get(rule="V01")
    changed = change()
    shipped.refresh_from_db()
    assert (shipped.valid_until, changed.valid_from) == (START.date(), START.date())
    assert (shipped.is_verified, changed.is_verified) == (False, True)
    with pytest.raises(validating.RuleUnchanged):
        change(valid_from=START.date() - DAY)


def test_unknown_thresholds_are_refused() -> None:
    with pytest.raises(UnknownThreshold):
        change(thresholds={"nonsense": 1})
    with pytest.raises(validating.ThresholdIsNoNumber):
        change(thresholds={"long_gap_h": "many"})


# ---- constraints -----------------------------------------------------------------------------------------------------


def make_finding(placement: MeterPlacement, **fields: Any) -> ValidationFinding:
    defaults: dict[str, Any] = {
        "rule": "V01", "severity": Severity.WARN, "site": placement.site, "meter": placement.meter,
        "starts_at": START, "ends_at": START + DAY, "found_at": NOW, "seen_at": NOW,
    }  # fmt: skip
    return ValidationFinding.objects.create(**defaults | fields)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"ends_at": START}, "validation_finding_has_period"),
        ({"state": "closed"}, "validation_finding_resolved_has_time"),
        ({"state": "accepted", "resolved_at": NOW}, "validation_finding_decision_has_reason"),
        ({"starts_at": START - DAY}, "validation_finding_once"),
    ],
)
def test_the_database_refuses_findings_that_cannot_be(
    placement: MeterPlacement, fields: dict[str, Any], constraint: str
) -> None:
    make_finding(placement, starts_at=START - DAY)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_finding(placement, **fields)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"valid_until": dt.date(2000, 1, 1)}, "validation_rule_ends_after_start"),
        ({"severity": 3, "grave_severity": 2}, "validation_rule_grave_not_milder"),
        ({"country": "DE", "accuracy_class": "2"}, "validation_rule_one_scope"),
        ({"country": ""}, "validation_rule_no_overlap"),
    ],
)
def test_the_database_refuses_rules_that_cannot_be(fields: dict[str, Any], constraint: str) -> None:
    defaults = {"rule": "V01", "country": "DE", "valid_from": dt.date(2020, 1, 1)}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ValidationRule.objects.create(**defaults | fields)


def test_the_database_refuses_marks_and_moves_that_cannot_be(placement: MeterPlacement) -> None:
    with pytest.raises(IntegrityError, match="validation_mark_of_one_thing"), transaction.atomic():
        ValidationMark.objects.create(first_at=START, last_at=START, marked_at=NOW)
    with pytest.raises(IntegrityError, match="finding_transition_changes_state"), transaction.atomic():
        FindingTransition.objects.create(finding=make_finding(placement), at=NOW, from_state="open", to_state="open")
