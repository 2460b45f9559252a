"""Exact values from the data bytes of a record (EN 13757-3, annex A and B): no float in between."""

from __future__ import annotations

import datetime as dt
import math
import struct
from dataclasses import dataclass
from decimal import Decimal

from thermal.domain.readings import shortest_float32


@dataclass(frozen=True, slots=True)
class Decoded:
    """What the bytes say, and whether the meter means it as a valid value."""

    value: Decimal | str | dt.date | dt.datetime | None
    valid: bool = True


INVALID = Decoded(None, valid=False)


def signed_integer(data: bytes) -> Decoded:
    """Return the two's complement number, low byte first; the most negative one means "invalid"."""
    number = int.from_bytes(data, "little", signed=True)
    if number == -(1 << (8 * len(data) - 1)):
        return INVALID
    return Decoded(Decimal(number))


def bit_field(data: bytes) -> Decoded:
    """Return the bits as a number without sign."""
    return Decoded(Decimal(int.from_bytes(data, "little")))


def real(data: bytes) -> Decoded:
    """Return the shortest decimal that names this float32 and no other.

    Examples
    --------
    >>> real(bytes.fromhex("22F32642")).value
    Decimal('41.737434')
    """
    (number,) = struct.unpack("<f", data)
    if not math.isfinite(number):
        return INVALID
    return Decoded(Decimal(shortest_float32(number)))


def binary_coded_decimal(data: bytes) -> Decoded:
    """Return the number from binary coded digits, low byte first; F in the first digit is the minus sign.

    Other digits above 9 are the meter's way to show a fault, so the value is not valid. Then the
    number is what libmbus prints for it, for comparison only; no point and no bill uses it.

    Examples
    --------
    >>> binary_coded_decimal(bytes.fromhex("1800F0")).value
    Decimal('-18')
    >>> binary_coded_decimal(bytes.fromhex("DDB4EBDD")).valid
    False
    """
    digits = data[::-1].hex().upper()
    negative = digits.startswith("F")
    plain = "0" + digits[1:] if negative else digits
    if plain.isdecimal():
        return Decoded(Decimal(-int(plain) if negative else int(plain)))
    number = 0
    for byte in reversed(data):
        high = byte >> 4
        number = (number * 10 + (high if high <= 9 else 0)) * 10 + (byte & 0x0F)
    return Decoded(Decimal(-number if negative else number), valid=False)


def _year(low: int, high: int) -> int:
    """Return the calendar year of the two bytes that share it; two-digit years up to 80 are 20xx."""
    year = ((low & 0xE0) >> 5) | ((high & 0xF0) >> 1)
    return 2000 + year if year <= 80 else 1900 + year


def date(data: bytes) -> Decoded:
    """Return the date of type G (CP16).

    Examples
    --------
    >>> date(bytes.fromhex("5F1C")).value
    datetime.date(2010, 12, 31)
    >>> date(bytes.fromhex("0000"))
    Decoded(value='2000-00-00', valid=False)
    """
    year, month, day = _year(data[0], data[1]), data[1] & 0x0F, data[0] & 0x1F
    try:
        return Decoded(dt.date(year, month, day))
    except ValueError:
        return Decoded(f"{year:04d}-{month:02d}-{day:02d}", valid=False)


def date_time(data: bytes) -> Decoded:
    """Return the wall-clock time of type F (CP32) or, with six bytes, type I (CP48).

    The meter tells no time zone, so the value has none.

    Examples
    --------
    >>> date_time(bytes.fromhex("1A2F6511")).value
    datetime.datetime(2011, 1, 5, 15, 26)
    """
    second, rest = (data[0] & 0x3F, data[1:]) if len(data) == 6 else (0, data)
    if rest[0] & 0x80:
        return INVALID
    minute, hour = rest[0] & 0x3F, rest[1] & 0x1F
    year, month, day = _year(rest[2], rest[3]), rest[3] & 0x0F, rest[2] & 0x1F
    try:
        return Decoded(dt.datetime(year, month, day, hour, minute, second))  # noqa: DTZ001 (the meter has no zone)
    except ValueError:
        text = f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
        return Decoded(text, valid=False)


def time_of_day(data: bytes) -> Decoded:
    """Return the time of type J (CP24) as text."""
    second, minute, hour = data[0] & 0x3F, data[1] & 0x3F, data[2] & 0x1F
    valid = second < 60 and minute < 60 and hour < 24
    return Decoded(f"{hour:02d}:{minute:02d}:{second:02d}", valid=valid)


def text(data: bytes) -> Decoded:
    """Return the characters, which M-Bus sends last one first."""
    return Decoded(data[::-1].decode("latin-1"))


def hexadecimal(data: bytes) -> Decoded:
    """Return the bytes as pairs of digits, high byte first."""
    return Decoded(data[::-1].hex(" ").upper())
