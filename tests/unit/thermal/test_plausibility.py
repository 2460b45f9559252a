"""What speaks against the values of a device: ranges, sensors, physics, and the order of words and bytes."""

import struct
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thermal.domain import commissioning, plausibility
from thermal.domain.commissioning import Tolerances, Typed
from thermal.domain.plausibility import Finding, Subject, Told
from thermal.domain.readings import PointSpec

SUPPLY = PointSpec(0, "supply-c", "Supply", "supply_c", "°C", {"register": 0, "type": "float32"})
ENERGY = PointSpec(0, "energy-kwh", "Energy", "energy_kwh", "kWh", {"register": 0, "type": "uint32"})


def row(quantity: str, value: str | None, *, slot: int = 0, raw: str = "") -> Told:
    return Told(slot, quantity.replace("_", "-"), quantity, quantity, "", value, raw, "" if value else "not told")


def heat(supply: str, back: str, flow: str, power: str) -> list[Told]:
    told = {"supply_c": supply, "return_c": back, "flow_m3h": flow, "power_kw": power}
    return [row(quantity, value, slot=slot) for slot, (quantity, value) in enumerate(told.items())]


def codes(findings: list[Finding]) -> list[str]:
    return [finding.code for finding in findings]


def words(number: float, order: str = ">") -> str:
    packed = struct.pack(">f", number)
    pairs = [packed[0:2], packed[2:4]] if order == ">" else [packed[2:4], packed[0:2]]
    return " ".join(pair.hex().upper() for pair in pairs)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (heat("70", "40", "1", "34.6"), []),
        (heat("70", "40", "1", "37"), []),  # within a tenth
        (heat("70", "40", "1", "40"), ["power_mismatch"]),
        (heat("70", "40", "1", "0.0346"), ["power_mismatch"]),  # a scale of 1000
        (heat("40", "70", "1", "34.6"), ["supply_below_return"]),
        (heat("40", "41", "0", "0"), []),  # standing water
        (heat("0.00", "40", "0", "0"), ["sensor_fault"]),
        (heat("70", "185.00", "0", "0"), ["sensor_fault"]),
        (heat("70", "40", "-1", "34.6"), ["flow_negative"]),
        (heat("700", "40", "0", "0"), ["value_out_of_range"]),
        (heat("40.5", "40", "1", "3"), []),  # too small a difference to say anything
    ],
)
def test_physics(values: list[Told], expected: list[str]) -> None:
    assert codes(plausibility.doubts(values, Subject())) == expected


def test_glycol_is_not_held_against_the_heat_of_water() -> None:
    assert plausibility.doubts(heat("70", "40", "1", "25"), Subject(is_water=False)) == []


def test_a_sensor_outdoors_may_show_exactly_zero() -> None:
    assert plausibility.doubts([row("temperature_c", "0.0")], Subject()) == []
    assert codes(plausibility.doubts([row("temperature_c", "185.0")], Subject())) == ["sensor_fault"]


def test_a_missing_value_is_told_with_its_reason() -> None:
    assert plausibility.doubts([row("power_kw", None)], Subject()) == [
        Finding("value_missing", {"point": "power_kw", "reason": "not told"})
    ]


def test_what_the_meter_can_do_narrows_what_is_believed() -> None:
    subject = Subject(capacity_kwh=1e6, max_kw=100, qp_m3h=2.5)
    assert not subject.believes("energy_kwh", 1_000_001)
    assert not subject.believes("power_kw", 151)
    assert not subject.believes("flow_m3h", 5.1)
    assert subject.believes("state", 40_000)


@pytest.mark.parametrize(
    ("offset_s", "count"), [(None, 0), (180.0, 0), (-180.0, 0), (181.0, 1), (-3600.0, 1)]
)  # three minutes: the time tolerance of the California rule set
def test_a_clock_is_doubted_beyond_three_minutes(offset_s: float | None, count: int) -> None:
    assert len(plausibility.clock_doubt(offset_s)) == count


