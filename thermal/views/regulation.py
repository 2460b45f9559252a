"""Pages of disclosure: what the law wants to know of a site and a year, and the facts behind it."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from hosting.models import Site
from kernel import csvfiles
from thermal.kpi_forms import SiteFactForm
from thermal.models import SiteFact
from thermal.queries import disclosure_files, kpi_ledger, regulation
from thermal.services import site_facts
from thermal.views.heat import heat_crumb, site_crumb
from thermal.views.spans import chosen_year

ADD_FACT = "thermal.add_sitefact"


class Regulation(scoped.ScopedObjectPage):
    """The disclosure of a site for a year, as page, CSV or JSON."""

    model = Site
    capability = kpi_ledger.READ
    template_name = "thermal/regulation.html"

    def get_title(self) -> str:
        return _("Disclosure of %(site)s") % {"site": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.object)]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.require_capability()
        self.made = regulation.disclosure_of(site=self.object, year=chosen_year(request))
        name = f"disclosure-{self.object.code}-{self.made.year}"
        if request.GET.get("export") == "json":
            disposition = f'attachment; filename="{name}.json"'
            return JsonResponse(disclosure_files.as_plain(self.made), headers={"Content-Disposition": disposition})
        if request.GET.get("export") == "csv":
            items = disclosure_files.as_plain(self.made)["items"]
            lines = csvfiles.write_lines(list(items[0]), [list(item.values()) for item in items])
            disposition = f'attachment; filename="{name}.csv"'
            return StreamingHttpResponse(lines, content_type="text/csv", headers={"Content-Disposition": disposition})
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        made = self.made
        this_year = timezone.localdate().year
        context = {
            "made": made,
            "size": regulation.SIZES[made.size_class],
            "quotas": [(one, *regulation.STANDINGS[one.standing.value]) for one in made.quotas],
            "year": made.year,
            "years": range(this_year, this_year - 6, -1),
            "may_add": self.request.user.has_perm(ADD_FACT),
        }
        return super().get_context_data(**{**context, **kwargs})


class SiteFactCreate(scoped.ScopedCreateView):
    """Enters a fact of a site that no meter tells."""

    model = SiteFact
    form_class = SiteFactForm
    capability = ADD_FACT
    title = gettext_lazy("Enter a fact")

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_authenticated:
            self.site: Site = get_object_or_404(scoped.visible(Site, request), pk=kwargs["pk"])

    def breadcrumbs(self) -> list[scoped.Crumb]:
        listed = reverse("thermal:regulation", args=[self.site.pk])
        return [heat_crumb(), site_crumb(self.site), scoped.Crumb(_("Disclosure"), listed)]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "instance": SiteFact(site=self.site)}

    def save(self, form: Any) -> SiteFact:
        return site_facts.record_fact(fact=form.instance, site=self.site, by=self.person, now=timezone.now())
