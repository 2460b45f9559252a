"""The event loop on which the field is asked: one for each process, in a thread of its own, outliving every batch.

So a connection can stay open from poll to poll, and those who still wait for a slow device keep nobody from claiming,
asking and storing the next ones.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import threading
from dataclasses import dataclass
from typing import Final

from hosting.domain.field_network import FieldNetwork
from thermal.services.polling.asking import Outcome, ask_controller
from thermal.services.polling.claiming import Batch, DueController

ENOUGH: Final = 250
"""Outcomes that are worth a transaction; with fewer, it is waited a little whether more come."""

_loops: dict[int, asyncio.AbstractEventLoop] = {}
_loops_lock = threading.Lock()


def field_loop() -> asyncio.AbstractEventLoop:
    """Return the running loop of this process; a forked process does not inherit the thread, so it gets its own."""
    with _loops_lock:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="field", daemon=True).start()
            _loops[os.getpid()] = loop
        return loop


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of one controller of a batch that was claimed at some instant."""

    batch: Batch
    now: dt.datetime
    outcome: Outcome


class Asking:
    """Batches that are being asked, and what has come of them and is not stored yet."""

    def __init__(self, network: FieldNetwork) -> None:
        self._network = network
        self._loop = field_loop()
        self._lock = threading.Lock()
        self._worth_storing = threading.Event()
        self._came: list[Arrival] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.count = 0
        """Controllers that are being asked."""

    @property
    def is_over(self) -> bool:
        """True if nobody is being asked and everything that came was taken."""
        with self._lock:
            return not self.count and not self._came

    def start(self, batch: Batch, *, now: dt.datetime) -> None:
        """Begin to ask a batch."""
        if not batch.controllers:
            return
        with self._lock:
            self.count += len(batch.controllers)
            self._worth_storing.clear()
        self._loop.call_soon_threadsafe(self._start, batch, now)

    def take(self, *, wait_s: float) -> list[Arrival]:
        """Return what has come in, after waiting a while unless it is enough or all of it."""
        self._worth_storing.wait(wait_s)
        with self._lock:
            came, self._came = self._came, []
            self._worth_storing.clear()
        return came

    def stop(self) -> None:
        """Let go of all that is still being asked; who claimed it gets it back when the lease ends."""
        self._loop.call_soon_threadsafe(self._cancel)

    def _start(self, batch: Batch, now: dt.datetime) -> None:
        started = self._loop.time()
        for controller in batch.controllers:
            task = self._loop.create_task(self._ask(batch, controller, now, started))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, batch: Batch, controller: DueController, now: dt.datetime, started: float) -> None:
        outcome = await ask_controller(batch, controller, network=self._network, started=started)
        with self._lock:
            self._came.append(Arrival(batch, now, outcome))
            self.count -= 1
            if not self.count or len(self._came) >= ENOUGH:
                self._worth_storing.set()

    def _cancel(self) -> None:
        for task in self._tasks:
            task.cancel()
