"""Two years of a real heat meter, whole and with the defects of the field: each is found and named.

The file is of 2018 and 2019, hourly; its registers were interpolated to the full hour by those who published it.
"""

import csv
import datetime as dt
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from hosting.models import Meter, MeterPlacement
from kernel.periods import Period
from tests.makers import damage, hosting
from tests.makers.damage import Line
from thermal.domain import differences
from thermal.domain.differences import Kind
from thermal.models import ValidationFinding
from thermal.models.validation import Severity
from thermal.queries import register_readings
from thermal.services import importing, validating

pytestmark = pytest.mark.django_db

FILE = Path(__file__).parents[4] / "shared/data/heat_meter/kamstrup_660_hourly_2018_2019.csv"
NOW = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
# A cold month, so that each hour counts several steps.
FEBRUARY = dt.datetime(2019, 2, 5, tzinfo=dt.UTC)
STEP = Decimal(1)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    if not FILE.exists():
        pytest.skip("shared/data/heat_meter is not here")
    return damage.lines_of(list(csv.DictReader(FILE.read_text().splitlines())))


@pytest.fixture
def winter(lines: list[Line]) -> list[Line]:
    """Two months of it: enough for every defect of a stretch."""
    return [line for line in lines if FEBRUARY - 30 * DAY <= line.at < FEBRUARY + 30 * DAY]


def stand(lines: Sequence[Line], digits: int = 7, **fields: object) -> MeterPlacement:
    """The real meter, a small one with its flow sensor in the supply, where it stood."""
    meter = hosting.make_meter(
        sensor_side="supply", accuracy_class="2", qp_m3h=0.6, min_difference_k=3.0, max_kw=15.0,
        register_digits=digits, register_step=STEP,
    )  # fmt: skip
    point = hosting.make_delivery_point(hosting.make_site(time_zone="Europe/Copenhagen", country="DK"))
    first = {"valid_from": lines[0].at, "first_register": lines[0].energy_kwh}
    return hosting.make_placement(meter, **{"delivery_point": point, **first, **fields})  # type: ignore[arg-type]


def take(meter: Meter, lines: Sequence[Line]) -> importing.ImportReport:
    return importing.import_readings(
        meter=meter, content=damage.file_of(lines), columns=importing.Columns(), time_zone=None, by=None, now=NOW
    )


def judged(meter: Meter, lines: Sequence[Line]) -> list[ValidationFinding]:
    validating.validate_marked(now=NOW)
    period = Period(min(line.at for line in lines), max(line.at for line in lines) + HOUR)
    validating.validate_months(period=period, now=NOW, meters=[meter.pk])
    return list(ValidationFinding.objects.filter(meter=meter).order_by("rule", "starts_at"))


def named(found: Sequence[ValidationFinding]) -> list[tuple[str, str]]:
    return [(one.rule, one.kind) for one in found]


def heat_of(meter: Meter, lines: Sequence[Line]) -> Decimal | None:
    steps = register_readings.differences_of(meter, Period(lines[0].at, lines[-1].at))
    return differences.heat_of(step for step in steps if step.kind is not Kind.SWAP)


def test_the_whole_file_raises_few_findings_and_none_that_blocks(lines: list[Line]) -> None:
    meter = stand(lines).meter
    assert take(meter, lines).problems == []
    found = judged(meter, lines)
    assert [one for one in found if one.severity == Severity.BLOCK] == []
    # V05: on eight days of late summer a few kWh after hours of almost none, as when a circuit is flushed. V06: one
    # stretch of three hours in which E8 and E9, which count whole m³·°C, went on before the heat register did.
    # V19: in summer much of the little water passes at less than 3 K; that is no mistake of the rule.
    assert Counter(one.rule for one in found) == {"V05": 8, "V06": 1, "V19": 7}
    assert {one.starts_at.month for one in found if one.rule == "V19"} <= {4, 5, 6, 7, 8, 9}
    assert heat_of(meter, lines) == lines[-1].energy_kwh - lines[0].energy_kwh


def test_a_gap_of_three_days_is_found_and_its_heat_is_known(winter: list[Line]) -> None:
    damaged = damage.gap(winter, FEBRUARY)
    meter = stand(damaged).meter
    take(meter, damaged)
    (gap,) = judged(meter, damaged)
    assert (gap.rule, gap.kind, gap.values["missing_h"]) == ("V01", "gap", 72.0)
    assert (gap.starts_at, gap.ends_at) == (FEBRUARY - HOUR, FEBRUARY + 3 * DAY)
    assert heat_of(meter, damaged) == winter[-1].energy_kwh - winter[0].energy_kwh


def test_a_stuck_register_is_found_by_the_water_that_passed(winter: list[Line]) -> None:
    damaged = damage.stuck(winter, FEBRUARY)
    meter = stand(damaged).meter
    take(meter, damaged)
    found = judged(meter, damaged)
    (frozen,) = [one for one in found if one.rule == "V06"]
    assert (frozen.starts_at, frozen.values["interval_count"]) == (FEBRUARY, 30)
    missing = sum(line.energy_kwh for line in winter if line.at == FEBRUARY + 30 * HOUR) - sum(
        line.energy_kwh for line in winter if line.at == FEBRUARY
    )
    assert frozen.values["implied_kwh"] == pytest.approx(float(missing), rel=0.03)
    # The few hours of the first and last day that still count stand out from those that do not.
    assert {one.rule for one in found} <= {"V05", "V06", "V07"}


