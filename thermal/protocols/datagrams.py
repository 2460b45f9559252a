"""Questions and answers over UDP, which loses, doubles and delays datagrams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar

from kernel.errors import Refusal
from thermal.protocols.base import Endpoint, NoConnection

INBOX: Final = 64
"""Datagrams that wait to be looked at; a flood of more is dropped."""

Understood = TypeVar("Understood")


class NoReply(Refusal):
    """A question that stayed without an answer."""

    sentence = "%(problem)s"


class ReplyGarbled(Refusal):
    """Something came, but no answer to the question."""

    sentence = "The answer cannot be understood: %(problem)s."


@dataclass(slots=True)
class Line(asyncio.DatagramProtocol):
    """A socket of our own that talks with one address and hears nobody else."""

    timeout_s: float
    inbox: asyncio.Queue[bytes | OSError] = field(default_factory=lambda: asyncio.Queue(INBOX))
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket over."""
        self.transport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 (interface)
        """Keep a datagram for whoever waits."""
        with suppress(asyncio.QueueFull):
            self.inbox.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        """Keep the word of the network that nobody is there."""
        with suppress(asyncio.QueueFull):
            self.inbox.put_nowait(exc if isinstance(exc, OSError) else OSError(str(exc)))

    async def ask(self, question: bytes, understand: Callable[[bytes], Understood | None]) -> Understood:
        """Return what `understand` makes of the first datagram that answers the question.

        It gives None for a datagram that belongs to another question. A question that may have been lost is put
        once more when half of the time is over; after all of it, nobody waits any longer.
        """
        heard: list[str] = []
        while not self.inbox.empty():  # late answers to earlier questions
            self.inbox.get_nowait()
        try:
            async with asyncio.timeout(self.timeout_s):
                with suppress(TimeoutError):
                    async with asyncio.timeout(self.timeout_s / 2):
                        return await self._exchange(question, understand, heard)
                return await self._exchange(question, understand, heard)
        except TimeoutError:
            if heard:
                raise ReplyGarbled(problem=heard[-1]) from None
            raise NoReply(problem=f"No answer within {self.timeout_s:g} s.") from None

    async def _exchange(
        self, question: bytes, understand: Callable[[bytes], Understood | None], heard: list[str]
    ) -> Understood:
        """Return the answer to the question, put once; what is rubbish is noted and passed over."""
        if self.transport is None or self.transport.is_closing():
            raise NoReply(problem="The network closed the socket.")
        self.transport.sendto(question)
        while True:
            datagram = await self.inbox.get()
            if isinstance(datagram, OSError):
                raise NoReply(problem=f"Nobody listens at the address: {datagram.strerror or datagram}.")
            try:
                understood = understand(datagram)
            except ReplyGarbled as refusal:
                heard.append(str(refusal.facts.get("problem", refusal.detail)))
                continue
            if understood is not None:
                return understood


@asynccontextmanager
async def open_line(endpoint: Endpoint) -> AsyncIterator[Line]:
    """Give a line to the address, and close it afterwards."""
    loop = asyncio.get_running_loop()
    try:
        transport, line = await loop.create_datagram_endpoint(
            lambda: Line(endpoint.timing.timeout_s), remote_addr=(endpoint.host, endpoint.port)
        )
    except OSError as problem:
        raise NoConnection(host=endpoint.host, port=endpoint.port, reason=str(problem.strerror or problem)) from None
    try:
        yield line
    finally:
        transport.close()
