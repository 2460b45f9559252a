"""What the plant's meters show: exact registers, rounded down as a counter does."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from demo.plant.faults import Fault
from demo.plant.timeline import Snapshot

SENSOR_OPEN_C: Final = 185.0
SUPPLY_SENSOR_OPEN_BIT: Final = 0x08


class HeatTap(StrEnum):
    """Where a heat meter stands."""

    DELIVERED = "delivered"
    CAPTURED = "captured"


class PowerTap(StrEnum):
    """What an electricity meter measures."""

    IT = "it"
    TOTAL = "total"
    HEAT_PUMP = "heat_pump"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatMeter:
    """A heat meter as installed; its registers did not start at zero."""

    serial: str
    tap: HeatTap
    address: int
    start_cent_kwh: int
    start_liters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMeter:
    """An electricity meter as installed, at a Modbus unit or an M-Bus address."""

    serial: str
    tap: PowerTap
    address: int
    start_cent_kwh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatDisplay:
    """All a heat meter shows at one instant, in whole steps of its resolution."""

    at_s: float
    energy_cent_kwh: int
    volume_liters: int
    supply_m3c: int
    return_m3c: int
    power_w: int
    flow_l_h: int
    supply_centi_c: int
    return_centi_c: int
    difference_centi_k: int
    operating_h: int
    error_h: int
    error_flags: int

    @property
    def energy_kwh(self) -> Decimal:
        """Energy register in kWh."""
        return Decimal(self.energy_cent_kwh).scaleb(-2)

    @property
    def volume_m3(self) -> Decimal:
        """Volume register in m3."""
        return Decimal(self.volume_liters).scaleb(-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerDisplay:
    """All an electricity meter shows at one instant."""

    energy_cent_kwh: int
    power_w: int

    @property
    def energy_kwh(self) -> Decimal:
        """Energy register in kWh."""
        return Decimal(self.energy_cent_kwh).scaleb(-2)


def show_heat(meter: HeatMeter, snapshot: Snapshot, epoch_s: float) -> HeatDisplay:
    """The display of a heat meter."""
    if meter.tap is HeatTap.CAPTURED:
        return _show_captured(meter, snapshot, epoch_s)
    return _show_delivered(meter, snapshot, epoch_s)


def _show_delivered(meter: HeatMeter, snapshot: Snapshot, epoch_s: float) -> HeatDisplay:
    state, flows = snapshot.state, snapshot.flows
    broken = Fault.SENSOR_OPEN in snapshot.faults
    supply_centi_c = round((SENSOR_OPEN_C if broken else state.pipe_supply_c) * 100)
    return_centi_c = round(state.pipe_return_c * 100)
    return HeatDisplay(
        at_s=snapshot.at_s,
        energy_cent_kwh=meter.start_cent_kwh + math.floor(state.meter_kwh * 100),
        volume_liters=meter.start_liters + math.floor(state.meter_m3 * 1_000),
        supply_m3c=math.floor(state.meter_supply_m3c),
        return_m3c=math.floor(state.meter_return_m3c),
        power_w=0 if broken else round(flows.delivered_kw * 1_000),
        flow_l_h=0 if broken else round(flows.delivered_m3h * 1_000),
        supply_centi_c=supply_centi_c,
        return_centi_c=return_centi_c,
        difference_centi_k=0 if broken else supply_centi_c - return_centi_c,
        operating_h=int((snapshot.at_s - epoch_s) // 3_600),
        error_h=int(state.meter_error_s // 3_600),
        error_flags=SUPPLY_SENSOR_OPEN_BIT if broken else 0,
    )


def _show_captured(meter: HeatMeter, snapshot: Snapshot, epoch_s: float) -> HeatDisplay:
    state, flows = snapshot.state, snapshot.flows
    supply_centi_c = round(flows.primary_supply_c * 100)
    return_centi_c = round(flows.primary_return_c * 100)
    return HeatDisplay(
        at_s=snapshot.at_s,
        energy_cent_kwh=meter.start_cent_kwh + math.floor(state.captured_kwh * 100),
        volume_liters=meter.start_liters + math.floor(state.captured_m3 * 1_000),
        supply_m3c=math.floor(state.captured_supply_m3c),
        return_m3c=math.floor(state.captured_return_m3c),
        power_w=round(flows.captured_kw * 1_000),
        flow_l_h=round(snapshot.spec.primary_flow_m3h * 1_000),
        supply_centi_c=supply_centi_c,
        return_centi_c=return_centi_c,
        difference_centi_k=supply_centi_c - return_centi_c,
        operating_h=int((snapshot.at_s - epoch_s) // 3_600),
        error_h=0,
        error_flags=0,
    )


_ENERGY: Final[dict[PowerTap, Callable[[Snapshot], tuple[float, float]]]] = {
    PowerTap.IT: lambda shot: (shot.state.it_kwh, shot.flows.it_kw),
    PowerTap.TOTAL: lambda shot: (shot.state.total_kwh, shot.flows.total_kw),
    PowerTap.HEAT_PUMP: lambda shot: (shot.state.heat_pump_kwh, shot.flows.heat_pump_kw),
}


def show_power(meter: PowerMeter, snapshot: Snapshot) -> PowerDisplay:
    """The display of an electricity meter."""
    energy_kwh, power_kw = _ENERGY[meter.tap](snapshot)
    return PowerDisplay(
        energy_cent_kwh=meter.start_cent_kwh + math.floor(energy_kwh * 100),
        power_w=round(power_kw * 1_000),
    )
