"""Pages of planned works."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting import tables
from hosting.filters import PlannedOutageFilter
from hosting.forms import PlannedOutageForm
from hosting.models import PlannedOutage
from hosting.services import outages
from hosting.views.records import Action, InventoryList, RecordPage
from kernel.periods import Period


class PlannedOutageList(InventoryList):
    """Every announcement that the user may see."""

    model = PlannedOutage
    table_class = tables.PlannedOutageTable
    filterset_class = PlannedOutageFilter
    related = ("site", "delivery_point")
    title = _("Planned works")
    empty_text = _("Announce works before they start: service levels leave them out and alarms stay quiet.")
    create_url_name = "hosting:plannedoutage_create"
    create_label = _("Announce works")
    create_capability = "hosting.add_plannedoutage"


class PlannedOutageDetail(RecordPage):
    """One announcement."""

    model = PlannedOutage
    related = ("site", "delivery_point", "created_by")

    def actions(self) -> Sequence[Action]:
        """Works that have not begun can be called off."""
        if self.object.cancelled_at is not None or self.object.starts_at <= timezone.now():
            return ()
        url = reverse("hosting:plannedoutage_cancel", args=[self.object.pk])
        return (Action(_("Call off"), "x", url, "hosting.change_plannedoutage"),)


class PlannedOutageCreate(scoped.ScopedCreateView):
    """Announces works."""

    model = PlannedOutage
    form_class = PlannedOutageForm
    title = _("Announce works")
    capability = "hosting.add_plannedoutage"
    submit_label = _("Announce")

    def get_initial(self) -> dict[str, Any]:
        """The site from which the button was pressed."""
        return {"site": self.request.GET.get("site", "")}

    def save(self, form: Any) -> Any:
        """One call: the announcement."""
        entered = form.cleaned_data
        return outages.announce_outage(
            site=entered["site"],
            delivery_point=entered["delivery_point"],
            period=Period(entered["starts_at"], entered["ends_at"]),
            reason=entered["reason"],
            by=self.request.user,
            now=timezone.now(),
        )


class PlannedOutageCancel(scoped.ConfirmView):
    """Calls works off."""

    model = PlannedOutage
    related = ("site",)
    capability = "hosting.change_plannedoutage"
    title = _("Call off the works")
    consequence = _("The works count as never planned: service levels and alarms go on as usual.")
    confirm_label = _("Call off")

    def act(self, form: Any) -> Any:
        """One call: the cancellation."""
        return outages.cancel_outage(outage=self.object, by=self.request.user, now=timezone.now())
