"""What must hold of true-ups: in whatever order the truth comes in, what was billed in the end is what passed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.models import CreditNote, Invoice, TrueUp
from portal import invariants
from tests.makers.true_ups import LATER, NOVEMBER, OCTOBER, World, hourly, make_world
from thermal.models import Correction

pytestmark = pytest.mark.django_db

# Each example settles and bills for real; to look for the smallest one that fails would take minutes.
few = settings(
    max_examples=3,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
STEPS = ("first", "middle", "end", "late", "withdraw", "settle", "estimate")


@pytest.fixture(autouse=True)
def short_months(settings: Any) -> None:
    settings.BILLING_MIN_ACTUAL_RATIO = 0.3


@contextmanager
def taken_back() -> Iterator[None]:
    """Each example leaves the database as it found it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def take(world: World, step: str, correction: Correction) -> None:
    """One thing that happens after the bills were issued."""
    if step == "first":
        world.correct({0: hourly()[0] - 3})
    elif step == "middle":
        world.correct({72: hourly()[72] - 2})
    elif step == "end":
        world.correct({144: hourly()[144] + 4})
    elif step == "late":
        world.tell({71.5: hourly()[71] + 1})
    elif step == "withdraw":
        correction.refresh_from_db()
        if correction.state == Correction.State.APPLIED:
            world.withdraw(correction)
    elif step == "estimate":
        world.estimate(range(100, 104), now=LATER)
    else:
        world.settle_all()


def passed_kwh(world: World) -> Decimal:
    """What the registers and the estimates say now, from the first day to the last."""
    rows = world.placement.meter.readings.filter(at__in=(world.at(0), world.at(144))).order_by("at", "version")
    registers = {row.at: row.energy_kwh or Decimal(0) for row in rows}
    added = Correction.objects.filter(kind=Correction.Kind.ADD, state=Correction.State.APPLIED)
    estimated = sum((row.heat_kwh for row in added), Decimal(0))
    return Decimal(registers[world.at(144)] - registers[world.at(0)] + estimated)


def billed_kwh() -> Decimal:
    """Everything ever billed, less what was credited."""
    cancelled = CreditNote.objects.filter(is_whole=True, state="issued").values_list("invoice__heat_kwh", flat=True)
    billed = Invoice.objects.filter(state="issued").values_list("heat_kwh", flat=True)
    return sum(billed, Decimal(0)) - sum(cancelled, Decimal(0))


@few
@given(st.permutations(STEPS))
def test_billed_less_credited_is_what_passed_once_everything_is_settled(steps: Sequence[str]) -> None:
    with taken_back():
        world = make_world()
        correction = world.estimate()
        world.bill()
        for step in steps:
            take(world, step, correction)
        world.settle_all()
        assert billed_kwh() == passed_kwh(world)
        assert world.standing(OCTOBER).heat_kwh + world.standing(NOVEMBER).heat_kwh == passed_kwh(world)
        assert not TrueUp.objects.filter(state__in=TrueUp.LIVE).exists()
        assert [one for one in invariants.check(now=LATER) if one.violations and one.invariant.number <= 4] == []
