"""The fewest reads that bring every register exactly once."""

import struct
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from thermal.domain import planning
from thermal.domain.planning import Limits, Refusals, Request
from thermal.domain.readings import LARGEST, Answer, Conversion, Missing, PointIsWrong, PointSpec, register_slots
from thermal.domain.registers import KINDS, TABLES, RegisterPoint, register_point

KIND_NAMES = sorted(KINDS)


def a_point(slot: int, table: str, start: int, kind: str = "uint16") -> RegisterPoint:
    return RegisterPoint(slot, f"p{slot}", "state", table, start, kind, False, False, Conversion(), frozenset())


@st.composite
def profiles(draw: st.DrawFn) -> list[RegisterPoint]:
    """Points side by side or apart in any table, none of them on top of another."""
    points: list[RegisterPoint] = []
    for table in TABLES:
        position = draw(st.integers(0, 50))
        for kind in draw(st.lists(st.sampled_from(KIND_NAMES), max_size=25)):
            point = a_point(len(points), table, position, "uint16" if table in ("coil", "discrete") else kind)
            points.append(point)
            position += point.count + draw(st.integers(0, 40))
    return draw(st.permutations(points))


def registers_of(requests: tuple[Request, ...]) -> list[tuple[str, int]]:
    return [(request.table, request.start + n) for request in requests for n in range(request.count)]


@given(profiles(), st.integers(4, 125), st.integers(0, 60))
def test_every_point_is_read_whole_by_one_request_and_no_register_twice(
    points: list[RegisterPoint], max_count: int, max_gap: int
) -> None:
    requests = planning.plan_requests(points, Limits(max_count, max_gap))
    assert sorted(slot for request in requests for slot in request.slots) == list(range(len(points)))
    for request in requests:
        for point in request.points:
            assert point.table == request.table
            assert request.start <= point.start
            assert point.start + point.count <= request.start + request.count
    read = registers_of(requests)
    assert len(read) == len(set(read))


@given(profiles(), st.integers(4, 125), st.integers(0, 60))
def test_limits_are_kept_and_no_gap_is_bridged_that_is_too_wide(
    points: list[RegisterPoint], max_count: int, max_gap: int
) -> None:
    for request in planning.plan_requests(points, Limits(max_count, max_gap)):
        assert request.count <= (2000 if request.table in ("coil", "discrete") else max_count)
        wanted = sorted({point.start + n for point in request.points for n in range(point.count)})
        assert wanted[0] == request.start
        assert wanted[-1] == request.start + request.count - 1
        assert all(later - earlier - 1 <= max_gap for earlier, later in pairwise(wanted))


@given(profiles(), st.integers(4, 125), st.integers(0, 60))
def test_no_two_neighboring_requests_could_be_one(points: list[RegisterPoint], max_count: int, max_gap: int) -> None:
    for earlier, later in pairwise(planning.plan_requests(points, Limits(max_count, max_gap))):
        if earlier.table != later.table:
            continue
        first = later.points[0]
        limit = 2000 if earlier.table in ("coil", "discrete") else max_count
        gap = later.start - earlier.start - earlier.count
        assert gap > max_gap or first.start + first.count - earlier.start > limit


@st.composite
def refusals_of(draw: st.DrawFn, points: list[RegisterPoint]) -> Refusals:
    """What a device may refuse: some points, registers between them, and requests over some places."""
    refused = draw(st.lists(st.sampled_from(points), max_size=4)) if points else []
    places = [(point.table, point.start, point.start + point.count - 1) for point in refused]
    gaps = draw(st.lists(st.tuples(st.sampled_from(TABLES), st.integers(0, 900), st.integers(0, 6)), max_size=6))
    places += [
        (table, first, first + more)
        for table, first, more in gaps
        if not any(p.table == table and first < p.start + p.count and p.start <= first + more for p in points)
    ]
    cuts = draw(st.lists(st.sampled_from(points), max_size=4)) if points else []
    return Refusals(tuple(places), frozenset((point.table, point.start) for point in cuts))


@given(st.data(), profiles(), st.integers(4, 125), st.integers(0, 60))
def test_every_register_that_is_told_is_read_once_and_none_that_is_refused(
    data: st.DataObject, points: list[RegisterPoint], max_count: int, max_gap: int
) -> None:
    known = data.draw(refusals_of(points))
    told = [point for point in points if not known.leaves_out(point)]
    requests = planning.plan_requests(told, Limits(max_count, max_gap, known.unreadable, known.cuts))
    read = registers_of(requests)
    wanted = {(point.table, point.start + n) for point in told for n in range(point.count)}
    assert wanted <= set(read)
    assert len(read) == len(set(read))
    refused = {(table, register) for table, first, last in known.unreadable for register in range(first, last + 1)}
    assert not refused & set(read)
    for request in requests:
        assert request.count <= (2000 if request.table in ("coil", "discrete") else min(max_count, 125))
        assert not any((request.table, point.start) in known.cuts for point in request.points[1:])


