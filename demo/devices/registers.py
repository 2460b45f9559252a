"""The Modbus registers of the plant's controllers and electricity meters, as lists of points."""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from demo.devices.meters import PowerMeter, show_power
from demo.plant.state import Cause, Mode
from demo.plant.timeline import Snapshot

MODE_CODES: Final = {mode: code for code, mode in enumerate(Mode)}
CAUSE_CODES: Final = {cause: code for code, cause in enumerate(Cause)}


class Encoding(StrEnum):
    """How a value lies in registers of 16 bits."""

    INT16 = "int16"
    UINT16 = "uint16"
    UINT32 = "uint32"
    FLOAT32 = "float32"


_FORMATS: Final = {
    Encoding.INT16: ">h",
    Encoding.UINT16: ">H",
    Encoding.UINT32: ">I",
    Encoding.FLOAT32: ">f",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterPoint:
    """One value of a device: `shown value = register * scale`."""

    key: str
    address: int
    encoding: Encoding
    value: Callable[[Snapshot], float]
    scale: float = 1.0

    @property
    def words(self) -> int:
        """Number of registers."""
        return struct.calcsize(_FORMATS[self.encoding]) // 2

    def raw(self, snapshot: Snapshot) -> float | int:
        """The number that lies in the registers."""
        value = self.value(snapshot) / self.scale
        return value if self.encoding is Encoding.FLOAT32 else round(value)

    def shown(self, snapshot: Snapshot) -> float:
        """The value that a master decodes."""
        return self.raw(snapshot) * self.scale

    def encode(self, snapshot: Snapshot, *, low_word_first: bool) -> list[int]:
        """The registers that hold the value."""
        packed = struct.pack(_FORMATS[self.encoding], self.raw(snapshot))
        words = list(struct.unpack(f">{self.words}H", packed))
        return words[::-1] if low_word_first else words


def controller_points(*, has_heat_pump: bool) -> tuple[RegisterPoint, ...]:
    """The points of a site controller, by rising address."""
    return _CONTROLLER + (_HEAT_PUMP if has_heat_pump else ()) + _SECONDARY + (_AROUND_PUMP if has_heat_pump else ())


def power_points(meter: PowerMeter) -> tuple[RegisterPoint, ...]:
    """The points of an electricity meter: an exact counter of 10 Wh and the power now."""
    return (
        RegisterPoint(
            key="energy_kwh",
            address=0,
            encoding=Encoding.UINT32,
            scale=0.01,
            value=lambda shot: show_power(meter, shot).energy_cent_kwh / 100,
        ),
        RegisterPoint(
            key="power_kw",
            address=2,
            encoding=Encoding.FLOAT32,
            value=lambda shot: show_power(meter, shot).power_w / 1_000,
        ),
    )


def encode_block(points: Sequence[RegisterPoint], snapshot: Snapshot, *, low_word_first: bool) -> dict[int, int]:
    """Register contents by address."""
    block: dict[int, int] = {}
    for point in points:
        for offset, word in enumerate(point.encode(snapshot, low_word_first=low_word_first)):
            block[point.address + offset] = word
    return block


def _temperature(key: str, address: int, value: Callable[[Snapshot], float]) -> RegisterPoint:
    return RegisterPoint(key=key, address=address, encoding=Encoding.INT16, scale=0.01, value=value)


def _float(key: str, address: int, value: Callable[[Snapshot], float]) -> RegisterPoint:
    return RegisterPoint(key=key, address=address, encoding=Encoding.FLOAT32, value=value)


def _code(key: str, address: int, value: Callable[[Snapshot], float]) -> RegisterPoint:
    return RegisterPoint(key=key, address=address, encoding=Encoding.UINT16, value=value)


_CONTROLLER: Final = (
    _code("export_mode", 0, lambda shot: MODE_CODES[shot.flows.mode]),
    _code("export_cause", 1, lambda shot: CAUSE_CODES[shot.flows.cause]),
    _code("demand", 2, lambda shot: int(shot.flows.demand)),
    RegisterPoint(
        key="utilization_ratio",
        address=3,
        encoding=Encoding.INT16,
        scale=0.001,
        value=lambda shot: shot.flows.it_kw / shot.spec.it_kw,
    ),
    RegisterPoint(
        key="fan_ratio",
        address=4,
        encoding=Encoding.INT16,
        scale=0.001,
        value=lambda shot: shot.flows.fan_ratio,
    ),
    _temperature("primary_supply_c", 10, lambda shot: shot.flows.primary_supply_c),
    _temperature("primary_return_c", 11, lambda shot: shot.flows.primary_return_c),
    _temperature("buffer_c", 12, lambda shot: shot.state.buffer_c),
    _temperature("supply_c", 13, lambda shot: shot.state.pipe_supply_c),
    _temperature("return_c", 14, lambda shot: shot.state.pipe_return_c),
    _temperature("ambient_c", 15, lambda shot: shot.flows.ambient_c),
    _temperature("approach_k", 16, lambda shot: shot.flows.approach_k),
    _float("it_kw", 20, lambda shot: shot.flows.it_kw),
    _float("captured_kw", 22, lambda shot: shot.flows.captured_kw),
    _float("delivered_kw", 24, lambda shot: shot.flows.delivered_kw),
    _float("rejected_kw", 26, lambda shot: shot.flows.rejected_kw),
    _float("demand_kw", 28, lambda shot: shot.flows.demand_kw),
    _float("total_kw", 30, lambda shot: shot.flows.total_kw),
    _float("primary_flow_m3h", 32, lambda shot: shot.spec.primary_flow_m3h),
    _float("flow_m3h", 34, lambda shot: shot.flows.delivered_m3h),
    RegisterPoint(
        key="curtailed_s",
        address=36,
        encoding=Encoding.UINT32,
        value=lambda shot: int(shot.state.curtailed_s),
    ),
    _float("cooler_kw", 38, lambda shot: shot.flows.cooler_kw),
)
_HEAT_PUMP: Final = (
    _float("heat_pump_kw", 40, lambda shot: shot.flows.heat_pump_kw),
    _float("cop", 42, lambda shot: shot.flows.cop or 0.0),
)
# These came later: at the end, so that the slots of a demo that was built before stay what they were.
_SECONDARY: Final = (
    _temperature("secondary_supply_c", 50, lambda shot: shot.flows.secondary_supply_c),
    _temperature("secondary_return_c", 51, lambda shot: shot.flows.secondary_return_c),
)
_AROUND_PUMP: Final = (
    _temperature("source_return_c", 52, lambda shot: shot.flows.source_return_c),
    _float("source_pump_kw", 54, lambda shot: shot.flows.source_pump_kw),
    _float("sink_pump_kw", 56, lambda shot: shot.flows.sink_pump_kw),
)
