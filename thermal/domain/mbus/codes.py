"""What the value information field means: quantity, unit and exact factor (EN 13757-3, tables 10 to 14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a number in a record stands for: quantity, unit, and the factor from digits to unit."""

    quantity: str
    unit: str = ""
    factor: Decimal = Decimal(1)


# Quantities and units are spelled as libmbus spells them, so that telegrams can be compared with
# its published decodings record by record.
MANUFACTURER_SPECIFIC: Final = Meaning("Manufacturer specific")
RESERVED: Final = Meaning("Reserved")
DATE: Final = "Time point (date)"
DATE_TIME: Final = "Time point (date & time)"
ERROR_FLAGS: Final = "Error flags"
ENERGY: Final = "Energy"
VOLUME: Final = "Volume"
POWER: Final = "Power"
VOLUME_FLOW: Final = "Volume flow"
FLOW_TEMPERATURE: Final = "Flow temperature"
RETURN_TEMPERATURE: Final = "Return temperature"
TEMPERATURE_DIFFERENCE: Final = "Temperature difference"
ON_TIME: Final = "On time"
OPERATING_TIME: Final = "Operating time"

BIT_FIELDS: Final = frozenset({ERROR_FLAGS, "Error mask", "Digital Output", "Digital Input"})


def _decades(first: int, last: int, quantity: str, unit: str, exponent: int) -> Iterator[tuple[int, Meaning]]:
    """Yield codes first to last, each ten times the one before; the first is 10^exponent units."""
    for step, code in enumerate(range(first, last + 1)):
        yield code, Meaning(quantity, unit, Decimal(1).scaleb(exponent + step))


def _durations(first: int, quantity: str) -> Iterator[tuple[int, Meaning]]:
    """Yield four codes that count seconds, minutes, hours and days, told in seconds."""
    for code, seconds in enumerate((1, 60, 3600, 86400), start=first):
        yield code, Meaning(quantity, "s", Decimal(seconds))


def _long_durations(first: int, quantity: str) -> Iterator[tuple[int, Meaning]]:
    """Yield four codes that count hours, days, months and years; the last two have no fixed length."""
    yield first, Meaning(quantity, "s", Decimal(3600))
    yield first + 1, Meaning(quantity, "s", Decimal(86400))
    yield first + 2, Meaning(quantity, "months")
    yield first + 3, Meaning(quantity, "years")


def _names(first: int, *quantities: str) -> Iterator[tuple[int, Meaning]]:
    """Yield consecutive codes that have a name and no unit."""
    for code, quantity in enumerate(quantities, start=first):
        yield code, Meaning(quantity)


PRIMARY: Final[dict[int, Meaning]] = dict(
    (
        *_decades(0x00, 0x07, ENERGY, "Wh", -3),
        *_decades(0x08, 0x0F, ENERGY, "J", 0),
        *_decades(0x10, 0x17, VOLUME, "m^3", -6),
        *_decades(0x18, 0x1F, "Mass", "kg", -3),
        *_durations(0x20, ON_TIME),
        *_durations(0x24, OPERATING_TIME),
        *_decades(0x28, 0x2F, POWER, "W", -3),
        *_decades(0x30, 0x37, POWER, "J/h", 0),
        *_decades(0x38, 0x3F, VOLUME_FLOW, "m^3/h", -6),
        *_decades(0x40, 0x47, VOLUME_FLOW, "m^3/min", -7),
        *_decades(0x48, 0x4F, VOLUME_FLOW, "m^3/s", -9),
        *_decades(0x50, 0x57, "Mass flow", "kg/h", -3),
        *_decades(0x58, 0x5B, FLOW_TEMPERATURE, "°C", -3),
        *_decades(0x5C, 0x5F, RETURN_TEMPERATURE, "°C", -3),
        *_decades(0x60, 0x63, TEMPERATURE_DIFFERENCE, "K", -3),
        *_decades(0x64, 0x67, "External temperature", "°C", -3),
        *_decades(0x68, 0x6B, "Pressure", "bar", -3),
        (0x6C, Meaning(DATE, "-")),
        (0x6D, Meaning(DATE_TIME, "-")),
        (0x6E, Meaning("H.C.A.", "Units for H.C.A.")),
        *_durations(0x70, "Averaging Duration"),
        *_durations(0x74, "Actuality Duration"),
        *_names(0x78, "Fabrication No", "(Enhanced) Identification", "Bus Address"),
        (0x7E, Meaning("Any VIF")),
        (0x7F, MANUFACTURER_SPECIFIC),
    )
)