@given(profiles())
def test_a_request_that_is_parted_until_nothing_is_left_still_reads_every_point_once(
    points: list[RegisterPoint],
) -> None:
    parts = list(planning.plan_requests(points))
    single = []
    while parts:
        part = parts.pop()
        halves = planning.halves(part)
        parts += halves
        single += [] if halves else [part]
    assert sorted(slot for request in single for slot in request.slots) == list(range(len(points)))
    assert all(len({point.start for point in request.points}) == 1 for request in single)


def test_numbers_that_lie_over_each_other_are_not_parted() -> None:
    points = (a_point(0, "holding", 0, "uint32"), a_point(1, "holding", 1), a_point(2, "holding", 2))
    (request,) = planning.plan_requests(points)
    assert [part.slots for part in planning.halves(request)] == [[0, 1], [2]]


def of_registers(*registers: int) -> list[PointSpec]:
    return [PointSpec(slot, f"p{slot}", "", "state", "", {"register": at}) for slot, at in enumerate(registers)]


@pytest.mark.parametrize("given", ["5-8", "6", [5, 8], [6, 6]])
def test_a_profile_says_over_which_registers_nothing_is_read(given: Any) -> None:
    plan = planning.plan(of_registers(0, 4, 9), {"unreadable": [given]})
    assert [(reader.request.start, reader.request.count) for reader in plan.readers] == [(0, 5), (9, 1)]


def test_a_point_where_the_profile_reads_nothing_is_a_mistake_in_the_profile() -> None:
    with pytest.raises(PointIsWrong, match="register 4 lies where the profile reads nothing"):
        planning.plan(of_registers(0, 4), {"unreadable": ["3-5"]})


@pytest.mark.parametrize("given", ["x", "9-5", "1-2-3", "-4", [1, 2, 3], "70000", {"a": 1}])
def test_ranges_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(planning.UnreadableIsWrong):
        planning.plan(of_registers(0), {"unreadable": [given]})
    with pytest.raises(planning.UnreadableIsWrong):
        planning.plan(of_registers(0), {"unreadable": "5-8"})


def test_forty_points_of_a_meter_are_one_request() -> None:
    points = [a_point(n, "holding", 2 * n, "float32") for n in range(40)]
    assert [(r.start, r.count) for r in planning.plan_requests(points)] == [(0, 80)]


def test_a_number_is_never_split_at_the_limit() -> None:
    points = [a_point(n, "input", 2 * n, "int32") for n in range(63)]
    assert [(r.start, r.count) for r in planning.plan_requests(points)] == [(0, 124), (124, 2)]


def test_two_bits_of_one_register_share_one_read() -> None:
    points = [a_point(0, "holding", 7), a_point(1, "holding", 7)]
    assert [(r.start, r.count) for r in planning.plan_requests(points)] == [(7, 1)]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[str, float, bool, bool]:
    kind = draw(st.sampled_from([name for name in KIND_NAMES if not name.startswith("bcd")]))
    count, letter = KINDS[kind]
    raw = draw(st.binary(min_size=2 * count, max_size=2 * count))
    (number,) = struct.unpack(f">{letter}", raw)
    assume(abs(number) < LARGEST)
    return kind, number, draw(st.booleans()), draw(st.booleans())


