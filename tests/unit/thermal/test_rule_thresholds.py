"""Each threshold that is shown is used: what a rule finds changes where the threshold does."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.thermal.test_validation_rules import FACTS, PERIOD, QUARTER, START, UTC, limit, steps, told
from thermal.domain import physics
from thermal.domain.differences import Counter, Reading
from thermal.domain.physics import Side
from thermal.domain.validation import SPECS, Evidence, Thresholds, device, heat, places, sequence
from thermal.domain.validation.places import Balance, Month, Quarter
from thermal.queries import rule_words

Judge = Callable[[Thresholds], list[Evidence]]
PER_STEP_KWH = physics.heat_kwh(0.25, 45, 35, Side.RETURN)


def risen(*rises_kwh: float) -> list[Reading]:
    """A register that rises by these amounts, every quarter hour."""
    levels = [sum(rises_kwh[:number]) for number in range(len(rises_kwh) + 1)]
    return told(len(levels), energy_kwh=lambda n: Decimal(str(round(levels[n], 4))), volume_m3=None,
                supply_energy_m3c=None, return_energy_m3c=None)  # fmt: skip


def of_steps(rule: Any, readings: Sequence[Reading]) -> Judge:
    return lambda limits: list(rule(steps(readings), FACTS, limits))


def of_days(rule: Any, readings: Sequence[Reading]) -> Judge:
    return lambda limits: list(rule(steps(readings), FACTS, limits, UTC))


def without(readings: list[Reading], *numbers: int) -> list[Reading]:
    return [one for number, one in enumerate(readings) if number not in numbers]


def share(of_heat: float) -> list[Reading]:
    return told(97, energy_kwh=lambda n: Decimal(str(round(n * of_heat * PER_STEP_KWH, 4))))


PAUSED = without(told(240), *range(10, 130))
LATE = told(40, device_at=lambda n: START + n * QUARTER - QUARTER if 10 <= n < 20 else START + n * QUARTER)
SPIKE = [
    Reading(meter_id=1, at=one.at, version=1, energy_kwh=one.energy_kwh + (9 if number >= 40 else 0))
    for number, one in enumerate(told(97))
]
STUCK = told(12, energy_kwh=lambda n: Decimal(min(n, 4)) + max(Decimal(0), Decimal(n - 8)) * 12)
OTHER_SIDE = told(
    400,
    energy_kwh=lambda n: Decimal(str(round(n * physics.heat_kwh(0.25, 70, 40, Side.SUPPLY), 1))),
    supply_energy_m3c=lambda n: Decimal(n * 70) / 4,
    return_energy_m3c=lambda n: Decimal(n * 40) / 4,
)
TURNED = told(
    9, supply_energy_m3c=lambda n: Decimal(n * 30) / 4, return_energy_m3c=lambda n: Decimal(n * 40) / 4,
    energy_kwh=Decimal(5),
)  # fmt: skip
SMALL = told(40, supply_energy_m3c=lambda n: Decimal(n * 37) / 4)
NO_USE = [Quarter(START + n * QUARTER, 0.0, demand=True) for n in range(240)]


def balance(delivered: float, known: float = 1.0) -> Judge:
    made = Balance(PERIOD, 100, delivered, captured_kwh=80, heat_pump_kwh=20, known_ratio=known)
    return lambda limits: places.energy_balance(made, limits)


def history(heat_kwh: float, known: float = 1.0, kd: tuple[float, float] | None = None) -> Judge:
    now, then = kd or (None, None)
    base = None if kd is None else 0.0
    month, before = Month(PERIOD, heat_kwh, known, now, base), Month(PERIOD, 100, known, then, base)
    return lambda limits: places.against_history(month, before, limits)


def own_difference(limits: Thresholds) -> list[Evidence]:
    is_wrong = device.is_wrong_difference(9.5, 45, 35, limits)
    return [Evidence(rule="V11", starts_at=START, ends_at=START + QUARTER, values={"off_k": 0.5})] if is_wrong else []


CASES: list[tuple[str, str, float, float, Judge]] = [
    ("V01", "gap_factor", 1.5, 200, of_steps(sequence.gaps, PAUSED)),
    ("V01", "long_gap_h", 24, 48, of_steps(sequence.gaps, PAUSED)),
    ("V02", "warn_s", 180, 1800, of_steps(sequence.clock, LATE)),
    ("V02", "reject_s", 600, 1200, of_steps(sequence.clock, LATE)),
    ("V04", "power_ratio", 1.0, 1.1, of_steps(sequence.static_maximum, risen(5, 15.6, 5))),
    ("V04", "flow_ratio", 1.0, 2.0, of_steps(sequence.static_maximum, told(9, volume_m3=lambda n: Decimal(n) * 3 / 4))),
    ("V05", "excess_ratio", 1.8, 10, of_days(sequence.spikes, SPIKE)),
    ("V05", "step_count", 3, 1000, of_days(sequence.spikes, SPIKE)),
    ("V06", "interval_count", 3, 10, of_steps(sequence.frozen, STUCK)),
    ("V06", "flow_ratio", 0.02, 0.9, of_steps(sequence.frozen, STUCK)),
    ("V06", "step_count", 2, 1000, of_steps(sequence.frozen, STUCK)),
    ("V07", "margin_ratio", 0.02, 0.2, of_days(heat.against_physics, share(0.92))),
    ("V07", "block_ratio", 0.1, 0.5, of_days(heat.against_physics, share(0.8))),
    ("V07", "step_count", 3, 1000, of_days(heat.against_physics, share(0.8))),
    ("V07", "energy_step_m3c", 1, 1000, of_days(heat.against_physics, share(0.8))),
    ("V08", "better_ratio", 0.005, 0.5, of_steps(heat.side, OTHER_SIDE)),
    ("V08", "step_count", 200, 1e6, of_steps(heat.side, OTHER_SIDE)),
    ("V09", "difference_k", 0.5, 20, of_steps(heat.polarity, TURNED)),
    ("V09", "flow_ratio", 0.01, 0.9, of_steps(heat.polarity, TURNED)),
    ("V09", "minutes", 15, 1000, of_steps(heat.polarity, TURNED)),
    ("V09", "energy_step_m3c", 1, 1000, of_steps(heat.polarity, TURNED)),
    ("V10", "info_mask", 0x303F8, 0, of_steps(device.sensor_codes, told(4, info_code=8))),
    ("V11", "difference_k", 0.2, 0.6, own_difference),
    ("V12", "error_h", 0, 2, of_steps(device.error_hours, told(9, error_h=lambda n: Decimal(n // 4)))),
    ("V13", "share_ratio", 0.98, 0.5,
     of_days(device.operating_hours, told(97, operating_h=lambda n: Decimal(min(n, 80)) / 4))),
    ("V13", "counter_step_h", 1, 5,
     of_days(device.operating_hours, told(97, operating_h=lambda n: Decimal(min(n, 80)) / 4))),
    ("V14", "least_loss_ratio", -0.03, -0.1, balance(104)),
    ("V14", "most_loss_ratio", 0.15, 0.3, balance(84)),
    ("V14", "known_ratio", 0.9, 1.0, balance(84, known=0.95)),
    ("V15", "tolerated_ratio", 1.02, 1.1,
     lambda limits: places.it_balance(Balance(PERIOD, 100, 122.1, heat_pump_kwh=20), limits)),
    ("V16", "zero_h", 48, 72, lambda limits: places.zero_use(NO_USE, limits)),
    ("V17", "least_ratio", 0.5, 0.4, history(49)),
    ("V17", "most_ratio", 1.6, 2.0, history(161)),
    ("V17", "known_ratio", 0.9, 1.0, history(161, known=0.95)),
    ("V17", "least_kd", 700, 20, history(180, kd=(600, 330))),
    ("V19", "volume_ratio", 0.2, 1.0, of_steps(heat.small_differences, SMALL)),
]  # fmt: skip


def found_by(judge: Judge, rule: str, name: str, value: float) -> list[bool]:
    return [one.is_grave for one in judge(limit(rule, **{name: value}))]


@pytest.mark.parametrize(("rule", "name", "finds", "leaves", "judge"), CASES, ids=lambda case: str(case)[:20])
def test_the_threshold_decides(rule: str, name: str, finds: float, leaves: float, judge: Judge) -> None:
    judged = found_by(judge, rule, name, finds)
    assert judged != []
    assert found_by(judge, rule, name, leaves) != judged


def test_no_threshold_is_left_out() -> None:
    shown = {(spec.code, name) for spec in SPECS.values() for name in spec.thresholds}
    assert {(rule, name) for rule, name, *_case in CASES} == shown
    assert set(rule_words.THRESHOLDS) == shown


def test_every_value_of_a_finding_has_a_label() -> None:
    found = [one for rule, name, finds, _leaves, judge in CASES for one in judge(limit(rule, **{name: finds}))]
    found += [*places.against_history(Month(PERIOD, 300, 1.0, 330, 10), Month(PERIOD, 100, 1.0, 300, 10), limit("V17"))]
    found += sequence.decreases(steps(risen(500, -400, 3)), FACTS, {})
    found += places.verification(PERIOD, PERIOD.end.date(), START.date())
    named = {name for one in found for name in one.values}
    assert {"degree_days_kd", "doubt", "verified_until_on", "info_bits", "most_kwh"} <= named
    assert named - set(rule_words.VALUES) == set()


def test_a_lower_limit_of_power_finds_what_settlement_counts_and_a_higher_one_hides_nothing() -> None:
    jump = of_steps(sequence.static_maximum, risen(5, 40, 5))
    assert [one.values["most_kwh"] for one in jump(limit("V04", power_ratio=3))] == ["16.7000"]
    assert [one.values["most_kwh"] for one in jump(limit("V04", power_ratio=1))] == ["15.2000"]
    assert Counter(8, Decimal("0.1"), Decimal(60), Decimal(3)).most_kwh(Decimal(900)) == Decimal("45.2")