def test_a_rollover_is_named_and_counts_on(winter: list[Line]) -> None:
    middle = next(line.energy_kwh for line in winter if line.at == FEBRUARY)
    # A counter of four digits has its end where this one happens to be.
    offset = Decimal(10_000) - middle
    shifted = [line.with_energy(line.energy_kwh + offset) for line in winter]
    damaged = damage.rollover(shifted, Decimal(10_000))
    meter = stand(damaged, digits=4).meter
    take(meter, damaged)
    assert judged(meter, damaged) == []
    steps = register_readings.differences_of(meter, Period(damaged[0].at, damaged[-1].at))
    (rolled,) = [step for step in steps if step.kind is Kind.ROLLOVER]
    assert rolled.before.at < FEBRUARY <= rolled.after.at
    assert heat_of(meter, damaged) == winter[-1].energy_kwh - winter[0].energy_kwh


def test_an_exchange_on_record_adds_both_parts(winter: list[Line]) -> None:
    before, after = damage.swapped(winter, FEBRUARY)
    exchange = next(line for line in winter if line.at == FEBRUARY)
    old = stand(winter, valid_until=FEBRUARY, final_register=exchange.energy_kwh)
    new = hosting.make_placement(
        hosting.make_meter(sensor_side="supply", qp_m3h=0.6, max_kw=15.0, register_digits=7, register_step=STEP),
        delivery_point=old.delivery_point,
        valid_from=FEBRUARY,
        first_register=Decimal(0),
    )
    take(old.meter, before)
    take(new.meter, after)
    assert judged(old.meter, winter) + judged(new.meter, winter) == []
    parts = [heat_of(old.meter, winter) or Decimal(0), heat_of(new.meter, winter) or Decimal(0)]
    assert sum(parts) == winter[-1].energy_kwh - winter[0].energy_kwh


def test_an_exchange_that_nobody_recorded_blocks(winter: list[Line]) -> None:
    before, after = damage.swapped(winter, FEBRUARY)
    meter = stand(winter).meter
    take(meter, [*before, *after])
    found = judged(meter, winter)
    assert ("V03", "reset") in named(found)
    assert next(one for one in found if one.rule == "V03").severity == Severity.BLOCK


def test_a_spike_is_found_as_the_lone_reading_that_it_is(winter: list[Line]) -> None:
    damaged = damage.spike(winter, FEBRUARY)
    meter = stand(damaged).meter
    take(meter, damaged)
    found = judged(meter, damaged)
    assert named(found) == [("V05", "spike")]
    assert (found[0].starts_at, found[0].ends_at) == (FEBRUARY - HOUR, FEBRUARY + HOUR)
    assert found[0].severity == Severity.BLOCK


def test_a_change_of_the_unit_is_found_from_its_beginning_to_its_end(winter: list[Line]) -> None:
    damaged = damage.unit_change(winter, FEBRUARY, FEBRUARY + 5 * DAY)
    meter = stand(damaged).meter
    take(meter, damaged)
    found = judged(meter, damaged)
    (changed,) = [one for one in found if one.rule == "V03"]
    assert (changed.kind, changed.values["unit"], changed.values["is_over"]) == ("unit_change", "MWh", True)
    assert (changed.starts_at, changed.ends_at) == (FEBRUARY - HOUR, FEBRUARY + 5 * DAY)
    # The heat register seems to stand still meanwhile, and says a thousandth of what the water brought.
    assert {one.rule for one in found} <= {"V03", "V06", "V07"}


def test_a_clock_an_hour_ahead_is_found_where_it_was_put_on_and_where_it_was_put_back(winter: list[Line]) -> None:
    damaged = damage.clock_off(winter, FEBRUARY, FEBRUARY + 5 * DAY)
    meter = stand(winter).meter
    report = take(meter, damaged)
    # The hour that comes twice is told twice, with two registers.
    assert len(report.problems) == 1
    found = judged(meter, damaged)
    assert named(found) == [("V01", "gap"), ("V02", "clock_jump")]
    assert (found[0].starts_at, found[0].values["missing_h"]) == (FEBRUARY - HOUR, 1.0)
    assert (found[1].starts_at, found[1].values["offset_s"]) == (FEBRUARY + 5 * DAY, 3600)


def test_two_exports_that_overlap_and_disagree_are_found_and_the_first_one_stays(winter: list[Line]) -> None:
    meter = stand(winter).meter
    take(meter, winter)
    second = damage.overlap(winter, FEBRUARY, FEBRUARY + 2 * DAY)
    report = take(meter, second)
    assert len(report.problems) + report.repeated_count == 48
    found = judged(meter, winter)
    assert named(found) == [("V20", "overlap")]
    assert found[0].values["row_count"] == len(report.problems) > 30
    assert heat_of(meter, winter) == winter[-1].energy_kwh - winter[0].energy_kwh
    assert judged(meter, winter)[0].state == "open"


def test_a_wrong_side_of_the_flow_sensor_is_found_by_physics(winter: list[Line]) -> None:
    meter = stand(winter).meter
    Meter.objects.filter(pk=meter.pk).update(sensor_side="return")
    take(meter, winter)
    sides = [one for one in judged(meter, winter) if one.rule == "V08"]
    assert {one.values["fits"] for one in sides} == {"supply"}
    assert len(sides) >= 2
