"""Connections that carry one question at a time, and those that are kept open between polls."""

from __future__ import annotations

import asyncio
import itertools
import resource
import secrets
from typing import Final, cast
from weakref import WeakKeyDictionary

from thermal.protocols.base import Endpoint, NoConnection
from thermal.protocols.modbus.frames import Framing, GarbledAnswerError, Question, Reply

KEPT_LIMIT: Final = max(100, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 600)
"""Connections that one process keeps open at most: what its limit of open files leaves beside those in use."""
SWEEP_S: Final = 0.5
NUMBERS: Final = 0x10000
_numbers = itertools.count(secrets.randbelow(NUMBERS))
"""Runs on over all connections: some gateways deliver the answer to a question on whatever connection they have now."""


class ConnectionGoneError(Exception):
    """The other side closed the connection."""


class Connection(asyncio.Protocol):
    """One connection; whatever else comes than the answer to the open question closes it.

    So a late answer never meets the next question: its own has closed the connection by running out of time, and
    what comes while nothing is asked is thrown away together with the connection.
    """

    def __init__(self, framing: Framing) -> None:
        self.is_open = False
        self._framing = framing
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._question: Question | None = None
        self._answer: asyncio.Future[Reply] | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to send questions."""
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """Give the answer to whom waits for it."""
        if self._question is None or self._answer is None or self._answer.done():
            self.close()
            return
        self._received += data
        try:
            reply = self._framing.unwrap(self._question, self._number, self._received)
        except GarbledAnswerError as problem:
            self._answer.set_exception(problem)
            self.close()
            return
        if reply is not None:
            self._answer.set_result(reply)
            if self._received:
                self.close()

    def eof_received(self) -> None:
        """Close: who says no more will not answer."""
        self.close()

    def connection_lost(self, problem: Exception | None) -> None:  # noqa: ARG002 (interface)
        """Tell whom waits that nothing will come."""
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionGoneError())

    def close(self) -> None:
        """Let go of the connection."""
        self.is_open = False
        self._transport.close()

    async def ask(self, question: Question, *, timeout_s: float) -> Reply:
        """Return the answer; a question that stays without one closes the connection."""
        if not self.is_open:
            raise ConnectionGoneError
        self._number = next(_numbers) % NUMBERS
        self._received.clear()
        self._question, self._answer = question, self._loop.create_future()
        timer = self._loop.call_later(timeout_s, self._run_out_of_time)
        self._transport.write(self._framing.wrap(question, self._number))
        try:
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            timer.cancel()
            self._question = self._answer = None

    def _run_out_of_time(self) -> None:
        """Tell whom waits that the answer did not come in time."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(TimeoutError())


class KeptConnections:
    """Connections of one event loop that nobody uses just now, each with the time at which it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._kept: dict[tuple[str, int], tuple[Connection, float]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    def take(self, address: tuple[str, int]) -> Connection | None:
        """Return the connection to an address, if one is open; it is no longer kept."""
        connection, _until = self._kept.pop(address, (None, 0.0))
        return connection if connection is not None and connection.is_open else None

    def keep(self, address: tuple[str, int], connection: Connection, *, for_s: float) -> None:
        """Keep a connection open for a while; with too many of them, the one that was kept first is closed."""
        self.drop(address)
        if len(self._kept) >= KEPT_LIMIT:
            self.drop(next(iter(self._kept)))
        self._kept[address] = (connection, self._loop.time() + for_s)
        if self._sweep is None:
            self._sweep = self._loop.call_later(SWEEP_S, self._drop_expired)

    def drop(self, address: tuple[str, int]) -> None:
        """Close the connection to an address, if one is kept."""
        connection = self.take(address)
        if connection is not None:
            connection.close()

    def _drop_expired(self) -> None:
        """Close what has been kept long enough; one look now and then costs less than an alarm for each."""
        now = self._loop.time()
        for address in [address for address, (_connection, until) in self._kept.items() if until <= now]:
            self.drop(address)
        self._sweep = self._loop.call_later(SWEEP_S, self._drop_expired) if self._kept else None


_kept_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, KeptConnections] = WeakKeyDictionary()


def kept_connections() -> KeptConnections:
    """Return the kept connections of the running event loop; no two loops, nor two processes, share one."""
    return _kept_by_loop.setdefault(asyncio.get_running_loop(), KeptConnections())


class Link:
    """The way to one address during one poll: a connection that was kept, or a fresh one, opened when needed."""

    def __init__(self, framing: Framing, endpoint: Endpoint) -> None:
        self._framing, self._endpoint = framing, endpoint
        self._connection: Connection | None = None
        self._is_proven = True
        self.request_count = 0

    async def ask(self, question: Question) -> Reply:
        """Return the answer. If a connection that was kept turns out dead, a fresh one is tried, once."""
        connection = await self._open()
        self.request_count += 1
        try:
            reply = await connection.ask(question, timeout_s=self._endpoint.timing.timeout_s)
        except (TimeoutError, ConnectionGoneError):
            if self._is_proven:
                raise
        else:
            self._is_proven = True
            return reply
        connection = await self._open()
        self.request_count += 1
        return await connection.ask(question, timeout_s=self._endpoint.timing.timeout_s)

    def let_go(self) -> None:
        """Keep the connection for the next poll, if the controller allows that; else close it."""
        connection, keep_s = self._connection, self._endpoint.timing.keep_open_s
        if connection is None or not connection.is_open:
            return
        if keep_s:
            kept_connections().keep(self._address, connection, for_s=keep_s)
        else:
            connection.close()

    @property
    def _address(self) -> tuple[str, int]:
        return self._endpoint.host, self._endpoint.port

    async def _open(self) -> Connection:
        """Return an open connection; a kept one serves only until something on it fails."""
        if self._connection is not None and self._connection.is_open:
            return self._connection
        kept = kept_connections().take(self._address) if self._connection is None else None
        self._is_proven = kept is None
        self._connection = kept or await self._connect()
        return self._connection

    async def _connect(self) -> Connection:
        """Return a fresh connection, or say why there is none."""
        host, port = self._address
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._endpoint.timing.timeout_s):
                _transport, connection = await loop.create_connection(lambda: Connection(self._framing), host, port)
        except OSError as problem:  # a time-out is one of them
            reason = "nobody answers" if isinstance(problem, TimeoutError) else "the address refuses or is not there"
            raise NoConnection(host=host, port=port, reason=reason) from None
        if self._endpoint.timing.connect_pause_s:
            await asyncio.sleep(self._endpoint.timing.connect_pause_s)
        return connection
