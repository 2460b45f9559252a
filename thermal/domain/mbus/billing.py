"""The registers of a telegram that a bill may use: tariff 0, sub-unit 0, storage 0, instantaneous."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from kernel import units
from thermal.domain.mbus import codes
from thermal.domain.mbus.records import ONLY_NEGATIVE, ONLY_POSITIVE, Record
from thermal.domain.mbus.telegrams import Telegram

REGISTER_STEP: Final = Decimal("0.000001")
"""Joules do not divide into kWh; a millionth of a kWh is finer than any register."""


@dataclass(frozen=True, slots=True)
class BillingValues:
    """What a heat ledger needs from one telegram, in the units of Heatledger; None where it is not told."""

    energy_kwh: Decimal | None = None
    cooling_kwh: Decimal | None = None
    volume_m3: Decimal | None = None
    power_kw: Decimal | None = None
    flow_m3h: Decimal | None = None
    supply_c: Decimal | None = None
    return_c: Decimal | None = None
    difference_k: Decimal | None = None
    operating_h: Decimal | None = None
    error_flags: int | None = None
    device_time: dt.datetime | None = None


def billing_values(telegram: Telegram) -> BillingValues:
    """Return the main registers and live values of a telegram."""
    main = [record for record in telegram.records if record.is_main_register and isinstance(record.value, Decimal)]
    return BillingValues(
        energy_kwh=_register(main, codes.ENERGY, "kWh"),
        cooling_kwh=_agreed(
            [record for record in _of(main, codes.ENERGY) if record.qualifiers == (ONLY_NEGATIVE,)], "kWh"
        ),
        volume_m3=_register(main, codes.VOLUME, "m³"),
        power_kw=_register(main, codes.POWER, "kW"),
        flow_m3h=_register(main, codes.VOLUME_FLOW, "m³/h"),
        supply_c=_register(main, codes.FLOW_TEMPERATURE, "°C"),
        return_c=_register(main, codes.RETURN_TEMPERATURE, "°C"),
        difference_k=_register(main, codes.TEMPERATURE_DIFFERENCE, "K"),
        operating_h=_operating_h(main),
        error_flags=_error_flags(main),
        device_time=telegram.clock,
    )


def _of(main: list[Record], quantity: str) -> list[Record]:
    """Return the records of one quantity."""
    return [record for record in main if record.quantity == quantity]


def _register(main: list[Record], quantity: str, unit: str) -> Decimal | None:
    """Return the register of a quantity that counts everything, or else what counts only forwards."""
    candidates = _of(main, quantity)
    plain = [record for record in candidates if not record.qualifiers]
    forward = [record for record in candidates if record.qualifiers == (ONLY_POSITIVE,)]
    return _agreed(plain or forward, unit)


def _operating_h(main: list[Record]) -> Decimal | None:
    """Return the hours in operation, or else the hours with power."""
    operating_h = _register(main, codes.OPERATING_TIME, "h")
    return _register(main, codes.ON_TIME, "h") if operating_h is None else operating_h


def _agreed(candidates: list[Record], unit: str) -> Decimal | None:
    """Return the finest of the candidates, provided that they tell the same amount.

    Some meters send one register twice, in two units or resolutions. If two registers that claim to be
    the same differ by more than their last digits, nobody can say which one to bill: then it is None.
    """
    told = sorted((_amount(record, unit) for record in candidates if _is_known(record)), key=lambda pair: pair[1])
    if not told:
        return None
    value, step = told[0]
    if any(abs(other - value) > other_step + step for other, other_step in told[1:]):
        return None
    return value


def _is_known(record: Record) -> bool:
    """Return whether the record speaks in a unit that we convert; cubic feet and gallons are none."""
    try:
        units.unit_of(record.unit)
    except units.UnknownUnit:
        return False
    return True


def _amount(record: Record, unit: str) -> tuple[Decimal, Decimal]:
    """Return the value of a record and its last digit's worth, in the unit."""
    assert isinstance(record.value, Decimal)  # noqa: S101 (only numbers are candidates)
    return _converted(record.value, record.unit, unit), _converted(record.resolution, record.unit, unit)


def _converted(value: Decimal, source: str, target: str) -> Decimal:
    """Return the value in the target unit, exact unless joules become kWh."""
    converted = units.convert(value, source, target)
    exact = converted.as_tuple().exponent
    if isinstance(exact, int) and exact < -9:
        return converted.quantize(REGISTER_STEP, rounding=ROUND_HALF_UP)
    return converted


def _error_flags(main: list[Record]) -> int | None:
    """Return the error flags of the meter as a number."""
    for record in main:
        if record.quantity == codes.ERROR_FLAGS and isinstance(record.value, Decimal):
            return int(record.value)
    return None
