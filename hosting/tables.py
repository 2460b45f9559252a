"""The list tables of sites, equipment, metering and the field."""

from __future__ import annotations

from typing import Any

import django_tables2
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from accounts import tables
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
from hosting.profile_forms import shown

LIFECYCLE_LEVELS = {"live": "ok", "commissioning": "info", "building": "info", "prospect": "info", "suspended": "warn"}
EQUIPMENT_LEVELS = {"in_service": "ok", "isolated": "warn", "planned": "info"}
CIRCUIT_LEVELS = {"closed": "ok", "half_open": "warn", "open": "bad"}


class SiteTable(tables.PortalTable):
    """Sites."""

    code = tables.NameColumn()
    name = django_tables2.Column(linkify=True)
    lifecycle = tables.StateColumn(LIFECYCLE_LEVELS)
    installed_it_kw = tables.QuantityColumn(unit="kW", verbose_name=_("installed IT"))

    class Meta(tables.PortalTable.Meta):
        model = Site
        fields: Any = ("code", "name", "lifecycle", "country", "installed_it_kw", "live_since_on")


class EquipmentModelTable(tables.PortalTable):
    """Products."""

    name = tables.NameColumn()
    rated_kw = tables.QuantityColumn(unit="kW")
    volume_l = tables.QuantityColumn(unit="l")
    max_bar = tables.QuantityColumn(unit="bar")

    class Meta(tables.PortalTable.Meta):
        model = EquipmentModel
        fields: Any = ("name", "manufacturer", "kind", "rated_kw", "volume_l", "max_bar")


class EquipmentTable(tables.PortalTable):
    """Equipment of the sites."""

    tag = tables.NameColumn()
    site = django_tables2.Column(linkify=True)
    kind = django_tables2.Column(accessor="model__get_kind_display", verbose_name=_("kind"), order_by="model__kind")
    model = django_tables2.Column(linkify=True)
    state = tables.StateColumn(EQUIPMENT_LEVELS)

    class Meta(tables.PortalTable.Meta):
        model = Equipment
        fields: Any = ("tag", "site", "kind", "model", "state", "owner", "maintainer", "serial")


class ConnectionTable(tables.PortalTable):
    """Pipes."""

    source = tables.NameColumn(linkify=lambda record: record.get_absolute_url())
    target = django_tables2.Column(linkify=lambda record: record.target.get_absolute_url())
    site = django_tables2.Column(accessor="source__site", linkify=True, verbose_name=_("site"))
    nominal_mm = tables.QuantityColumn(unit="mm", digits=0, verbose_name=_("diameter"))
    is_bypass = tables.YesNoColumn()

    class Meta(tables.PortalTable.Meta):
        model = Connection
        fields: Any = ("source", "target", "leg", "site", "fluid", "nominal_mm", "is_bypass")


class DeliveryPointTable(tables.PortalTable):
    """Delivery points."""

    code = tables.NameColumn()
    site = django_tables2.Column(linkify=True)
    design_supply_c = tables.QuantityColumn(unit="°C", verbose_name=_("supply"))
    design_return_c = tables.QuantityColumn(unit="°C", verbose_name=_("return"))
    design_kw = tables.QuantityColumn(unit="kW", verbose_name=_("power"))

    class Meta(tables.PortalTable.Meta):
        model = DeliveryPoint
        fields: Any = ("code", "name", "site", "medium", "design_supply_c", "design_return_c", "design_kw")


class MeterTable(tables.PortalTable):
    """Meters."""

    serial = tables.NameColumn()
    register_step = tables.QuantityColumn(digits=4, verbose_name=_("resolution"))

    class Meta(tables.PortalTable.Meta):
        model = Meter
        fields: Any = ("serial", "kind", "manufacturer", "model_name", "accuracy_class", "sensor_side", "register_step")
        sequence = (*fields, "verified_until_on")

    verified_until_on = tables.DayColumn(verbose_name=_("verified until"))


