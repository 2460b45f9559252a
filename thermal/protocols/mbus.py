"""M-Bus over a TCP gateway: one master on the bus, meters asked one after another, nothing ever written."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from thermal.domain import mbus
from thermal.domain.mbus import frames, points, requests
from thermal.domain.mbus.requests import MeterAddress
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import Endpoint, NoConnection, Target, failed

TELEGRAM_LIMIT: Final = 16
"""More telegrams than any meter has; a meter that announces more has lost count."""
ATTEMPTS: Final = 3
SILENCE_S: Final = 0.05
"""A pause on the line after which the rest of a spoilt telegram has passed."""
NOISE_LIMIT: Final = 1024
"""Bytes to skip in search of a telegram before giving up."""

SEVERAL: Final = " Several meters may have a number that matches the address."


class MBusTcp:
    """Reads meters behind one M-Bus gateway."""

    def plan(self, specs: Sequence[PointSpec], options: dict[str, Any]) -> points.RecordPlan:  # noqa: ARG002 (interface)
        """Return which record fills which point."""
        return points.plan(specs)

    async def read(self, endpoint: Endpoint, targets: Sequence[Target]) -> AsyncIterator[tuple[Target, Answer]]:
        """Yield the answer of each meter; a connection that breaks is opened again for the next meter."""
        bus: Bus | None = None
        try:
            for position, target in enumerate(targets):
                if position and endpoint.timing.request_pause_s:
                    await asyncio.sleep(endpoint.timing.request_pause_s)
                if bus is None or bus.broken:
                    if bus is not None:
                        bus.close()
                    bus = await open_bus(endpoint)
                yield target, await _read_meter(bus, target)
        finally:
            if bus is not None:
                bus.close()


class BusClosedError(Exception):
    """The gateway closed the connection."""


@dataclass(slots=True)
class Bus:
    """An open connection to a gateway, with what it takes to find telegrams in a stream of bytes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    timeout_s: float
    broken: bool = False
    request_count: int = 0

    def close(self) -> None:
        """Let go of the connection."""
        self.writer.close()

    async def ask(self, request: bytes) -> bytes:
        """Return the answer to a request: E5 or a long frame, whatever noise there is before it."""
        await self.drain(silence_s=0)
        self.request_count += 1
        try:
            async with asyncio.timeout(self.timeout_s):
                self.writer.write(request)
                await self.writer.drain()
                return await self._next_frame()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.broken = True
            raise BusClosedError from None

    async def drain(self, *, silence_s: float) -> None:
        """Throw away what still comes in, so that a late answer is not taken for the next one."""
        with suppress(TimeoutError):
            for _chunk in range(NOISE_LIMIT):
                async with asyncio.timeout(silence_s):
                    if not await self.reader.read(NOISE_LIMIT):
                        self.broken = True
                        raise BusClosedError

    async def _next_frame(self) -> bytes:
        """Return the next acknowledgement or long frame in the stream, skipping what is neither."""
        window = b""
        for _skipped in range(NOISE_LIMIT):
            window = window or await self.reader.readexactly(1)
            if window[0] == frames.ACKNOWLEDGE:
                return window[:1]
            if window[0] == frames.LONG_START:
                window += await self.reader.readexactly(frames.HEAD_LENGTH - len(window))
                with suppress(mbus.TelegramRefused):
                    length = frames.frame_length(window)
                    return window + await self.reader.readexactly(length - len(window))
            window = window[1:]
        raise mbus.TelegramRefused("The bus carries noise in which no telegram can be found.")


async def open_bus(endpoint: Endpoint) -> Bus:
    """Return a connection to the gateway."""
    try:
        async with asyncio.timeout(endpoint.timing.timeout_s):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
    except OSError as problem:  # a time-out is one of them
        reason = "nobody answers" if isinstance(problem, TimeoutError) else "the gateway refuses or is not there"
        raise NoConnection(host=endpoint.host, port=endpoint.port, reason=reason) from None
    if endpoint.timing.connect_pause_s:
        await asyncio.sleep(endpoint.timing.connect_pause_s)
    return Bus(reader, writer, endpoint.timing.timeout_s)


async def _read_meter(bus: Bus, target: Target) -> Answer:
    """Return what one meter tells; telegrams that came before a failure keep their values."""
    try:
        address = requests.meter_address(target.unit_address)
    except requests.MeterAddressWrong as refusal:
        return failed(target, refusal.detail, Missing.NOT_ASKED)
    loop = asyncio.get_running_loop()
    started, asked = loop.time(), bus.request_count
    heard: list[bytes] = []
    told: list[mbus.Telegram] = []
    missing, error = Missing.NOT_TOLD, ""
    try:
        await _listen(bus, address, heard, told)
    except TimeoutError:
        missing, error = Missing.NO_ANSWER, f"No answer within {bus.timeout_s:g} s."
    except BusClosedError:
        missing, error = Missing.NO_ANSWER, "The gateway closed the connection."
    except mbus.TelegramRefused as refusal:
        missing, error = Missing.GARBLED, refusal.detail + (SEVERAL if "F" in address.secondary[:8] else "")
        # Whatever the gateway still has in store goes with the connection.
        bus.broken = True
    answer = _answer(target, heard, told, missing)
    answer.error = error
    answer.latency_s = loop.time() - started
    answer.request_count = bus.request_count - asked
    return answer


