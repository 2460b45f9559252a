"""Pages of sites."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting.filters import SiteFilter
from hosting.models import Site
from hosting.tables import SiteTable


class SiteList(scoped.ScopedListView):
    """Every site that the user may see."""

    model = Site
    table_class = SiteTable
    filterset_class = SiteFilter
    title = _("Sites")
    empty_title = _("No site yet")
    empty_text = _("A site is a place where compute makes heat. Add the first one, then its controllers.")


class SiteDetail(scoped.ScopedDetailView):
    """The record of one site."""

    model = Site
    template_name = "hosting/site_detail.html"
