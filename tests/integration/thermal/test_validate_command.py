"""`manage.py validate`, and the tasks of the schedule."""

import datetime as dt
from decimal import Decimal
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from hosting.models import MeterPlacement
from tests.makers import hosting, thermal
from thermal import tasks
from thermal.models import ValidationFinding, ValidationMark
from thermal.services import marking

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 9, 7, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)


@pytest.fixture
def placement() -> MeterPlacement:
    thermal.make_partitions(START, months=4)
    placement = hosting.make_placement(hosting.make_meter(max_kw=60.0), valid_from=START, first_register=Decimal(100))
    thermal.make_readings(placement.meter, [(START + n * QUARTER, 100 + n if n < 20 else n) for n in range(1, 40)])
    return placement


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("validate", *arguments, stdout=out)
    return out.getvalue().strip()


@time_machine.travel("2026-10-20 12:00:00+00:00")
def test_the_command_judges_a_meter_over_all_that_was_read(placement: MeterPlacement) -> None:
    text = said("--meter", placement.meter.serial)
    assert text == "1 meters and 0 sites judged: 1 findings new, 0 changed, 0 closed; 1 are open."
    assert ValidationFinding.objects.get().rule == "V03"
    assert "0 findings new, 0 changed, 0 closed" in said("--meter", placement.meter.serial, "--from", "2026-09-07")
    assert "0 findings new, 0 changed, 0 closed" in said("--from", "2026-09-01", "--to", "2026-09-10")


@time_machine.travel("2026-10-20 12:00:00+00:00")
def test_the_command_without_a_scope_judges_what_is_marked(placement: MeterPlacement) -> None:
    assert said().startswith("0 meters")
    marking.mark_to_judge(meters=[(placement.meter_id, START)], now=START)
    assert said().startswith("1 meters and 0 sites judged: 1 findings new")


def test_the_command_knows_its_meters() -> None:
    with pytest.raises(CommandError, match="no meter"):
        said("--meter", "nobody")


@time_machine.travel("2026-10-01 02:10:00+00:00")
def test_the_tasks_judge_marks_and_months(placement: MeterPlacement) -> None:
    marking.mark_to_judge(meters=[(placement.meter_id, START)], now=START)
    assert tasks.validate() == 1
    assert not ValidationMark.objects.exists()
    placement.meter.verified_until_on = dt.date(2026, 9, 20)
    placement.meter.save()
    assert tasks.validate_months() == 1
    assert tasks.validate_months() == 0
