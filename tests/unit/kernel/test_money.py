from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import money
from kernel.money import Amount

values = st.decimals(min_value=-(10**12), max_value=10**12, places=6, allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("3.255", 2, "3.26"),
        ("3.245", 2, "3.25"),
        ("3.2549999", 2, "3.25"),
        ("-3.255", 2, "-3.26"),
        ("-3.254", 2, "-3.25"),
        ("0.005", 2, "0.01"),
        ("-0.004", 2, "0.00"),
        ("1.005", 2, "1.01"),
        ("2.5", 0, "3"),
        ("3.5", 0, "4"),
        ("-2.5", 0, "-3"),
        ("1e-9", 2, "0.00"),
        ("7", 2, "7.00"),
        ("123456789012345.675", 2, "123456789012345.68"),
    ],
)
def test_halves_round_away_from_zero(value: str, places: int, rounded: str) -> None:
    result = money.round_half_up(Decimal(value), places)
    assert str(result) == rounded


@pytest.mark.parametrize(
    ("value", "currency", "rounded"),
    [
        ("3.255", "EUR", "3.26"),
        ("3.255", "SEK", "3.26"),
        ("1234.5", "JPY", "1235"),
        ("-1234.5", "JPY", "-1235"),
        ("1.2345", "KWD", "1.235"),
        ("1.23455", "CLF", "1.2346"),
        ("99.5", "XOF", "100"),
    ],
)
def test_money_rounds_at_the_minor_unit_of_its_currency(value: str, currency: str, rounded: str) -> None:
    assert str(money.round_money(Decimal(value), currency)) == rounded
    assert Amount(Decimal(value), currency).rounded() == Amount(Decimal(rounded), currency)


def test_float_is_no_money() -> None:
    with pytest.raises(TypeError):
        Amount(0.1, "EUR")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        money.round_half_up(0.125, 2)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Amount(Decimal(1), "EUR") * 0.19  # type: ignore[operator]


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "€"])
def test_currency_is_an_iso_code(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Amount(Decimal(1), currency)


def test_amount_is_a_number() -> None:
    with pytest.raises(ValueError, match="number"):
        Amount(Decimal("NaN"), "EUR")


def test_currencies_do_not_mix() -> None:
    euro, krona = Amount(Decimal(1), "EUR"), Amount(Decimal(1), "SEK")
    with pytest.raises(money.MixedCurrencies):
        euro + krona
    with pytest.raises(money.MixedCurrencies):
        euro - krona
    with pytest.raises(money.MixedCurrencies):
        assert euro < krona
    assert euro != krona


def test_amounts_are_ordered_and_sum() -> None:
    one, two = Amount(Decimal(1), "EUR"), Amount(Decimal(2), "EUR")
    assert one < two
    assert two > one
    assert one <= Amount(Decimal("1.00"), "EUR") >= one
    assert sum([one, two], money.zero("EUR")) == Amount(Decimal(3), "EUR")
    assert -two + one == -one
    assert 2 * one == two
    assert not money.zero("EUR")


@given(values, st.integers(0, 4))
def test_rounding_moves_at_most_half_a_unit_and_only_once(value: Decimal, places: int) -> None:
    rounded = money.round_half_up(value, places)
    assert abs(rounded - value) <= Decimal(5).scaleb(-places - 1)
    assert money.round_half_up(rounded, places) == rounded
    assert money.round_half_up(-value, places) == -rounded


@given(values, values)
def test_sum_and_difference_are_exact(left: Decimal, right: Decimal) -> None:
    one, other = Amount(left, "EUR"), Amount(right, "EUR")
    assert (one + other) - other == one
