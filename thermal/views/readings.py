"""The registers of one meter."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from hosting.models import Meter
from thermal.filters import ReadingFilter
from thermal.models import MeterReading
from thermal.tables import ReadingTable
from thermal.views.heat import heat_crumb


class ReadingList(scoped.ScopedListView):
    """The readings of a meter, newest first."""

    model = MeterReading
    table_class = ReadingTable
    filterset_class = ReadingFilter
    empty_title = gettext_lazy("No reading yet")
    empty_text = gettext_lazy("Readings come by polling, or from a file.")

    def get_queryset(self) -> QuerySet[Any]:
        self.meter = get_object_or_404(scoped.visible(Meter, self.request), pk=self.kwargs["pk"])
        # Whoever may see the meter may see its readings; asking again per row would join its placements.
        rows: QuerySet[Any] = MeterReading.objects.filter(meter=self.meter).order_by("-at", "-version")
        return rows

    def get_table_kwargs(self) -> dict[str, Any]:
        placement = self.meter.placements.select_related("site").order_by("-valid_from").first()
        return {"zone": placement.site.time_zone if placement else ""}

    def get_title(self) -> str:
        return _("Readings of meter %(serial)s") % {"serial": self.meter.serial}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]
