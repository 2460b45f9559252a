"""Connections that are kept open between polls: safe, or not at all."""

import asyncio
import datetime as dt
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from hosting.models import Controller, Device
from tests.integration.thermal.test_polling import MINUTE, NOW, poll
from tests.makers import field as fields
from tests.makers import hosting
from thermal.models import TelemetryFrame
from thermal.services import polling
from thermal.services.polling import polls

pytestmark = pytest.mark.django_db


@dataclass
class Plain:
    """A Modbus device of one register, which counts up at each question; what it does with an answer can be told."""

    deliver: Callable[["Plain", asyncio.StreamWriter, bytes], Any] | None = None
    connections: int = 0
    questions: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    changed: threading.Event = field(default_factory=threading.Event)
    loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.loop = asyncio.get_running_loop()
        self.connections += 1
        self.writers.append(writer)
        try:
            while True:
                question = await reader.readexactly(12)
                self.questions += 1
                answer = question[:5] + b"\x05" + question[6:8] + b"\x02" + self.questions.to_bytes(2, "big")
                if self.deliver is None:
                    writer.write(answer)
                else:
                    await self.deliver(self, writer, answer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.changed.set()


@contextmanager
def listening(plain: Plain) -> Iterator[int]:
    async def start() -> asyncio.Server:
        return await asyncio.start_server(plain.serve, "127.0.0.1", 0)

    with fields.loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)


def device_at(port: int, **controller: Any) -> Device:
    point = {"key": "n", "quantity": "state", "address": {"register": 0}}
    made = hosting.make_controller(port=port, **{"timeout_ms": 300, "keep_open_s": 60} | controller)
    return hosting.make_device(made, unit_address="1", profile=hosting.make_profile([point]))


def told() -> list[Any]:
    return [frame.values[0] for frame in TelemetryFrame.objects.order_by("at")]


def test_a_connection_that_may_stay_open_serves_the_next_polls() -> None:
    plain = Plain()
    with listening(plain) as port:
        device_at(port)
        for minute in range(3):
            poll(NOW + minute * MINUTE)
    assert (plain.connections, told()) == (1, [1, 2, 3])


def test_without_being_told_so_no_connection_stays_open() -> None:
    plain = Plain()
    with listening(plain) as port:
        device_at(port, keep_open_s=0)
        poll()
        assert plain.changed.wait(5), "the connection is still open"
        poll(NOW + MINUTE)
    assert (plain.connections, told()) == (2, [1, 2])


