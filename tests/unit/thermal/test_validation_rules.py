"""The rules one by one: what each finds, and what it leaves alone."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kernel.periods import Period
from thermal.domain import differences, physics
from thermal.domain.differences import Counter, Difference, Pace, Reading
from thermal.domain.physics import Side
from thermal.domain.validation import SPECS, Evidence, MeterFacts, checked_thresholds, device, heat, places, sequence
from thermal.domain.validation.places import Balance, Month, Quarter

START = dt.datetime(2026, 2, 2, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
UTC = ZoneInfo("UTC")
COUNTER = Counter(8, Decimal("0.1"), Decimal(60))
FACTS = MeterFacts(COUNTER, 900, Side.RETURN, "2", 2.0, 3.0)


def told(count: int, **fields: Any) -> list[Reading]:
    """A meter at 45/35 °C and 1 m³/h, every quarter hour; a field may be a function of the reading's number."""
    readings = []
    for number in range(count):
        given = {name: value(number) if callable(value) else value for name, value in fields.items()}
        volume = Decimal(number) / 4
        own: dict[str, Any] = {
            "energy_kwh": Decimal(str(round(number * physics.heat_kwh(0.25, 45, 35, Side.RETURN), 4))),
            "volume_m3": volume, "supply_energy_m3c": volume * 45, "return_energy_m3c": volume * 35,
        }  # fmt: skip
        readings.append(Reading(meter_id=1, at=START + number * QUARTER, version=1, **own | given))
    return readings


def steps(readings: Sequence[Reading]) -> list[Difference]:
    return differences.differences(readings, COUNTER, Pace(900))


def limit(rule: str, **given: float) -> dict[str, float]:
    return checked_thresholds(rule, given)


def day_rule(rule: Any, code: str, readings: Sequence[Reading], facts: MeterFacts = FACTS) -> list[Evidence]:
    return list(rule(steps(readings), facts, limit(code), UTC))


def step_rule(rule: Any, code: str, readings: Sequence[Reading], facts: MeterFacts = FACTS) -> list[Evidence]:
    return list(rule(steps(readings), facts, limit(code)))


def test_a_meter_in_order_is_left_alone() -> None:
    seen = {"supply_c": Decimal(45), "return_c": Decimal(35), "error_h": Decimal(3), "info_code": 2}
    whole = told(97, operating_h=lambda n: Decimal(n) / 4, **seen)
    for code, rule in [
        ("V01", sequence.gaps), ("V02", sequence.clock), ("V03", sequence.decreases), ("V04", sequence.static_maximum),
        ("V06", sequence.frozen), ("V08", heat.side), ("V09", heat.polarity), ("V10", device.sensor_codes),
        ("V12", device.error_hours), ("V19", heat.small_differences),
    ]:  # fmt: skip
        assert step_rule(rule, code, whole) == [], code
    for code, by_day in [("V05", sequence.spikes), ("V07", heat.against_physics), ("V13", device.operating_hours)]:
        assert day_rule(by_day, code, whole) == [], code


@pytest.mark.parametrize(("offset_s", "grave"), [(-200, False), (3600, True)])
def test_a_wrong_clock_is_one_stretch(offset_s: int, grave: bool) -> None:
    def clock(number: int) -> dt.datetime:
        wrong = 10 <= number < 20
        return START + number * QUARTER + dt.timedelta(seconds=offset_s if wrong else 5)

    (found,) = step_rule(sequence.clock, "V02", told(40, device_at=clock))
    assert (found.starts_at, found.ends_at) == (START + 9 * QUARTER, START + 19 * QUARTER)
    assert (found.values["offset_s"], found.is_grave) == (offset_s, grave)


def test_too_much_flow_is_found_by_the_register_or_by_the_sensor() -> None:
    fast = told(10, volume_m3=lambda n: Decimal(n) * 2)
    assert step_rule(sequence.static_maximum, "V04", fast)[0].values["flow_m3h"] == 8.0
    seen = told(10, flow_m3h=lambda n: Decimal("4.5") if n == 5 else Decimal(1))
    assert step_rule(sequence.static_maximum, "V04", seen)[0].values == {"flow_m3h": 4.5, "most_m3h": 4.0}