def test_a_float_that_only_makes_sense_in_the_other_word_order_is_told_and_not_changed() -> None:
    value = struct.unpack(">f", bytes.fromhex(words(41.7, "<").replace(" ", "")))[0]
    told = [Told(0, "supply-c", "Supply", "supply_c", "°C", f"{value:.7g}", words(41.7, "<"))]
    found = plausibility.order_doubts(told, [SUPPLY], {}, Subject())
    assert codes(found) == ["order_contradicts"]
    assert found[0].facts["would_be"] == "word_order: little → 41.7"


def test_a_profile_of_little_words_is_told_to_become_big() -> None:
    told = [Told(0, "supply-c", "Supply", "supply_c", "°C", "4.2e-41", words(41.7))]
    found = plausibility.order_doubts(told, [SUPPLY], {"word_order": "little"}, Subject())
    assert found[0].facts["would_be"] == "word_order: big → 41.7"


def test_nothing_is_said_while_the_configured_order_is_plausible() -> None:
    told = [Told(0, "supply-c", "Supply", "supply_c", "°C", "41.7", words(41.7))]
    assert plausibility.order_doubts(told, [SUPPLY], {}, Subject()) == []


def test_nothing_is_said_where_no_order_is_plausible() -> None:
    told = [Told(0, "supply-c", "Supply", "supply_c", "°C", None, "7FC0 0000")]
    assert plausibility.order_doubts(told, [SUPPLY], {}, Subject()) == []


@given(st.text(alphabet="0123456789ABCDEFXYZ ", max_size=12))
def test_raw_text_of_any_kind_breaks_nothing(raw: str) -> None:
    plausibility.other_orders(SUPPLY, {}, raw)


@given(st.floats(min_value=1, max_value=179, width=32))
def test_the_right_order_is_among_the_others_whenever_words_are_swapped(supply_c: float) -> None:
    found = plausibility.other_orders(SUPPLY, {}, words(supply_c, "<"))
    assert found[0].option == "word_order: little"
    assert found[0].value == supply_c


def test_the_display_finds_an_order_that_both_ranges_allow() -> None:
    told = [Told(0, "energy-kwh", "Energy", "energy_kwh", "kWh", "327680", "0005 0000")]
    rows = commissioning.compare(
        told, Typed({0: Decimal(5)}), step_kwh=Decimal(1), counted_kwh=Decimal(0), tolerances=Tolerances()
    )
    found = commissioning.differences(rows, told, [ENERGY], {})
    assert codes(found) == ["display_differs", "order_matches_display"]
    assert found[1].facts["option"] == "word_order: little"


@pytest.mark.parametrize(
    ("told", "typed", "is_within", "steps"),
    [
        ("37351.00", "37351.00", True, 0),
        ("37351.02", "37351.00", True, 2),
        ("37351.03", "37351.00", False, 3),
        ("37350.98", "37351.00", True, -2),
        ("37350.97", "37351.00", False, -3),
        ("37351.87", "37351", True, Decimal("0.87")),  # a display with whole kWh
    ],
)
def test_registers_agree_within_two_steps_of_the_coarser_side(
    told: str, typed: str, is_within: bool, steps: int | Decimal
) -> None:
    rows = commissioning.compare(
        [row("energy_kwh", told)],
        Typed({0: Decimal(typed)}),
        step_kwh=Decimal("0.01"),
        counted_kwh=Decimal(0),
        tolerances=Tolerances(),
    )
    assert (rows[0].is_within, rows[0].steps) == (is_within, steps)


def test_the_display_may_be_ahead_by_what_was_counted_meanwhile_and_never_behind() -> None:
    def is_within(told: str) -> bool:
        typed = Typed({0: Decimal("100.0")})
        rows = commissioning.compare(
            [row("energy_kwh", told)], typed, step_kwh=Decimal("0.1"), counted_kwh=Decimal(5), tolerances=Tolerances()
        )
        return rows[0].is_within

    assert is_within("94.9")
    assert not is_within("94.7")
    assert not is_within("100.3")


def test_serials_are_compared_without_spaces_and_leading_zeros() -> None:
    assert commissioning.serial_doubts(told="", typed=" 0672 04418", recorded="67204418") == []
    assert codes(commissioning.serial_doubts(told="1", typed="2", recorded="3")) == [
        "serial_told_differs",
        "serial_typed_differs",
    ]
    assert commissioning.serial_doubts(told="12345678", typed="", recorded="M000017") == []