# After FD: electricity, device management.
EXTENSION_FD: Final[dict[int, Meaning]] = dict(
    (
        *_decades(0x00, 0x03, "Credit", "Currency units", -3),
        *_decades(0x04, 0x07, "Debit", "Currency units", -3),
        *_names(0x08, "Access Number", "Medium", "Manufacturer", "Parameter set identification"),
        *_names(0x0C, "Model / Version", "Hardware version", "Firmware version", "Software version"),
        *_names(0x10, "Customer location", "Customer", "Access Code User", "Access Code Operator"),
        *_names(0x14, "Access Code System Operator", "Access Code Developer", "Password"),
        *_names(0x17, ERROR_FLAGS, "Error mask"),
        *_names(0x1A, "Digital Output", "Digital Input"),
        (0x1C, Meaning("Baudrate", "Baud")),
        (0x1D, Meaning("Response delay time", "Bit-times")),
        *_names(0x1E, "Retry"),
        *_names(0x20, "First storage number", "Last storage number", "Size of storage block"),
        *_durations(0x24, "Storage interval"),
        (0x28, Meaning("Storage interval", "months")),
        (0x29, Meaning("Storage interval", "years")),
        *_durations(0x2C, "Duration since last readout"),
        (0x30, Meaning("Start of tariff", "-")),
        (0x31, Meaning("Duration of tariff", "s", Decimal(60))),
        (0x32, Meaning("Duration of tariff", "s", Decimal(3600))),
        (0x33, Meaning("Duration of tariff", "s", Decimal(86400))),
        *_durations(0x34, "Period of tariff"),
        (0x38, Meaning("Period of tariff", "months")),
        (0x39, Meaning("Period of tariff", "years")),
        *_names(0x3A, "Dimensionless"),
        *_decades(0x40, 0x4F, "Voltage", "V", -9),
        *_decades(0x50, 0x5F, "Current", "A", -12),
        *_names(0x60, "Reset counter", "Cumulation counter", "Control signal", "Day of week"),
        *_names(0x64, "Week number", "Time point of day change", "State of parameter activation"),
        *_names(0x67, "Special supplier information"),
        *_long_durations(0x68, "Duration since last cumulation"),
        *_long_durations(0x6C, "Operating time battery"),
        (0x70, Meaning("Date and time of battery change", "-")),
    )
)

# After FB: the big units of district heating, and the units of North America.
EXTENSION_FB: Final[dict[int, Meaning]] = dict(
    (
        *_decades(0x00, 0x01, ENERGY, "Wh", 5),
        *_decades(0x08, 0x09, ENERGY, "J", 8),
        *_decades(0x10, 0x11, VOLUME, "m^3", 2),
        *_decades(0x18, 0x19, "Mass", "kg", 5),
        *_decades(0x1A, 0x1B, "Relative humidity", "%", -1),
        (0x21, Meaning(VOLUME, "feet^3", Decimal("0.1"))),
        (0x22, Meaning(VOLUME, "American gallon", Decimal("0.1"))),
        (0x23, Meaning(VOLUME, "American gallon")),
        (0x24, Meaning(VOLUME_FLOW, "American gallon/min", Decimal("0.001"))),
        (0x25, Meaning(VOLUME_FLOW, "American gallon/min")),
        (0x26, Meaning(VOLUME_FLOW, "American gallon/h")),
        *_decades(0x28, 0x29, POWER, "W", 5),
        *_decades(0x30, 0x31, POWER, "J/h", 8),
        *_decades(0x58, 0x5B, FLOW_TEMPERATURE, "°F", -3),
        *_decades(0x5C, 0x5F, RETURN_TEMPERATURE, "°F", -3),
        *_decades(0x60, 0x63, TEMPERATURE_DIFFERENCE, "°F", -3),
        *_decades(0x64, 0x67, "External temperature", "°F", -3),
        *_decades(0x70, 0x73, "Cold / Warm Temperature Limit", "°F", -3),
        *_decades(0x74, 0x77, "Cold / Warm Temperature Limit", "°C", -3),
        *_decades(0x78, 0x7F, "Cumul count max power", "W", -3),
    )
)

MEDIA: Final[dict[int, str]] = {
    0x00: "Other",
    0x01: "Oil",
    0x02: "Electricity",
    0x03: "Gas",
    0x04: "Heat: Outlet",
    0x05: "Steam",
    0x06: "Warm water (30-90°C)",
    0x07: "Water",
    0x08: "Heat Cost Allocator",
    0x09: "Compressed Air",
    0x0A: "Cooling load meter: Outlet",
    0x0B: "Cooling load meter: Inlet",
    0x0C: "Heat: Inlet",
    0x0D: "Heat / Cooling load meter",
    0x0E: "Bus/System",
    0x0F: "Unknown Medium",
    0x15: "Hot water (>=90°C)",
    0x16: "Cold water",
    0x17: "Hot/Cold water meter",
    0x18: "Pressure",
    0x19: "A/D Converter",
}


def medium_name(code: int) -> str:
    """Return the name of a medium code; codes without one are told by number."""
    return MEDIA.get(code, f"Reserved ({code:02X})")
