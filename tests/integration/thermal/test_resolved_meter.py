"""The real meter with the defects of the field: each is resolved by the way that docs/metering.md names.

Where registers know the heat, every month comes out as in the file without the defect, to the last decimal.
"""

import csv
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from hosting.models import DeliveryPoint, Meter, MeterPlacement
from hosting.services import metering
from kernel.periods import Period, local_month
from tests.integration.thermal.test_damaged_meter import DAY, FEBRUARY, FILE, HOUR, NOW, STEP, judged, stand, take
from tests.makers import accounts, damage, hosting, thermal
from tests.makers.damage import Line
from thermal.domain.estimation import Method
from thermal.models import Correction, HeatInterval, ValidationFinding
from thermal.models.ledger import Quality
from thermal.queries import register_readings, validation
from thermal.services import corrections, settlement, validating
from thermal.services.corrections import Edit

pytestmark = pytest.mark.django_db

ZONE = ZoneInfo("Europe/Copenhagen")
MONTHS = [local_month(2019, month, ZONE) for month in (1, 2, 3)]


@pytest.fixture(scope="module")
def winter() -> list[Line]:
    """Five weeks of the real file around the defects, over two ends of months."""
    if not FILE.exists():
        pytest.skip("shared/data/heat_meter is not here")
    lines = damage.lines_of(list(csv.DictReader(FILE.read_text().splitlines())))
    return [line for line in lines if FEBRUARY - 7 * DAY <= line.at <= FEBRUARY + 26 * DAY]


@pytest.fixture
def facts() -> dict[str, Any]:
    """Who corrects, when and why."""
    thermal.make_partitions(FEBRUARY, months=4)
    return {"reason": "As docs/metering.md says.", "by": accounts.engineer(), "now": NOW}


def true_months(lines: Sequence[Line]) -> list[Decimal]:
    """The heat of each month by the undamaged registers, in kWh."""
    registers = {line.at: line.energy_kwh for line in lines}
    first, last = lines[0].at, lines[-1].at
    ends = [(max(month.start, first), min(month.end, last)) for month in MONTHS]
    return [registers[end] - registers[start] for start, end in ends]


def settled_months(point: DeliveryPoint) -> list[Decimal]:
    """The heat of each month in the ledger, in kWh."""
    settlement.settle_marked(now=NOW)
    found = []
    for month in MONTHS:
        rows = HeatInterval.objects.filter(delivery_point=point, start__gte=month.start, start__lt=month.end)
        found.append(sum((heat for heat in rows.values_list("heat_kwh", flat=True) if heat is not None), Decimal(0)))
    return found


def decided(correction: Correction) -> Correction:
    """The correction in force: at once, or after a second person agreed."""
    if correction.state == Correction.State.APPLIED:
        return correction
    return corrections.approve(correction=correction, by=accounts.approver(), now=NOW)


def open_after(meter: Meter, lines: Sequence[Line], *rules: str) -> list[ValidationFinding]:
    """What the rules still find open, once all is judged anew."""
    found = [one for one in judged(meter, lines) if one.is_open]
    assert validation.blocking_findings(meter, Period(lines[0].at, lines[-1].at + HOUR)) == []
    return [one for one in found if not rules or one.rule in rules]


def finding_of(meter: Meter, lines: Sequence[Line], rule: str) -> ValidationFinding:
    return next(one for one in judged(meter, lines) if one.rule == rule)


def point_of(placement: MeterPlacement) -> DeliveryPoint:
    assert placement.delivery_point is not None
    return placement.delivery_point


def test_a_gap_is_divided_and_its_total_stays(winter: list[Line], facts: dict[str, Any]) -> None:
    damaged = damage.gap(winter, FEBRUARY)
    placement = stand(damaged)
    meter = placement.meter
    take(meter, damaged)
    gap = finding_of(meter, damaged, "V01")
    decided(corrections.distribute(meter=meter, period=Period(gap.starts_at, gap.ends_at), finding=gap, **facts))
    gap.refresh_from_db()
    assert gap.state == "estimated"
    assert settled_months(point_of(placement)) == true_months(winter)
    rows = HeatInterval.objects.filter(delivery_point=placement.delivery_point, start__gte=gap.starts_at)
    assert set(rows.filter(start__lt=gap.ends_at).values_list("quality", flat=True)) == {Quality.SPREAD}
    assert open_after(meter, damaged, "V01", "V03") == []


