"""Telegrams of fixed structure (EN 1434-3:1997): two counters, one table of units."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from thermal.domain.mbus import codes, values
from thermal.domain.mbus.frames import TelegramRefused
from thermal.domain.mbus.records import Function, Record

LENGTH: Final = 16
BINARY_STATUS: Final = 0x01
STORED_STATUS: Final = 0x02
SAME_BUT_HISTORIC: Final = 0x3E
DECADES: Final = (
    (0x02, 0x0A, codes.ENERGY, "Wh", 0),
    (0x0B, 0x13, codes.ENERGY, "J", 3),
    (0x14, 0x1C, codes.POWER, "W", 0),
    (0x1D, 0x25, codes.POWER, "J/h", 3),
    (0x26, 0x2E, codes.VOLUME, "m^3", -6),
    (0x2F, 0x37, codes.VOLUME_FLOW, "m^3/h", -6),
    (0x38, 0x38, "Temperature", "°C", -3),
    (0x39, 0x39, "H.C.A.", "Units for H.C.A.", 0),
    (0x3F, 0x3F, "Dimensionless", "", 0),
)
MEDIA: Final = (
    "Other",
    "Oil",
    "Electricity",
    "Gas",
    "Heat",
    "Steam",
    "Hot water",
    "Water",
    "Heat Cost Allocator",
    "Reserved (09)",
    "Gas (mode 2)",
    "Heat (mode 2)",
    "Hot water (mode 2)",
    "Water (mode 2)",
    "Heat Cost Allocator (mode 2)",
    "Reserved (0F)",
)


@dataclass(frozen=True, slots=True)
class FixedContent:
    """Header and two counters of a telegram of fixed structure."""

    identification: str
    access_number: int
    status: int
    medium_code: int
    medium: str
    records: list[Record]


def read_counters(payload: bytes) -> FixedContent:
    """Return the content; any other length than 16 bytes is refused."""
    if len(payload) != LENGTH:
        raise TelegramRefused(f"A telegram of fixed structure carries {LENGTH} bytes; this one has {len(payload)}.")
    status, units = payload[5], payload[6:8]
    medium_code = (units[1] >> 6) << 2 | units[0] >> 6
    first, second = units[0] & 0x3F, units[1] & 0x3F
    stored = 1 if status & STORED_STATUS else 0
    return FixedContent(
        identification=payload[3::-1].hex().upper(),
        access_number=payload[4],
        status=status,
        medium_code=medium_code,
        medium=MEDIA[medium_code],
        records=[
            _counter(payload[8:12], first, status, storage=stored),
            _counter(
                payload[12:16],
                first if second == SAME_BUT_HISTORIC else second,
                status,
                storage=1 if second == SAME_BUT_HISTORIC else stored,
            ),
        ],
    )


def _counter(data: bytes, unit: int, status: int, *, storage: int) -> Record:
    """Return one counter as a record."""
    decoded = values.signed_integer(data) if status & BINARY_STATUS else values.binary_coded_decimal(data)
    meaning = _meaning(unit)
    number = decoded.value
    return Record(
        quantity=meaning.quantity,
        value=number * meaning.factor if isinstance(number, Decimal) else None,
        unit=meaning.unit,
        function=Function.INSTANTANEOUS,
        storage=storage,
        resolution=meaning.factor,
        valid=decoded.valid and meaning is not codes.RESERVED,
        raw=data,
    )


def _meaning(unit: int) -> codes.Meaning:
    """Return quantity, unit and factor of one of the 64 unit codes."""
    for first, last, quantity, name, exponent in DECADES:
        if first <= unit <= last:
            return codes.Meaning(quantity, name, Decimal(1).scaleb(exponent + unit - first))
    return codes.RESERVED
