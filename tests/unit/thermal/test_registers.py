"""What the registers of a device tell: digits, bits, sentinels, and values that the device spoils itself."""

from typing import Any

import pytest

from thermal.domain import planning
from thermal.domain.readings import Answer, Missing, PointIsWrong, PointSpec


def told_by(registers: list[int], quantity: str = "state", **address: Any) -> Answer:
    """What a device tells of one point that begins at register 0."""
    plan = planning.plan([PointSpec(0, "p", "", quantity, "", {"register": 0} | address)], {})
    answer = Answer(slot_count=plan.slot_count)
    plan.readers[0].read_into(answer, registers)
    return answer


@pytest.mark.parametrize(
    ("registers", "address", "value"),
    [
        ([0x1234], {"type": "bcd16"}, 1234),
        ([0x0007], {"type": "bcd16"}, 7),
        ([0x3412], {"type": "bcd16", "byte_order": "little"}, 1234),
        ([0x0012, 0x3456], {"type": "bcd32"}, 123456),
        ([0x3456, 0x0012], {"type": "bcd32", "word_order": "little"}, 123456),
        ([0x5634, 0x1200], {"type": "bcd32", "word_order": "little", "byte_order": "little"}, 123456),
        ([0x1234, 0x5678, 0x9012, 0x3456], {"type": "bcd64"}, 1234567890123456),
        ([0x1234], {"type": "bcd16", "scale": "0.1", "offset": -20}, 103.4),
        ([0b1010], {"bit": 1}, 1),
        ([0b1010], {"bit": 2}, 0),
        ([0xA5C3], {"bit": 4, "bit_count": 8}, 0x5C),
        ([0xA5C3], {"bit": 0, "bit_count": 16}, 0xA5C3),
        ([0x8000, 0x0001], {"type": "uint32", "bit": 31}, 1),
        ([0x0001, 0x8000], {"type": "uint32", "bit": 30, "bit_count": 2, "word_order": "little"}, 2),
        ([0x1234, 0x5678, 0x9ABC, 0xDEF0], {"type": "uint64", "bit": 52, "bit_count": 12}, 0x123),
        ([0x00C8], {"type": "uint16", "scale": "0.5"}, 100),
        ([0xC479, 0xFFE6], {"type": "float32", "missing": -999.9}, -999.9984130859375),
    ],
)
def test_the_registers_tell_the_value(registers: list[int], address: dict[str, Any], value: float) -> None:
    answer = told_by(registers, **address)
    assert answer.values == pytest.approx([value])
    assert answer.missing == {}


@pytest.mark.parametrize(
    ("registers", "address", "reason"),
    [
        ([0x12A4], {"type": "bcd16"}, Missing.INVALID),
        ([0xFFFF], {"type": "bcd16", "missing": "0xFFFF"}, Missing.NOT_AVAILABLE),
        ([0x8000], {"type": "int16", "missing": "0x8000"}, Missing.NOT_AVAILABLE),
        ([0x8000], {"type": "int16", "missing": -32768}, Missing.NOT_AVAILABLE),
        ([0x7FFF], {"type": "int16", "missing": ["0x8000", 32767]}, Missing.NOT_AVAILABLE),
        ([0xFFFF, 0xFFFF], {"type": "uint32", "missing": "0xFFFFFFFF"}, Missing.NOT_AVAILABLE),
        ([0xFFFF, 0xFFFF], {"type": "int32", "missing": "0xffffffff"}, Missing.NOT_AVAILABLE),
        ([0x7FFF, 0xFFFF, 0xFFFF, 0xFFFF], {"type": "int64", "missing": 2**63 - 1}, Missing.NOT_AVAILABLE),
        ([0xC479, 0xF99A], {"type": "float32", "missing": -999.9}, Missing.NOT_AVAILABLE),
        ([0x7FC0, 0x0000], {"type": "float32"}, Missing.INVALID),
        ([0x7FC0, 0x0000], {"type": "float32", "missing": "nan"}, Missing.NOT_AVAILABLE),
        ([0xFFC1, 0x2345], {"type": "float32", "missing": "0x7FC00000"}, Missing.NOT_AVAILABLE),
        ([0x7FF8, 0, 0, 0], {"type": "float64", "missing": ["nan", 0]}, Missing.NOT_AVAILABLE),
        ([0, 0, 0, 0], {"type": "float64", "missing": ["nan", 0]}, Missing.NOT_AVAILABLE),
        ([0x7F80, 0x0000], {"type": "float32", "missing": "0x7F800000"}, Missing.NOT_AVAILABLE),
        ([0xFF80, 0x0000], {"type": "float32", "missing": "0x7F800000"}, Missing.INVALID),
        ([0xFFFF], {"bit": 3, "missing": 65535}, Missing.NOT_AVAILABLE),
    ],
)
def test_the_registers_tell_that_there_is_no_value(
    registers: list[int], address: dict[str, Any], reason: Missing
) -> None:
    answer = told_by(registers, **address)
    assert (answer.values, answer.missing) == ([None], {0: reason})


def test_a_register_for_bills_is_exact_in_decimal_digits_too() -> None:
    answer = told_by([0x1234, 0x5678, 0x9012, 0x3456], "energy_kwh", type="bcd64", scale="0.001")
    assert str(answer.exact[0]) == "1234567890123.456"


METER = [
    PointSpec(0, "info-code", "", "info_code", "", {"register": 0}),
    PointSpec(1, "supply-c", "", "supply_c", "", {"register": 1, "scale": "0.01", "invalid_with": "info-code"}),
    PointSpec(2, "return-c", "", "return_c", "", {"register": 2, "scale": "0.01"}),
    PointSpec(
        3,
        "power-kw",
        "",
        "power_kw",
        "",
        {"register": 3, "type": "int16", "invalid_with": "info-code", "invalid_values": [0, -1]},
    ),
]


@pytest.mark.parametrize(
    ("registers", "values"),
    [
        ([0, 18500, 18500, 0], [0, 185, 185, 0]),
        ([8, 18500, 18500, 12], [8, None, 185, 12]),
        ([32, 0, 0, 0], [32, None, 0, None]),
        ([32, 1, 0, 0xFFFF], [32, 0.01, 0, None]),
        ([2, 6512, 4107, 40], [2, 65.12, 41.07, 40]),
    ],
)
def test_a_sensor_fault_is_no_temperature(registers: list[int], values: list[float | None]) -> None:
    plan = planning.plan(METER, {})
    answer = Answer(slot_count=plan.slot_count)
    plan.readers[0].read_into(answer, registers)
    answer.distrust(plan.distrust)
    assert answer.values == [value if value is None else pytest.approx(value) for value in values]
    spoilt = [slot for slot, value in enumerate(values) if value is None]
    assert answer.missing == dict.fromkeys(spoilt, Missing.INVALID)
    assert not answer.exact.keys() & set(spoilt)


@pytest.mark.parametrize(
    "address",
    [
        {"invalid_with": "supply-c"},
        {"invalid_with": "no-such-point"},
        {"invalid_with": 7},
        {"invalid_values": [0]},
        {"invalid_with": "info-code", "invalid_values": "none"},
        {"invalid_with": "info-code", "invalid_values": [True]},
    ],
)
def test_a_fault_that_no_point_tells_is_refused(address: dict[str, Any]) -> None:
    told = PointSpec(1, "supply-c", "", "supply_c", "", {"register": 1} | address)
    with pytest.raises(PointIsWrong, match="supply-c"):
        planning.plan([METER[0], told], {})
