"""The page of one site: its heat path first, then balance, figures, alarms, equipment and works."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting import tables
from hosting.models import Site
from hosting.views.records import RecordPage, Section
from kernel.periods import Period, quarter_start
from portal.queries import site_page

OPEN_ALARMS_SHOWN = 8


class SitePage(RecordPage):
    """Everything about one site, live at the top."""

    model = Site
    template_name = "portal/site_page.html"
    left_out = ("name", "latitude_deg", "longitude_deg", "address")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Back to the list."""
        return [scoped.Crumb(str(_("Sites")), reverse("hosting:site_list"))]

    def sections(self) -> list[Section]:
        """Delivery points, controllers and works to come."""
        site, now = self.object, timezone.now()
        works = site.planned_outages.filter(ends_at__gt=now, cancelled_at__isnull=True).order_by("starts_at")
        return [
            self._list(_("Planned works"), tables.PlannedOutageTable, works, "plannedoutage", _("Announce works")),
            self._list(
                _("Delivery points"), tables.DeliveryPointTable, site.delivery_points.all(), "deliverypoint", _("Add")
            ),
            self._list(_("Controllers"), tables.ControllerTable, site.controllers.all(), "controller", _("Add")),
        ]

    def _list(self, title: Any, table: Any, rows: Any, name: str, label: Any) -> Section:
        may_add = self.request.user.has_perm(f"hosting.add_{name}")
        add_url = f"{reverse(f'hosting:{name}_create')}?site={self.object.pk}" if may_add else ""
        related = [one for one in ("site", "delivery_point") if one in {f.name for f in rows.model._meta.fields}]
        return self.section(title, table, rows.select_related(*related), add_url=add_url, add_label=label)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The live drawing and what stands below it."""
        site, now = self.object, timezone.now()
        newest = quarter_start(now)
        user: Any = self.request.user
        alarms = site_page.open_alarms(site).visible_to(user)  # type: ignore[attr-defined]
        others = Site.objects.visible_to(user).exclude(pk=site.pk).filter(latitude_deg__isnull=False)
        context = {
            "now": now,
            "picture": site_page.heat_path_of(site=site, now=now),
            "heat_path_url": reverse("hosting:site_heat_path", args=[site.pk]),
            "balance": site_page.balance_of(site=site, period=Period(newest - site_page.DAY, newest)),
            "alarms": alarms[:OPEN_ALARMS_SHOWN],
            "journal": site_page.journal_of(site=site, now=now),
            "tree": site_page.equipment_tree(site),
            "others": others.exclude(longitude_deg=None)[:100],
            "local_time": f"{now.astimezone(site.zone):%H:%M %Z}",
        }
        return super().get_context_data(**{**context, **kwargs})


class SiteHeatPath(scoped.ScopedObjectPage):
    """The live drawing alone, as the page asks for it again and again."""

    model = Site
    template_name = "hosting/partials/heat_path.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The fragment; it is never kept, or Back would show old values as new."""
        response = super().get(request, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        patch_vary_headers(response, ["HX-Request"])
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The drawing with the values of this moment."""
        now: dt.datetime = timezone.now()
        context = {
            "now": now,
            "picture": site_page.heat_path_of(site=self.object, now=now),
            "heat_path_url": reverse("hosting:site_heat_path", args=[self.object.pk]),
        }
        return super().get_context_data(**{**context, **kwargs})
