"""Values that come by name: numbers of every notation, times, places in documents, and what is none of these."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import Refusal
from thermal.domain import told
from thermal.domain.readings import Missing, PointIsWrong, PointSpec
from thermal.protocols.mqtt import Mqtt, document_of

SCALE = frozenset({"scale", "offset", "missing", "invalid_with", "invalid_values"})


def spec(quantity: str = "power_kw", unit: str = "kW", **address: Any) -> PointSpec:
    return PointSpec(0, "point", "Point", quantity, unit, address)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("12.50", "12.50"), (" 007 ", "7"), (Decimal("1234567890.1234"), "1234567890.1234"), (1.5, "1.5"),
        (True, "1"), ("OFF", "0"), ("1e3", "1E+3"), (-5, "-5"),
    ],
)  # fmt: skip
def test_a_number_keeps_every_digit(raw: Any, kept: str) -> None:
    assert told.number_of(raw) == Decimal(kept)


@pytest.mark.parametrize(
    "raw", ["", "a", "1,5", "1_000", "NaN", "inf", "1e99", "9" * 65, [], {}, None, float("nan"), b"1"]
)
def test_what_is_no_number_is_refused(raw: Any) -> None:
    with pytest.raises(told.NotANumber):
        told.number_of(raw)


@pytest.mark.parametrize(
    "raw",
    ["2026-11-22T20:00:00Z", "2026-11-22 21:00:00+01:00", 1795377600, 1795377600000, "1795377600000000", 1.7953776e9],
)
def test_a_time_is_read_in_every_usual_notation(raw: Any) -> None:
    assert told.time_of(raw) == dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)


@pytest.mark.parametrize("raw", ["", "soon", "2026-13-01", None, [], "1e50"])
def test_what_is_no_time_is_refused(raw: Any) -> None:
    with pytest.raises(told.NotATime):
        told.time_of(raw)


def test_a_point_scales_converts_and_knows_what_stands_for_nothing() -> None:
    plan = told.plan([spec("energy_kwh", "MWh", scale="0.1", missing=[-1])], SCALE)
    answer = plan.answer()
    plan.points[0].put(answer, "123.4567")
    assert answer.exact[0] == Decimal("12345.67")
    assert answer.missing == {}
    for nothing in (None, "", -1, "-1.0"):
        plan.points[0].put(answer := plan.answer(), nothing)
        assert (answer.told, answer.missing[0]) == (False, Missing.NOT_AVAILABLE)


@pytest.mark.parametrize("address", [{"register": 1}, {"scale": "a lot"}, {"missing": ["none"]}])
def test_a_point_that_is_not_understood_is_refused_by_name(address: dict[str, Any]) -> None:
    with pytest.raises(PointIsWrong, match="point"):
        told.plan([spec(**address)], SCALE)


@pytest.mark.parametrize(
    "address", [{}, {"topic": ""}, {"topic": "a/#"}, {"topic": "+/a"}, {"topic": 1}, {"topic": "a", "path": 1}]
)
def test_a_topic_is_one_topic(address: dict[str, Any]) -> None:
    with pytest.raises(PointIsWrong):
        Mqtt().plan([spec(**address)], {})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(JSON, st.text())
def test_no_value_and_no_path_does_anything_but_be_refused(document: Any, path: str) -> None:
    found = told.found_at(document, path)
    plan = told.plan([spec(), PointSpec(1, "clock", "Clock", "device_time", "", {})], SCALE)
    for point in plan.points:
        answer = plan.answer()
        try:
            point.put(answer, found)
        except Refusal:
            assert not answer.told


@given(st.binary() | st.sampled_from([b"[" * 100_000, b"9" * 5000, b'{"a":1e999999}']))
def test_no_payload_does_anything_but_be_refused(payload: bytes) -> None:
    plan = told.plan([spec()], SCALE)
    try:
        plan.points[0].put(plan.answer(), document_of(payload))
    except Refusal:
        return
