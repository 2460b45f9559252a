"""The list of quarter hours of a piece of equipment, and its filter bar."""

from typing import Any

import django_filters
from django.db.models import F, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import filters, tables
from hosting.models import EquipmentModel
from thermal.filters import instant_filter
from thermal.models import EquipmentInterval
from thermal.tables import LocalColumn, ZonedTable


class EquipmentIntervalTable(ZonedTable):
    """Quarter hours of a heat pump, exchanger or buffer."""

    start = LocalColumn()
    hot_in_c = tables.QuantityColumn(unit="°C", digits=2)
    hot_out_c = tables.QuantityColumn(unit="°C", digits=2)
    cold_in_c = tables.QuantityColumn(unit="°C", digits=2)
    cold_out_c = tables.QuantityColumn(unit="°C", digits=2)
    mean_c = tables.QuantityColumn(unit="°C", digits=2)
    approach_k = tables.QuantityColumn(unit="K", digits=2)
    heat_kwh = tables.QuantityColumn(unit="kWh", digits=4)
    electricity_kwh = tables.QuantityColumn(unit="kWh", digits=4)
    cop = tables.QuantityColumn(digits=2, verbose_name=_("COP"), orderable=False)
    carnot_kwh = tables.QuantityColumn(unit="kWh", digits=4)
    lorenz_kwh = tables.QuantityColumn(unit="kWh", digits=4)
    is_loaded = tables.YesNoColumn()
    charge_ratio = tables.QuantityColumn(unit="%", digits=1, factor=100)
    measured_s = tables.QuantityColumn(unit="s", digits=0)
    version = tables.QuantityColumn(digits=0)

    class Meta(ZonedTable.Meta):
        model = EquipmentInterval
        fields: Any = (
            "start",
            "hot_in_c",
            "hot_out_c",
            "cold_in_c",
            "cold_out_c",
            "mean_c",
            "approach_k",
            "heat_kwh",
            "electricity_kwh",
            "cop",
            "carnot_kwh",
            "lorenz_kwh",
            "is_loaded",
            "charge_ratio",
            "energy_basis",
            "measured_s",
            "version",
        )


# What equipment of a kind never has.
_OF_PUMPS = ("electricity_kwh", "cop", "carnot_kwh", "lorenz_kwh")
LEFT_OUT = {
    EquipmentModel.Kind.HEAT_PUMP.value: ("mean_c", "approach_k", "charge_ratio"),
    EquipmentModel.Kind.PLATE_EXCHANGER.value: ("mean_c", "charge_ratio", *_OF_PUMPS),
    EquipmentModel.Kind.BUFFER_TANK.value: ("approach_k", "heat_kwh", "is_loaded", "energy_basis", *_OF_PUMPS),
}


class EquipmentIntervalFilter(filters.ScopedFilterSet):
    """Quarter hours by time (UTC), load, and whether their COP is at or above Carnot."""

    start = instant_filter("start", "gte", _("from (UTC)"))
    end = instant_filter("start", "lt", _("before (UTC)"))
    impossible = django_filters.BooleanFilter(label=_("COP at or above Carnot"), method="narrow_to_impossible")

    class Meta:
        model = EquipmentInterval
        fields: Any = ("is_loaded",)

    def narrow_to_impossible(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001 -- the library's signature
        """Those under load whose electricity is not above the least work of Carnot, or all others."""
        found = {"is_loaded": True, "electricity_kwh__lte": F("carnot_kwh")}
        return rows.filter(**found) if value else rows.exclude(**found)
