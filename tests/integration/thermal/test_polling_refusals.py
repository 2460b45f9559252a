"""What a device refuses is isolated, remembered, and planned around."""

import asyncio
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hosting.models import Device
from hosting.services import refusals
from tests.integration.thermal.test_polling import MINUTE, NOW, poll
from tests.makers import accounts as people
from tests.makers import field as fields
from tests.makers import hosting
from thermal.models import DeviceDay, TelemetryFrame

pytestmark = pytest.mark.django_db


@dataclass
class Choosy:
    """A device that refuses requests over some registers, requests that are too long, and those across a border."""

    unreadable: set[int] = field(default_factory=set)
    longest: int = 125
    border: int | None = None
    code: int = 2
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readexactly(12)
                start, count = struct.unpack(">HH", head[8:])
                self.asked.append((start, count))
                crosses = self.border is not None and start < self.border < start + count
                if self.unreadable & set(range(start, start + count)) or count > self.longest or crosses:
                    body = bytes([head[6], head[7] | 0x80, self.code])
                else:
                    values = struct.pack(f">{count}H", *range(start, start + count))
                    body = bytes([head[6], head[7], 2 * count]) + values
                writer.write(head[:4] + struct.pack(">H", len(body)) + body)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def polled(self, minute: int) -> list[tuple[int, int]]:
        """What one poll asks."""
        self.asked.clear()
        poll(NOW + minute * MINUTE)
        return list(self.asked)


@contextmanager
def listening(choosy: Choosy) -> Iterator[int]:
    async def start() -> asyncio.Server:
        return await asyncio.start_server(choosy.serve, "127.0.0.1", 0)

    with fields.loop_in_thread() as loop:
        server = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            loop.call_soon_threadsafe(server.close)


def device_of(port: int, *registers: int, **options: Any) -> Device:
    points = [{"key": f"r{at}", "quantity": "state", "address": {"register": at}} for at in registers]
    profile = hosting.make_profile(points, options=options)
    return hosting.make_device(hosting.make_controller(port=port, timeout_ms=500), unit_address="1", profile=profile)


def last_values() -> list[float | None]:
    values: list[float | None] = TelemetryFrame.objects.latest("at").values
    return values


def test_one_register_that_is_refused_takes_no_other_with_it_and_is_not_asked_for_again() -> None:
    choosy = Choosy(unreadable={13})
    with listening(choosy) as port:
        device = device_of(port, *range(10, 18))
        first = choosy.polled(0)
        assert last_values() == [10, 11, 12, None, 14, 15, 16, 17]
        assert len(first) == 1 + 2 * 3
        device.refresh_from_db()
        assert "holding 13 to 13" in device.last_error
        assert device.refusals == {"profile": device.profile_id, "unreadable": [["holding", 13, 13]], "cuts": []}
        assert choosy.polled(1) == [(10, 3), (14, 4)]
    assert last_values() == [10, 11, 12, None, 14, 15, 16, 17]
    frame = TelemetryFrame.objects.latest("at")
    assert bytes(frame.quality or b"") == bytes([0, 0, 0, 2, 0, 0, 0, 0])
    device.refresh_from_db()
    assert device.last_error == "Left out, because the device refused it before: holding 13 to 13."
    day = DeviceDay.objects.get(device=device)
    assert (day.told_value_count, day.missing_value_count, day.failed_count) == (14, 2, 0)


def test_registers_between_the_points_that_are_refused_are_not_read_along_again() -> None:
    choosy = Choosy(unreadable={12})
    with listening(choosy) as port:
        device_of(port, 10, 14)
        assert choosy.polled(0) == [(10, 5), (10, 1), (14, 1)]
        assert choosy.polled(1) == [(10, 1), (14, 1)]
    assert last_values() == [10, 14]


def test_a_length_that_is_refused_is_not_tried_again() -> None:
    choosy = Choosy(longest=5, code=3)
    with listening(choosy) as port:
        device_of(port, *range(8))
        assert choosy.polled(0) == [(0, 8), (0, 4), (4, 4)]
        assert choosy.polled(1) == [(0, 4), (4, 4)]
    assert last_values() == list(range(8))


def test_a_border_inside_the_device_is_found() -> None:
    choosy = Choosy(border=6)
    with listening(choosy) as port:
        device_of(port, *range(8))
        choosy.polled(0)
        later = choosy.polled(1)
    assert all(not start < 6 < start + count for start, count in later)
    assert last_values() == list(range(8))