class PlacementTable(tables.PortalTable):
    """Where meters stood."""

    meter = tables.NameColumn(linkify=lambda record: record.meter.get_absolute_url())
    site = django_tables2.Column(linkify=True)
    first_register = tables.QuantityColumn(digits=4)
    final_register = tables.QuantityColumn(digits=4)
    valid_from = tables.InstantColumn(site="site")
    valid_until = tables.InstantColumn(site="site")

    class Meta(tables.PortalTable.Meta):
        model = MeterPlacement
        fields: Any = (
            "meter", "role", "site", "delivery_point", "valid_from", "valid_until", "first_register", "final_register",
            "reason",
        )  # fmt: skip


class ControllerTable(tables.PortalTable):
    """Addresses on the field network."""

    code = tables.NameColumn()
    site = django_tables2.Column(linkify=True)
    poll_s = tables.QuantityColumn(unit="s", digits=0)
    enabled = tables.YesNoColumn()

    class Meta(tables.PortalTable.Meta):
        model = Controller
        fields: Any = ("code", "site", "protocol", "host", "port", "poll_s", "enabled")

    def render_port(self, value: int) -> str:
        """A port is a name, not a number: no thousands separator."""
        return str(value)


class DeviceTable(tables.PortalTable):
    """Units behind controllers."""

    code = tables.NameColumn()
    site = django_tables2.Column(accessor="controller__site", linkify=True, verbose_name=_("site"))
    controller = django_tables2.Column(linkify=True)
    profile = django_tables2.Column(linkify=True)
    circuit = tables.StateColumn(CIRCUIT_LEVELS, verbose_name=_("answers"))
    last_success_at = tables.WhenColumn()
    last_error = tables.ToldColumn()

    class Meta(tables.PortalTable.Meta):
        model = Device
        fields: Any = (
            "code",
            "site",
            "controller",
            "unit_address",
            "profile",
            "circuit",
            "last_success_at",
            "last_error",
        )


class DeviceProfileTable(tables.PortalTable):
    """Versions of device profiles."""

    name = tables.NameColumn()

    class Meta(tables.PortalTable.Meta):
        model = DeviceProfile
        fields: Any = ("name", "key", "version", "device_kind", "protocol", "verified_against", "source")

    def render_verified_against(self, value: str) -> str:
        """The note, cut to what a line holds."""
        return Truncator(value).chars(80)


class ProfilePointTable(tables.PortalTable):
    """The points of one profile."""

    quantity = django_tables2.Column(verbose_name=_("measured quantity"))

    class Meta(tables.PortalTable.Meta):
        model = ProfilePoint
        fields: Any = ("slot", "key", "name", "quantity", "unit", "address")
        orderable = False

    def render_address(self, value: dict[str, Any]) -> str:
        """The parts of the address in words."""
        return ", ".join(f"{name} {shown(part)}" for name, part in value.items()) or "–"


class MeasurementTable(tables.PortalTable):
    """What the points of devices tell about a site."""

    device = tables.NameColumn(linkify=lambda record: record.device.get_absolute_url())
    equipment = django_tables2.Column(linkify=True)
    delivery_point = django_tables2.Column(linkify=True)
    connection = django_tables2.Column(linkify=True)
    change = django_tables2.TemplateColumn(
        template_name="hosting/partials/measurement_change.html",
        verbose_name="",
        orderable=False,
        exclude_from_export=True,
    )

    class Meta(tables.PortalTable.Meta):
        model = Measurement
        fields: Any = ("role", "device", "slot", "equipment", "delivery_point", "connection", "change")
        orderable = False


class PlannedOutageTable(tables.PortalTable):
    """Announced works."""

    reason = tables.NameColumn()
    site = django_tables2.Column(linkify=True)
    delivery_point = django_tables2.Column(linkify=True)
    starts_at = tables.InstantColumn(site="site")
    ends_at = tables.InstantColumn(site="site")
    announced_at = tables.InstantColumn(site="site")
    cancelled_at = tables.InstantColumn(site="site")

    class Meta(tables.PortalTable.Meta):
        model = PlannedOutage
        fields: Any = ("reason", "site", "delivery_point", "starts_at", "ends_at", "announced_at", "cancelled_at")
