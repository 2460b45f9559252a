"""The four questions of Modbus that read, and what counts as an answer to one of them.

Written here and not taken from a client library, for three reasons: such a library can also write; it builds objects
for every register, which cost more than all else in a poll; and it skips what it does not understand, where we
want to know that something else than the answer came.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Protocol

from pymodbus.framer import FramerRTU

READS: Final = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
"""The function code by which each table is read (Modbus Application Protocol V1.1b3, chapter 6)."""

BIT_READS: Final = frozenset({1, 2})
EXCEPTION_BIT: Final = 0x80
HEAD_LENGTH: Final = 6
LONGEST_BODY: Final = 254
"""Unit and protocol data of the longest frame (MODBUS Messaging on TCP/IP V1.0b, chapter 3.1.3)."""


class GarbledAnswerError(Exception):
    """What came is no answer to the question."""


@dataclass(frozen=True, slots=True)
class Question:
    """One read of one unit."""

    unit: int
    table: str
    start: int
    count: int

    @property
    def body(self) -> bytes:
        """Unit, function, first register and count, as every framing carries them."""
        return struct.pack(">BBHH", self.unit, READS[self.table], self.start, self.count)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a device answered: the bytes of its registers, or the code of its refusal."""

    payload: bytes
    exception: int = 0


class Framing(Protocol):
    """How questions and answers are wrapped on a connection."""

    def wrap(self, question: Question, number: int) -> bytes:
        """Return the bytes to send."""

    def unwrap(self, question: Question, number: int, received: bytearray) -> Reply | None:
        """Return the answer and take it from what was received; None if more must come. Refuse what is no answer."""


class TcpFraming:
    """Modbus TCP: a head with a number by which an answer names its question."""

    def wrap(self, question: Question, number: int) -> bytes:
        """Return the bytes to send."""
        body = question.body
        return struct.pack(">HHH", number, 0, len(body)) + body

    def unwrap(self, question: Question, number: int, received: bytearray) -> Reply | None:
        """Return the answer; frames with the number of an earlier question are passed over."""
        while len(received) >= HEAD_LENGTH:
            told, protocol, length = struct.unpack_from(">HHH", received)
            if protocol or not 3 <= length <= LONGEST_BODY:
                raise GarbledAnswerError("the answer is not Modbus TCP")
            if len(received) < HEAD_LENGTH + length:
                return None
            body = bytes(received[HEAD_LENGTH : HEAD_LENGTH + length])
            del received[: HEAD_LENGTH + length]
            if told == number:
                return reply_of(question, body)
        return None


class RtuFraming:
    """Modbus RTU: a checksum, no number; its length follows from what the answer says about itself."""

    def wrap(self, question: Question, number: int) -> bytes:  # noqa: ARG002 (interface)
        """Return the bytes to send."""
        body = question.body
        return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")

    def unwrap(self, question: Question, number: int, received: bytearray) -> Reply | None:  # noqa: ARG002 (interface)
        """Return the answer, if its checksum holds."""
        if len(received) < 5:
            return None
        length = 5 if received[1] & EXCEPTION_BIT else 5 + received[2]
        if received[1] & ~EXCEPTION_BIT != READS[question.table]:
            raise GarbledAnswerError("the answer is of another kind than the question")
        if len(received) < length:
            return None
        body, checksum = bytes(received[: length - 2]), int.from_bytes(received[length - 2 : length], "big")
        del received[:length]
        if FramerRTU.compute_CRC(body) != checksum:
            raise GarbledAnswerError("the checksum of the answer is wrong")
        return reply_of(question, body)


def reply_of(question: Question, body: bytes) -> Reply:
    """Return what the unit and protocol data of a frame say, if they answer the question.

    Examples
    --------
    >>> question = Question(17, "holding", 107, 1)
    >>> reply_of(question, bytes([17, 3, 2, 1, 2]))
    Reply(payload=b'\\x01\\x02', exception=0)
    >>> reply_of(question, bytes([17, 0x83, 2]))
    Reply(payload=b'', exception=2)
    """
    unit, function = body[0], body[1]
    if unit != question.unit:
        raise GarbledAnswerError(f"unit {unit} answers instead of unit {question.unit}")
    expected = READS[question.table]
    if function == expected | EXCEPTION_BIT and len(body) == 3:
        return Reply(b"", body[2])
    length = (question.count + 7) // 8 if expected in BIT_READS else 2 * question.count
    if function != expected:
        raise GarbledAnswerError("the answer is of another kind than the question")
    if body[2] != length or len(body) != 3 + length:
        raise GarbledAnswerError(f"{len(body) - 3} bytes came where {length} were asked for")
    return Reply(body[3:])