@pytest.mark.parametrize("code", [1, 4, 5, 6])
def test_a_refusal_of_the_moment_is_not_remembered(code: int) -> None:
    choosy = Choosy(unreadable={3}, code=code)
    with listening(choosy) as port:
        device = device_of(port, 1, 3, 500)
        assert choosy.polled(0) == [(1, 3), (500, 1)]
        device.refresh_from_db()
        assert device.refusals == {}


def test_a_device_that_refuses_everything_is_not_given_up() -> None:
    """It may be starting up: what it refuses now may be told in a minute."""
    choosy = Choosy(unreadable={1, 2, 3})
    with listening(choosy) as port:
        device = device_of(port, 1, 2, 3)
        choosy.polled(0)
        device.refresh_from_db()
        assert (device.refusals, device.failure_count) == ({}, 1)
        choosy.unreadable.clear()
        assert choosy.polled(2) == [(1, 3)]
    assert last_values() == [1, 2, 3]


def test_finding_out_ends_after_so_many_requests_and_goes_on_at_the_next_poll() -> None:
    registers = range(120)
    choosy = Choosy(unreadable=set(range(0, 120, 2)))
    with listening(choosy) as port:
        device_of(port, *registers, max_gap=0)
        assert len(choosy.polled(0)) <= 66
        for minute in range(1, 4):
            choosy.polled(minute)
    assert last_values() == [None if register % 2 == 0 else register for register in registers]


def test_another_profile_begins_anew() -> None:
    choosy = Choosy(unreadable={11})
    with listening(choosy) as port:
        device = device_of(port, 10, 11)
        choosy.polled(0)
        points = [{"key": f"r{at}", "quantity": "state", "address": {"register": at}} for at in (10, 11, 12)]
        Device.objects.filter(pk=device.pk).update(profile=hosting.make_profile(points))
        assert choosy.polled(1)[0] == (10, 3)
    assert last_values() == [10, None, 12]


def test_a_person_makes_polling_ask_for_everything_again(client: Client) -> None:
    choosy = Choosy(unreadable={11})
    with listening(choosy) as port:
        device = device_of(port, 10, 11)
        choosy.polled(0)
        assert choosy.polled(1) == [(10, 1)]
        client.force_login(people.engineer())
        page = client.get(device.get_absolute_url()).content.decode()
        assert "holding 11–11" in page
        assert reverse("hosting:device_retry", args=[device.pk]) in page
        choosy.unreadable.clear()
        assert client.post(reverse("hosting:device_retry", args=[device.pk])).status_code == 302
        assert choosy.polled(2) == [(10, 2)]
    assert last_values() == [10, 11]
    device.refresh_from_db()
    assert not refusals.forget_refusals(device=device, by=None, now=NOW)


def test_only_who_may_change_a_device_makes_it_be_asked_again() -> None:
    device = hosting.make_device(hosting.make_controller(), refusals={"profile": 1, "unreadable": [["holding", 1, 1]]})
    cast = people.cast(granted=(device.controller.site,))
    url = reverse("hosting:device_retry", args=[device.pk])
    answers = {}
    for name in cast.__slots__:
        client = Client()
        client.force_login(getattr(cast, name))
        answers[name] = client.get(url).status_code
    assert {name for name, status in answers.items() if status == 200} == {"administrator", "engineer"}
    assert {name for name, status in answers.items() if status == 404} == {"neighbor", "stranger"}
    assert set(answers.values()) == {200, 403, 404}


def test_what_is_learned_is_no_change_of_configuration() -> None:
    choosy = Choosy(unreadable={11})
    with listening(choosy) as port:
        device = device_of(port, 10, 11)
        before = device.events.count()  # type: ignore[attr-defined]
        choosy.polled(0)
    assert device.events.count() == before  # type: ignore[attr-defined]


def test_a_device_on_trial_is_asked_its_cheapest_question_first() -> None:
    choosy = Choosy()
    with listening(choosy) as port:
        device_of(port, *range(10), 100)
        Device.objects.update(circuit="open", failure_count=5, retry_at=NOW)
        assert choosy.polled(0) == [(100, 1), (0, 10)]
        assert choosy.polled(1) == [(0, 10), (100, 1)]
