"""How each inventory table looks as a CSV file."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from hosting.exchange.formats import CellRefused, Column, Reference, TableFormat
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

__all__ = ["TABLES", "CellRefused", "Column", "Reference", "TableFormat"]


def _columns(model: type[models.Model], *names: str) -> tuple[Column, ...]:
    return tuple(Column(name, model._meta.get_field(name)) for name in names)  # type: ignore[arg-type]


def _site(*, optional: bool = False) -> Reference:
    return Reference("site", Site, {"site": "code"}, optional=optional)


TABLES: dict[str, TableFormat] = {
    table.name: table
    for table in (
        TableFormat(
            "sites",
            _("Sites"),
            Site,
            ("code",),
            _columns(
                Site,
                "code",
                "name",
                "lifecycle",
                "time_zone",
                "country",
                "address",
                "latitude_deg",
                "longitude_deg",
                "installed_it_kw",
                "live_since_on",
                "notes",
            ),
        ),
        TableFormat(
            "equipment-models",
            _("Equipment models"),
            EquipmentModel,
            ("manufacturer", "name"),
            _columns(EquipmentModel, "manufacturer", "name", "kind", "rated_kw", "volume_l", "max_bar", "notes"),
        ),
        TableFormat(
            "equipment",
            _("Equipment"),
            Equipment,
            ("site", "tag"),
            _columns(Equipment, "tag", "serial", "state", "owner", "maintainer", "installed_on", "notes"),
            (
                _site(),
                Reference("model", EquipmentModel, {"manufacturer": "manufacturer", "model": "name"}),
                Reference(
                    "parent",
                    Equipment,
                    {"site": "site__code", "part_of": "tag"},
                    optional=True,
                    own=frozenset({"site"}),
                ),
            ),
        ),
        TableFormat(
            "connections",
            _("Connections"),
            Connection,
            ("source", "target", "leg"),
            _columns(Connection, "leg", "is_bypass", "fluid", "nominal_mm"),
            (
                Reference("source", Equipment, {"site": "site__code", "source": "tag"}),
                Reference("target", Equipment, {"site": "site__code", "target": "tag"}),
            ),
        ),
        TableFormat(
            "delivery-points",
            _("Delivery points"),
            DeliveryPoint,
            ("code",),
            _columns(
                DeliveryPoint, "code", "name", "medium", "design_supply_c", "design_return_c", "design_kw", "notes"
            ),
            (
                _site(),
                Reference(
                    "equipment",
                    Equipment,
                    {"site": "site__code", "equipment": "tag"},
                    optional=True,
                    own=frozenset({"site"}),
                ),
            ),
        ),
        TableFormat(
            "meters",
            _("Meters"),
            Meter,
            ("serial",),
            _columns(
                Meter,
                "serial",
                "kind",
                "manufacturer",
                "model_name",
                "accuracy_class",
                "qp_m3h",
                "min_difference_k",
                "sensor_side",
                "register_digits",
                "register_step",
                "max_kw",
                "seal_number",
                "verified_until_on",
                "notes",
            ),
        ),
        TableFormat(
            "meter-placements",
            _("Meter placements"),
            MeterPlacement,
            ("meter", "valid_from"),
            _columns(
                MeterPlacement,
                "role",
                "valid_from",
                "valid_until",
                "first_register",
                "final_register",
                "first_volume_m3",
                "final_volume_m3",
                "reason",
            ),
            (
                Reference("meter", Meter, {"meter": "serial"}),
                _site(),
                Reference("delivery_point", DeliveryPoint, {"delivery_point": "code"}, optional=True),
            ),
        ),
        TableFormat(
            "controllers",
            _("Controllers"),
            Controller,
            ("code",),
            _columns(
                Controller,
                "code",
                "protocol",
                "host",
                "port",
                "enabled",
                "poll_s",
                "timeout_ms",
                "connect_pause_ms",
                "request_pause_ms",
                "keep_open_s",
            ),
            (_site(),),
        ),
        TableFormat(
            "device-profiles",
            _("Device profiles"),
            DeviceProfile,
            ("key", "version"),
            _columns(
                DeviceProfile,
                "key",
                "version",
                "name",
                "device_kind",
                "protocol",
                "source",
                "verified_against",
                "options",
            ),
        ),
        TableFormat(
            "profile-points",
            _("Points of device profiles"),
            ProfilePoint,
            ("profile", "key"),
            _columns(ProfilePoint, "slot", "key", "name", "quantity", "unit", "address"),
            (Reference("profile", DeviceProfile, {"profile": "key", "profile_version": "version"}),),
        ),
        TableFormat(
            "devices",
            _("Devices"),
            Device,
            ("code",),
            _columns(Device, "code", "name", "unit_address", "enabled", "reading_s"),
            (
                Reference("controller", Controller, {"controller": "code"}),
                Reference("profile", DeviceProfile, {"profile": "key", "profile_version": "version"}),
                Reference("meter", Meter, {"meter": "serial"}, optional=True),
            ),
        ),
        TableFormat(
            "measurements",
            _("What points of devices mean"),
            Measurement,
            ("device", "slot", "role", "site", "equipment", "connection", "delivery_point"),
            _columns(Measurement, "slot", "role"),
            (
                Reference("device", Device, {"device": "code"}),
                _site(),
                Reference(
                    "equipment",
                    Equipment,
                    {"site": "site__code", "equipment": "tag"},
                    optional=True,
                    own=frozenset({"site"}),
                ),
                Reference(
                    "connection",
                    Connection,
                    {"site": "source__site__code", "from": "source__tag", "to": "target__tag", "leg": "leg"},
                    optional=True,
                    own=frozenset({"site"}),
                ),
                Reference("delivery_point", DeliveryPoint, {"delivery_point": "code"}, optional=True),
            ),
        ),
        TableFormat(
            "planned-outages",
            _("Planned outages"),
            PlannedOutage,
            ("site", "starts_at", "reason"),
            _columns(PlannedOutage, "starts_at", "ends_at", "announced_at", "reason", "cancelled_at"),
            (_site(), Reference("delivery_point", DeliveryPoint, {"delivery_point": "code"}, optional=True)),
        ),
    )
}
