"""What a profile says about OPC UA nodes, what their values mean, and who the portal is."""

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from asyncua import ua
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import opcua
from thermal.domain.opcua import ValueTold
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec
from thermal.protocols.opcua import node_id
from thermal.protocols.opcua.identity import APPLICATION, identity

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


def spec(slot: int = 0, quantity: str = "state", unit: str = "", **address: Any) -> PointSpec:
    return PointSpec(slot, f"p{slot}", "", quantity, unit, {"node": "ns=2;s=a", **address})


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ({"node": None}, "not a node"),
        ({"node": "Line1.Power"}, "not a node"),
        ({"node": "ns=65536;i=1"}, "not a node"),
        ({"node": "i=4294967296"}, "not a node"),
        ({"node": "ns=2;s="}, "not a node"),
        ({"node": "ns=2;s=a\nb"}, "not a node"),
        ({"node": "ns=2;g=123"}, "not a node"),
        ({"node": "ns=2;b=?"}, "not a node"),
        ({"node": "ns=2;nsu=urn:x;i=1"}, "not a node"),
        ({"index": -1}, "not a place"),
        ({"timestamp": "source"}, "for the clock"),
        ({"object": "analog-input,1"}, "not known to OPC UA"),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_by_name(address: dict[str, Any], problem: str) -> None:
    with pytest.raises(PointIsWrong, match=problem):
        opcua.plan([spec(**address)], {})


@pytest.mark.parametrize("options", [{"max_nodes": 0}, {"max_nodes": 1001}, {"security": "Basic128Rsa15"}])
def test_an_option_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(PointIsWrong, match=next(iter(options))):
        opcua.plan([spec()], options)


@pytest.mark.parametrize(
    "name",
    ["i=2258", "ns=2;i=17", "ns=3;s=a=b;c", "ns=2;g=09087e75-8e5e-499b-954f-f2a9603db28a", "ns=1;b=M/RbKBsRVkePCg=="],
)
def test_a_node_is_the_one_that_the_library_reads_from_the_text(name: str) -> None:
    node = opcua.node_of(name)
    assert node_id(node.identifier, node.index) == ua.NodeId.from_string(name)


def test_a_node_is_asked_for_once_and_fills_all_its_points() -> None:
    points = [spec(0, bit=0), spec(1, bit=1), spec(2, node="ns=2;s={unit}")]
    (node, filled), (other, _points) = opcua.plan(points, {}).nodes("7").items()
    assert (node.identifier, other.identifier) == ("s=a", "s=7")
    answer = Answer(slot_count=3, raw={})
    for point in filled:
        point.take(answer, ValueTold(2, raw="2"))
    assert (answer.values, answer.raw) == ([0, 1, None], {0: "2", 1: "2"})


@pytest.mark.parametrize("unit", ["", "1;s=x", "a\nb", "x" * 41])
def test_a_unit_cannot_make_another_node_of_a_name(unit: str) -> None:
    with pytest.raises(opcua.UnitIsNoName):
        opcua.check_unit(unit)


@pytest.mark.parametrize("year", [1601, 1970])
def test_a_clock_that_nobody_set_is_none(year: int) -> None:
    plan = opcua.plan([spec(quantity="device_time")], {})
    told = ValueTold(dt.datetime(year, 1, 1, tzinfo=dt.UTC))
    assert opcua.number_told(plan.points[0], told).value is Missing.NOT_AVAILABLE


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.binary(max_size=8)
    | st.datetimes()
    | st.lists(st.integers(), max_size=3)
    | st.decimals()
)


@given(VALUES, st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([None, 0, 2]))
def test_whatever_is_told_becomes_a_value_or_a_reason(value: Any, status: int, is_single: bool, place: Any) -> None:
    for state in (0, status):
        for quantity in ("state", "energy_kwh", "device_time"):
            plan = opcua.plan([spec(quantity=quantity, index=place)], {})
            told = ValueTold(value, state, is_single)
            number = opcua.number_told(plan.points[0], told)
            assert isinstance(number.value, Decimal | dt.datetime | Missing)
            answer = Answer(slot_count=1)
            plan.points[0].take(answer, told)
            assert (answer.values[0] is not None) + bool(answer.missing) + bool(answer.exact) >= 1


def test_the_portal_is_always_the_same_to_servers(tmp_path: Path) -> None:
    path = tmp_path / "opcua" / "identity.pem"
    certificate, key = identity(path, now=NOW)
    assert identity(path, now=NOW + dt.timedelta(days=400)) == (certificate, key)
    assert path.stat().st_mode & 0o077 == 0
    told = x509.load_pem_x509_certificate(certificate)
    names = told.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [APPLICATION]
    assert [file.name for file in path.parent.iterdir()] == ["identity.pem"]
