"""Pages of delivery points and meters, the guided exchange of a meter included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting import tables
from hosting.filters import DeliveryPointFilter, MeterFilter
from hosting.forms import DeliveryPointForm, MeterForm, PlaceMeterForm
from hosting.models import DeliveryPoint, Meter, MeterPhoto, MeterPlacement
from hosting.services import metering
from hosting.views.records import Action, InventoryList, RecordPage, Section

PLACEMENT_ENDS = ("meter", "site", "delivery_point")


class DeliveryPointList(InventoryList):
    """Every delivery point that the user may see."""

    model = DeliveryPoint
    table_class = tables.DeliveryPointTable
    filterset_class = DeliveryPointFilter
    related = ("site",)
    title = _("Delivery points")
    empty_text = _("A delivery point is where heat passes to an offtaker. Add one, then place its meter.")
    create_url_name = "hosting:deliverypoint_create"
    create_capability = "hosting.add_deliverypoint"
    import_table = "delivery-points"


class DeliveryPointDetail(RecordPage):
    """One delivery point with the meters that stood there."""

    model = DeliveryPoint
    related = ("site", "equipment")

    def sections(self) -> Sequence[Section]:
        """Meters and measurements."""
        placements = self.object.placements.select_related(*PLACEMENT_ENDS).order_by("-valid_from")
        values = self.object.measurements.select_related(
            "device", "equipment", "delivery_point", "connection__source", "connection__target"
        )
        return (
            self.section(_("Meters"), tables.PlacementTable, placements),
            self.section(_("Measurements"), tables.MeasurementTable, values),
            self.section(
                _("Planned works"),
                tables.PlannedOutageTable,
                self.object.planned_outages.select_related("site", "delivery_point"),
            ),
        )


class DeliveryPointCreate(scoped.ScopedCreateView):
    """Adds a delivery point."""

    model = DeliveryPoint
    form_class = DeliveryPointForm
    title = _("Add a delivery point")
    capability = "hosting.add_deliverypoint"

    def get_initial(self) -> dict[str, Any]:
        """The site from which the button was pressed."""
        return {"site": self.request.GET.get("site", "")}


class DeliveryPointUpdate(scoped.ScopedUpdateView):
    """Changes a delivery point."""

    model = DeliveryPoint
    form_class = DeliveryPointForm
    capability = "hosting.change_deliverypoint"


class DeliveryPointDelete(scoped.ScopedDeleteView):
    """Deletes a delivery point that nothing refers to."""

    model = DeliveryPoint
    capability = "hosting.delete_deliverypoint"
    success_url_name = "hosting:deliverypoint_list"


class MeterList(InventoryList):
    """Every meter that the user may see."""

    model = Meter
    table_class = tables.MeterTable
    filterset_class = MeterFilter
    title = _("Meters")
    empty_text = _("Enter a meter with its serial number, then place it where it stands.")
    create_url_name = "hosting:meter_create"
    create_capability = "hosting.add_meter"
    import_table = "meters"


class MeterDetail(RecordPage):
    """One meter and where it stood."""

    model = Meter
    template_name = "hosting/meter_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the photos of its exchanges."""
        gone = Q(swap__placement__meter=self.object, moment=MeterPhoto.Moment.OLD)
        came = Q(swap__fitted__meter=self.object, moment=MeterPhoto.Moment.NEW)
        photos = MeterPhoto.objects.visible_to(self.request.user).filter(gone | came)
        context = {"photos": photos.select_related("uploaded_by")}
        return super().get_context_data(**{**context, **kwargs})

    def standing(self) -> MeterPlacement | None:
        """Where the meter stands now."""
        rows = self.object.placements.visible_to(self.request.user)
        found: MeterPlacement | None = rows.filter(valid_until__isnull=True).first()
        return found

    def actions(self) -> Sequence[Action]:
        """Exchange or place it, besides the usual."""
        standing = self.standing()
        if standing is None:
            place = Action(
                _("Place"), "meter", reverse("hosting:meter_place", args=[self.object.pk]), "hosting.add_meterplacement"
            )
        else:
            place = Action(
                _("Exchange"),
                "meter",
                reverse("hosting:meter_swap", args=[standing.pk]),
                "hosting.change_meterplacement",
            )
        return (place, *super().actions())

    def sections(self) -> Sequence[Section]:
        """Places and the devices that read it."""
        return (
            self.section(
                _("Places"),
                tables.PlacementTable,
                self.object.placements.select_related(*PLACEMENT_ENDS).order_by("-valid_from"),
            ),
            self.section(
                _("Read by"), tables.DeviceTable, self.object.devices.select_related("controller__site", "profile")
            ),
        )


class MeterCreate(scoped.ScopedCreateView):
    """Enters a meter; only who sees all sites finds it again before it is placed."""

    model = Meter
    form_class = MeterForm
    title = _("Add a meter")
    capability = "hosting.add_meter"


class MeterUpdate(scoped.ScopedUpdateView):
    """Changes what is known of a meter."""

    model = Meter
    form_class = MeterForm
    capability = "hosting.change_meter"


class MeterDelete(scoped.ScopedDeleteView):
    """Deletes a meter that never stood anywhere."""

    model = Meter
    capability = "hosting.delete_meter"
    success_url_name = "hosting:meter_list"


class MeterPlace(scoped.ScopedUpdateView):
    """Places a meter."""

    model = Meter
    form_class = PlaceMeterForm
    capability = "hosting.add_meterplacement"
    submit_label = _("Place the meter")

    def get_title(self) -> str:
        """What is being placed."""
        return str(_("Place meter %(serial)s")) % {"serial": self.object}

    def save(self, form: Any) -> Any:
        """One call: the meter comes to stand there."""
        entered = form.cleaned_data
        metering.place_meter(
            meter=self.object,
            site=entered["site"],
            role=MeterPlacement.Role(entered["role"]),
            delivery_point=entered["delivery_point"],
            at=entered["at"],
            registers=metering.Registers(entered["register"], entered["volume_m3"]),
            by=self.request.user,
        )
        return self.object
