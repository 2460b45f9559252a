"""The devices say on the wire what the plant's instruments show."""

import struct
from datetime import UTC, datetime

from demo.devices.gateway import Gateway, Slave
from demo.devices.meters import SENSOR_OPEN_C, show_heat
from demo.devices.registers import controller_points, encode_block
from demo.devices.telegrams import ACK, MEDIUM_HEAT_RETURN, heat_telegram, secondary_address
from demo.field import INSTALLATIONS
from demo.plant.faults import Fault, FaultPeriod
from demo.plant.timeline import Snapshot, Timeline, first_state

EPOCH_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
POOL = INSTALLATIONS[0]


def snapshot(*faults: Fault) -> Snapshot:
    spec = POOL.plant
    periods = [FaultPeriod(site=spec.code, fault=f, from_s=EPOCH_S + 3_600.0) for f in faults]
    return Timeline(spec, first_state(spec, EPOCH_S), periods).at(EPOCH_S + 9_000.0)


def telegram(shot: Snapshot, access: int = 1) -> bytes:
    meter = POOL.billing_meter
    display = show_heat(meter, shot, EPOCH_S)
    return heat_telegram(display, serial=meter.serial, address=meter.address, access=access)


def slave(address: int, *, silent: bool = False) -> Slave:
    def answer(access: int) -> bytes | None:
        return None if silent else bytes((address, access))

    return Slave(address, secondary_address(f"6720441{address}", MEDIUM_HEAT_RETURN), answer)


def short(control: int, address: int) -> bytes:
    return bytes((0x10, control, address, (control + address) & 0xFF, 0x16))


def test_a_telegram_has_a_right_frame() -> None:
    frame = telegram(snapshot())
    assert frame[0] == frame[3] == 0x68
    assert frame[1] == frame[2] == len(frame) - 6
    assert sum(frame[4:-2]) & 0xFF == frame[-2]
    assert frame[7:11] == bytes.fromhex("18442067")


def test_registers_begin_where_the_meter_was_installed() -> None:
    meter = POOL.billing_meter
    spec = POOL.plant
    first = Timeline(spec, first_state(spec, EPOCH_S)).at(EPOCH_S)
    display = show_heat(meter, first, EPOCH_S)
    assert display.energy_cent_kwh == meter.start_cent_kwh
    assert display.volume_liters == meter.start_liters


def test_an_open_sensor_shows_185_degrees_and_its_bit() -> None:
    display = show_heat(POOL.billing_meter, snapshot(Fault.SENSOR_OPEN), EPOCH_S)
    assert display.supply_centi_c == SENSOR_OPEN_C * 100
    assert display.error_flags == 8
    assert display.power_w == display.flow_l_h == display.difference_centi_k == 0


def test_a_repeated_request_is_answered_with_the_same_telegram() -> None:
    gateway = Gateway([slave(1), slave(2)])
    assert gateway.answer(short(0x40, 1)) == ACK
    first = gateway.answer(short(0x7B, 1))
    assert gateway.answer(short(0x7B, 1)) == first
    assert gateway.answer(short(0x5B, 1)) != first


def test_a_silent_meter_and_an_unknown_address_leave_the_bus_quiet() -> None:
    gateway = Gateway([slave(1, silent=True)])
    assert gateway.answer(short(0x40, 1)) is None
    assert gateway.answer(short(0x5B, 1)) is None
    assert gateway.answer(short(0x5B, 9)) is None


def test_a_meter_is_found_by_its_secondary_address() -> None:
    gateway = Gateway([slave(1), slave(2)])
    wanted = secondary_address("67204412", MEDIUM_HEAT_RETURN)
    body = bytes((0x53, 0xFD, 0x52)) + wanted
    frame = bytes((0x68, len(body), len(body), 0x68)) + body + bytes((sum(body) & 0xFF, 0x16))
    assert gateway.answer(frame) == ACK
    assert gateway.answer(short(0x5B, 253)) == bytes((2, 1))


def test_word_order_is_the_makers_choice() -> None:
    shot = snapshot()
    point = next(p for p in controller_points(has_heat_pump=False) if p.key == "it_kw")
    high = encode_block([point], shot, low_word_first=False)
    low = encode_block([point], shot, low_word_first=True)
    assert list(high.values()) == list(low.values())[::-1]
    packed = struct.pack(">HH", *high.values())
    assert struct.unpack(">f", packed)[0] == struct.unpack(">f", struct.pack(">f", point.raw(shot)))[0]


def test_no_two_points_share_a_register() -> None:
    points = controller_points(has_heat_pump=True)
    words = [p.address + offset for p in points for offset in range(p.words)]
    assert len(words) == len(set(words))
    assert words == sorted(words)
