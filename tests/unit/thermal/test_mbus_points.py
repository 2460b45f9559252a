"""Which record of a telegram fills which point of a profile."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.makers.field import telegram_of
from thermal.domain import mbus
from thermal.domain.mbus import points
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec


def told(records: str, measures: str, **address: Any) -> Answer:
    plan = points.plan([PointSpec(0, "p", "", measures, "", address)])
    answer = Answer(slot_count=plan.slot_count)
    points.fill(answer, plan, mbus.decode(telegram_of(records)).records)
    return answer


@pytest.mark.parametrize(
    ("records", "quantity", "address", "exact"),
    [
        ("04 06 E7 91 00 00", "energy_kwh", {}, "37351"),
        ("0C 0E 08 23 03 00", "energy_kwh", {}, "8974.444444444444444444444444444444444444"),
        ("84 10 06 05 00 00 00 04 06 07 00 00 00", "energy_kwh", {"tariff": 1}, "5"),
        ("44 06 51 82 00 00 04 06 E7 91 00 00", "energy_kwh", {"storage": 1}, "33361"),
        ("84 40 14 7B 00 00 00", "volume_m3", {"subunit": 1}, "1.23"),
        ("04 86 3C 03 00 00 00 04 06 07 00 00 00", "energy_kwh", {"qualifier": "negative"}, "3"),
        ("04 86 3B 03 00 00 00", "energy_kwh", {"qualifier": "positive"}, "3"),
        ("02 FD 17 00 80", "info_code", {}, "32768"),
        ("04 22 D9 03 00 00", "operating_h", {"quantity": "On time"}, "985"),
        ("04 06 E7 91 00 00", "energy_kwh", {"scale": 10}, "373510"),
        ("04 06 E7 91 00 00", "energy_kwh", {"function": "Instantaneous value"}, "37351"),
        ("04 06 E7 91 00 00 04 06 E7 91 00 00", "energy_kwh", {}, "37351"),
    ],
)
def test_a_point_finds_its_record(records: str, quantity: str, address: dict[str, Any], exact: str) -> None:
    assert str(told(records, quantity, **address).exact[0]) == exact


def test_the_meters_clock_is_a_time() -> None:
    assert told("04 6D 1A 2F 65 11", "device_time").exact[0] == dt.datetime(2011, 1, 5, 15, 26)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("records", "quantity", "reason"),
    [
        ("04 14 2C DB 00 00", "energy_kwh", Missing.NOT_TOLD),
        ("14 06 E7 91 00 00", "energy_kwh", Missing.NOT_TOLD),
        ("34 06 E7 91 00 00", "energy_kwh", Missing.NOT_TOLD),
        ("04 90 28 0B 00 00 00", "volume_m3", Missing.NOT_TOLD),
        ("0C 06 DD B4 EB DD", "energy_kwh", Missing.INVALID),
        ("04 06 00 00 00 80", "energy_kwh", Missing.INVALID),
        ("04 6D A1 15 E9 17", "device_time", Missing.INVALID),
        ("04 06 E7 91 00 00 04 06 E8 91 00 00", "energy_kwh", Missing.AMBIGUOUS),
    ],
)
def test_what_is_missing_has_a_reason(records: str, quantity: str, reason: Missing) -> None:
    answer = told(records, quantity)
    assert (answer.values, answer.exact, answer.missing) == ([None], {}, {0: reason})


@pytest.mark.parametrize(
    ("records", "flow_m3h"),
    [
        ("04 3B 10 27 00 00", "10"),
        ("04 43 10 27 00 00", "60"),
        ("04 4B 10 27 00 00", "36"),
    ],
)
def test_a_flow_per_hour_per_minute_and_per_second_is_per_hour(records: str, flow_m3h: str) -> None:
    assert str(told(records, "flow_m3h").exact[0]) == flow_m3h
    assert mbus.billing_values(mbus.decode(telegram_of(records))).flow_m3h == Decimal(flow_m3h)


def test_a_unit_that_nobody_converts_is_no_value() -> None:
    assert told("04 FB 21 10 27 00 00", "volume_m3").missing == {0: Missing.INVALID}
    assert mbus.billing_values(mbus.decode(telegram_of("04 FB 21 10 27 00 00"))).volume_m3 is None


@pytest.mark.parametrize(
    ("records", "supply_c"),
    [
        ("02 59 44 48 02 FD 17 00 00", 185.0),
        ("02 59 44 48 02 FD 17 08 00", None),
        ("02 59 00 00 02 FD 17 20 00", None),
        ("02 59 01 00 02 FD 17 20 00", 0.01),
        ("02 59 44 48", 185.0),
    ],
)
def test_a_sensor_fault_is_no_temperature(records: str, supply_c: float | None) -> None:
    specs = [
        PointSpec(0, "supply-c", "", "supply_c", "", {"invalid_with": "info-code"}),
        PointSpec(1, "info-code", "", "info_code", "", {}),
    ]
    plan = points.plan(specs)
    answer = Answer(slot_count=plan.slot_count)
    points.fill(answer, plan, mbus.decode(telegram_of(records)).records)
    assert answer.values[0] == supply_c
    assert (0 in answer.exact) is (supply_c is not None)
    assert answer.missing.get(0) == (Missing.INVALID if supply_c is None else None)


@pytest.mark.parametrize(
    ("quantity", "address"),
    [
        ("state", {}),
        ("energy_kwh", {"tariff": "1"}),
        ("energy_kwh", {"storage": -1}),
        ("energy_kwh", {"function": "average"}),
        ("energy_kwh", {"qualifier": "maybe"}),
        ("energy_kwh", {"register": 7}),
    ],
)
def test_a_point_that_no_telegram_can_fill_is_refused(quantity: str, address: dict[str, Any]) -> None:
    with pytest.raises(PointIsWrong):
        points.plan([PointSpec(0, "p", "", quantity, "", address)])


def test_float_and_exact_value_agree() -> None:
    answer = told("04 14 2C DB 00 00", "volume_m3")
    assert answer.values == [561.08]
    assert answer.exact == {0: Decimal("561.08")}
