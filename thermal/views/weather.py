"""The weather of sites: its days, their import, and which demand follows it."""

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.views import scoped
from hosting.models import DeliveryPoint, Site
from thermal.kpi_filters import WeatherFilter
from thermal.kpi_forms import DependenceEndForm, SiteWeatherImportForm, WeatherDependenceForm, WeatherImportForm
from thermal.kpi_tables import WeatherTable
from thermal.models import WeatherDay, WeatherDependence
from thermal.queries import kpi_ledger, weather
from thermal.services import site_facts
from thermal.views.heat import heat_crumb, site_crumb

IMPORT = "thermal.import_weather"
STATE = "thermal.add_weatherdependence"
END = "thermal.change_weatherdependence"


def weather_crumb(site: Site) -> scoped.Crumb:
    """The crumb of a site's weather."""
    return scoped.Crumb(_("Weather"), reverse("thermal:weather_site", args=[site.pk]))


class SiteWeather(scoped.ScopedListView):
    """The days of weather that are known of a site, latest first, and which of its demand follows them."""

    model = WeatherDay
    capability = kpi_ledger.READ
    table_class = WeatherTable
    filterset_class = WeatherFilter
    template_name = "thermal/weather_site.html"
    empty_title = gettext_lazy("No weather known")
    empty_text = gettext_lazy(
        "Import a CSV file with a line for each day: its mean outdoor temperature or its degree days. Weather services "
        "give such files away."
    )
    create_url_name = "thermal:weather_site_import"
    create_label = gettext_lazy("Import a file")
    create_capability = IMPORT

    def get_queryset(self) -> QuerySet[Any]:
        self.site: Site = get_object_or_404(scoped.visible(Site, self.request), pk=self.kwargs["pk"])
        rows: QuerySet[Any] = WeatherDay.objects.filter(site=self.site).order_by("-day_on")
        return rows

    def get_create_url(self) -> str:
        return reverse(self.create_url_name, args=[self.site.pk])

    def get_table_kwargs(self) -> dict[str, Any]:
        return {"bases": weather.Bases(self.site)}

    def get_title(self) -> str:
        return _("Weather of %(site)s") % {"site": self.site}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.site)]

    def export_headers(self) -> list[str]:
        return list(weather.EXPORT_COLUMNS)

    def export_rows(self, rows: QuerySet[Any]) -> Iterator[Iterable[Any]]:
        """Each day as it can be imported again, with the degree days that count."""
        return weather.export_rows(rows, weather.Bases(self.site))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        context = {
            "site": self.site,
            "base_c": weather.Bases(self.site).on(timezone.localdate()),
            "demands": weather.demands(self.site, timezone.localdate()),
            "may_state": user.has_perm(STATE),
            "may_end": user.has_perm(END),
            "may_add_fact": user.has_perm("thermal.add_sitefact"),
        }
        return super().get_context_data(**{**context, **kwargs})


class WeatherImport(scoped.FormPage):
    """Takes the weather of several sites from a file."""

    model = Site
    template_name = "components/form_page.html"
    form_class: ClassVar[Any] = WeatherImportForm
    capability = IMPORT
    title = gettext_lazy("Import the weather")
    submit_label = gettext_lazy("Import")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), scoped.Crumb(_("Key figures of all sites"), reverse("thermal:kpi_comparison"))]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse whoever may not import, then show the form."""
        self.require_capability()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse whoever may not import, then import."""
        self.require_capability()
        return super().post(request, *args, **kwargs)

    def carry_out(self, form: Any) -> int:
        return self._store(form, {site.code: site for site in self.get_queryset()}, None)

    def _store(self, form: Any, sites: dict[str, Site], only: Site | None) -> int:
        given = form.cleaned_data
        count = site_facts.import_weather(
            content=given["file"].read(), source=given["source"], sites=sites, by=self.person, only=only
        )
        words = ngettext("%(count)s day of weather stored.", "%(count)s days of weather stored.", count)
        messages.success(self.request, words % {"count": count})
        return count

    def get_success_url(self, outcome: Any) -> str:
        del outcome
        return reverse("thermal:kpi_comparison") + "?figure=heat_per_degree_day"


class SiteWeatherImport(WeatherImport):
    """Takes the weather of one site from a file."""

    form_class: ClassVar[Any] = SiteWeatherImportForm

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_authenticated:
            self.site: Site = get_object_or_404(scoped.visible(Site, request), pk=kwargs["pk"])

    def get_title(self) -> str:
        return _("Import the weather of %(site)s") % {"site": self.site}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.site), weather_crumb(self.site)]

    def carry_out(self, form: Any) -> int:
        return self._store(form, {self.site.code: self.site}, self.site)

    def get_success_url(self, outcome: Any) -> str:
        del outcome
        return reverse("thermal:weather_site", args=[self.site.pk])


class DependenceCreate(scoped.ScopedCreateView):
    """Says that the demand of a delivery point follows the weather from a day on."""

    model = WeatherDependence
    form_class = WeatherDependenceForm
    capability = STATE

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_authenticated:
            rows = scoped.visible(DeliveryPoint, request).select_related("site")
            self.point: DeliveryPoint = get_object_or_404(rows, pk=kwargs["pk"])

    def get_title(self) -> str:
        return _("%(point)s: demand that follows the weather") % {"point": self.point}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.point.site), weather_crumb(self.point.site)]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "instance": WeatherDependence(delivery_point=self.point)}

    def save(self, form: Any) -> WeatherDependence:
        return site_facts.record_dependence(
            dependence=form.instance, delivery_point=self.point, by=self.person, now=timezone.now()
        )


class DependenceEnd(scoped.ScopedUpdateView):
    """Says from which day on the demand of a delivery point no longer follows the weather."""

    model = WeatherDependence
    form_class = DependenceEndForm
    capability = END
    related = ("delivery_point__site",)

    def get_title(self) -> str:
        return _("%(point)s: no longer follows the weather") % {"point": self.object.delivery_point}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        site = self.object.delivery_point.site
        return [heat_crumb(), site_crumb(site), weather_crumb(site)]

    def save(self, form: Any) -> WeatherDependence:
        return site_facts.end_dependence(
            dependence=self.object, on=form.cleaned_data["on"], by=self.person, now=timezone.now()
        )