def _answer(target: Target, heard: list[bytes], told: list[mbus.Telegram], missing: Missing) -> Answer:
    """Return the answer made of the telegrams; what they do not tell is missing for the given reason."""
    plan: points.RecordPlan = target.plan
    answer = Answer(slot_count=plan.slot_count, raw={} if target.with_raw else None)
    points.fill(answer, plan, [record for telegram in told for record in telegram.records])
    for slot, reason in answer.missing.items():
        if reason is Missing.NOT_TOLD:
            answer.missing[slot] = missing
    if told:
        answer.identification = told[0].identification
        answer.payload_hash = hashlib.sha256(b"".join(heard)).digest()
    return answer


async def _listen(bus: Bus, address: MeterAddress, heard: list[bytes], told: list[mbus.Telegram]) -> None:
    """Add each telegram of the meter to the lists, as long as it announces more."""
    await _wake(bus, address)
    frame_count = True
    while len(told) < TELEGRAM_LIMIT:
        frame, telegram = await _telegram(bus, address, told, frame_count=frame_count)
        heard.append(frame)
        told.append(telegram)
        if not telegram.more_records_follow:
            await _let_go(bus, address)
            return
        frame_count = not frame_count
    raise mbus.TelegramRefused(f"The meter announces more than {TELEGRAM_LIMIT} telegrams.")


async def _wake(bus: Bus, address: MeterAddress) -> None:
    """Make the meter listen and count frames anew; twice, because the first byte after a pause may get lost."""
    request = requests.select_meter(address.secondary) if address.secondary else requests.reset_link(address.primary)
    for attempt in (1, 2):
        try:
            if await bus.ask(request) == bytes([frames.ACKNOWLEDGE]):
                return
        except TimeoutError:
            if attempt == 2:
                raise
        await bus.drain(silence_s=SILENCE_S)
    raise mbus.TelegramRefused("The meter does not acknowledge that it is spoken to.")


async def _let_go(bus: Bus, address: MeterAddress) -> None:
    """Deselect a meter that was selected, so that it does not answer in the place of the next one."""
    if address.secondary:
        with suppress(TimeoutError, BusClosedError, mbus.TelegramRefused):
            await bus.ask(requests.reset_link(address.on_link))


async def _telegram(
    bus: Bus, address: MeterAddress, told: list[mbus.Telegram], *, frame_count: bool
) -> tuple[bytes, mbus.Telegram]:
    """Return the next telegram; a spoilt one is asked for again with the same frame count bit, so none gets lost."""
    request = requests.request_data(address.on_link, frame_count=frame_count)
    problem: Exception = TimeoutError()
    for _attempt in range(ATTEMPTS):
        try:
            frame = await bus.ask(request)
            telegram = mbus.decode(frame)
            _check_sender(address, telegram)
            _check_is_next(told, telegram)
        except (TimeoutError, mbus.TelegramRefused) as refusal:
            problem = refusal
            await bus.drain(silence_s=SILENCE_S)
        else:
            return frame, telegram
    raise problem


def _check_sender(address: MeterAddress, telegram: mbus.Telegram) -> None:
    """Refuse a telegram of another meter: a late answer, or two meters with one address."""
    if not address.secondary:
        if telegram.address != address.primary:
            raise mbus.TelegramRefused(f"Meter {telegram.address} answers instead of meter {address.primary}.")
        return
    answering = telegram.secondary
    if any(digit not in ("F", told) for digit, told in zip(address.secondary, answering, strict=False)):
        expected = address.secondary.rstrip("F")
        raise mbus.TelegramRefused(f"Meter {answering} answers instead of meter {expected}.")


def _check_is_next(told: list[mbus.Telegram], telegram: mbus.Telegram) -> None:
    """Refuse what a meter has told before in this readout, or what another one tells in between.

    A late repetition looks like that too, so it is asked for again; a meter that ignores the frame count bit, and so
    always tells its first telegram, stays refused.
    """
    if not told:
        return
    if telegram.secondary != told[0].secondary:
        raise mbus.TelegramRefused(f"Meter {telegram.secondary} answers in the middle of {told[0].secondary}.")
    if any(telegram.records == earlier.records for earlier in told):
        raise mbus.TelegramRefused("The meter repeats a telegram instead of telling the next one.")
