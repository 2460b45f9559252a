"""Data health: how well every device is read, and the last month of one."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from hosting.models import Device
from thermal.filters import DataHealthFilter
from thermal.queries import health
from thermal.tables import DataHealthTable
from thermal.views.heat import heat_crumb

BAR_WIDTH, BAR_HEIGHT = 10, 40


class DataHealth(scoped.ScopedListView):
    """Every device that the person may see, and how well it is read."""

    model = Device
    table_class = DataHealthTable
    filterset_class = DataHealthFilter
    related = ("controller__site",)
    template_name = "thermal/data_health.html"
    title = gettext_lazy("Data health")
    empty_title = gettext_lazy("No device yet")
    empty_text = gettext_lazy("Devices appear here once a controller with devices was added to a site.")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]

    def get_queryset(self) -> QuerySet[Any]:
        rows = health.with_health(super().get_queryset(), timezone.now())
        return rows.order_by("-failure_count", "code")


class DeviceHistory(scoped.ScopedDetailView):
    """The last thirty days of a device, a bar for each; part of the device's page."""

    model = Device
    template_name = "thermal/partials/device_history.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        days = health.history_of(self.object, timezone.now())
        polled = sum(day.poll_count for day in days)
        answered = sum((day.answered_ratio or 0) * day.poll_count for day in days)
        context = {
            "bars": [bar_of(index, day) for index, day in enumerate(days)],
            "days": [day for day in reversed(days) if day.poll_count],
            "width": BAR_WIDTH * len(days),
            "height": BAR_HEIGHT,
            "answered_ratio": answered / polled if polled else None,
            "label": _("Share of polls answered on each of the last %(count)s days") % {"count": len(days)},
        }
        return super().get_context_data(**{**context, **kwargs})


def bar_of(index: int, day: health.Day) -> dict[str, Any]:
    """One day as a bar: what was answered stands on the ground, the rest is left empty."""
    share = day.answered_ratio
    height = 0 if share is None else max(1, round(share * BAR_HEIGHT))
    level = "unknown" if share is None else "ok" if share >= 0.98 else "warn" if share >= 0.9 else "bad"
    return {"x": index * BAR_WIDTH, "y": BAR_HEIGHT - height, "height": height, "level": level, "day": day}
