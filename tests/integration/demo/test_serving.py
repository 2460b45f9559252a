"""Real masters on loopback read from the demo's devices what the plant says."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from demo.devices.gateway import SND_NKE
from demo.devices.meters import show_heat
from demo.devices.registers import controller_points
from demo.devices.serving import HOST, Field, Ports
from demo.devices.telegrams import ACK
from demo.field import INSTALLATIONS
from demo.plant.faults import Fault
from demo.record import History, PlantRecord

EPOCH_S = 1_795_000_000.0
POOL, _, NETWORK = INSTALLATIONS


class SteppedClock:
    """A clock that only moves when told to."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(EPOCH_S + 7_217.0)


@pytest.fixture
def record(tmp_path: Path) -> PlantRecord:
    built = PlantRecord(tmp_path)
    built.build(History(epoch_s=EPOCH_S, built_at_s=EPOCH_S))
    return built


def serve(
    record: PlantRecord, clock: SteppedClock, visit: Callable[[Field, dict[str, Ports]], Awaitable[None]]
) -> None:
    async def run() -> None:
        field = Field(INSTALLATIONS, record, clock=clock)
        try:
            await visit(field, await field.start(0))
        finally:
            await field.stop()

    asyncio.run(run())


async def read_words(port: int, address: int, count: int, unit: int = 1) -> list[int]:
    client = AsyncModbusTcpClient(HOST, port=port, timeout=2, retries=0)
    assert await client.connect()
    try:
        answer = await client.read_holding_registers(address, count=count, device_id=unit)
        assert not answer.isError(), answer
        return list(answer.registers)
    finally:
        client.close()


async def ask_meter(port: int, *frames: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    answer = b""
    for frame in frames:
        writer.write(frame)
        answer = await asyncio.wait_for(reader.read(512), 2)
    writer.close()
    return answer


def short(control: int, address: int) -> bytes:
    return bytes((0x10, control, address, (control + address) & 0xFF, 0x16))


def test_the_controller_says_the_temperatures_of_the_plant(record: PlantRecord, clock: SteppedClock) -> None:
    async def visit(field: Field, ports: dict[str, Ports]) -> None:
        words = await read_words(ports[POOL.code].modbus, 10, 7)
        flows = field.plants[0].look().flows
        assert words[0] == round(flows.primary_supply_c * 100)
        ambient = words[5] - 65_536 if words[5] > 32_767 else words[5]
        assert ambient == round(flows.ambient_c * 100)

    serve(record, clock, visit)


@pytest.mark.parametrize("index", [0, 2])
def test_a_power_arrives_in_either_word_order(record: PlantRecord, clock: SteppedClock, index: int) -> None:
    async def visit(field: Field, ports: dict[str, Ports]) -> None:
        installation = INSTALLATIONS[index]
        words = await read_words(ports[installation.code].modbus, 20, 2)
        value = AsyncModbusTcpClient.convert_from_registers(
            words,
            AsyncModbusTcpClient.DATATYPE.FLOAT32,
            word_order="little" if installation.low_word_first else "big",
        )
        assert value == pytest.approx(field.plants[index].look().flows.it_kw, rel=1e-6)

    serve(record, clock, visit)


def test_all_points_can_be_read_in_one_request(record: PlantRecord, clock: SteppedClock) -> None:
    async def visit(_field: Field, ports: dict[str, Ports]) -> None:
        last = controller_points(has_heat_pump=False)[-1]
        words = await read_words(ports[POOL.code].modbus, 0, last.address + last.words)
        assert len(words) == last.address + last.words

    serve(record, clock, visit)


def test_an_electricity_meter_counts_exactly(record: PlantRecord, clock: SteppedClock) -> None:
    async def visit(field: Field, ports: dict[str, Ports]) -> None:
        meter = POOL.modbus_power_meters[0]
        words = await read_words(ports[POOL.code].modbus, 0, 2, meter.address)
        counted = words[0] << 16 | words[1]
        it_kwh = field.plants[0].look().state.it_kwh
        assert counted == meter.start_cent_kwh + int(it_kwh * 100)

    serve(record, clock, visit)


def test_a_heat_meter_answers_over_tcp(record: PlantRecord, clock: SteppedClock) -> None:
    async def visit(field: Field, ports: dict[str, Ports]) -> None:
        port = ports[POOL.code].mbus
        assert await ask_meter(port, short(SND_NKE, 1)) == ACK
        frame = await ask_meter(port, short(SND_NKE, 1), short(0x7B, 1))
        shown = show_heat(POOL.billing_meter, field.plants[0].look(), EPOCH_S)
        assert frame[19:21] == b"\x04\x04"
        assert int.from_bytes(frame[21:25], "little") == shown.energy_cent_kwh

    serve(record, clock, visit)


def test_a_switched_fault_acts_on_the_running_plant(record: PlantRecord, clock: SteppedClock) -> None:
    async def visit(field: Field, ports: dict[str, Ports]) -> None:
        before = await read_words(ports[POOL.code].modbus, 0, 2)
        record.switch_on(site=POOL.code, fault=Fault.PUMP_FAILURE, from_s=clock.now_s + 2)
        field.follow_switches()
        clock.now_s += 3
        assert before[0] != 3
        assert await read_words(ports[POOL.code].modbus, 0, 2) == [3, 2]

    serve(record, clock, visit)


def test_a_silent_meter_does_not_answer(record: PlantRecord, clock: SteppedClock) -> None:
    record.switch_on(site=POOL.code, fault=Fault.METER_SILENT, from_s=clock.now_s - 10)

    async def visit(_field: Field, ports: dict[str, Ports]) -> None:
        reader, writer = await asyncio.open_connection(HOST, ports[POOL.code].mbus)
        writer.write(short(0x5B, 1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.write(short(0x5B, 2))
        assert len(await asyncio.wait_for(reader.read(512), 2)) > 50
        writer.close()

    serve(record, clock, visit)


def test_a_broken_controller_answers_rubbish(record: PlantRecord, clock: SteppedClock) -> None:
    record.switch_on(site=POOL.code, fault=Fault.CONTROLLER_GARBAGE, from_s=clock.now_s - 10)

    async def visit(_field: Field, ports: dict[str, Ports]) -> None:
        reader, writer = await asyncio.open_connection(HOST, ports[POOL.code].modbus)
        writer.write(bytes.fromhex("000100000006010300000010"))
        answer = await asyncio.wait_for(reader.read(256), 2)
        # One register, where sixteen were asked for.
        assert answer[:9] == bytes.fromhex("000100000005010302")
        assert len(answer) == 11
        writer.close()

    serve(record, clock, visit)


def test_registers_go_on_without_a_jump_after_a_restart(record: PlantRecord, clock: SteppedClock) -> None:
    seen: list[int] = []

    async def visit(_field: Field, ports: dict[str, Ports]) -> None:
        words = await read_words(ports[NETWORK.code].modbus, 0, 2, NETWORK.modbus_power_meters[0].address)
        seen.append(words[0] << 16 | words[1])

    serve(record, clock, visit)
    clock.now_s += 3 * 86_400
    serve(record, clock, visit)
    # The same plant from its beginning, without ever a checkpoint.
    record.build(History(epoch_s=EPOCH_S, built_at_s=EPOCH_S))
    serve(record, clock, visit)
    assert seen[1] == seen[2] > seen[0]
