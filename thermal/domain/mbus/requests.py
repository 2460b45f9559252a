"""What a master asks on the bus: wake up, select by number, tell your values. Nothing here changes a meter."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kernel.errors import Refusal
from thermal.domain.mbus.frames import LONG_START, SHORT_START, STOP

RESET_LINK: Final = 0x40
"""SND_NKE: the meter starts counting frames anew."""
REQUEST_DATA: Final = 0x5B
"""REQ_UD2 with a valid frame count bit."""
FRAME_COUNT_BIT: Final = 0x20
SEND_DATA: Final = 0x53
SELECT_SLAVE: Final = 0x52
NETWORK_LAYER: Final = 0xFD
LAST_PRIMARY: Final = 250
SECONDARY: Final = re.compile(r"[0-9A-F]{8}([0-9A-F]{8})?")
ANY: Final = "FFFFFFFF"


class MeterAddressWrong(Refusal):
    """A unit address that no meter on an M-Bus can have."""

    sentence = "“%(address)s” is neither a primary address from 0 to 250 nor a secondary address of 8 or 16 digits."


@dataclass(frozen=True, slots=True)
class MeterAddress:
    """How to reach a meter: by its place on the bus, or by its own number."""

    primary: int
    secondary: str = ""

    @property
    def on_link(self) -> int:
        """The address in the frames."""
        return NETWORK_LAYER if self.secondary else self.primary


def meter_address(text: str) -> MeterAddress:
    """Return the address that is written as a number up to 250, or as 8 or 16 hexadecimal digits.

    Examples
    --------
    >>> meter_address("5")
    MeterAddress(primary=5, secondary='')
    >>> meter_address("06855817").secondary
    '06855817FFFFFFFF'
    """
    plain = text.strip().upper()
    if plain.isdecimal() and len(plain) <= 3 and int(plain) <= LAST_PRIMARY:
        return MeterAddress(int(plain))
    if SECONDARY.fullmatch(plain):
        return MeterAddress(NETWORK_LAYER, (plain + ANY)[:16])
    raise MeterAddressWrong(address=text)


def reset_link(address: int) -> bytes:
    """Return the request that starts a conversation.

    Examples
    --------
    >>> reset_link(5).hex(" ")
    '10 40 05 45 16'
    """
    return _short(RESET_LINK, address)


def request_data(address: int, *, frame_count: bool) -> bytes:
    """Return the request for a telegram; the meter repeats the last one if the frame count bit stays.

    Examples
    --------
    >>> request_data(5, frame_count=True).hex(" ")
    '10 7b 05 80 16'
    """
    return _short(REQUEST_DATA | (FRAME_COUNT_BIT if frame_count else 0), address)


def select_meter(secondary: str) -> bytes:
    """Return the selection of the meter with this number, manufacturer, version and medium; F matches any.

    Examples
    --------
    >>> select_meter("06855817FFFFFFFF").hex(" ")
    '68 0b 0b 68 53 fd 52 17 58 85 06 ff ff ff ff 98 16'
    """
    number, rest = bytes.fromhex(secondary[:8])[::-1], bytes.fromhex(secondary[8:])
    body = bytes([SEND_DATA, NETWORK_LAYER, SELECT_SLAVE]) + number + rest
    return bytes([LONG_START, len(body), len(body), LONG_START]) + body + bytes([sum(body) % 256, STOP])


def _short(control: int, address: int) -> bytes:
    """Return a short frame."""
    return bytes([SHORT_START, control, address, (control + address) % 256, STOP])
