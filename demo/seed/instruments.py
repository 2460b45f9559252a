"""Controllers, devices and meters of a demo site, placed and given a meaning."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import transaction

from accounts.models import User
from demo.devices.meters import HeatMeter, HeatTap, PowerMeter, PowerTap
from demo.devices.registers import controller_points, power_points
from demo.devices.serving import HOST, Ports
from demo.field import CONTROLLER_UNIT
from demo.plant.spec import PlantSpec
from demo.seed import points
from demo.seed.places import Place
from hosting.domain.profiles import PointSpec
from hosting.models import (
    Connection,
    Controller,
    DeliveryPoint,
    Device,
    DeviceProfile,
    Equipment,
    Measurement,
    Meter,
    MeterPlacement,
    ProfilePoint,
    Site,
)
from hosting.models.field import Protocol
from hosting.services import metering, profiles
from hosting.services.metering import Registers

POLL_S: Final = 30
_CENT: Final = Decimal("0.01")
_FIRST_PORT: Final = 15_020
_PARKING_PORT: Final = 65_535

_HEAT_ROLES: Final = {
    HeatTap.DELIVERED: MeterPlacement.Role.DELIVERED_HEAT,
    HeatTap.CAPTURED: MeterPlacement.Role.CAPTURED_HEAT,
}
_POWER_ROLES: Final = {
    PowerTap.IT: MeterPlacement.Role.IT_ELECTRICITY,
    PowerTap.TOTAL: MeterPlacement.Role.TOTAL_ELECTRICITY,
    PowerTap.HEAT_PUMP: MeterPlacement.Role.HEAT_PUMP_ELECTRICITY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A site while its instruments are being installed."""

    site: Site
    place: Place
    delivery_point: DeliveryPoint
    equipment: dict[str, Equipment]
    since: dt.datetime
    by: User

    @property
    def plant(self) -> PlantSpec:
        """The site's plant."""
        return self.place.installation.plant


def install_instruments(stand: Stand) -> None:
    """Puts up controllers, devices and meters; what stands there already stays."""
    modbus = _controller(stand, "plc", Protocol.MODBUS_TCP)
    mbus = _controller(stand, "mbus", Protocol.MBUS_TCP)
    _plant_controller(stand, modbus)
    installation = stand.place.installation
    for power_meter in installation.modbus_power_meters:
        profile = _profile("demo-power-modbus", "Halden EM-3", Protocol.MODBUS_TCP, _power_specs(power_meter))
        _power_device(stand, modbus, power_meter, profile)
    for power_meter in installation.mbus_power_meters:
        profile = _profile("demo-power-mbus", "Halden EM-1", Protocol.MBUS_TCP, points.mbus_power_specs())
        _power_device(stand, mbus, power_meter, profile)
    for heat_meter in installation.heat_meters:
        _heat_device(stand, mbus, heat_meter)


def controller_code(site_code: str, bus: str) -> str:
    """The code of a site's controller on a bus (plc or mbus)."""
    return f"{site_code.lower()}-{bus}"


@transaction.atomic
def publish_ports(ports: Mapping[str, Ports]) -> None:
    """Tells the portal where the plant's devices answer now."""
    wanted = {
        controller_code(site, bus): port
        for site, found in ports.items()
        for bus, port in (("plc", found.modbus), ("mbus", found.mbus))
    }
    controllers = list(Controller.objects.select_for_update().filter(code__in=wanted).order_by("code"))
    moved = [controller for controller in controllers if controller.port != wanted[controller.code]]
    for step in (lambda c: _PARKING_PORT - c.pk % 1_000, lambda c: wanted[c.code]):
        # By way of a parking place: two controllers may have to trade ports, and no two may share one.
        for controller in moved:
            controller.port = step(controller)
            controller.save(update_fields=["port"])


def _power_specs(meter: PowerMeter) -> list[PointSpec]:
    return points.modbus_specs(power_points(meter))


def _controller(stand: Stand, bus: str, protocol: Protocol) -> Controller:
    # The plant replaces these ports by those it really got when it starts.
    port = _FIRST_PORT + Controller.objects.count()
    controller, _ = Controller.objects.get_or_create(
        code=controller_code(stand.site.code, bus),
        defaults={
            "site": stand.site,
            "protocol": protocol,
            "host": HOST,
            "port": port,
            "poll_s": POLL_S,
            "timeout_ms": 2_000,
        },
    )
    return controller


def _profile(
    key: str, name: str, protocol: Protocol, specs: list[PointSpec], options: dict[str, str] | None = None
) -> DeviceProfile:
    found = DeviceProfile.objects.filter(key=key).order_by("-version").first()
    if found is not None and found.points.count() >= len(specs):
        return found
    # A demo that was built when its plant told less: the next version of the profile tells the rest as well.
    return profiles.create_profile(
        key=key,
        name=name,
        protocol=protocol,
        points=specs,
        source="The demo's register list, demo/devices",
        options=options,
        by=None,
    )


def _plant_controller(stand: Stand, controller: Controller) -> Device:
    has_heat_pump = stand.plant.heat_pump is not None
    swapped = stand.place.installation.low_word_first
    key = "demo-plant" + ("-heat-pump" if has_heat_pump else "") + ("-low-word" if swapped else "")
    profile = _profile(
        key,
        "Site controller" + (" with heat pump" if has_heat_pump else "") + (", low word first" if swapped else ""),
        Protocol.MODBUS_TCP,
        points.modbus_specs(controller_points(has_heat_pump=has_heat_pump)),
        {"word_order": "little"} if swapped else None,
    )
    device, _ = Device.objects.get_or_create(
        code=f"{stand.site.code.lower()}-plant",
        defaults={
            "controller": controller,
            "name": "Site controller",
            "unit_address": str(CONTROLLER_UNIT),
            "profile": profile,
        },
    )
    if device.profile_id != profile.pk:
        device.profile = profile
        device.save(update_fields=["profile"])
    _measure(stand, device)
    return device


