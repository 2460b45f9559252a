"""What each device of a site would have answered at an instant of the past."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from demo.devices.meters import HeatDisplay, HeatMeter, HeatTap, PowerMeter, show_heat, show_power
from demo.devices.registers import RegisterPoint, controller_points
from demo.field import Installation
from demo.plant.faults import Fault
from demo.plant.timeline import Snapshot
from hosting.models import Device
from thermal.services.recording import NewReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One device: its frame and, where it reads a meter, the meter's registers."""

    device: Device
    frame: Callable[[Snapshot], list[float | None]]
    silenced_by: Fault | None = None
    reading: Callable[[Snapshot], NewReading] | None = None

    def answers(self, snapshot: Snapshot) -> bool:
        """Whether the device would have answered at all."""
        return self.silenced_by not in snapshot.faults


def channels_of(installation: Installation, epoch: dt.datetime) -> list[Channel]:
    """Every device of a site that is in the inventory."""
    code = installation.code.lower()
    devices = {
        device.code: device
        for device in Device.objects.filter(controller__site__code=installation.code).select_related("meter", "profile")
    }
    controller = controller_points(has_heat_pump=installation.plant.heat_pump is not None)
    plant = Channel(
        device=devices[f"{code}-plant"],
        frame=lambda shot: _modbus_frame(controller, shot),
        silenced_by=Fault.CONTROLLER_GARBAGE,
    )
    # Behind the same address as the controller, the Modbus meters fall silent with it.
    power = [(meter, Fault.CONTROLLER_GARBAGE) for meter in installation.modbus_power_meters]
    power_channels = [
        _power_channel(devices[f"{code}-{meter.tap.value.replace('_', '-')}-electricity"], meter, silenced_by)
        for meter, silenced_by in (*power, *((meter, None) for meter in installation.mbus_power_meters))
    ]
    heat_channels = [
        _heat_channel(devices[f"{code}-{meter.tap.value}-heat"], meter, epoch.timestamp())
        for meter in installation.heat_meters
    ]
    return [plant, *power_channels, *heat_channels]


def _modbus_frame(points: tuple[RegisterPoint, ...], snapshot: Snapshot) -> list[float | None]:
    return [point.shown(snapshot) for point in points]


def _power_channel(device: Device, meter: PowerMeter, silenced_by: Fault | None) -> Channel:
    meter_id = _meter_id(device)

    def reading(snapshot: Snapshot) -> NewReading:
        display = show_power(meter, snapshot)
        return NewReading(
            meter_id=meter_id,
            at=_instant(snapshot),
            energy_kwh=display.energy_kwh,
            power_kw=Decimal(display.power_w).scaleb(-3),
            received_at=_instant(snapshot),
        )

    def frame(snapshot: Snapshot) -> list[float | None]:
        display = show_power(meter, snapshot)
        return [float(display.energy_kwh), display.power_w / 1_000]

    return Channel(device=device, frame=frame, silenced_by=silenced_by, reading=reading)


def _heat_channel(device: Device, meter: HeatMeter, epoch_s: float) -> Channel:
    meter_id = _meter_id(device)
    return Channel(
        device=device,
        frame=lambda shot: _heat_frame(show_heat(meter, shot, epoch_s)),
        silenced_by=Fault.METER_SILENT if meter.tap is HeatTap.DELIVERED else None,
        reading=lambda shot: _heat_reading(show_heat(meter, shot, epoch_s), meter_id, _instant(shot)),
    )


def _meter_id(device: Device) -> int:
    if device.meter_id is None:
        raise ValueError(f"{device} reads no meter")
    return device.meter_id


def _instant(snapshot: Snapshot) -> dt.datetime:
    return dt.datetime.fromtimestamp(snapshot.at_s, dt.UTC)


def _heat_frame(display: HeatDisplay) -> list[float | None]:
    """The values in the slots of `points.heat_meter_specs`; a clock is not a number."""
    return [
        display.energy_cent_kwh / 100,
        display.volume_liters / 1_000,
        float(display.supply_m3c),
        float(display.return_m3c),
        display.power_w / 1_000,
        display.flow_l_h / 1_000,
        display.supply_centi_c / 100,
        display.return_centi_c / 100,
        display.difference_centi_k / 100,
        float(display.operating_h),
        float(display.error_h),
        float(display.error_flags),
        None,
    ]


def _heat_reading(display: HeatDisplay, meter_id: int, at: dt.datetime) -> NewReading:
    return NewReading(
        meter_id=meter_id,
        at=at,
        energy_kwh=display.energy_kwh,
        volume_m3=display.volume_m3,
        supply_energy_m3c=Decimal(display.supply_m3c),
        return_energy_m3c=Decimal(display.return_m3c),
        power_kw=Decimal(display.power_w).scaleb(-3),
        flow_m3h=Decimal(display.flow_l_h).scaleb(-3),
        supply_c=Decimal(display.supply_centi_c).scaleb(-2),
        return_c=Decimal(display.return_centi_c).scaleb(-2),
        operating_h=Decimal(display.operating_h),
        error_h=Decimal(display.error_h),
        info_code=display.error_flags,
        device_at=at.replace(second=0, microsecond=0),
        received_at=at,
    )
