"""A gateway that carries M-Bus over TCP to the meters of one site."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from demo.devices.telegrams import ACK

SND_NKE: Final = 0x40
REQ_UD2: Final = frozenset({0x5B, 0x7B, 0x4B, 0x6B})
SND_UD_SELECT: Final = frozenset({0x53, 0x73})
SELECTED: Final = 253
TO_ALL: Final = 254
_FCB: Final = 0x20
_SELECT_CI: Final = 0x52
_SHORT: Final = 0x10
_LONG: Final = 0x68
_STOP: Final = 0x16
_WILDCARD: Final = 0x0F

Telegram = Callable[[int], bytes | None]


@dataclass(slots=True)
class Slave:
    """One meter on the bus: makes a telegram for an access number, or None while it is silent."""

    address: int
    secondary: bytes
    telegram: Telegram
    _access: int = 0
    _last_control: int | None = None
    _last_answer: bytes | None = field(default=None, repr=False)

    def reset(self) -> bytes | None:
        """The answer to the initialisation of the link."""
        self._last_control = None
        return ACK if self.telegram(self._access) is not None else None

    def request(self, control: int) -> bytes | None:
        """Fresh data; the same telegram again where the frame count bit was not toggled."""
        repeated = control & _FCB == self._last_control and self._last_answer is not None
        if not repeated:
            self._access += 1
            self._last_answer = self.telegram(self._access)
        self._last_control = control & _FCB
        return self._last_answer

    def matches(self, wanted: bytes) -> bool:
        """Whether a selection (F in a nibble, FF in a byte stands for any) means this meter."""
        return all(_byte_matches(w, h) for w, h in zip(wanted, self.secondary, strict=True))


def _byte_matches(wanted: int, have: int) -> bool:
    if wanted == 0xFF:
        return True
    low, high = wanted & 0x0F, wanted >> 4
    return low in (_WILDCARD, have & 0x0F) and high in (_WILDCARD, have >> 4)


class Gateway:
    """Answers the frames of a master; one bus, so one request at a time per connection."""

    def __init__(self, slaves: list[Slave]) -> None:
        self._slaves = {slave.address: slave for slave in slaves}
        self._selected: Slave | None = None
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """The port that is listened on."""
        self._server = await asyncio.start_server(self._serve, host, port)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stops listening and lets the connections go."""
        if self._server is not None:
            self._server.close()
            # close_clients appeared in 3.13; before it, connections end with the loop.
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (frame := await _read_frame(reader)) is not None:
                answer = self.answer(frame)
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, frame: bytes) -> bytes | None:
        """The answer to one frame, or None where the bus stays silent."""
        if frame[0] == _SHORT:
            return self._answer_short(control=frame[1], address=frame[2])
        return self._select(frame)

    def _answer_short(self, *, control: int, address: int) -> bytes | None:
        slave = self._slave(address)
        if slave is None:
            return None
        if control == SND_NKE:
            return slave.reset()
        return slave.request(control) if control in REQ_UD2 else None

    def _slave(self, address: int) -> Slave | None:
        if address == SELECTED:
            return self._selected
        if address == TO_ALL and len(self._slaves) == 1:
            return next(iter(self._slaves.values()))
        return self._slaves.get(address)

    def _select(self, frame: bytes) -> bytes | None:
        control, address, ci = frame[4], frame[5], frame[6]
        if control not in SND_UD_SELECT or address != SELECTED or ci != _SELECT_CI:
            return None
        found = [slave for slave in self._slaves.values() if slave.matches(frame[7:15])]
        self._selected = found[0] if len(found) == 1 else None
        return self._selected.reset() if self._selected else None


async def _read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next whole frame with a right check sum, or None at the end of the connection."""
    while True:
        start = await reader.read(1)
        if not start:
            return None
        if start[0] == _SHORT:
            frame = start + await reader.readexactly(4)
            body = frame[1:3]
        elif start[0] == _LONG:
            head = await reader.readexactly(3)
            frame = start + head + await reader.readexactly(head[0] + 2)
            body = frame[4:-2]
        else:
            continue
        if frame[-1] == _STOP and sum(body) & 0xFF == frame[-2]:
            return frame