def _measure(stand: Stand, device: Device) -> None:
    for point in device.profile.points.all():
        _measure_on_pipes(stand, device, point)
        _measure_at_equipment(stand, device, point)
        role = points.CONTROLLER_ROLES.get(point.key.replace("-", "_"))
        if role is None:
            continue
        tag = points.EQUIPMENT_TAGS.get(role)
        Measurement.objects.get_or_create(
            device=device,
            slot=point.slot,
            role=role,
            site=stand.site,
            delivery_point=stand.delivery_point if role in points.AT_DELIVERY else None,
            equipment=stand.equipment[tag] if tag else None,
        )


def _measure_on_pipes(stand: Stand, device: Device, point: ProfilePoint) -> None:
    role, pipes = points.PIPE_ROLES.get(point.key.replace("-", "_"), (None, ()))
    for source, target, leg in pipes:
        if not {source, target} <= stand.equipment.keys():
            continue
        pipe = Connection.objects.get(source=stand.equipment[source], target=stand.equipment[target], leg=leg)
        Measurement.objects.get_or_create(device=device, slot=point.slot, role=role, site=stand.site, connection=pipe)


def _measure_at_equipment(stand: Stand, device: Device, point: ProfilePoint) -> None:
    role, tag = points.EQUIPMENT_ROLES.get(point.key.replace("-", "_"), (None, ""))
    if role is not None and tag in stand.equipment:
        Measurement.objects.get_or_create(
            device=device, slot=point.slot, role=role, site=stand.site, equipment=stand.equipment[tag]
        )


def _power_device(stand: Stand, controller: Controller, meter: PowerMeter, profile: DeviceProfile) -> None:
    stored, _ = Meter.objects.get_or_create(
        serial=meter.serial,
        defaults={
            "kind": Meter.Kind.ELECTRICITY,
            "manufacturer": "Halden",
            "model_name": profile.name.removeprefix("Halden "),
            "accuracy_class": "B",
            "register_digits": 9,
            "register_step": _CENT,
            "max_kw": stand.plant.it_kw * 1.5,
            "seal_number": f"S-{meter.serial[-4:]}",
            "verified_until_on": stand.since.date().replace(year=stand.since.year + 6, month=1, day=1),
        },
    )
    _device(
        stand=stand,
        controller=controller,
        meter=stored,
        name=f"{meter.tap.value.replace('_', '-')}-electricity",
        address=meter.address,
        profile=profile,
    )
    _place(stand, stored, _POWER_ROLES[meter.tap], Registers(meter.start_cent_kwh * _CENT))


def _heat_device(stand: Stand, controller: Controller, meter: HeatMeter) -> None:
    maker, model = stand.place.heat_meter_model
    delivers = meter.tap is HeatTap.DELIVERED
    stored, _ = Meter.objects.get_or_create(
        serial=meter.serial,
        defaults={
            "kind": Meter.Kind.HEAT,
            "manufacturer": maker,
            "model_name": model,
            "accuracy_class": "2",
            "qp_m3h": stand.place.qp_m3h if delivers else stand.plant.primary_flow_m3h * 1.5,
            "min_difference_k": 3.0,
            "sensor_side": Meter.SensorSide.RETURN,
            "register_digits": 9,
            "register_step": _CENT,
            "max_kw": stand.plant.contract_kw * 1.2 if delivers else stand.plant.it_kw * 1.2,
            "seal_number": f"S-{meter.serial[-4:]}",
            "verified_until_on": stand.since.date().replace(year=stand.since.year + 4, month=1, day=1),
        },
    )
    # The demo's meters tell UTC, as meters that know no summer time may be set to.
    options = {"clock": "utc"}
    profile = _profile("demo-heat-mbus", f"{maker} TM", Protocol.MBUS_TCP, points.heat_meter_specs(), options)
    _device(
        stand=stand,
        controller=controller,
        meter=stored,
        name=f"{meter.tap.value}-heat",
        address=meter.address,
        profile=profile,
    )
    first = Registers(meter.start_cent_kwh * _CENT, Decimal(meter.start_liters).scaleb(-3))
    _place(stand, stored, _HEAT_ROLES[meter.tap], first)


def _device(
    *, stand: Stand, controller: Controller, meter: Meter, name: str, address: int, profile: DeviceProfile
) -> None:
    Device.objects.get_or_create(
        code=f"{stand.site.code.lower()}-{name}",
        defaults={
            "controller": controller,
            "name": name.replace("-", " ").capitalize().replace("It ", "IT "),
            "unit_address": str(address),
            "profile": profile,
            "meter": meter,
        },
    )


def _place(stand: Stand, meter: Meter, role: MeterPlacement.Role, first: Registers) -> None:
    if MeterPlacement.objects.filter(meter=meter).exists():
        return
    metering.place_meter(
        meter=meter,
        site=stand.site,
        role=role,
        at=stand.since,
        registers=first,
        delivery_point=stand.delivery_point if role is MeterPlacement.Role.DELIVERED_HEAT else None,
        reason="Commissioning",
        by=stand.by,
    )