def test_a_spike_of_the_day_is_measured_by_the_third_highest_rise() -> None:
    readings = told(97)
    jumped = [
        Reading(meter_id=1, at=one.at, version=1, energy_kwh=one.energy_kwh + (9 if number >= 40 else 0))
        for number, one in enumerate(readings)
    ]
    (found,) = day_rule(sequence.spikes, "V05", jumped)
    assert found.starts_at == START + 39 * QUARTER
    assert found.values["most_kwh"] == pytest.approx(11.88, abs=0.01)


@pytest.mark.parametrize(("share", "found", "grave"), [(0.97, False, False), (0.92, True, False), (0.8, True, True)])
def test_heat_that_water_does_not_explain_is_found_beyond_class_and_margin(
    share: float, found: bool, grave: bool
) -> None:
    wrong = told(97, energy_kwh=lambda n: Decimal(str(round(n * share * 2.8839, 4))))
    evidence = day_rule(heat.against_physics, "V07", wrong)
    assert [one.is_grave for one in evidence] == ([grave] if found else [])


def test_temperatures_that_are_only_looked_at_prove_nothing_grave() -> None:
    seen = told(97, supply_energy_m3c=None, return_energy_m3c=None, supply_c=Decimal(45), return_c=Decimal(35),
                energy_kwh=lambda n: Decimal(str(round(n * 0.5 * 2.8839, 4))))  # fmt: skip
    (evidence,) = day_rule(heat.against_physics, "V07", seen)
    assert not evidence.is_grave


@pytest.mark.parametrize(("supply_c", "return_c"), [(70, 40), (60, 40), (65, 25)])
@pytest.mark.parametrize("side", list(Side))
def test_the_wrong_side_is_found_and_the_right_one_is_not(supply_c: int, return_c: int, side: Side) -> None:
    heat_kwh = physics.heat_kwh(0.25, supply_c, return_c, side)
    readings = told(
        400, energy_kwh=lambda n: Decimal(str(round(n * heat_kwh, 1))),
        supply_energy_m3c=lambda n: Decimal(n * supply_c) / 4, return_energy_m3c=lambda n: Decimal(n * return_c) / 4,
    )  # fmt: skip
    for declared in Side:
        facts = MeterFacts(COUNTER, 900, declared, "2", 2.0, 3.0)
        fits = [one.values["fits"] for one in step_rule(heat.side, "V08", readings, facts)]
        assert fits == ([] if declared is side else [side.value])


def test_a_return_warmer_than_the_supply_is_found_after_a_quarter_hour() -> None:
    turned = told(9, supply_energy_m3c=lambda n: Decimal(n * 30) / 4, return_energy_m3c=lambda n: Decimal(n * 40) / 4,
                  energy_kwh=Decimal(5))  # fmt: skip
    (found,) = step_rule(heat.polarity, "V09", turned)
    assert found.values == {"difference_k": -10.0, "minutes": 120}


@pytest.mark.parametrize(
    ("fields", "values"),
    [
        ({"supply_c": Decimal("185.000")}, {"supply_c": "185.000", "return_c": "None"}),
        ({"return_c": Decimal(0)}, {"supply_c": "None", "return_c": "0"}),
        ({"info_code": 0x10008}, {"info_bits": 0x10008}),
    ],
)
def test_codes_of_broken_sensors_are_found(fields: dict[str, Any], values: dict[str, Any]) -> None:
    (found,) = step_rule(device.sensor_codes, "V10", told(4, **fields))
    assert values.items() <= found.values.items()


