"""The pages one lands on: overview, first start, search."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting.models import Controller, Device, Site
from kernel.periods import QUARTER_HOUR, Period
from portal import frame
from portal.queries import overview, search


class Overview(scoped.ScopedPage):
    """What an operator sees first; others go on to the page that is theirs."""

    template_name = "portal/overview.html"
    title = _("Overview")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The overview, the three first steps, or the start page of whoever does not operate."""
        user: Any = request.user
        if not user.has_perm("hosting.view_site"):
            own = next((url for entry in frame.navigation_of(user) if (url := frame.url_of(entry.url_name))), "")
            return HttpResponseRedirect(own or reverse("hosting:site_list"))
        if not Site.objects.exists():
            return HttpResponseRedirect(reverse("portal:first_start"))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tiles and rows of this moment."""
        now = timezone.now()
        midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        today = Period(midnight, max(now, midnight + QUARTER_HOUR))
        user = self.request.user
        context = {
            "now": now,
            "totals": overview.totals(user=user, today=today, now=now),
            "rows": overview.site_rows(user=user, now=now),
            "urls": {
                name: frame.url_of(view)
                for name, view in (
                    ("alarms", "thermal:alarm_list"),
                    ("heat", "thermal:heat_list"),
                    ("service", "contracts:contract_list"),
                    ("billing", "contracts:billing_home"),
                    ("tasks", "compliance:task_list"),
                )
            },
        }
        return super().get_context_data(**{**context, **kwargs})


class FirstStart(scoped.ScopedPage):
    """Three steps from nothing to the first value."""

    template_name = "portal/first_start.html"
    title = _("First steps")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """How far it has come."""
        user = self.request.user
        device = Device.objects.visible_to(user).order_by("last_success_at", "pk").last()
        context = {
            "site": Site.objects.visible_to(user).order_by("pk").first(),
            "controller": Controller.objects.visible_to(user).order_by("pk").first(),
            "device": device,
            "has_answered": device is not None and device.last_success_at is not None,
        }
        return super().get_context_data(**{**context, **kwargs})


class Search(scoped.ScopedPage):
    """One search over everything with a name or a number."""

    template_name = "portal/search.html"
    title = _("Search")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What was found, by kind."""
        text = self.request.GET.get("q", "").strip()[:100]
        return super().get_context_data(
            **{"text": text, "found": search.search(user=self.request.user, text=text), **kwargs}
        )
