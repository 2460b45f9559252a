"""Corrections: versions instead of changes, a second person where much depends on it, and a ledger that follows."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import Error, IntegrityError, transaction

from accounts.models import User
from hosting.models import DeliveryPoint, Meter
from kernel.periods import Period
from tests.makers import accounts, hosting, thermal
from thermal.domain.estimation import Method
from thermal.models import CorrectedReading, Correction, EstimatedHeat, HeatInterval, MeterReading
from thermal.models.ledger import Quality, Reason
from thermal.services import corrections, marking, settlement, validating
from thermal.services.corrections import Edit

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
LATER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def partitions() -> None:
    thermal.make_partitions(DAY, months=4)


@pytest.fixture
def point() -> DeliveryPoint:
    return hosting.make_delivery_point()


@pytest.fixture
def meter(point: DeliveryPoint) -> Meter:
    return hosting.make_placement(delivery_point=point, valid_from=DAY - dt.timedelta(days=1)).meter


@pytest.fixture
def engineer() -> User:
    return accounts.engineer()


def hourly(meter: Meter, first: int, last: int, *, leave_out: range = range(0)) -> None:
    """Readings on the hour, 8 kWh apart, from the first to the last hour of October 2026."""
    rows = [(DAY + n * HOUR, 1000 + 8 * n) for n in range(first, last + 1) if n not in leave_out]
    thermal.make_readings(meter, rows)
    marking.mark_recorded(readings=[(meter.pk, at) for at, _ in rows], now=LATER)
    settlement.settle_marked(now=LATER)


def heat(point: DeliveryPoint, start: dt.datetime, end: dt.datetime) -> Decimal:
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=start, start__lt=end)
    return sum((row.heat_kwh or Decimal(0) for row in rows), Decimal(0))


def edit(meter: Meter, by: User, *edits: Edit, **fields: Any) -> Correction:
    facts: dict[str, Any] = {"reason": "Read off the display.", "now": LATER, "finding": None} | fields
    return corrections.edit_registers(meter=meter, edits=edits, by=by, **facts)


def test_a_small_edit_counts_at_once_and_the_original_stays(point: DeliveryPoint, meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 200)
    correction = edit(meter, engineer, Edit(DAY + 10 * HOUR, Decimal("1081.5")))
    assert (correction.state, correction.needs_approval, correction.heat_kwh) == ("applied", False, Decimal("1.5"))
    versions = MeterReading.objects.filter(meter=meter, at=DAY + 10 * HOUR).order_by("version")
    assert [(row.version, row.energy_kwh) for row in versions] == [(1, Decimal(1080)), (2, Decimal("1081.5"))]
    assert (versions[1].source, versions[1].author, versions[1].reason) == (
        "correction", engineer, "Read off the display.",
    )  # fmt: skip
    settlement.settle_marked(now=LATER)
    assert heat(point, DAY + 9 * HOUR, DAY + 10 * HOUR) == Decimal("9.5")
    assert heat(point, DAY, DAY + 200 * HOUR) == 1600


def test_what_changes_much_of_the_month_waits_for_a_second_person(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 50)
    correction = edit(meter, engineer, Edit(DAY + 50 * HOUR, Decimal(1500)))
    assert (correction.state, correction.needs_approval) == ("proposed", True)
    assert MeterReading.objects.filter(meter=meter, version=2).count() == 0
    with pytest.raises(corrections.NeedsAnotherPerson):
        corrections.approve(correction=correction, by=engineer, now=LATER)
    with pytest.raises(corrections.NotYoursToDecide):
        corrections.approve(correction=correction, by=accounts.engineer(), now=LATER)
    approver = accounts.approver()
    applied = corrections.approve(correction=correction, by=approver, now=LATER)
    assert (applied.state, applied.approver) == ("applied", approver)
    assert MeterReading.objects.get(meter=meter, version=2).approver == approver
    with pytest.raises(corrections.AlreadyDecided):
        corrections.approve(correction=correction, by=approver, now=LATER)


def test_a_rejected_proposal_changes_nothing(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 50)
    correction = edit(meter, engineer, Edit(DAY + 50 * HOUR, Decimal(1500)))
    rejected = corrections.reject(correction=correction, by=accounts.approver(), note="The photo says 1400.", now=LATER)
    assert rejected.state == "rejected"
    assert not MeterReading.objects.filter(version=2).exists()


def test_a_reading_taken_away_leaves_a_line_between_its_neighbors(
    point: DeliveryPoint, meter: Meter, engineer: User
) -> None:
    hourly(meter, 0, 200)
    spike = thermal.make_reading(meter, DAY + 10 * HOUR + dt.timedelta(minutes=30), 1090)
    marking.mark_recorded(readings=[(meter.pk, spike.at)], now=LATER)
    correction = edit(meter, engineer, Edit(spike.at, None))
    assert correction.heat_kwh == -6
    settlement.settle_marked(now=LATER)
    assert heat(point, DAY + 10 * HOUR, DAY + 11 * HOUR) == 8


def test_two_proposals_for_one_reading_cannot_both_be_applied(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 50)
    first, second = (edit(meter, engineer, Edit(DAY + 50 * HOUR, Decimal(kwh))) for kwh in (1500, 1600))
    approver = accounts.approver()
    corrections.approve(correction=first, by=approver, now=LATER)
    with pytest.raises(corrections.ReadingsChanged):
        corrections.approve(correction=second, by=approver, now=LATER)


def test_an_edit_that_changes_nothing_or_stands_nowhere_is_refused(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 50)
    with pytest.raises(corrections.NothingToCorrect):
        edit(meter, engineer, Edit(DAY, Decimal(1000)))
    with pytest.raises(corrections.NobodyMeasuredThere):
        edit(meter, engineer, Edit(DAY - dt.timedelta(days=9), Decimal(1000)))
    with pytest.raises(validating.ReasonIsMissing):
        edit(meter, engineer, Edit(DAY, Decimal(999)), reason=" ")


def test_a_gap_with_known_registers_is_divided_like_earlier_weeks_and_its_total_stays(
    point: DeliveryPoint, meter: Meter, engineer: User
) -> None:
    hourly(meter, 0, 400, leave_out=range(301, 340))
    before = heat(point, DAY + 300 * HOUR, DAY + 340 * HOUR)
    gap = Period(DAY + 300 * HOUR, DAY + 340 * HOUR)
    correction = corrections.distribute(
        meter=meter, period=gap, reason="Gateway was off.", by=engineer, now=LATER, finding=None
    )
    assert (correction.state, correction.method) == ("applied", "registers")
    settlement.settle_marked(now=LATER)
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=gap.start, start__lt=gap.end)
    assert {row.quality for row in rows} == {Quality.SPREAD}
    assert heat(point, gap.start, gap.end) == before == 320
    assert MeterReading.objects.filter(source="distributed").count() == 159


def test_dividing_over_the_end_of_a_month_asks_a_second_person_if_much_of_either_month_moves(
    point: DeliveryPoint, meter: Meter, engineer: User
) -> None:
    """Heat is drawn by day only, so of 192 kWh in 26 hours nothing belongs to the night behind the month's end."""
    zone, later = point.site.zone, LATER + dt.timedelta(days=9)
    first = dt.datetime(2026, 10, 1, tzinfo=zone).astimezone(dt.UTC)
    gap = Period(*(dt.datetime(2026, *day, tzinfo=zone).astimezone(dt.UTC) for day in ((10, 31, 6), (11, 1, 8))))
    rows, register = [], 1000
    for hour in range(33 * 24):
        at = first + hour * HOUR
        if not gap.start < at < gap.end:
            rows.append((at, register))
        register += 16 if 8 <= at.astimezone(zone).hour < 20 else 0
    thermal.make_readings(meter, rows)
    marking.mark_recorded(readings=[(meter.pk, at) for at, _ in rows], now=later)
    settlement.settle_marked(now=later)
    november = Period(dt.datetime(2026, 11, 1, tzinfo=zone), later)
    counted = heat(point, november.start, november.end)
    correction = corrections.distribute(
        meter=meter, period=gap, reason="Gateway was off.", by=engineer, now=later, finding=None
    )
    shifted = 192 * Decimal(8) / 26
    assert correction.state == "proposed"
    assert correction.heat_kwh == 0
    assert correction.bill_ratio == pytest.approx(float(shifted / counted), rel=1e-3)
    corrections.approve(correction=correction, by=accounts.approver(), now=later)
    settlement.settle_marked(now=later)
    assert float(heat(point, november.start, november.end)) == pytest.approx(float(counted - shifted), abs=0.01)


