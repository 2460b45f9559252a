"""Pages of controllers, devices and what their points mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.refusals import in_words
from accounts.views import scoped
from hosting import tables
from hosting.filters import ControllerFilter, DeviceFilter
from hosting.forms import ControllerForm, DeviceForm, MeasurementForm
from hosting.models import Controller, Device, Measurement
from hosting.services import switching
from hosting.views import refusals, secrets
from hosting.views.records import Action, Fact, InventoryList, RecordPage, Section, fact_of

CHANGE_CONTROLLER = "hosting.change_controller"
PLACES = ("device", "equipment", "delivery_point", "connection__source", "connection__target")
HEALTH = (
    "circuit",
    "last_polled_at",
    "last_success_at",
    "last_latency_ms",
    "clock_offset_s",
    "failure_count",
    "last_error",
)


class ControllerList(InventoryList):
    """Every controller that the user may see."""

    model = Controller
    table_class = tables.ControllerTable
    filterset_class = ControllerFilter
    related = ("site",)
    title = _("Controllers")
    empty_text = _("A controller is an address on the field network: protocol, host and port.")
    create_url_name = "hosting:controller_create"
    create_capability = "hosting.add_controller"
    import_table = "controllers"
    bulk_actions = (
        scoped.BulkAction(_("Pause polling"), "hosting:controllers_pause", CHANGE_CONTROLLER),
        scoped.BulkAction(_("Resume polling"), "hosting:controllers_resume", CHANGE_CONTROLLER),
    )


class _ControllersSwitch(scoped.ScopedBulkView):
    """One switch for the chosen controllers."""

    model = Controller
    capability = CHANGE_CONTROLLER
    list_url_name = "hosting:controller_list"


class ControllersPause(_ControllersSwitch):
    """Pauses the polling of the chosen controllers."""

    def act(self, row: Controller) -> None:
        """Pause one."""
        switching.pause_polling(controller=row)

    def told(self, count: int) -> str:
        """How many were paused."""
        return ngettext("%(count)s controller paused.", "%(count)s controllers paused.", count) % {"count": count}


class ControllersResume(_ControllersSwitch):
    """Resumes the polling of the chosen controllers."""

    def act(self, row: Controller) -> None:
        """Resume one."""
        switching.resume_polling(controller=row)

    def told(self, count: int) -> str:
        """How many were resumed."""
        words = ngettext("%(count)s controller is polled again.", "%(count)s controllers are polled again.", count)
        return words % {"count": count}


class ControllerDetail(RecordPage):
    """One controller and the devices behind it."""

    model = Controller
    related = ("site",)
    template_name = "hosting/controller_detail.html"

    def facts(self) -> list[Fact]:
        """Its fields, and whether its credentials are set."""
        return [*super().facts(), *secrets.facts(self.object)]

    def actions(self) -> Sequence[Action]:
        """Credentials, besides the usual."""
        return (*secrets.actions(self.object), *super().actions())

    def sections(self) -> Sequence[Section]:
        """Its devices."""
        rows = self.object.devices.select_related("controller__site", "profile")
        add_url = f"{reverse('hosting:device_create')}?controller={self.object.pk}"
        may_add = self.request.user.has_perm("hosting.add_device")
        return (
            self.section(
                _("Devices"), tables.DeviceTable, rows, add_url=add_url if may_add else "", add_label=_("Add a device")
            ),
        )


class ControllerCreate(scoped.ScopedCreateView):
    """Adds a controller."""

    model = Controller
    form_class = ControllerForm
    title = _("Add a controller")
    capability = "hosting.add_controller"

    def get_initial(self) -> dict[str, Any]:
        """The site from which the button was pressed."""
        return {"site": self.request.GET.get("site", "")}


class ControllerUpdate(scoped.ScopedUpdateView):
    """Changes a controller."""

    model = Controller
    form_class = ControllerForm
    capability = "hosting.change_controller"


class ControllerDelete(scoped.ScopedDeleteView):
    """Deletes a controller without devices."""

    model = Controller
    capability = "hosting.delete_controller"
    success_url_name = "hosting:controller_list"


class DeviceList(InventoryList):
    """Every device that the user may see."""

    model = Device
    table_class = tables.DeviceTable
    filterset_class = DeviceFilter
    related = ("controller__site", "profile")
    title = _("Devices")
    empty_text = _("A device is one unit behind a controller, read by a profile.")
    create_url_name = "hosting:device_create"
    create_capability = "hosting.add_device"
    import_table = "devices"


class DeviceDetail(RecordPage):
    """One device: how it answers, and what its points mean."""

    model = Device
    related = ("controller__site", "profile", "meter")
    template_name = "hosting/device_detail.html"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The site, then the list."""
        site = self.object.controller.site
        return [scoped.Crumb(site.name, site.get_absolute_url()), *super().breadcrumbs()]

    def health(self) -> list[Fact]:
        """How the device answered lately."""
        labels = {
            "last_polled_at": _("Last asked"),
            "last_latency_ms": _("Answer time"),
            "clock_offset_s": _("Clock offset"),
            "failure_count": _("Failures in a row"),
        }
        units = {"last_latency_ms": "ms", "clock_offset_s": "s"}
        facts = []
        for name in HEALTH:
            fact = fact_of(self.object, Device._meta.get_field(name))
            value = in_words(str(fact.value)) if name == "last_error" and fact.value else fact.value
            facts.append(Fact(str(labels.get(name, fact.label)), value, units.get(name, fact.unit), fact.url))
        return [*facts, *refusals.facts(self.object)]

    def actions(self) -> Sequence[Action]:
        """Trying again what it refused, besides the usual."""
        return (*refusals.actions(self.object), *super().actions())

    def sections(self) -> Sequence[Section]:
        """Meanings and points."""
        may_add = self.request.user.has_perm("hosting.add_measurement")
        add_url = reverse("hosting:measurement_create", args=[self.object.pk]) if may_add else ""
        measurements = self.object.measurements.select_related(*PLACES)
        return (
            self.section(
                _("What its points mean"),
                tables.MeasurementTable,
                measurements,
                add_url=add_url,
                add_label=_("Add a meaning"),
            ),
            self.section(_("Points of the profile"), tables.ProfilePointTable, self.object.profile.points.all()),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The record and the device's health."""
        return super().get_context_data(**{"health": self.health(), **kwargs})


class DeviceCreate(scoped.ScopedCreateView):
    """Adds a device."""

    model = Device
    form_class = DeviceForm
    title = _("Add a device")
    capability = "hosting.add_device"

    def get_initial(self) -> dict[str, Any]:
        """The controller from which the button was pressed."""
        return {"controller": self.request.GET.get("controller", "")}


class DeviceUpdate(scoped.ScopedUpdateView):
    """Changes a device."""

    model = Device
    form_class = DeviceForm
    capability = "hosting.change_device"


class DeviceDelete(scoped.ScopedDeleteView):
    """Deletes a device that never said anything."""

    model = Device
    capability = "hosting.delete_device"
    success_url_name = "hosting:device_list"


class MeasurementCreate(scoped.ScopedCreateView):
    """Gives a point of a device a meaning and a place."""

    model = Measurement
    form_class = MeasurementForm
    title = _("Give a point a meaning")
    capability = "hosting.add_measurement"

    def device(self) -> Device:
        """The device, if the user may see it."""
        rows = Device.objects.visible_to(self.request.user).select_related("controller__site", "profile")
        found: Device = get_object_or_404(rows, pk=self.kwargs["device"])
        return found

    def get_form_kwargs(self) -> dict[str, Any]:
        """The form knows its device."""
        return {**super().get_form_kwargs(), "device": self.device()}

    def get_success_url(self, outcome: Any) -> str:
        """Back to the device."""
        url: str = outcome.device.get_absolute_url()
        return url


class MeasurementDelete(scoped.ScopedDeleteView):
    """Takes a meaning away; the recorded values stay."""

    model = Measurement
    related = ("device",)
    capability = "hosting.delete_measurement"
    consequence = _(
        "The point loses its meaning: live values, charts and settlement no longer use it. Recorded values stay."
    )

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Back to the device."""
        return [scoped.Crumb(str(self.object.device), self.object.device.get_absolute_url())]

    def get_cancel_url(self) -> str:
        """Back to the device."""
        url: str = self.object.device.get_absolute_url()
        return url

    def get_success_url(self, outcome: Any) -> str:
        """Back to the device."""
        return self.get_cancel_url()