def test_error_hours_that_a_counter_of_whole_hours_tells_are_one_finding() -> None:
    (found,) = step_rule(device.error_hours, "V12", told(40, error_h=lambda n: Decimal(min(max(n - 8, 0) // 4, 5))))
    assert found.values == {"error_h": 5.0, "hours": 4.25}


def test_a_meter_that_was_off_for_hours_is_found() -> None:
    (found,) = day_rule(device.operating_hours, "V13", told(97, operating_h=lambda n: Decimal(min(n, 80)) / 4))
    assert found.values == {"operating_h": 20.0, "hours": 24.0}


def test_much_water_at_small_differences_is_found() -> None:
    small = told(40, supply_energy_m3c=lambda n: Decimal(n * 37) / 4)
    (found,) = step_rule(heat.small_differences, "V19", small)
    assert found.values["low_ratio"] == 1.0


PERIOD = Period(START, START + dt.timedelta(days=1))


@pytest.mark.parametrize(("delivered", "found"), [(90, False), (103, False), (104, True), (86, False), (84, True)])
def test_the_balance_of_a_site_has_a_loss_between_limits(delivered: float, found: bool) -> None:
    balance = Balance(PERIOD, it_kwh=100, delivered_kwh=delivered, captured_kwh=80, heat_pump_kwh=20)
    assert bool(places.energy_balance(balance, limit("V14"))) is found
    unknown = Balance(PERIOD, it_kwh=100, delivered_kwh=delivered, captured_kwh=80, heat_pump_kwh=20, known_ratio=0.5)
    assert places.energy_balance(unknown, limit("V14")) == []


@pytest.mark.parametrize(("delivered", "found"), [(121.9, False), (122.1, True)])
def test_no_more_heat_leaves_than_it_and_heat_pumps_make(delivered: float, found: bool) -> None:
    balance = Balance(PERIOD, it_kwh=100, delivered_kwh=delivered, heat_pump_kwh=20)
    assert bool(places.it_balance(balance, limit("V15"))) is found
    assert not places.it_balance(Balance(PERIOD, 100, delivered, None, 20, None, -5.0), limit("V15"))


@pytest.mark.parametrize(("hours", "found"), [(47, False), (48, True), (60, True)])
def test_no_use_counts_from_its_first_quarter_hour_to_its_last(hours: int, found: bool) -> None:
    quarters = [Quarter(START + n * QUARTER, 0.0, demand=True) for n in range(4 * hours)]
    quarters.append(Quarter(START + 4 * hours * QUARTER, 1.0, demand=True))
    evidence = places.zero_use(quarters, limit("V16"))
    assert [one.values["hours"] for one in evidence] == ([hours] if found else [])
    # A quarter hour in which nothing is known ends it.
    assert (
        places.zero_use([one for one in quarters if one.start != START + 80 * QUARTER], limit("V16")) == []
        or hours > 60
    )


@pytest.mark.parametrize(("heat_kwh", "found"), [(49, True), (50, False), (160, False), (161, True)])
def test_a_month_is_compared_with_the_year_before_per_degree_day(heat_kwh: float, found: bool) -> None:
    before = Month(PERIOD, 100, 1.0)
    assert bool(places.against_history(Month(PERIOD, heat_kwh, 1.0), before, limit("V17"))) is found
    assert places.against_history(Month(PERIOD, heat_kwh, 0.5), before, limit("V17")) == []


def test_a_cold_month_explains_its_use() -> None:
    cold, mild = Month(PERIOD, 180, 1.0, 600, 0.0), Month(PERIOD, 100, 1.0, 330, 0.0)
    assert places.against_history(cold, mild, limit("V17")) == []
    (warm,) = places.against_history(Month(PERIOD, 180, 1.0, 330, 0.0), mild, limit("V17"))
    assert warm.values["comparison"] == "degree_days"


def test_what_is_expected_is_adjusted_beyond_the_base_load() -> None:
    before = Month(PERIOD, 10_565, 1.0, 300, 2_000)
    (found,) = places.against_history(Month(PERIOD, 20_000, 1.0, 330, 2_000), before, limit("V17"))
    assert found.values == {
        "heat_kwh": 20_000, "year_before_kwh": 10_565, "expected_kwh": 11_421.5, "ratio": 1.7511,
        "comparison": "degree_days", "degree_days_kd": 330, "year_before_kd": 300, "base_kwh": 2_000,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("month", "before", "comparison"),
    [
        ((330, None), (300, None), "no_dependence"),
        ((None, 0.0), (300, 0.0), "no_weather"),
        ((330, 0.0), (None, 0.0), "no_weather"),
        ((330, 0.0), (3, 0.0), "no_heating"),
    ],
)
def test_without_weather_months_are_compared_as_they_are_and_say_so(month: Any, before: Any, comparison: str) -> None:
    told_now, told_then = Month(PERIOD, 300, 1.0, *month), Month(PERIOD, 100, 1.0, *before)
    (found,) = places.against_history(told_now, told_then, limit("V17"))
    assert (found.values["comparison"], found.values["expected_kwh"]) == (comparison, 100)
    assert "degree_days_kd" not in found.values


def test_every_shipped_rule_has_thresholds_with_units() -> None:
    ends = ("_ratio", "_factor", "_h", "_s", "_count", "_k", "_m3c", "minutes", "_mask", "_kd")
    names = [name for spec in SPECS.values() for name in spec.thresholds]
    assert [name for name in names if not name.endswith(ends)] == []
