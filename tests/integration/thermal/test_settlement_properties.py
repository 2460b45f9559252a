"""What must hold of the heat ledger whatever the meters tell, and in whatever order it arrives."""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from hosting.models import DeliveryPoint, Measurement, Meter
from kernel.money import round_half_up
from kernel.periods import QUARTER_HOUR, Period, local_day
from tests.makers import accounts, hosting, thermal
from thermal.domain.estimation import Method
from thermal.models import Correction, EstimatedHeat, HeatInterval, MeterReading, SiteInterval
from thermal.models.ledger import Quality, Reason
from thermal.services import marking, recording, settlement
from thermal.services.recording import NewFrame, NewReading

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 10, 20, 6, tzinfo=dt.UTC)
NOW = dt.datetime(2027, 5, 1, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
BERLIN = ZoneInfo("Europe/Berlin")
STEP = Decimal("0.0001")
Role = Measurement.Role
# Each example settles for real; to look for the smallest one that fails would take minutes.
few = settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def taken_back() -> Iterator[None]:
    """Each example leaves the database as it found it."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def partitions() -> None:
    thermal.make_partitions(dt.datetime(2026, 3, 1, tzinfo=dt.UTC), months=12)


# ---- late arrivals ------------------------------------------------------------------------------------

TOLD_MINUTES = 240


@dataclass(frozen=True)
class Arrival:
    """One thing that reaches us: a minute after the start, and what was told then."""

    kind: str
    minute: int
    value: int


arrivals = st.lists(
    st.builds(
        Arrival,
        st.sampled_from(["register", "register", "corrected", "withdrawn", "frame", "frame", "estimate"]),
        st.integers(0, TOLD_MINUTES),
        st.integers(0, 400),
    ),
    min_size=3,
    max_size=30,
)


class Plant:
    """A delivery point with a swapped meter and two devices; a reading says what the minute says, whenever it comes."""

    def __init__(self) -> None:
        self.point = hosting.make_delivery_point()
        swap, middle = START + 130 * MINUTE, Decimal(60)
        first = hosting.make_placement(
            delivery_point=self.point, valid_from=START - HOUR, valid_until=swap, final_register=middle
        )
        second = hosting.make_placement(delivery_point=self.point, valid_from=swap, first_register=Decimal(5))
        self.meters = (first.meter, second.meter)
        self.served = thermal.make_plant_device(
            self.point.site, [Role.SUPPLY_TEMPERATURE, Role.RETURN_TEMPERATURE, Role.FLOW, Role.DEMAND],
            delivery_point=self.point,
        )  # fmt: skip
        self.racks = thermal.make_plant_device(
            self.point.site, [Role.IT_POWER, Role.CAPTURED_POWER, Role.EXPORT_MODE, Role.UTILISATION]
        )
        self.author = accounts.engineer()

    def hear(self, arrival: Arrival) -> None:
        at = START + arrival.minute * MINUTE
        if arrival.kind == "frame":
            self.hear_frame(at, arrival.value)
        elif arrival.kind == "estimate":
            self.hear_estimate(at - (at - START) % QUARTER_HOUR, arrival.value)
        else:
            self.hear_register(at, arrival)

    def hear_register(self, at: dt.datetime, arrival: Arrival) -> None:
        """The register at an instant, and the versions that set it right once it is there."""
        meter = self.meters[arrival.minute > 130]
        kwh = Decimal(arrival.minute % 131) / 2 + Decimal(arrival.value) / 1000
        fields: dict[str, Any] = {"supply_c": Decimal(40 + arrival.value % 9), "volume_m3": kwh / 20}
        told = NewReading(meter_id=meter.pk, at=at, energy_kwh=round_half_up(kwh, 4), **fields)
        recording.record_readings(readings=[told], now=NOW)
        if arrival.kind != "register":
            version = MeterReading.objects.filter(meter=meter, at=at).count() + 1
            becomes = None if arrival.kind == "withdrawn" else round_half_up(kwh + 1, 4)
            thermal.make_reading(meter, at, becomes, version=version, source="correction", **fields)
            marking.mark_recorded(readings=[(meter.pk, at)], now=NOW)

    def hear_frame(self, at: dt.datetime, value: int) -> None:
        device, values = (
            (self.racks, [value / 8, value / 16, float(value % 4), 0.5])
            if value % 2
            else (self.served, [40 + value / 8, 30 + value / 16, float(value % 3), float(value % 2)])
        )
        recording.record_frames(frames=[NewFrame(device.pk, at, device.profile_id, values)], now=NOW)

    def hear_estimate(self, start: dt.datetime, value: int) -> None:
        """Heat that no register told, in force or taken back again."""
        correction = Correction.objects.create(
            kind="add", state="applied" if value % 3 else "withdrawn", site=self.point.site, delivery_point=self.point,
            method=Method.LINEAR, starts_at=start, ends_at=start + QUARTER_HOUR, heat_kwh=1, needs_approval=False,
            reason="Sensor was out.", author=self.author, proposed_at=NOW, decided_at=NOW,
        )  # fmt: skip
        EstimatedHeat.objects.create(correction=correction, delivery_point=self.point, start=start, heat_kwh=1)
        marking.mark_period(site=self.point.site, period=Period(start, start + QUARTER_HOUR), now=NOW)

    def ledger(self) -> dict[str, Any]:
        """Every fact of every row, by table and instant."""
        history = ("version", "settled_at")
        rows: list[dict[str, Any]] = [
            *({"of": "point"} | row for row in HeatInterval.objects.filter(delivery_point=self.point).values()),
            *({"of": "site"} | row for row in SiteInterval.objects.filter(site=self.site).values()),
        ]
        return {
            f"{row['of']} {row['start']:%d %H:%M}": {key: row[key] for key in row if key not in history} for row in rows
        }

    @property
    def site(self) -> Any:
        return self.point.site


def says_nothing(row: dict[str, Any]) -> bool:
    """Whether a row of the ledger is the hole that stands for a time of which nothing is known."""
    return row.get("heat_kwh") is None and row.get("it_kwh") is None


@few
@given(told=arrivals, luck=st.randoms(use_true_random=False))
def test_any_order_of_late_arrivals_gives_the_ledger_that_settling_once_gives(told: list[Arrival], luck: Any) -> None:
    with taken_back():
        plant = Plant()
        luck.shuffle(told)
        for arrival in told:
            plant.hear(arrival)
            if luck.random() < 0.2:
                settlement.settle_marked(now=NOW, batch=luck.choice([3, 20_000]))
        settlement.settle_marked(now=NOW)
        step_by_step = plant.ledger()
        HeatInterval.objects.filter(delivery_point=plant.point).delete()
        SiteInterval.objects.filter(site=plant.site).delete()
        whole = Period(START - 2 * HOUR, START + (TOLD_MINUTES + 120) * MINUTE)
        settlement.settle_period(site=plant.site, period=whole, now=NOW)
        at_once = plant.ledger()
        assert step_by_step == {key: at_once[key] for key in step_by_step}
        assert all(says_nothing(row) for key, row in at_once.items() if key not in step_by_step)


# ---- sums ---------------------------------------------------------------------------------------------

# A day before each clock change of Berlin, and an ordinary one.
SPANS = [dt.date(2026, 3, 28), dt.date(2026, 10, 24), dt.date(2026, 7, 14)]
MODULUS = Decimal(10_000)


class Count:
    """A meter's true count since the start, read now and then, and what a straight line says of it between."""

    def __init__(self, since: dt.datetime, level: Decimal, steps: Sequence[tuple[int, int]]) -> None:
        self.known = [(since, Decimal(0))]
        for minutes, units in steps:
            at, counted = self.known[-1]
            self.known.append((at + minutes * MINUTE, counted + units * STEP))
        self.level = level

    def at(self, instant: dt.datetime) -> Decimal:
        """The count in kWh, rounded half up to four decimals as settlement does."""
        for (since, before), (until, after) in itertools.pairwise(self.known):
            if since <= instant <= until:
                share = Fraction((instant - since) // MINUTE, (until - since) // MINUTE)
                risen = Fraction(after - before) * share * 10_000
                return before + int(risen + Fraction(1, 2)) * STEP
        raise AssertionError(instant)

    def register(self, counted: Decimal) -> Decimal:
        """What the display shows."""
        return (self.level + counted) % MODULUS


# Up to half a day and 900 kWh apart, in steps of the last digit: less than a tenth of the register, as a rollover is.
steps_of_a_meter = st.lists(st.tuples(st.integers(1, 720), st.integers(0, 9_000_000)), min_size=1, max_size=12)


@st.composite
def counts(draw: st.DrawFn) -> tuple[dt.date, Count, int | None]:
    """Three days of a meter, mostly near the end of its register, and at which reading it was swapped."""
    first_on = draw(st.sampled_from(SPANS))
    level = Decimal(draw(st.sampled_from([0, 5_000, 9_400, 9_999]))) + draw(st.integers(0, 9999)) * STEP
    steps = draw(steps_of_a_meter)
    count = Count(local_day(first_on, BERLIN).start, level, steps)
    swap = draw(st.none() | st.integers(1, len(steps)))
    return first_on, count, swap


def furnish(count: Count, swap: int | None) -> DeliveryPoint:
    """The delivery point with the readings of one meter, or of two where it was swapped at a reading."""
    digits: dict[str, Any] = {"register_digits": 4, "register_step": Decimal(1)}
    point = hosting.make_delivery_point()
    cut = len(count.known) if swap is None else swap
    last = count.known[min(cut, len(count.known) - 1)]
    ended: dict[str, Any] = {} if swap is None else {"valid_until": last[0], "final_register": count.register(last[1])}
    old = hosting.make_placement(
        hosting.make_meter(**digits), point, valid_from=count.known[0][0], first_register=count.level, **ended
    )
    record(old.meter, [(at, count.register(counted)) for at, counted in count.known[1:cut]])
    if swap is not None:
        new = hosting.make_placement(
            hosting.make_meter(**digits), point, valid_from=last[0], first_register=Decimal("77.5")
        )
        rows = [(at, (Decimal("77.5") + counted - last[1]) % MODULUS) for at, counted in count.known[cut + 1 :]]
        record(new.meter, rows)
    return point


def record(meter: Meter, rows: Sequence[tuple[dt.datetime, Decimal]]) -> None:
    readings = [NewReading(meter_id=meter.pk, at=at, energy_kwh=kwh) for at, kwh in rows]
    recording.record_readings(readings=readings, now=NOW)


def heat(point: DeliveryPoint, start: dt.datetime, end: dt.datetime) -> Decimal:
    """The heat of the quarter hours between two instants in kWh; all of it must be known."""
    rows = HeatInterval.objects.filter(delivery_point=point, start__gte=start, start__lt=end)
    assert rows.count() == (end - start) // QUARTER_HOUR
    assert not rows.filter(heat_kwh=None).exists()
    return rows.aggregate(sum=Sum("heat_kwh"))["sum"] or Decimal(0)


@few
@given(case=counts(), luck=st.randoms(use_true_random=False))
def test_splitting_a_period_changes_no_sum(case: tuple[dt.date, Count, int | None], luck: Any) -> None:
    _first_on, count, swap = case
    with taken_back():
        point = furnish(count, swap)
        first, last = count.known[0][0], count.known[-1][0]
        quarters = [first + n * QUARTER_HOUR for n in range((last - first) // QUARTER_HOUR + 1)]
        cuts = sorted({quarters[0], quarters[-1], *luck.sample(quarters, min(5, len(quarters)))})
        pieces = [Period(since, until) for since, until in itertools.pairwise(cuts)]
        for piece in luck.sample(pieces, len(pieces)):
            settlement.settle_period(site=point.site, period=piece, now=NOW)
        for piece in pieces:
            assert heat(point, piece.start, piece.end) == count.at(piece.end) - count.at(piece.start)
        assert heat(point, cuts[0], cuts[-1]) == count.at(cuts[-1])


@few
@given(first_on=st.sampled_from(SPANS[:2]), units=st.lists(st.integers(0, 9_000_000), min_size=24, max_size=24))
def test_local_days_of_23_and_25_hours_add_up_to_their_registers(first_on: dt.date, units: list[int]) -> None:
    day, changing, after = (local_day(first_on + dt.timedelta(days=n), BERLIN) for n in range(3))
    # Every 197 minutes, so that readings and bounds of days hardly ever meet.
    count = Count(day.start - 100 * MINUTE, Decimal(9_000), [(197, kwh) for kwh in units])
    with taken_back():
        point = furnish(count, swap=11)
        settlement.settle_marked(now=NOW)
        assert changing.hours == (23 if first_on.month == 3 else 25)
        for one in (day, changing, after):
            assert heat(point, one.start, one.end) == count.at(one.end) - count.at(one.start)
        assert heat(point, day.start, after.end) == count.at(after.end) - count.at(day.start)


@few
@given(
    registers=st.lists(st.tuples(st.integers(1, 90), st.integers(0, 9999)), min_size=2, max_size=25),
    max_kw=st.sampled_from([None, 60.0, 4000.0]),
)
@example(registers=[(15, 9999), (15, 0), (15, 9999), (15, 9000), (15, 1000)], max_kw=None)
def test_no_sequence_of_registers_gives_negative_heat(registers: list[tuple[int, int]], max_kw: float | None) -> None:
    with taken_back():
        point = hosting.make_delivery_point()
        meter = hosting.make_meter(register_digits=4, register_step=Decimal(1), max_kw=max_kw)
        hosting.make_placement(meter, point, valid_from=START, first_register=Decimal(9_500))
        clocks = itertools.accumulate(minutes for minutes, _ in registers)
        rows = [(START + n * MINUTE, Decimal(kwh)) for n, (_, kwh) in zip(clocks, registers, strict=True)]
        record(meter, rows)
        settlement.settle_marked(now=NOW)
        for row in HeatInterval.objects.filter(delivery_point=point):
            assert row.heat_kwh is None or row.heat_kwh >= 0
            assert (row.heat_kwh is None) == (row.reason not in {Reason.NONE, Reason.LONG_GAP})


# ---- coarse meters ------------------------------------------------------------------------------------


def hourly(first_on: dt.date) -> list[dt.datetime]:
    """The hours of three local days."""
    start, end = local_day(first_on, BERLIN).start, local_day(first_on + dt.timedelta(days=2), BERLIN).end
    return [start + n * HOUR for n in range((end - start) // HOUR + 1)]


def daily(first_on: dt.date) -> list[dt.datetime]:
    """Local midnights; the day between two of them has 23, 24 or 25 hours."""
    return [local_day(first_on + dt.timedelta(days=n), BERLIN).start for n in range(4)]


@few
@given(
    first_on=st.sampled_from(SPANS),
    clocks=st.sampled_from([hourly, daily]),
    late_s=st.integers(0, 240),
    units=st.lists(st.integers(1, 9_000_000), min_size=5, max_size=5),
)
@example(first_on=SPANS[1], clocks=daily, late_s=240, units=[1_000_003])
def test_a_coarse_meter_is_settled_at_its_own_resolution(
    first_on: dt.date, clocks: Any, late_s: int, units: list[int]
) -> None:
    """Each stretch is a straight line, marked as spread; nothing of it counts as measured, and its sum is exact."""
    late = dt.timedelta(seconds=late_s)
    instants = [at + late * (number % 2) for number, at in enumerate(clocks(first_on))]
    rises = itertools.islice(itertools.cycle(units), len(instants) - 1)
    told = list(itertools.accumulate((kwh * STEP for kwh in rises), initial=Decimal(0)))
    rows = list(zip(instants, told, strict=True))
    with taken_back():
        point = hosting.make_delivery_point()
        meter = hosting.make_placement(delivery_point=point, valid_from=instants[0]).meter
        record(meter, rows[1:])
        settlement.settle_marked(now=NOW)
        last = instants[-1] - (instants[-1] - instants[0]) % QUARTER_HOUR
        settled = HeatInterval.objects.filter(delivery_point=point, start__lt=last)
        assert set(settled.values_list("quality", "reason", "measured_s")) == {(Quality.SPREAD, Reason.NONE, 0)}
        for (since, before), (until, after) in itertools.pairwise(rows):
            inside = settled.filter(start__gte=since, start__lte=until - QUARTER_HOUR)
            heats = [kwh or Decimal(0) for kwh in inside.values_list("heat_kwh", flat=True)]
            line = (after - before) * 900 / Decimal((until - since).total_seconds())
            assert all(abs(kwh - line) <= STEP for kwh in heats)
            assert set(inside.values_list("first_reading_at", "last_reading_at")) == {(since, until)}
        whole = HeatInterval.objects.filter(delivery_point=point, heat_kwh__isnull=False)
        if instants[-1] == last:
            assert whole.aggregate(sum=Sum("heat_kwh"))["sum"] == rows[-1][1]
