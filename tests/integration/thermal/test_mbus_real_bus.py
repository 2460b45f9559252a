"""A bus of real meters: recorded telegrams by primary and secondary address, with the faults of a real bus."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.makers import field
from tests.makers.field import BusMeter, Gateway
from thermal.domain import mbus
from thermal.domain.readings import Answer, Missing, PointSpec
from thermal.protocols.base import Endpoint, Target, Timing
from thermal.protocols.mbus import MBusTcp

MBUS = MBusTcp()
FOLDER = Path(__file__).parents[4] / "shared" / "data" / "mbus"
HERE = pytest.mark.skipif(not FOLDER.is_dir(), reason="the telegrams of ../shared/data/mbus are not here")
QUANTITIES = ("energy_kwh", "volume_m3", "power_kw", "flow_m3h", "supply_c", "return_c", "device_time")
POINTS = [PointSpec(slot, name, "", name, "", {}) for slot, name in enumerate(QUANTITIES)]
PLAN = MBUS.plan(POINTS, {})
# Heat meters of four makers, each with its whole answer in one telegram.
METERS = ("abb_f95", "allmess_cf50", "ELS_Elster-F96-Plus", "engelmann_sensostar2c")


def real(name: str, address: int) -> bytes:
    return field.readdressed(bytes.fromhex((FOLDER / f"{name}.hex").read_text()), address)


def meter(name: str, address: int) -> BusMeter:
    telegram = real(name, address)
    return BusMeter([telegram], secondary=mbus.decode(telegram).secondary)


def bus() -> Gateway:
    return Gateway({address: meter(name, address) for address, name in enumerate(METERS, start=1)})


def read(gateway: Gateway, *units: str, timeout_s: float = 0.2) -> list[Answer]:
    async def run(port: int) -> list[Answer]:
        targets = [Target(position, unit, POINTS, {}, PLAN) for position, unit in enumerate(units)]
        endpoint = Endpoint("127.0.0.1", port, Timing(timeout_s=timeout_s))
        return [answer async for _target, answer in MBUS.read(endpoint, targets)]

    with field.mbus_gateway(gateway) as port:
        return asyncio.run(run(port))


def values(answers: list[Answer]) -> list[Any]:
    return [(answer.identification, answer.values, answer.exact) for answer in answers]


@HERE
def test_the_same_meters_tell_the_same_by_primary_and_by_secondary_address() -> None:
    gateway = bus()
    by_place = read(gateway, "1", "2", "3", "4")
    numbers = [one.secondary for one in gateway.meters.values()]
    by_number = read(gateway, *(number[:8] for number in numbers))
    by_whole_address = read(gateway, *numbers)
    assert all(answer.error == "" and answer.told for answer in by_place)
    assert values(by_place) == values(by_number) == values(by_whole_address)
    assert gateway.selected is None


@HERE
def test_a_wildcard_selects_the_one_meter_that_matches_and_is_checked_against_the_answer() -> None:
    gateway = bus()
    number = gateway.meters[2].secondary[:8]
    (answer,) = read(gateway, f"{number[:5]}FFF")
    assert answer.identification == number
    gateway.meters[2].secondary = f"{number[:7]}{(int(number[7]) + 1) % 10}{gateway.meters[2].secondary[8:]}"
    (answer,) = read(gateway, gateway.meters[2].secondary)
    assert not answer.told
    assert "answers instead of meter" in answer.error


@HERE
def test_all_recorded_meters_can_be_selected_by_their_number() -> None:
    telegrams = [bytes.fromhex(path.read_text()) for path in sorted(FOLDER.glob("*.hex"))]
    meters = {
        place: BusMeter([field.readdressed(telegram, place)], secondary=f"{mbus.decode(telegram).secondary:F<16}")
        for place, telegram in enumerate(telegrams, start=1)
    }
    numbers = {one.secondary for one in meters.values() if not mbus.decode(one.telegrams[0]).more_records_follow}
    answers = read(Gateway(meters), *sorted(numbers))
    assert len(answers) > 20
    assert [answer.error for answer in answers if answer.error] == []


async def garbage_before(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    writer.write(bytes.fromhex("00 FF 68 05 07 68 10 16") + answer)


async def cut_now_and_then(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    writer.write(answer[: len(answer) // 2] if count % 5 == 2 else answer)


async def spoilt_now_and_then(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    writer.write(answer[:-3] + bytes([answer[-3] ^ 0x40]) + answer[-2:] if count % 5 == 2 and answer[1:] else answer)


async def late_now_and_then(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    if count % 5 == 2:
        await asyncio.sleep(0.25)
    writer.write(answer)


async def twice(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    writer.write(answer + answer)


async def in_pieces(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    for start in range(0, len(answer), 40):
        writer.write(answer[start : start + 40])
        await writer.drain()
        await asyncio.sleep(0.001)


def another_meters(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
    writer.write(real("els_tmpa_telegramm1", 9) if count % 5 == 2 else answer)


FAULTS = (garbage_before, cut_now_and_then, spoilt_now_and_then, late_now_and_then, twice, in_pieces, another_meters)


@HERE
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("by_number", [False, True])
def test_no_fault_of_the_bus_changes_a_value(fault: Callable[..., Any], by_number: bool) -> None:
    gateway = bus()
    units = [one.secondary for one in gateway.meters.values()] if by_number else ["1", "2", "3", "4"]
    clean = read(gateway, *units)
    for one in gateway.meters.values():
        one.reset()
    gateway.requests.clear()
    gateway.send = fault
    answers = read(gateway, *units)
    assert values(answers) == values(clean)
    assert [answer.error for answer in answers] == [""] * 4


ENERGY, VOLUME, CLOCK = "04 06 E7 91 00 00", "04 14 2C DB 00 00", "04 6D 1A 2F 65 11"


def test_a_meter_that_ignores_the_frame_count_bit_and_repeats_its_oldest_telegram_is_noticed() -> None:
    """It counts its answers, so that no two of them have the same bytes."""

    class Forgetful(BusMeter):
        def answer(self, control: int) -> bytes:
            self.answers += 1
            return field.telegram_of(f"{ENERGY} 1F", access=self.answers)

    (answer,) = read(Gateway({1: Forgetful([])}), "1")
    assert answer.values[0] == 37351
    assert answer.missing[1] is Missing.GARBLED
    assert "repeats" in answer.error


def test_a_late_repetition_between_two_telegrams_is_passed_over() -> None:
    parts = [field.telegram_of(f"{ENERGY} 1F", access=1), field.telegram_of(f"{VOLUME} {CLOCK}", access=2)]

    async def repeat(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
        writer.write(parts[0] if count == 3 else answer)

    (answer,) = read(Gateway({1: BusMeter(parts)}, send=repeat), "1")
    assert answer.error == ""
    assert answer.values[:2] == [37351, 561.08]


def test_another_meter_in_the_middle_of_a_readout_is_not_joined_to_it() -> None:
    parts = [field.telegram_of(f"{ENERGY} 1F"), field.telegram_of(VOLUME, number="87654321")]
    (answer,) = read(Gateway({1: BusMeter(parts)}), "1")
    assert answer.values[:2] == [37351, None]
    assert "in the middle" in answer.error


def test_two_meters_at_one_address_speak_at_once_and_neither_is_believed() -> None:
    first, second = field.telegram_of(f"{ENERGY} {VOLUME}"), field.telegram_of(f"{VOLUME} {ENERGY}", number="87654321")

    async def at_once(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
        # On the wire, where one of them sends a 0 the other one's 1 is lost.
        writer.write(bytes(one & other for one, other in zip(first, second, strict=True)) if answer[1:] else answer)

    gateway = Gateway({1: BusMeter([first], secondary="12345678FFFFFFFF")}, send=at_once)
    for answer in read(gateway, "1", "123FFFFF"):
        assert not answer.told
        assert answer.error
    assert "Several meters" in answer.error


def test_the_connection_is_made_anew_after_noise_that_does_not_end() -> None:
    telegram = field.telegram_of(f"{ENERGY} {VOLUME} {CLOCK}", address=2)
    connections: list[asyncio.StreamWriter] = []

    async def babble_on_the_first(writer: asyncio.StreamWriter, answer: bytes, count: int) -> None:
        if writer not in connections:
            connections.append(writer)
        writer.write(b"\x68" * 3000 if len(connections) == 1 else answer)

    gateway = Gateway({1: BusMeter([telegram]), 2: BusMeter([telegram])}, send=babble_on_the_first)
    noisy, clear = read(gateway, "1", "2")
    assert (noisy.told, clear.error) == (False, "")
    assert len(connections) == 2


@pytest.mark.parametrize("unit", ["1", "12345678"])
def test_nothing_but_waking_selecting_and_asking_is_on_the_wire(unit: str) -> None:
    parts = [field.telegram_of(f"{ENERGY} 1F", access=1), field.telegram_of(VOLUME, access=2)]
    gateway = Gateway({1: BusMeter(parts, secondary="123456782D2C0804")})
    read(gateway, unit)
    wake, ask, select = 0x40, {0x5B, 0x7B}, bytes.fromhex("53 FD 52")
    for request in gateway.requests:
        if request[0] == 0x10:
            assert request[1] == wake or request[1] in ask
        else:
            assert request[4:7] == select
            assert len(request) == 17