def test_a_gap_whose_end_nobody_read_cannot_be_divided(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 10)
    period = Period(DAY + 10 * HOUR, DAY + 20 * HOUR)
    with pytest.raises(corrections.RegisterStaysUnknown):
        corrections.distribute(meter=meter, period=period, reason="Gap.", by=engineer, now=LATER, finding=None)


def test_heat_that_no_register_told_is_added_marked_as_estimated_and_can_be_withdrawn(
    point: DeliveryPoint, meter: Meter, engineer: User
) -> None:
    hourly(meter, 0, 400)
    period = Period(DAY + 200 * HOUR, DAY + 201 * HOUR)
    facts: dict[str, Any] = {"point": point, "period": period, "by": engineer, "now": LATER, "finding": None}
    correction = corrections.add_estimate(reason="Sensor was out.", method=Method.HISTORY, **facts)
    assert (correction.state, correction.method) == ("applied", "history")
    assert correction.heat_kwh == 8
    assert EstimatedHeat.objects.filter(correction=correction).count() == 4
    settlement.settle_marked(now=LATER)
    row = HeatInterval.objects.get(delivery_point=point, start=period.start)
    assert row.heat_kwh == 4
    assert (row.quality, row.reason) == (Quality.ESTIMATED, Reason.CORRECTED)
    corrections.withdraw(correction=correction, by=engineer, note="The meter's memory was read.", now=LATER)
    settlement.settle_marked(now=LATER)
    row.refresh_from_db()
    assert row.heat_kwh == 2
    assert row.quality < Quality.ESTIMATED


