"""Settlement counts frames as a few lines of Python do: gaps, missing values, twins, and profiles of other times."""

import datetime as dt
import itertools
import random
from dataclasses import dataclass
from statistics import fmean

import pytest

from hosting.models import Device, DeviceProfile, Measurement
from kernel.periods import QUARTER_HOUR, Period
from tests.makers import hosting, thermal
from thermal.models import HeatInterval, SiteInterval, TelemetryFrame
from thermal.services import settlement
from thermal.services.recomputing import LAST_DIGIT, LAST_DIGIT_C

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 9, 30, 22, tzinfo=dt.UTC)
HOURS = 5
GAP_S = 1200
Role = Measurement.Role
# Two sensors of supply and of flow at one delivery point, and two lines that feed the racks.
SLOTS = [
    Role.SUPPLY_TEMPERATURE, Role.SUPPLY_TEMPERATURE, Role.RETURN_TEMPERATURE, Role.FLOW, Role.FLOW, Role.DEMAND,
    Role.IT_POWER, Role.IT_POWER,
]  # fmt: skip


@dataclass(frozen=True)
class Told:
    """One frame by the slots of today's profile."""

    at: dt.datetime
    values: tuple[float | None, ...]

    def of(self, role: Measurement.Role) -> list[float]:
        return [value for slot, value in zip(SLOTS, self.values, strict=True) if slot == role and value is not None]


def told_by(luck: random.Random, crowded: bool) -> list[Told]:
    """Frames every minute or so, now and then on a bound, missing for a while, or with values missing."""
    at, rows = START - dt.timedelta(minutes=25), []
    while at < START + dt.timedelta(hours=HOURS, minutes=25):
        values = [
            None if luck.random() < 0.1 else luck.randrange(-8, 400) / 8 if slot != Role.DEMAND else luck.randrange(2)
            for slot in SLOTS
        ]
        if not crowded:
            values[1] = values[4] = None
        rows.append(Told(at, tuple(values)))
        at += dt.timedelta(seconds=luck.choice([60] * 12 + [1, 61.5, 300, 900, 1200, 1201, 3000]))
        if luck.random() < 0.05:
            at += QUARTER_HOUR - (at - START) % QUARTER_HOUR
    return rows


def furnished(luck: random.Random, crowded: bool) -> tuple[Device, list[Told]]:
    """A plant with its frames, a third of them as the profile before told them: in other slots."""
    thermal.make_partitions(START, months=3)
    point = hosting.make_delivery_point()
    keys = [f"point-{slot}" for slot in range(len(SLOTS))]
    before, now = (
        hosting.make_profile([{"key": key, "quantity": "ratio"} for key in order], key="plant", version=version)
        for version, order in ((1, keys[::-1]), (2, keys))
    )
    device = hosting.make_device(hosting.make_controller(point.site), profile=now)
    for slot, role in enumerate(SLOTS):
        if crowded or slot not in {1, 4}:
            anchors = {} if role == Role.IT_POWER else {"delivery_point": point}
            hosting.make_measurement(device, role, slot, **anchors)
    rows = told_by(luck, crowded)
    TelemetryFrame.objects.bulk_create(_frame(device, row, before if luck.random() < 0.3 else now) for row in rows)
    return device, rows


def _frame(device: Device, row: Told, profile: DeviceProfile) -> TelemetryFrame:
    values = list(row.values if profile == device.profile else row.values[::-1])
    return TelemetryFrame(device=device, at=row.at, profile=profile, values=values)


def weighed(rows: list[Told], role: Measurement.Role) -> float | None:
    """The mean of the highest temperatures of the frames, weighed with their highest flows."""
    flows = [(max(row.of(role)), max(row.of(Role.FLOW))) for row in rows if row.of(role) and row.of(Role.FLOW)]
    flows = [(level, flow) for level, flow in flows if flow > 0]
    return sum(level * flow for level, flow in flows) / sum(flow for _level, flow in flows) if flows else None


def integrated(rows: list[Told], slot: int, quarter: Period) -> tuple[float, float]:
    """The energy in kWh of one slot's lines in a quarter hour, and for how many seconds there are lines."""
    known = [(row.at, value) for row in rows if (value := row.values[slot]) is not None]
    kwh = seconds = 0.0
    for (since, before), (at, value) in itertools.pairwise(known):
        whole_s = (at - since).total_seconds()
        first, last = max(since, quarter.start), min(at, quarter.end)
        if whole_s > GAP_S or first >= last:
            continue
        low, high = (before + (value - before) * (one - since).total_seconds() / whole_s for one in (first, last))
        length_s = (last - first).total_seconds()
        kwh, seconds = kwh + max(low + high, 0) / 2 * length_s / 3600, seconds + length_s
    return kwh, seconds


@pytest.mark.parametrize(("seed", "crowded"), [(1, True), (2, True), (3, False)])
def test_quarter_hours_are_what_their_frames_say(seed: int, crowded: bool) -> None:
    device, rows = furnished(random.Random(seed), crowded)
    whole = Period(START, START + dt.timedelta(hours=HOURS))
    site = device.controller.site
    settlement.settle_period(site=site, period=whole, now=whole.end + dt.timedelta(days=1))
    heats = {row.start: row for row in HeatInterval.objects.filter(delivery_point__site=site)}
    assert len(heats) == HOURS * 4
    for energy in SiteInterval.objects.filter(site=site):
        quarter = Period(energy.start, energy.start + QUARTER_HOUR)
        inside = [row for row in rows if quarter.start <= row.at < quarter.end]
        heat, supplies = heats[energy.start], [value for row in inside for value in row.of(Role.SUPPLY_TEMPERATURE)]
        demands = [value for row in inside for value in row.of(Role.DEMAND)]
        assert heat.supply_mean_c == (pytest.approx(fmean(supplies), abs=LAST_DIGIT_C) if supplies else None)
        assert heat.supply_min_c == (pytest.approx(min(supplies), abs=LAST_DIGIT_C) if supplies else None)
        assert heat.demand == (fmean(demands) >= 0.5 if demands else None)
        for known, role in ((heat.supply_vw_c, Role.SUPPLY_TEMPERATURE), (heat.return_vw_c, Role.RETURN_TEMPERATURE)):
            expected_c = weighed(inside, role)
            assert known == (None if expected_c is None else pytest.approx(expected_c, abs=LAST_DIGIT_C))
        lines = [integrated(rows, slot, quarter) for slot in (6, 7)]
        if all(seconds for _kwh, seconds in lines):
            assert energy.it_kwh == pytest.approx(sum(kwh for kwh, _seconds in lines), abs=LAST_DIGIT)
            assert energy.measured_s == pytest.approx(min(seconds for _kwh, seconds in lines), abs=0.51)
        else:
            assert energy.it_kwh is None