@given(st.lists(numbers(), min_size=1, max_size=20))
def test_what_a_device_encodes_comes_out_as_it_was(told: list[tuple[str, float, bool, bool]]) -> None:
    specs: list[PointSpec] = []
    registers: list[int] = []
    for slot, (kind, number, swap_words, swap_bytes) in enumerate(told):
        count, letter = KINDS[kind]
        words = list(struct.unpack(f">{count}H", struct.pack(f">{letter}", number)))
        words = words[::-1] if swap_words else words
        words = [(word & 0xFF) << 8 | word >> 8 for word in words] if swap_bytes else words
        order = {True: "little", False: "big"}
        address = {"register": len(registers), "type": kind, "word_order": order[swap_words]}
        specs.append(PointSpec(slot, f"p{slot}", "", "state", "", address | {"byte_order": order[swap_bytes]}))
        registers += words
    plan = planning.plan(specs, {})
    answer = Answer(slot_count=plan.slot_count)
    for reader in plan.readers:
        request = reader.request
        reader.read_into(answer, registers[request.start : request.start + request.count])
    assert answer.values == [float(number) for _kind, number, _words, _bytes in told]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ({}, "register"),
        ({"register": -1}, "register"),
        ({"register": 65535, "type": "uint32"}, "register"),
        ({"register": "7"}, "register"),
        ({"register": True}, "register"),
        ({"register": 1, "type": "int24"}, "int24"),
        ({"register": 1, "table": "file"}, "file"),
        ({"register": 1, "word_order": "middle"}, "middle"),
        ({"register": 1, "scale": "a lot"}, "scale"),
        ({"register": 1, "scale": "1/0"}, "scale"),
        ({"register": 1, "missing": "none"}, "missing"),
        ({"register": 1, "missing": True}, "missing"),
        ({"register": 1, "missing": "0x10000"}, "missing"),
        ({"register": 1, "missing": "nan"}, "missing"),
        ({"register": 1, "missing": 65535, "type": "int16"}, "65535"),
        ({"register": 1, "missing": 0.5}, "missing"),
        ({"register": 1, "missing": 1e39, "type": "float32"}, "missing"),
        ({"register": 1, "bit": 16}, "bit"),
        ({"register": 1, "bit": True}, "bit"),
        ({"register": 1, "bit": 0, "type": "bcd16"}, "bit"),
        ({"register": 1, "bit": 12, "bit_count": 5}, "bits"),
        ({"register": 1, "bit_count": 5}, "bits"),
        ({"register": 1, "bit": 1, "type": "float32"}, "bit"),
        ({"register": 1, "function": 6}, "function"),
    ],
)
def test_a_point_that_cannot_be_read_is_named(address: dict[str, Any], told: str) -> None:
    with pytest.raises(PointIsWrong, match=told) as refusal:
        register_point(PointSpec(0, "odd-one", "", "state", "", address), {})
    assert "odd-one" in refusal.value.detail


@pytest.mark.parametrize(("quantity", "unit"), [("energy_kwh", "bar"), ("energy_kwh", "parsec"), ("colour", "")])
def test_a_unit_that_does_not_measure_the_quantity_is_refused(quantity: str, unit: str) -> None:
    with pytest.raises(PointIsWrong):
        register_point(PointSpec(0, "odd", "", quantity, unit, {"register": 0}), {})


def test_the_profile_gives_the_word_order_that_a_point_does_not() -> None:
    spec = PointSpec(0, "p", "", "state", "", {"register": 4, "type": "uint32"})
    assert register_point(spec, {"word_order": "little"}).word_order == (5, 4)
    assert register_point(spec, {}).word_order == (4, 5)


def test_scale_then_unit_gives_the_exact_value() -> None:
    address = {"register": 0, "type": "uint32", "scale": "0.01", "offset": "-1"}
    point = register_point(PointSpec(0, "p", "", "energy_kwh", "MWh", address), {})
    assert str(point.exact(12345)) == "122450"
    assert point.convert.factor == Fraction(10)


def test_a_float_register_counts_with_the_digits_that_it_has() -> None:
    point = register_point(PointSpec(0, "p", "", "energy_kwh", "kWh", {"register": 0, "type": "float32"}), {})
    (number,) = struct.unpack(">f", struct.pack(">f", 561.08))
    assert str(point.exact(number)) == "561.08"


def test_the_point_named_like_its_quantity_is_the_meters_own_register() -> None:
    points = [
        PointSpec(0, "energy-tariff-1", "", "energy_kwh", "kWh", {}),
        PointSpec(1, "energy-kwh", "", "energy_kwh", "kWh", {}),
        PointSpec(2, "first-volume", "", "volume_m3", "m3", {}),
        PointSpec(3, "second-volume", "", "volume_m3", "m3", {}),
        PointSpec(4, "some-pressure", "", "pressure_bar", "bar", {}),
    ]
    assert register_slots(points) == {"energy_kwh": 1, "volume_m3": 2}


def test_missing_slots_of_a_frame_carry_their_reason() -> None:
    answer = Answer(slot_count=3)
    assert answer.quality is None
    answer.miss([1], Missing.REFUSED)
    answer.miss([1, 2], Missing.NO_ANSWER)
    assert answer.quality == bytes([0, 2, 1])