def test_estimated_heat_belongs_to_whole_quarter_hours_that_are_over(point: DeliveryPoint, engineer: User) -> None:
    for period in (
        Period(DAY + dt.timedelta(minutes=5), DAY + HOUR),
        Period(LATER, LATER + HOUR),
    ):
        with pytest.raises(corrections.NotQuarterHours):
            corrections.add_estimate(point=point, period=period, reason="Gap.", by=engineer, now=LATER, finding=None)


def test_a_finding_is_resolved_by_the_correction_that_answers_it(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 200)
    finding = thermal.make_finding(meter=meter, starts_at=DAY + 9 * HOUR, ends_at=DAY + 10 * HOUR)
    edit(meter, engineer, Edit(DAY + 10 * HOUR, Decimal("1080.5")), finding=finding)
    finding.refresh_from_db()
    assert (finding.state, finding.resolved_by) == ("edited", engineer)


def test_an_estimate_is_not_added_twice(point: DeliveryPoint, meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 400)
    period = Period(DAY + 200 * HOUR, DAY + 201 * HOUR)
    facts: dict[str, Any] = {"point": point, "by": engineer, "now": LATER, "finding": None, "reason": "Sensor out."}
    corrections.add_estimate(period=period, method=Method.HISTORY, **facts)
    with pytest.raises(corrections.EstimatedAlready):
        corrections.add_estimate(period=Period(period.start - HOUR, period.end), **facts)


def test_what_a_second_person_agreed_to_only_a_second_person_takes_back(
    point: DeliveryPoint, meter: Meter, engineer: User
) -> None:
    hourly(meter, 0, 400)
    period = Period(DAY + 200 * HOUR, DAY + 300 * HOUR)
    facts: dict[str, Any] = {"by": engineer, "now": LATER}
    proposed = corrections.add_estimate(
        point=point, period=period, method=Method.AVERAGE, reason="Sensor out.", finding=None, **facts
    )
    approver = accounts.approver()
    with pytest.raises(corrections.NotYoursToDecide):
        corrections.withdraw(correction=proposed, by=approver, note="", now=LATER)
    corrections.approve(correction=proposed, by=approver, now=LATER)
    with pytest.raises(corrections.NeedsAnotherPerson):
        corrections.withdraw(correction=proposed, note="", **facts)
    taken_back = corrections.withdraw(correction=proposed, by=approver, note="The memory was read.", now=LATER)
    assert (taken_back.state, taken_back.withdrawn_by) == ("withdrawn", approver)
    with pytest.raises(corrections.AlreadyDecided):
        corrections.withdraw(correction=proposed, by=approver, note="", now=LATER)


def test_an_author_takes_the_own_proposal_back(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 50)
    proposed = edit(meter, engineer, Edit(DAY + 50 * HOUR, Decimal(1500)))
    withdrawn = corrections.withdraw(correction=proposed, by=engineer, note="Misread.", now=LATER)
    assert (withdrawn.state, withdrawn.withdrawn_by) == ("withdrawn", engineer)
    assert not MeterReading.objects.filter(version=2).exists()