def test_a_register_that_stood_still_gets_what_the_water_brought(winter: list[Line], facts: dict[str, Any]) -> None:
    damaged = damage.stuck(winter, FEBRUARY)
    placement = stand(damaged)
    meter, point = placement.meter, point_of(placement)
    take(meter, damaged)
    before = settled_months(point)
    frozen = finding_of(meter, damaged, "V06")
    correction = decided(
        corrections.add_estimate(
            point=point, period=Period(frozen.starts_at, frozen.ends_at), method=Method.FROM_VOLUME, finding=frozen,
            **facts,
        )
    )  # fmt: skip
    # No register knows this heat: what comes out is as good as the water and its temperatures.
    assert sum(before) + correction.heat_kwh == sum(settled_months(point))
    assert float(sum(settled_months(point))) == pytest.approx(float(sum(true_months(winter))), rel=0.001)
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=frozen.starts_at, start__lt=frozen.ends_at)
    assert set(rows.values_list("quality", flat=True)) == {Quality.ESTIMATED}
    # On the days at both ends the register tells less than the water: that stays true, and an approver says so.
    for less in judged(meter, damaged):
        if less.is_open and less.rule == "V07":
            approver = accounts.approver()
            validating.accept(finding=less, by=approver, reason=f"Answered by correction {correction.pk}.", now=NOW)
    frozen.refresh_from_db()
    assert (frozen.state, frozen.resolved_by) == ("estimated", correction.approver or correction.author)
    assert open_after(meter, damaged, "V06", "V07") == []


def test_a_rollover_needs_nobody(winter: list[Line]) -> None:
    thermal.make_partitions(FEBRUARY, months=4)
    offset = Decimal(10_000) - next(line.energy_kwh for line in winter if line.at == FEBRUARY)
    damaged = damage.rollover([line.with_energy(line.energy_kwh + offset) for line in winter], Decimal(10_000))
    placement = stand(damaged, digits=4)
    take(placement.meter, damaged)
    assert settled_months(point_of(placement)) == true_months(winter)
    assert open_after(placement.meter, damaged, "V03", "V05") == []


def test_an_exchange_that_nobody_recorded_is_recorded(winter: list[Line], facts: dict[str, Any]) -> None:
    before, after = damage.swapped(winter, FEBRUARY)
    old = stand(winter)
    point = point_of(old)
    take(old.meter, [*before, *after])
    assert "V03" in {one.rule for one in judged(old.meter, winter)}
    # The rows of the new meter were stored under the old one; they are taken away there and read in where they belong.
    edits = [Edit(line.at, None) for line in after]
    decided(corrections.edit_registers(meter=old.meter, edits=edits, finding=None, **facts))
    new = hosting.make_meter(sensor_side="supply", qp_m3h=0.6, max_kw=15.0, register_digits=7, register_step=STEP)
    exchange = next(line for line in winter if line.at == FEBRUARY)
    metering.swap_meter(
        placement=old, successor=new, removed_at=FEBRUARY, fitted_at=FEBRUARY,
        final=metering.Registers(exchange.energy_kwh), first=metering.Registers(Decimal(0)),
        reason="Exchanged, and told late.", by=facts["by"], now=NOW,
    )  # fmt: skip
    take(new, after)
    assert settled_months(point) == true_months(winter)
    assert open_after(old.meter, winter, "V03") == open_after(new, winter, "V03") == []


