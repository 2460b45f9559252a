"""Devices that were looked at and accepted, without a socket."""

import datetime as dt
from decimal import Decimal
from typing import Any

from accounts.models import User
from hosting.models import Device, Meter, MeterPlacement
from tests.makers import hosting
from thermal.domain.commissioning import Typed
from thermal.models import DeviceAcceptance, DeviceProbe
from thermal.services import commissioning
from thermal.services.polling import Probe, ProbedValue

NOW = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
POINTS = (
    ("energy-kwh", "Energy", "energy_kwh", "kWh", {"register": 0, "type": "uint32"}),
    ("volume-m3", "Volume", "volume_m3", "m³", {"register": 2, "type": "float32"}),
    ("supply-c", "Supply", "supply_c", "°C", {"register": 4, "type": "float32"}),
    ("return-c", "Return", "return_c", "°C", {"register": 6, "type": "float32"}),
    ("flow-m3h", "Flow", "flow_m3h", "m³/h", {"register": 8, "type": "float32"}),
    ("power-kw", "Power", "power_kw", "kW", {"register": 10, "type": "float32"}),
)
WELL = ("37351", "561.08", "70.0", "40.0", "1.000", "34.6")


def make_meter_device(placement: MeterPlacement | None = None, **fields: Any) -> Device:
    """A device that reads a heat meter by Modbus, its meter placed."""
    placement = placement or hosting.make_placement(
        meter=hosting.make_meter(Meter.Kind.HEAT, register_step=Decimal(1), register_digits=8, max_kw=200.0)
    )
    points = [
        {"key": key, "name": name, "quantity": quantity, "unit": unit, "address": address}
        for key, name, quantity, unit, address in POINTS
    ]
    controller = fields.pop("controller", None) or hosting.make_controller(placement.site)
    profile = fields.pop("profile", None) or hosting.make_profile(points)
    return hosting.make_device(controller, meter=placement.meter, profile=profile, **fields)


def told(*values: str | None, raw: dict[int, str] | None = None, serial: str = "") -> Probe:
    """What the device of `make_meter_device` told; values are plausible unless given."""
    shown = [*values, *WELL[len(values) :]]
    rows = [
        ProbedValue(
            slot, key, name, value, unit, "" if value else "not in the answer", quantity, (raw or {}).get(slot, "")
        )
        for slot, ((key, name, quantity, unit, _address), value) in enumerate(zip(POINTS, shown, strict=True))
    ]
    return Probe(rows, "", serial, 12.0, 1)


def make_probe(device: Device, probe: Probe | None = None, *, now: dt.datetime = NOW) -> DeviceProbe:
    return commissioning.record_probe(device=device, told=probe or told(), by=None, now=now)


def accept(device: Device, *, by: User | None = None, now: dt.datetime = NOW, note: str = "") -> DeviceAcceptance:
    """The device, accepted on values that agree with the display."""
    typed = Typed({0: Decimal(37351)}, serial=device.meter.serial if device.meter else "")
    return commissioning.accept_device(probe=make_probe(device, now=now), typed=typed, note=note, by=by, now=now)