def test_registers_told_in_another_unit_are_multiplied(point: DeliveryPoint, meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 100)
    rows = [(DAY + n * HOUR, Decimal(1000 + 8 * n) / 1000) for n in range(101, 110)]
    thermal.make_readings(meter, rows)
    facts: dict[str, Any] = {"meter": meter, "reason": "Told MWh.", "by": engineer, "now": LATER, "finding": None}
    period = Period(DAY + 101 * HOUR, DAY + 110 * HOUR)
    correction = corrections.rescale_registers(period=period, factor=Decimal(1000), **facts)
    assert correction.readings.count() == 9
    corrections.approve(correction=correction, by=accounts.approver(), now=LATER)
    settlement.settle_marked(now=LATER)
    assert heat(point, DAY + 90 * HOUR, DAY + 109 * HOUR) == 8 * 19
    for factor in ("1", "0", "-2", "NaN"):
        with pytest.raises(corrections.FactorIsNoFactor):
            corrections.rescale_registers(period=period, factor=Decimal(factor), **facts)
    with pytest.raises(corrections.NoReadingsThere):
        corrections.rescale_registers(period=period.shifted(99 * HOUR), factor=Decimal(2), **facts)


def test_readings_under_a_wrong_clock_move_with_all_that_they_told(meter: Meter, engineer: User) -> None:
    hourly(meter, 0, 10)
    for n in range(12, 15):
        thermal.make_reading(meter, DAY + n * HOUR, 1000 + 8 * (n - 1), volume_m3=Decimal(n - 1))
    facts: dict[str, Any] = {"meter": meter, "reason": "Clock.", "by": engineer, "now": LATER, "finding": None}
    period = Period(DAY + 12 * HOUR, DAY + 15 * HOUR)
    applied = corrections.shift_readings(period=period, by_time=-HOUR, **facts)
    assert applied.state == "applied"
    latest = {
        row.at: row for row in MeterReading.objects.filter(meter=meter, at__gt=DAY + 10 * HOUR).order_by("version")
    }
    told = [(row.energy_kwh, row.volume_m3) for _at, row in sorted(latest.items())]
    assert told[:3] == [(Decimal(kwh), Decimal(m3)) for kwh, m3 in ((1088, 11), (1096, 12), (1104, 13))]
    assert told[3][0] is None
    with pytest.raises(corrections.NothingIsShifted):
        corrections.shift_readings(period=period, by_time=dt.timedelta(0), **facts)


def make(**fields: Any) -> Correction:
    author = accounts.engineer()
    defaults: dict[str, Any] = {
        "kind": "edit", "site": hosting.make_site(), "meter": hosting.make_meter(), "starts_at": DAY, "ends_at": DAY,
        "heat_kwh": 1, "reason": "Because.", "author": author, "proposed_at": DAY,
    }  # fmt: skip
    if fields.get("withdrawn_by"):
        fields["withdrawn_by"] = author
    return Correction.objects.create(**defaults | fields)


@pytest.mark.parametrize(
    ("constraint", "fields"),
    [
        ("correction_ends_after_start", {"ends_at": DAY - HOUR}),
        ("correction_has_reason", {"reason": ""}),
        ("correction_applied_after_approval", {"state": "applied", "decided_at": DAY}),
        ("correction_decided_has_time", {"state": "rejected"}),
        ("correction_withdrawn_by_somebody", {"withdrawn_by": True}),
        ("correction_has_what_its_kind_needs", {"kind": "add", "method": "history"}),
    ],
)
def test_the_database_refuses_a_correction_that_cannot_be(constraint: str, fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make(**fields)


def test_the_database_refuses_that_one_person_decides_alone() -> None:
    author = accounts.engineer()
    with pytest.raises(IntegrityError, match="correction_by_two_people"), transaction.atomic():
        make(author=author, approver=author)


def test_the_rows_of_a_correction_are_final_and_come_once(point: DeliveryPoint) -> None:
    correction = make()
    reading = CorrectedReading.objects.create(correction=correction, at=DAY, energy_kwh=1)
    heat_row = EstimatedHeat.objects.create(correction=correction, delivery_point=point, start=DAY, heat_kwh=1)
    for row in (reading, heat_row):
        with pytest.raises(Error), transaction.atomic():
            row.delete()
    with pytest.raises(IntegrityError, match="corrected_reading_once"), transaction.atomic():
        CorrectedReading.objects.create(correction=correction, at=DAY)
    with pytest.raises(IntegrityError, match="corrected_reading_not_negative"), transaction.atomic():
        CorrectedReading.objects.create(correction=correction, at=DAY + HOUR, energy_kwh=-1)
    with pytest.raises(IntegrityError, match="estimated_heat_once"), transaction.atomic():
        EstimatedHeat.objects.create(correction=correction, delivery_point=point, start=DAY, heat_kwh=1)
    with pytest.raises(IntegrityError, match="estimated_heat_not_negative"), transaction.atomic():
        EstimatedHeat.objects.create(correction=correction, delivery_point=point, start=DAY + HOUR, heat_kwh=-1)
