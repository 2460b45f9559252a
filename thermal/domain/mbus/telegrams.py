"""A meter's telegram: who sent it, its state and its records (EN 13757-3, chapters 5 and 6)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from thermal.domain.mbus import codes, fixed, records
from thermal.domain.mbus.frames import LongFrame, TelegramRefused, read_frame
from thermal.domain.mbus.records import Function, Record

VARIABLE_DATA: Final = 0x72
FIXED_DATA: Final = 0x73
APPLICATION_ERROR: Final = 0x70
HEADER_LENGTH: Final = 12
ENCRYPTION_MODES: Final = frozenset({2, 3, 4, 5, 7, 13})
"""Old meters put anything into the field that tells the mode, so only real modes count as encrypted."""
APPLICATION_ERRORS: Final = {
    0x00: "unspecified error",
    0x01: "unimplemented content kind",
    0x02: "request too long, truncated",
    0x03: "too many records",
    0x04: "premature end of record",
    0x05: "more than 10 extensions of the data information",
    0x06: "more than 10 extensions of the value information",
    0x08: "application too busy",
    0x09: "too many readouts",
}
UNSUPPORTED: Final = {
    0x74: "an alarm report",
    0x75: "an alarm report",
    0x76: "variable data, high byte first",
    0x77: "fixed data, high byte first",
    0x78: "data without a header",
    0x7A: "data with a short header, without the number of the meter",
}


@dataclass(frozen=True, slots=True)
class Telegram:
    """What one meter said in one telegram."""

    identification: str
    """The eight digits on the meter's face."""
    manufacturer: str
    version: int
    medium_code: int
    medium: str
    access_number: int
    status: int
    address: int
    records: list[Record] = field(default_factory=list)

    maker_code: int | None = None
    """The number that stands for the manufacturer; telegrams of fixed structure have none."""

    @property
    def secondary(self) -> str:
        """The address by which the meter can be selected, as far as the telegram tells it."""
        if self.maker_code is None:
            return self.identification
        maker = self.maker_code.to_bytes(2, "little")
        return self.identification + (maker + bytes([self.version, self.medium_code])).hex().upper()

    @property
    def more_records_follow(self) -> bool:
        """True if the meter has a further telegram to give."""
        return any(record.function is Function.MORE_RECORDS for record in self.records)

    @property
    def clock(self) -> dt.datetime | None:
        """The meter's own wall-clock time, without zone; None where it tells none."""
        for record in self.records:
            if record.quantity == codes.DATE_TIME and record.is_main_register and not record.qualifiers:
                return record.value if isinstance(record.value, dt.datetime) else None
        return None


def decode(telegram: bytes) -> Telegram:
    """Return the decoded telegram; anything doubtful in it refuses the whole."""
    frame = read_frame(telegram)
    if frame.control_information == VARIABLE_DATA:
        return _variable(frame)
    if frame.control_information == FIXED_DATA:
        return _fixed(frame)
    raise TelegramRefused(_why_not(frame))


def _why_not(frame: LongFrame) -> str:
    """Return why a frame of this content kind has no values."""
    if frame.control_information == APPLICATION_ERROR:
        code = frame.payload[0] if frame.payload else 0
        told = APPLICATION_ERRORS.get(code, f"error {code:02X}")
        return f"The meter answers with an error instead of values: {told}."
    kind = UNSUPPORTED.get(frame.control_information, "not a readout")
    return f"The content kind {frame.control_information:02X} is {kind}; values are read from kinds 72 and 73."


def _variable(frame: LongFrame) -> Telegram:
    """Return a telegram with self-describing records."""
    head, body = frame.payload[:HEADER_LENGTH], frame.payload[HEADER_LENGTH:]
    if len(head) < HEADER_LENGTH:
        raise TelegramRefused(f"The header of the telegram has {len(head)} of {HEADER_LENGTH} bytes.")
    if head[11] & 0x1F in ENCRYPTION_MODES:
        raise TelegramRefused("The telegram is encrypted.")
    return Telegram(
        identification=head[3::-1].hex().upper(),
        manufacturer=manufacturer_name(int.from_bytes(head[4:6], "little")),
        version=head[6],
        medium_code=head[7],
        medium=codes.medium_name(head[7]),
        access_number=head[8],
        status=head[9],
        address=frame.address,
        records=records.read_records(body),
        maker_code=int.from_bytes(head[4:6], "little"),
    )


def _fixed(frame: LongFrame) -> Telegram:
    """Return a telegram of the old kind with two counters."""
    content = fixed.read_counters(frame.payload)
    return Telegram(
        identification=content.identification,
        manufacturer="",
        version=0,
        medium_code=content.medium_code,
        medium=content.medium,
        access_number=content.access_number,
        status=content.status,
        address=frame.address,
        records=content.records,
    )


def manufacturer_name(code: int) -> str:
    """Return the three letters of a manufacturer.

    Examples
    --------
    >>> manufacturer_name(0x2C2D)
    'KAM'
    """
    return "".join(chr(((code >> shift) & 0x1F) + 64) for shift in (10, 5, 0))


def render(value: Decimal | str | dt.date | dt.datetime | None) -> str | None:
    """Return a record's value as text: all digits, no exponent, ISO 8601 for instants."""
    if isinstance(value, Decimal):
        return plain_digits(value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return value


def plain_digits(number: Decimal) -> str:
    """Return the number without exponent, with no more zeros behind the point than it needs.

    Examples
    --------
    >>> plain_digits(Decimal("3.7351E+7")), plain_digits(Decimal("561.080")), plain_digits(Decimal("-0.0"))
    ('37351000', '561.08', '0')
    """
    digits = format(number, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return "0" if digits in ("-0", "") else digits
