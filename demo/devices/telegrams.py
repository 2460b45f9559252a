"""M-Bus telegrams of the plant's meters, built byte by byte.

References
----------
EN 13757-2 (link layer: long frame, check sum), EN 13757-3 (variable data structure, DIF, VIF).
"""

import struct
from datetime import UTC, datetime
from typing import Final

from demo.devices.meters import HeatDisplay, PowerDisplay

ACK: Final = b"\xe5"
MEDIUM_HEAT_RETURN: Final = 0x04
MEDIUM_ELECTRICITY: Final = 0x02

_START: Final = 0x68
_STOP: Final = 0x16
_RSP_UD: Final = 0x08
_CI_VARIABLE: Final = 0x72
_STATUS_PERMANENT_ERROR: Final = 0x08


def heat_telegram(display: HeatDisplay, *, serial: str, address: int, access: int, maker: str = "HLD") -> bytes:
    """The answer of a heat meter to a request for its data."""
    records = [
        b"\x04\x04" + struct.pack("<i", display.energy_cent_kwh),
        b"\x04\x13" + struct.pack("<i", display.volume_liters),
        b"\x04\xff\x07" + struct.pack("<i", display.supply_m3c),
        b"\x04\xff\x08" + struct.pack("<i", display.return_m3c),
        b"\x04\x2b" + struct.pack("<i", display.power_w),
        b"\x04\x3b" + struct.pack("<i", display.flow_l_h),
        b"\x02\x59" + struct.pack("<h", display.supply_centi_c),
        b"\x02\x5d" + struct.pack("<h", display.return_centi_c),
        b"\x02\x61" + struct.pack("<h", display.difference_centi_k),
        b"\x04\x22" + struct.pack("<i", display.operating_h),
        b"\x34\x22" + struct.pack("<i", display.error_h),
        b"\x04\x6d" + _datetime_f(display.at_s),
        b"\x04\xfd\x17" + struct.pack("<I", display.error_flags),
    ]
    return _long_frame(
        address,
        _header(
            serial,
            maker,
            MEDIUM_HEAT_RETURN,
            access,
            _STATUS_PERMANENT_ERROR if display.error_flags else 0,
        )
        + b"".join(records),
    )


def power_telegram(display: PowerDisplay, *, serial: str, address: int, access: int, maker: str = "HLD") -> bytes:
    """The answer of an electricity meter to a request for its data."""
    records = [
        b"\x04\x04" + struct.pack("<i", display.energy_cent_kwh),
        b"\x04\x2b" + struct.pack("<i", display.power_w),
    ]
    header = _header(serial, maker, MEDIUM_ELECTRICITY, access, 0)
    return _long_frame(address, header + b"".join(records))


def secondary_address(serial: str, medium: int, maker: str = "HLD") -> bytes:
    """The eight bytes by which a master selects a meter behind address 253."""
    return _bcd(serial) + _maker(maker) + bytes((1, medium))


def _header(serial: str, maker: str, medium: int, access: int, status: int) -> bytes:
    """The fixed header of the variable data structure: identity, access number, status."""
    identity = secondary_address(serial, medium, maker)
    return bytes((_CI_VARIABLE,)) + identity + bytes((access & 0xFF, status, 0, 0))


def _bcd(serial: str) -> bytes:
    return bytes(int(serial[i : i + 2], 16) for i in (6, 4, 2, 0))


def _maker(letters: str) -> bytes:
    first, second, third = (ord(letter) - 64 for letter in letters)
    return struct.pack("<H", first << 10 | second << 5 | third)


def _datetime_f(at_s: float) -> bytes:
    """Date and time in the four bytes of type F. The demo's meter clocks run in UTC."""
    moment = datetime.fromtimestamp(at_s, UTC)
    year = moment.year - 2000
    return bytes(
        (
            moment.minute,
            moment.hour,
            moment.day | (year & 0x07) << 5,
            moment.month | (year & 0x78) << 1,
        )
    )


def _long_frame(address: int, payload: bytes) -> bytes:
    body = bytes((_RSP_UD, address)) + payload
    length = len(body)
    return bytes((_START, length, length, _START)) + body + bytes((sum(body) & 0xFF, _STOP))
