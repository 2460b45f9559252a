"""Pages of products, equipment and pipes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting import tables
from hosting.filters import ConnectionFilter, EquipmentFilter, EquipmentModelFilter
from hosting.forms import ConnectionForm, EquipmentForm, EquipmentModelForm
from hosting.models import Connection, Equipment, EquipmentModel
from hosting.queries import isolation
from hosting.views.records import InventoryList, RecordPage, Section

Kind = EquipmentModel.Kind
# What thermal keeps a ledger of, and shows on the record.
WITH_FIGURES = frozenset({Kind.HEAT_PUMP, Kind.PLATE_EXCHANGER, Kind.BUFFER_TANK})


class EquipmentModelList(InventoryList):
    """Every product."""

    model = EquipmentModel
    table_class = tables.EquipmentModelTable
    filterset_class = EquipmentModelFilter
    title = _("Products")
    empty_text = _("A product is what equipment is an instance of: maker, model, kind and rating.")
    create_url_name = "hosting:equipmentmodel_create"
    create_capability = "hosting.add_equipmentmodel"
    import_table = "equipment-models"


class EquipmentModelDetail(RecordPage):
    """One product and what stands of it."""

    model = EquipmentModel

    def sections(self) -> Sequence[Section]:
        """Equipment of this product."""
        rows = Equipment.objects.filter(model=self.object).select_related("site", "model")
        return (self.section(_("Equipment"), tables.EquipmentTable, rows),)


class EquipmentModelCreate(scoped.ScopedCreateView):
    """Adds a product."""

    model = EquipmentModel
    form_class = EquipmentModelForm
    title = _("Add a product")
    capability = "hosting.add_equipmentmodel"


class EquipmentModelUpdate(scoped.ScopedUpdateView):
    """Changes a product."""

    model = EquipmentModel
    form_class = EquipmentModelForm
    capability = "hosting.change_equipmentmodel"


class EquipmentModelDelete(scoped.ScopedDeleteView):
    """Deletes a product of which nothing stands."""

    model = EquipmentModel
    capability = "hosting.delete_equipmentmodel"
    success_url_name = "hosting:equipmentmodel_list"


class EquipmentList(InventoryList):
    """Every piece of equipment that the user may see."""

    model = Equipment
    table_class = tables.EquipmentTable
    filterset_class = EquipmentFilter
    related = ("site", "model")
    title = _("Equipment")
    empty_text = _("Add racks, exchangers, tanks and coolers, then connect them: the heat path draws itself.")
    create_url_name = "hosting:equipment_create"
    create_capability = "hosting.add_equipment"
    import_table = "equipment"


class EquipmentDetail(RecordPage):
    """One piece of equipment: its pipes, its values, and what is lost without it."""

    model = Equipment
    related = ("site", "model", "parent")
    template_name = "hosting/equipment_detail.html"

    def sections(self) -> Sequence[Section]:
        """Pipes, parts and measurements."""
        ends = ("source__site", "target")
        return (
            self.section(_("Pipes out"), tables.ConnectionTable, self.object.outlets.select_related(*ends)),
            self.section(_("Pipes in"), tables.ConnectionTable, self.object.inlets.select_related(*ends)),
            self.section(_("Parts"), tables.EquipmentTable, self.object.parts.select_related("site", "model")),
            self.section(
                _("Measurements"),
                tables.MeasurementTable,
                self.object.measurements.select_related(
                    "device", "equipment", "delivery_point", "connection__source", "connection__target"
                ),
            ),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The record, the loss that isolating it would mean, and whether its figures are shown."""
        shown = self.object.model.kind in WITH_FIGURES and self.request.user.has_perm("thermal.read_kpis")
        return super().get_context_data(**{"loss": isolation.loss_of(self.object), "has_figures": shown, **kwargs})


class EquipmentCard(EquipmentDetail):
    """The short form of a record that opens beside the heat path."""

    template_name = "hosting/partials/equipment_card.html"

    def sections(self) -> Sequence[Section]:
        """None: the card is short."""
        return ()


class EquipmentCreate(scoped.ScopedCreateView):
    """Adds equipment, at the site named in the address if there is one."""

    model = Equipment
    form_class = EquipmentForm
    title = _("Add equipment")
    capability = "hosting.add_equipment"

    def get_initial(self) -> dict[str, Any]:
        """The site from which the button was pressed."""
        return {"site": self.request.GET.get("site", "")}


class EquipmentUpdate(scoped.ScopedUpdateView):
    """Changes equipment."""

    model = Equipment
    form_class = EquipmentForm
    capability = "hosting.change_equipment"


class EquipmentDelete(scoped.ScopedDeleteView):
    """Deletes equipment that nothing refers to."""

    model = Equipment
    capability = "hosting.delete_equipment"
    success_url_name = "hosting:equipment_list"


class ConnectionList(InventoryList):
    """Every pipe that the user may see."""

    model = Connection
    table_class = tables.ConnectionTable
    filterset_class = ConnectionFilter
    related = ("source__site", "target")
    title = _("Connections")
    empty_text = _("A connection is a pipe in the direction of flow. Connect equipment to draw the heat path.")
    create_url_name = "hosting:connection_create"
    create_capability = "hosting.add_connection"
    import_table = "connections"


class ConnectionDetail(RecordPage):
    """One pipe."""

    model = Connection
    related = ("source__site", "target")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The site, then the list."""
        site = self.object.source.site
        return [scoped.Crumb(site.name, site.get_absolute_url()), *super().breadcrumbs()]

    def sections(self) -> Sequence[Section]:
        """What is measured on the pipe."""
        rows = self.object.measurements.select_related(
            "device", "equipment", "delivery_point", "connection__source", "connection__target"
        )
        return (self.section(_("Measurements"), tables.MeasurementTable, rows),)


class ConnectionCreate(scoped.ScopedCreateView):
    """Adds a pipe."""

    model = Connection
    form_class = ConnectionForm
    title = _("Add a connection")
    capability = "hosting.add_connection"


class ConnectionUpdate(scoped.ScopedUpdateView):
    """Changes a pipe."""

    model = Connection
    form_class = ConnectionForm
    capability = "hosting.change_connection"


class ConnectionDelete(scoped.ScopedDeleteView):
    """Deletes a pipe."""

    model = Connection
    related = ("source", "target")
    capability = "hosting.delete_connection"
    success_url_name = "hosting:connection_list"
