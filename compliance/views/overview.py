"""The grid of sites by subject, and everything that is due."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from compliance import filters, tables
from compliance.models import Incident, Task
from compliance.queries import standing
from compliance.views.records import ListPage
from hosting.models import Site


class Overview(ListPage):
    """Where each site stands: due and overdue by subject."""

    model = Site
    table_class = tables.OverviewTable
    filterset_class = filters.OverviewFilter
    template_name = "compliance/overview.html"
    title = _("Compliance")
    empty_title = _("No site yet")
    empty_text = _("Sites appear here with their duties as soon as there are any.")
    capability = "compliance.view_task"
    export_name = "compliance"

    def get_queryset(self) -> QuerySet[Any]:
        """The visible sites with their counts."""
        now = timezone.now()
        return standing.with_standing(super().get_queryset(), today=timezone.localdate(now), now=now)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The counts over everything that the person may see."""
        user = self.request.user
        counts = standing.totals(Task.objects.visible_to(user), today=timezone.localdate())
        incidents = Incident.objects.visible_to(user).exclude(state=Incident.State.CLOSED).count()
        return super().get_context_data(counts=counts, open_incidents=incidents, **kwargs)
