"""The filter bars of the lists."""

from __future__ import annotations

import datetime as dt
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import filters
from accounts.forms import DayInput
from hosting.models import (
    Connection,
    Controller,
    DeliveryPoint,
    Device,
    DeviceProfile,
    Equipment,
    EquipmentModel,
    Meter,
    PlannedOutage,
    Site,
)


class SiteFilter(filters.ScopedFilterSet):
    """Sites by name, lifecycle and country."""

    search_fields = ("code", "name", "address")

    class Meta:
        model = Site
        fields: Any = ("lifecycle", "country")


class EquipmentModelFilter(filters.ScopedFilterSet):
    """Products by maker and kind."""

    search_fields = ("manufacturer", "name")

    class Meta:
        model = EquipmentModel
        fields: Any = ("kind",)


class EquipmentFilter(filters.ScopedFilterSet):
    """Equipment by site, kind and state."""

    search_fields = ("tag", "serial", "model__name", "model__manufacturer")
    kind = django_filters.ChoiceFilter(field_name="model__kind", choices=EquipmentModel.Kind.choices, label=_("Kind"))

    class Meta:
        model = Equipment
        fields: Any = ("site", "kind", "state", "owner")


class ConnectionFilter(filters.ScopedFilterSet):
    """Pipes by site and leg."""

    search_fields = ("source__tag", "target__tag", "fluid")
    site = django_filters.ModelChoiceFilter(field_name="source__site", queryset=Site.objects.all(), label=_("Site"))

    class Meta:
        model = Connection
        fields: Any = ("site", "leg", "is_bypass")


class DeliveryPointFilter(filters.ScopedFilterSet):
    """Delivery points by site and medium."""

    search_fields = ("code", "name")

    class Meta:
        model = DeliveryPoint
        fields: Any = ("site", "medium")


class MeterFilter(filters.ScopedFilterSet):
    """Meters by kind, place and the day their verification ends."""

    search_fields = ("serial", "manufacturer", "model_name", "seal_number")
    site = django_filters.ModelChoiceFilter(method="standing_at", queryset=Site.objects.all(), label=_("Stands at"))
    verified_before = django_filters.DateFilter(
        field_name="verified_until_on",
        lookup_expr="lte",
        label=_("Verification ends by"),
        widget=DayInput,
    )

    class Meta:
        model = Meter
        fields: Any = ("kind", "site", "verified_before")

    def standing_at(self, rows: QuerySet[Meter], _name: str, site: Site) -> QuerySet[Meter]:
        """The meters that stand at the site now; each once."""
        here = site.placements.filter(valid_until__isnull=True).values("meter")
        return rows.filter(pk__in=here)


class ControllerFilter(filters.ScopedFilterSet):
    """Controllers by site and protocol."""

    search_fields = ("code", "host")

    class Meta:
        model = Controller
        fields: Any = ("site", "protocol", "enabled")


class DeviceFilter(filters.ScopedFilterSet):
    """Devices by site, controller and whether they answer."""

    search_fields = ("code", "name", "unit_address", "meter__serial")
    site = django_filters.ModelChoiceFilter(field_name="controller__site", queryset=Site.objects.all(), label=_("Site"))

    class Meta:
        model = Device
        fields: Any = ("site", "controller", "circuit", "enabled")


class DeviceProfileFilter(filters.ScopedFilterSet):
    """Profiles by kind of device and protocol."""

    search_fields = ("key", "name", "source")

    class Meta:
        model = DeviceProfile
        fields: Any = ("device_kind", "protocol")


class PlannedOutageFilter(filters.ScopedFilterSet):
    """Announced works by site and time."""

    TIMES = (("coming", _("to come")), ("now", _("now")), ("past", _("past")))

    search_fields = ("reason", "site__name")
    time = django_filters.ChoiceFilter(method="at_time", choices=TIMES, label=_("When"))

    class Meta:
        model = PlannedOutage
        fields: Any = ("site", "time")

    def at_time(self, rows: QuerySet[PlannedOutage], _name: str, when: str) -> QuerySet[PlannedOutage]:
        """Works before, during or after now."""
        now: dt.datetime = timezone.now()
        if when == "coming":
            return rows.filter(starts_at__gt=now)
        return rows.filter(ends_at__lte=now) if when == "past" else rows.filter(starts_at__lte=now, ends_at__gt=now)
