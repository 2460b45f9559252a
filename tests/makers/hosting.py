"""Small factories of the inventory; every argument that a test does not care about has a default."""

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from hosting.models import (
    Connection,
    Controller,
    DeliveryPoint,
    Device,
    DeviceProfile,
    Equipment,
    EquipmentModel,
    Measurement,
    Meter,
    MeterPlacement,
    PlannedOutage,
    ProfilePoint,
    Site,
)

LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
_number = itertools.count(1)


def make_site(**fields: Any) -> Site:
    number = next(_number)
    defaults: dict[str, Any] = {
        "code": f"site-{number}",
        "name": f"Site {number}",
        "lifecycle": Site.Lifecycle.LIVE,
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "installed_it_kw": 100.0,
    }
    return Site.objects.create(**defaults | fields)


def make_equipment_model(kind: EquipmentModel.Kind = EquipmentModel.Kind.RACK, **fields: Any) -> EquipmentModel:
    number = next(_number)
    return EquipmentModel.objects.create(**{"manufacturer": "Acme", "name": f"Model {number}", "kind": kind} | fields)


def make_equipment(
    site: Site | None = None, kind: EquipmentModel.Kind = EquipmentModel.Kind.RACK, **fields: Any
) -> Equipment:
    number = next(_number)
    defaults = {"site": site or make_site(), "tag": f"E-{number}"}
    if "model" not in fields:
        defaults["model"] = make_equipment_model(kind)
    return Equipment.objects.create(**defaults | fields)


def make_connection(
    source: Equipment, target: Equipment, leg: Connection.Leg = Connection.Leg.SUPPLY, **fields: Any
) -> Connection:
    return Connection.objects.create(source=source, target=target, leg=leg, **fields)


def make_delivery_point(site: Site | None = None, **fields: Any) -> DeliveryPoint:
    number = next(_number)
    defaults: dict[str, Any] = {
        "site": site or make_site(),
        "code": f"dp-{number}",
        "name": f"Pool {number}",
        "design_supply_c": 45.0,
        "design_return_c": 35.0,
        "design_kw": 60.0,
    }
    return DeliveryPoint.objects.create(**defaults | fields)


def make_meter(kind: Meter.Kind = Meter.Kind.HEAT, **fields: Any) -> Meter:
    number = next(_number)
    defaults: dict[str, Any] = {
        "serial": f"M{number:06d}",
        "kind": kind,
        "accuracy_class": "2",
        "sensor_side": Meter.SensorSide.RETURN if kind == Meter.Kind.HEAT else "",
        "register_digits": 10,
        "register_step": Decimal("0.01"),
        "verified_until_on": dt.date(2032, 1, 1),
    }
    return Meter.objects.create(**defaults | fields)


def make_placement(
    meter: Meter | None = None,
    delivery_point: DeliveryPoint | None = None,
    role: MeterPlacement.Role = MeterPlacement.Role.DELIVERED_HEAT,
    **fields: Any,
) -> MeterPlacement:
    if delivery_point is None and role == MeterPlacement.Role.DELIVERED_HEAT:
        delivery_point = make_delivery_point(fields.get("site"))
    electric = role.value.endswith("electricity")
    defaults: dict[str, Any] = {
        "meter": meter or make_meter(Meter.Kind.ELECTRICITY if electric else Meter.Kind.HEAT),
        "delivery_point": delivery_point,
        "site": delivery_point.site if delivery_point else None,
        "role": role,
        "valid_from": LONG_AGO,
        "first_register": Decimal(0),
    }
    return MeterPlacement.objects.create(**defaults | fields)


def make_profile(points: list[dict[str, Any]] | None = None, **fields: Any) -> DeviceProfile:
    """A Modbus profile with one supply temperature, or with the given points in slots 0, 1, 2, ..."""
    number = next(_number)
    profile = DeviceProfile.objects.create(
        **{"key": f"profile-{number}", "name": f"Profile {number}", "protocol": "modbus_tcp"} | fields
    )
    one = [
        {
            "key": "supply",
            "quantity": "supply_c",
            "unit": "°C",
            "address": {"table": "input", "register": 0, "type": "float32"},
        }
    ]
    for slot, point in enumerate(points if points is not None else one):
        ProfilePoint.objects.create(profile=profile, **{"slot": slot, "name": point["key"]} | point)
    return profile


def make_controller(site: Site | None = None, **fields: Any) -> Controller:
    number = next(_number)
    defaults = {
        "site": site or make_site(),
        "code": f"controller-{number}",
        "protocol": "modbus_tcp",
        "host": "127.0.0.1",
        "port": 20000 + number,
    }
    return Controller.objects.create(**defaults | fields)


def make_device(controller: Controller | None = None, **fields: Any) -> Device:
    number = next(_number)
    defaults = {
        "controller": controller or make_controller(),
        "code": f"device-{number}",
        "unit_address": str(number % 247 + 1),
    }
    if "profile" not in fields:
        defaults["profile"] = make_profile()
    return Device.objects.create(**defaults | fields)


def make_measurement(device: Device, role: Measurement.Role, slot: int = 0, **fields: Any) -> Measurement:
    return Measurement.objects.create(
        **{"device": device, "slot": slot, "role": role, "site": device.controller.site} | fields
    )


def make_outage(site: Site | None = None, **fields: Any) -> PlannedOutage:
    start = fields.get("starts_at", dt.datetime(2026, 10, 1, 6, tzinfo=dt.UTC))
    defaults: dict[str, Any] = {
        "site": site or make_site(),
        "starts_at": start,
        "ends_at": start + dt.timedelta(hours=4),
        "announced_at": start - dt.timedelta(days=7),
        "reason": "Exchanger cleaning",
    }
    return PlannedOutage.objects.create(**defaults | fields)