def test_a_connection_that_the_device_closed_meanwhile_costs_no_poll() -> None:
    async def answer_and_hang_up(_plain: Plain, writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    plain = Plain(deliver=answer_and_hang_up)
    with listening(plain) as port:
        device = device_at(port)
        for minute in range(3):
            assert poll(NOW + minute * MINUTE).answered_count == 1
    device.refresh_from_db()
    assert (device.last_error, told()) == ("", [1, 2, 3])


def test_a_kept_connection_that_has_died_silently_is_replaced_once() -> None:
    async def only_first_on_a_connection(plain: Plain, writer: asyncio.StreamWriter, answer: bytes) -> None:
        if plain.questions != 2:
            writer.write(answer)

    plain = Plain(deliver=only_first_on_a_connection)
    with listening(plain) as port:
        device = device_at(port)
        poll()
        poll(NOW + MINUTE)
    device.refresh_from_db()
    assert (device.last_error, device.failure_count) == ("", 0)
    assert (plain.connections, plain.questions, told()) == (2, 3, [1, 3])


def test_a_device_that_stays_silent_on_a_fresh_connection_is_not_asked_again() -> None:
    async def never(plain: Plain, writer: asyncio.StreamWriter, answer: bytes) -> None:
        """Keep the answer."""

    plain = Plain(deliver=never)
    with listening(plain) as port:
        device_at(port)
        assert poll().failed_count == 1
    assert plain.questions == 1


def test_a_late_answer_never_meets_the_next_question() -> None:
    late: list[tuple[asyncio.StreamWriter, bytes]] = []

    async def one_behind(_plain: Plain, writer: asyncio.StreamWriter, answer: bytes) -> None:
        for waiting, old in late:
            waiting.write(old)
            writer.write(old)
        late.clear()
        if _plain.questions == 1:
            late.append((writer, answer))
        else:
            writer.write(answer)

    plain = Plain(deliver=one_behind)
    with listening(plain) as port:
        device_at(port)
        assert poll().failed_count == 1
        Device.objects.update(retry_at=None)
        poll(NOW + MINUTE)
    assert told() == [2], "a value of the first question"


def test_what_comes_while_nothing_is_asked_ends_the_connection() -> None:
    plain = Plain()
    with listening(plain) as port:
        device_at(port)
        poll()
        (writer,) = plain.writers
        plain.changed.clear()
        assert plain.loop is not None
        plain.loop.call_soon_threadsafe(writer.write, b"\x00\x02\x00\x00\x00\x05\x01\x03\x02\xff\xff")
        assert plain.changed.wait(5), "the connection is still open"
        poll(NOW + MINUTE)
    assert (plain.connections, told()) == (2, [1, 2])


def test_a_kept_connection_is_closed_when_its_time_is_over() -> None:
    plain = Plain()
    with listening(plain) as port:
        device_at(port, keep_open_s=1)
        poll()
        assert not plain.changed.is_set()
        assert plain.changed.wait(5), "the connection is still open"


def test_the_pause_after_connecting_is_kept_only_after_connecting() -> None:
    plain = Plain()
    with listening(plain) as port:
        device = device_at(port, connect_pause_ms=200)
        latencies = []
        for minute in range(2):
            poll(NOW + minute * MINUTE)
            device.refresh_from_db()
            latencies.append(device.last_latency_ms)
    assert latencies[0] is not None
    assert latencies[1] is not None
    assert latencies[0] >= 200 > latencies[1]


def test_a_dead_device_does_not_keep_others_from_being_polled_again_and_again() -> None:
    """One black hole takes its whole time-out; meanwhile the other device is polled every second."""
    plain = Plain()
    polled_twice = threading.Event()

    async def count(served: Plain, writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(answer)
        if served.questions == 2:
            polled_twice.set()

    plain.deliver = count
    with listening(plain) as port, socket.create_server(("127.0.0.1", 0)) as hole:
        device_at(port, poll_s=1)
        device_at(hole.getsockname()[1], timeout_ms=4000, poll_s=60)
        started = dt.datetime.now(dt.UTC)
        polling.poll_due(clock=lambda: dt.datetime.now(dt.UTC), for_s=3.5)
        assert polled_twice.is_set()
    assert plain.questions >= 3
    frames = TelemetryFrame.objects.filter(at__lt=started + dt.timedelta(seconds=4))
    assert frames.count() >= 3


def test_polling_ends_when_nothing_is_due_and_calls_for_help_when_there_is_too_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(polls, "IN_FLIGHT", 500)
    clock = iter([NOW + dt.timedelta(milliseconds=n) for n in range(1000)]).__next__
    assert polling.poll_due(clock=clock, on_more=lambda: calls.append(1)).controller_count == 0
    site = hosting.make_site()
    Controller.objects.bulk_create(
        Controller(site=site, code=f"c{n}", protocol="modbus_tcp", host=f"127.2.0.{n}", port=1, next_poll_at=NOW)
        for n in range(251)
    )
    assert polling.poll_due(clock=clock, on_more=lambda: calls.append(1)).controller_count == 251
    assert calls == [1]


def test_after_an_import_not_all_controllers_start_at_once() -> None:
    site = hosting.make_site()
    Controller.objects.bulk_create(
        Controller(site=site, code=f"c{n}", protocol="modbus_tcp", host=f"127.2.0.{n}", port=1) for n in range(60)
    )
    due = hosting.make_controller(next_poll_at=NOW)
    first = polling.claim_due(now=NOW)
    assert (len(first.controllers), first.is_full) == (51, False)
    assert due.pk in {controller.id for controller in first.controllers}
    assert len(polling.claim_due(now=NOW).controllers) == 10


def test_what_is_changed_counts_from_the_next_poll_on_without_a_restart() -> None:
    first, second = Plain(), Plain()
    with listening(first) as port, listening(second) as other:
        device = device_at(port, poll_s=60)
        poll()
        Controller.objects.update(port=other, poll_s=5)
        Device.objects.update(unit_address="2")
        poll(NOW + MINUTE)
        assert (first.questions, second.questions) == (1, 1)
        profile = hosting.make_profile([{"key": "m", "quantity": "ratio", "unit": "%", "address": {"register": 0}}])
        Device.objects.update(profile=profile)
        poll(NOW + MINUTE + dt.timedelta(seconds=6))
    device.refresh_from_db()
    assert (told(), device.last_error) == ([1, 1, pytest.approx(0.02)], "")
    assert TelemetryFrame.objects.latest("at").profile_id == profile.pk


def test_no_connection_is_kept_longer_than_an_hour() -> None:
    hosting.make_controller()
    with pytest.raises(IntegrityError, match="controller_keeps_connection_an_hour_at_most"), transaction.atomic():
        Controller.objects.update(keep_open_s=3601)
