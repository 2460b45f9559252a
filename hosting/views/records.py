"""What the pages of the inventory share: tabs between its lists, records as facts and related tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_tables2 import RequestConfig

from accounts.queries import changes
from accounts.views import scoped

ROWS_IN_SECTION = 50
# A help text this short is a unit.
LONGEST_UNIT = 6

TABS: tuple[tuple[str, Any], ...] = (
    ("site", _("Sites")),
    ("equipment", _("Equipment")),
    ("connection", _("Connections")),
    ("deliverypoint", _("Delivery points")),
    ("meter", _("Meters")),
    ("controller", _("Controllers")),
    ("device", _("Devices")),
    ("plannedoutage", _("Planned works")),
    ("equipmentmodel", _("Products")),
    ("deviceprofile", _("Device profiles")),
)


@dataclass(frozen=True)
class Tab:
    """A link to one list of the inventory."""

    label: Any
    url: str
    is_current: bool
    count: str = ""


@dataclass(frozen=True)
class Fact:
    """One line of a record."""

    label: str
    value: Any
    unit: str = ""
    url: str = ""
    digits: int | None = None


@dataclass(frozen=True)
class Section:
    """Related rows below the facts of a record."""

    title: Any
    table: Any
    all_url: str = ""
    add_url: str = ""
    add_label: Any = ""


@dataclass(frozen=True)
class Action:
    """A button beside the title of a record."""

    label: Any
    icon: str
    url: str
    capability: str


def tabs_for(model: type[models.Model], user: Any) -> list[Tab]:
    """The lists that the person may open, the one of the model marked."""
    return [
        Tab(label, reverse(f"hosting:{name}_list"), name == model._meta.model_name)
        for name, label in TABS
        if user.has_perm(f"hosting.view_{name}") or name == model._meta.model_name
    ]


class InventoryList(scoped.ScopedListView):
    """A list with the tabs of the inventory above it."""

    template_name = "hosting/list.html"
    import_table: ClassVar[str] = ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The context of the list, and where its file is imported and exported."""
        exported = reverse("hosting:exchange_export", args=[self.import_table]) if self.import_table else ""
        may_import = self.request.user.has_perm(f"hosting.add_{self.model._meta.model_name}")
        context = {
            "tabs": tabs_for(self.model, self.request.user),
            "import_url": reverse("hosting:exchange_import", args=[self.import_table])
            if may_import and self.import_table
            else "",
            "table_export_url": exported,
        }
        return super().get_context_data(**{**context, **kwargs})


class RecordPage(scoped.ScopedDetailView):
    """A record: its facts, what hangs on it, and what can be done with it."""

    template_name = "hosting/record.html"
    left_out: ClassVar[tuple[str, ...]] = ()

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list, and the site where the row has one."""
        name = self.model._meta.model_name
        crumbs = [scoped.Crumb(str(self.model._meta.verbose_name_plural).capitalize(), reverse(f"hosting:{name}_list"))]
        site = getattr(self.object, "site", None)
        if site is not None:
            crumbs.insert(0, scoped.Crumb(site.name, site.get_absolute_url()))
        return crumbs

    def facts(self) -> list[Fact]:
        """Every plain field of the row that a person may edit."""
        left_out = {"id", *self.left_out}
        fields = [field for field in self.model._meta.fields if field.name not in left_out]
        return [fact_of(self.object, field) for field in fields if field.editable]

    def sections(self) -> Sequence[Section]:
        """The related tables."""
        return ()

    def actions(self) -> Sequence[Action]:
        """The buttons: change and delete unless a page says otherwise."""
        name = self.model._meta.model_name
        return (
            Action(
                _("Change"),
                "pencil",
                reverse(f"hosting:{name}_update", args=[self.object.pk]),
                f"hosting.change_{name}",
            ),
            Action(
                _("Delete"), "trash", reverse(f"hosting:{name}_delete", args=[self.object.pk]), f"hosting.delete_{name}"
            ),
        )

    def section(self, title: Any, table_class: Any, rows: Any, **kwargs: Any) -> Section:
        """A related table, its rows narrowed to what the person may see."""
        narrowed = rows.visible_to(self.request.user) if hasattr(rows, "visible_to") else rows
        table = table_class(data=narrowed[:ROWS_IN_SECTION], orderable=False)
        RequestConfig(self.request, paginate=False).configure(table)
        return Section(title, table, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Facts, sections and the actions that the person may take."""
        actions = [action for action in self.actions() if self.request.user.has_perm(action.capability)]
        kind = self.model._meta
        history_url = reverse("accounts:history", args=[kind.app_label, kind.model_name, self.object.pk])
        context = {
            "facts": self.facts(),
            "sections": self.sections(),
            "actions": actions,
            "history_url": history_url if changes.has_history(self.model) else "",
        }
        return super().get_context_data(**{**context, **kwargs})


def fact_of(row: models.Model, field: Any) -> Fact:
    """One field of a row as label, value and unit."""
    label = str(field.verbose_name)
    label = label[:1].upper() + label[1:]
    value = getattr(row, field.name)
    if isinstance(field, models.ForeignKey):
        return Fact(label, "" if value is None else str(value), url="" if value is None else value.get_absolute_url())
    if isinstance(value, bool):
        return Fact(label, _("yes") if value else _("no"))
    if field.choices:
        return Fact(label, getattr(row, f"get_{field.name}_display")())
    if isinstance(field, models.FloatField | models.DecimalField) and value is not None:
        hint = str(field.help_text)
        return Fact(label, value, hint if len(hint) <= LONGEST_UNIT else " ", digits=_decimals(value))
    if isinstance(field, models.PositiveIntegerField) and value is not None:
        return Fact(label, str(value))
    return Fact(label, value)


def _decimals(value: Any) -> int:
    """How many digits stand after the point when nothing is rounded away."""
    exponent = Decimal(str(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
