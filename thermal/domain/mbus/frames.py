"""The M-Bus link layer (EN 13757-2): which bytes make a telegram, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kernel.errors import Refusal

ACKNOWLEDGE: Final = 0xE5
LONG_START: Final = 0x68
SHORT_START: Final = 0x10
STOP: Final = 0x16
HEAD_LENGTH: Final = 4
TAIL_LENGTH: Final = 2
RESPONSE_MASK: Final = 0xCF
RESPONSE: Final = 0x08


class TelegramRefused(Refusal):
    """The bytes are not a telegram whose values may be used."""


@dataclass(frozen=True, slots=True)
class LongFrame:
    """A checked long frame: who answers, what kind of content, and the content."""

    address: int
    control_information: int
    payload: bytes


def frame_length(head: bytes) -> int:
    """Return the length in bytes of the long frame that starts with these four bytes."""
    if len(head) < HEAD_LENGTH:
        raise TelegramRefused(f"The telegram ends after {len(head)} bytes, before its length is told.")
    if head[0] != LONG_START or head[3] != LONG_START:
        raise TelegramRefused("The telegram does not start with the M-Bus start bytes 68 .. .. 68.")
    if head[1] != head[2]:
        raise TelegramRefused(f"The telegram gives two different lengths: {head[1]} and {head[2]}.")
    return head[1] + HEAD_LENGTH + TAIL_LENGTH


def split_frames(stream: bytes) -> list[bytes]:
    """Return the bytes of each telegram in a stream that holds nothing but telegrams."""
    if not stream:
        raise TelegramRefused("There are no bytes to decode.")
    frames: list[bytes] = []
    rest = stream
    while rest:
        length = 1 if rest[0] == ACKNOWLEDGE else 5 if rest[0] == SHORT_START else frame_length(rest[:4])
        frames.append(rest[:length])
        rest = rest[length:]
    return frames


def read_frame(telegram: bytes) -> LongFrame:
    """Return the content of a long response frame whose lengths, checksum and direction are right."""
    if telegram == bytes([ACKNOWLEDGE]):
        raise TelegramRefused("This is an acknowledgement (E5), not a telegram with values.")
    if telegram[:1] == bytes([SHORT_START]):
        raise TelegramRefused("This is a request of a master, not the answer of a meter.")
    expected = frame_length(telegram[:HEAD_LENGTH])
    if len(telegram) != expected:
        raise TelegramRefused(f"The telegram has {len(telegram)} bytes; its header announces {expected}.")
    body, checksum, stop = telegram[HEAD_LENGTH:-TAIL_LENGTH], telegram[-2], telegram[-1]
    if stop != STOP:
        raise TelegramRefused(f"The telegram ends with {stop:02X} instead of 16.")
    if sum(body) % 256 != checksum:
        raise TelegramRefused(f"The checksum is {checksum:02X}; the bytes add up to {sum(body) % 256:02X}.")
    if len(body) < 3:
        raise TelegramRefused("The telegram is too short to carry anything.")
    if body[0] & RESPONSE_MASK != RESPONSE:
        raise TelegramRefused(f"The control field {body[0]:02X} is not that of a meter's answer.")
    return LongFrame(address=body[1], control_information=body[2], payload=body[3:])