def test_a_spike_is_taken_away(winter: list[Line], facts: dict[str, Any]) -> None:
    damaged = damage.spike(winter, FEBRUARY)
    placement = stand(damaged)
    meter = placement.meter
    take(meter, damaged)
    spike = finding_of(meter, damaged, "V05")
    decided(corrections.edit_registers(meter=meter, edits=[Edit(FEBRUARY, None)], finding=spike, **facts))
    assert settled_months(point_of(placement)) == true_months(winter)
    assert open_after(meter, damaged, "V03", "V05") == []


def test_registers_in_another_unit_are_multiplied(winter: list[Line], facts: dict[str, Any]) -> None:
    damaged = damage.unit_change(winter, FEBRUARY, FEBRUARY + 5 * DAY)
    placement = stand(damaged)
    meter = placement.meter
    take(meter, damaged)
    changed = finding_of(meter, damaged, "V03")
    stretch = Period(changed.starts_at + HOUR, changed.ends_at)
    decided(corrections.rescale_registers(meter=meter, period=stretch, factor=Decimal(1000), finding=changed, **facts))
    assert settled_months(point_of(placement)) == true_months(winter)
    assert open_after(meter, damaged, "V03") == []


def test_readings_under_a_wrong_clock_are_moved(winter: list[Line], facts: dict[str, Any]) -> None:
    damaged = damage.clock_off(winter, FEBRUARY, FEBRUARY + 5 * DAY)
    placement = stand(winter)
    meter = placement.meter
    take(meter, damaged)
    jump = finding_of(meter, damaged, "V02")
    gap = finding_of(meter, damaged, "V01")
    # From the hour that is missing to the one that was told twice.
    stretch = Period(gap.ends_at, jump.starts_at + HOUR)
    decided(corrections.shift_readings(meter=meter, period=stretch, by_time=-HOUR, finding=jump, **facts))
    refused = next(line for line in winter if line.at == jump.starts_at)
    decided(
        corrections.edit_registers(meter=meter, edits=[Edit(refused.at, refused.energy_kwh)], finding=None, **facts)
    )
    assert settled_months(point_of(placement)) == true_months(winter)
    steps = register_readings.differences_of(meter, Period(FEBRUARY - HOUR, FEBRUARY + 5 * DAY))
    registers = {line.at: line.energy_kwh for line in winter}
    assert {step.after.at: step.after.energy_kwh for step in steps}.items() <= registers.items()
    assert {step.hours for step in steps} == {1.0}
    assert open_after(meter, winter, "V01", "V02") == []


def test_of_two_exports_the_right_one_is_chosen(winter: list[Line], facts: dict[str, Any]) -> None:
    cut_off = damage.overlap(winter, FEBRUARY, FEBRUARY + 2 * DAY)
    placement = stand(winter)
    meter = placement.meter
    # The wrong export came first, so the right one was refused where they contradict each other.
    take(meter, cut_off)
    report = take(meter, winter)
    assert report.problems
    overlap = finding_of(meter, winter, "V20")
    right = [Edit(line.at, line.energy_kwh) for line in winter if FEBRUARY <= line.at < FEBRUARY + 2 * DAY]
    decided(corrections.edit_registers(meter=meter, edits=right, finding=overlap, **facts))
    overlap.refresh_from_db()
    assert overlap.state == "edited"
    assert settled_months(point_of(placement)) == true_months(winter)
    assert open_after(meter, winter, "V20", "V03") == []


def test_of_two_exports_the_first_stays_where_it_was_right(winter: list[Line], facts: dict[str, Any]) -> None:
    placement = stand(winter)
    meter = placement.meter
    take(meter, winter)
    take(meter, damage.overlap(winter, FEBRUARY, FEBRUARY + 2 * DAY))
    overlap = finding_of(meter, winter, "V20")
    approver: User = accounts.approver()
    by = approver if approver.has_perm(validating.resolving.permission_for(overlap)) else facts["by"]
    validating.accept(finding=overlap, by=by, reason="The second program cuts off decimals.", now=NOW)
    assert settled_months(point_of(placement)) == true_months(winter)
    assert open_after(meter, winter, "V20") == []
