from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import units

ROOT = Path(__file__).parents[3]
registers = st.decimals(min_value=-(10**9), max_value=10**9, places=3, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        ("37351", "Wh", "kWh", "37.351"),
        ("9.876", "MWh", "kWh", "9876"),
        ("36", "MJ", "kWh", "10"),
        ("36", "GJ", "kWh", "10000"),
        ("10", "kWh", "MJ", "36"),
        ("3600000", "J", "kWh", "1"),
        ("561.08", "m3", "l", "561080"),
        ("1", "l/s", "m3/h", "3.6"),
        ("0.543", "m3/h", "l/h", "543"),
        ("18400", "W", "kW", "18.4"),
        ("3600", "kJ/h", "kW", "1"),
        ("250000", "Pa", "bar", "2.5"),
        ("2.5", "bar", "kPa", "250"),
        ("212", "degF", "degC", "100"),
        ("-40", "°F", "°C", "-40"),
        ("293.15", "K abs", "°C", "20"),
        ("85", "%", "1", "0.85"),
        ("5400", "s", "h", "1.5"),
        ("0", "GJ", "kWh", "0"),
    ],
)
def test_conversion_is_exact(value: str, source: str, target: str, expected: str) -> None:
    result = units.convert(Decimal(value), source, target)
    assert result == Decimal(expected)
    assert "E" not in str(result)


def test_gigajoules_convert_to_more_digits_than_any_register_has() -> None:
    # domain: 32308 MJ of the Ultraheat telegram are 8974.44 kWh
    assert str(units.to_canonical(Decimal(32308), "MJ")).startswith("8974.4444444444444444444444")


def test_unknown_unit_is_refused_by_its_name() -> None:
    with pytest.raises(units.UnknownUnit, match="BTU is not a unit we know"):
        units.convert(Decimal(1), "BTU", "kWh")


def test_difference_is_not_a_temperature() -> None:
    with pytest.raises(units.UnitsDoNotConvert):
        units.convert(Decimal(1), "K", "degC")
    with pytest.raises(units.UnitsDoNotConvert):
        units.convert_float(1.0, "kW", "kWh")


@pytest.mark.parametrize("unit", units.UNITS, ids=lambda unit: unit.symbol)
def test_every_unit_has_a_canonical_one_of_its_quantity(unit: units.Unit) -> None:
    canonical = units.unit_of(unit.canonical)
    assert canonical.quantity == unit.quantity
    assert canonical.factor == 1
    assert not canonical.offset


def test_no_symbol_and_no_suffix_stands_twice() -> None:
    symbols = [unit.symbol for unit in units.UNITS]
    suffixes = [suffix.suffix for suffix in units.SUFFIXES]
    assert len(symbols) == len(set(symbols))
    assert len(suffixes) == len(set(suffixes))
    assert not set(units.ALIASES) & set(symbols)
    assert all(units.unit_of(alias) for alias in units.ALIASES)


def test_suffix_is_the_longest_that_fits() -> None:
    assert units.suffix_of("supply_c") == next(s for s in units.SUFFIXES if s.suffix == "_c")
    assert units.suffix_of("standing_charge_per_kw_year").symbol == "1/(kW·a)"  # type: ignore[union-attr]
    assert units.suffix_of("serial") is None


def test_document_is_the_table() -> None:
    assert (ROOT / "docs" / "units.md").read_text(encoding="utf-8") == units.render_table()


@given(registers, st.sampled_from(units.UNITS))
def test_there_and_back_is_the_same_register(value: Decimal, unit: units.Unit) -> None:
    there = units.to_canonical(value, unit.symbol)
    back = units.convert(there, unit.canonical, unit.symbol)
    assert abs(back - value) <= Decimal("1e-18")


@given(registers, st.sampled_from(units.UNITS))
def test_floats_convert_like_decimals(value: Decimal, unit: units.Unit) -> None:
    exact = float(units.to_canonical(value, unit.symbol))
    assert units.convert_float(float(value), unit.symbol, unit.canonical) == pytest.approx(exact, rel=1e-9, abs=1e-9)
