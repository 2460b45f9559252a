"""Pages of sites."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting.filters import SiteFilter
from hosting.forms import SiteForm
from hosting.models import Site
from hosting.tables import SiteTable
from hosting.views.records import InventoryList


class SiteList(InventoryList):
    """Every site that the user may see."""

    model = Site
    table_class = SiteTable
    filterset_class = SiteFilter
    title = _("Sites")
    empty_title = _("No site yet")
    empty_text = _("A site is a place where compute makes heat. Add the first one, then its controllers.")
    create_url_name = "hosting:site_create"
    create_label = _("Add a site")
    create_capability = "hosting.add_site"
    import_table = "sites"


class SiteCreate(scoped.ScopedCreateView):
    """Adds a site."""

    model = Site
    form_class = SiteForm
    title = _("Add a site")
    capability = "hosting.add_site"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Back to the list."""
        return [scoped.Crumb(str(_("Sites")), reverse("hosting:site_list"))]


class SiteUpdate(scoped.ScopedUpdateView):
    """Changes a site."""

    model = Site
    form_class = SiteForm
    capability = "hosting.change_site"


class SiteDelete(scoped.ScopedDeleteView):
    """Deletes a site at which nothing stands yet."""

    model = Site
    capability = "hosting.delete_site"
    success_url_name = "hosting:site_list"
    consequence = _("The site is removed. This works only while nothing stands there; otherwise retire it.")
