"""The page of a site's key figures: each with where it comes from, parts by mode and cause, and its hours as a map."""

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.views import scoped
from hosting.models import Site
from kernel.periods import Period, local_days
from thermal.domain.kpis import figures
from thermal.queries import kpi_ledger, kpi_maps, kpi_panels, kpi_words
from thermal.queries.kpi_facts import Span
from thermal.queries.kpi_maps import HourMap
from thermal.views import hour_charts, kpi_tiles, spans
from thermal.views.heat import heat_crumb, site_crumb
from thermal.views.kpis import PARTS_HEADER, csv_file, parts_lines

MAP_FIRST: Final = "heat_delivered"


class SiteFigures(scoped.ScopedObjectPage):
    """Every key figure of a site over a span, with formula, boundary, inputs, quality and what is missing."""

    model = Site
    capability = kpi_ledger.READ
    template_name = "thermal/kpi_site.html"

    def get_title(self) -> str:
        return _("Key figures of %(site)s") % {"site": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.object)]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.require_capability()
        self.now, self.chosen = timezone.now(), spans.chosen_span(request)
        if request.GET.get("export") == "modes":
            known = kpi_ledger.known_of_site(site=self.object, span=self.chosen.span, now=self.now)
            name = f"export-modes-{self.object.code}-{self.chosen.span.first:%Y-%m}.csv"
            return csv_file(name, PARTS_HEADER, parts_lines(self.object, known, self.chosen))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        site, span = self.object, self.chosen.span
        period = local_days(span.first, span.until, site.zone)
        known = kpi_ledger.known_of_site(site=site, span=span, now=self.now)
        panels = [
            kpi_tiles.tile(shown, site=site, period=period, period_words=self.chosen.in_words)
            for shown in kpi_ledger.figures_from(site=site, span=span, known=known, now=self.now)
        ]
        context = {
            "panels": [panel for panel in panels if panel["value"] is not None],
            "waiting": [panel for panel in panels if panel["value"] is None],
            **spans.picker(self.chosen),
            **_parts(site, known, period),
            "modes_url": f"?{self.chosen.query}&export=modes",
            **self._map(),
        }
        return super().get_context_data(**{**context, **kwargs})

    def _map(self) -> dict[str, Any]:
        figure = _by_hour(self.request.GET.get("map", MAP_FIRST)) or figures.BY_KEY[MAP_FIRST]
        state = f"?{self.chosen.query}"
        return {
            "map_figure": figure,
            "map_label": kpi_words.FIGURES[figure.key],
            "map_choices": [(one.key, kpi_words.FIGURES[one.key]) for one in kpi_maps.BY_HOUR],
            "map_url": reverse("thermal:kpi_map", args=[self.object.pk, figure.key]) + state,
            "map_csv_url": reverse("thermal:kpi_map_csv", args=[self.object.pk, figure.key]) + state,
        }


def _by_hour(key: str) -> figures.Figure | None:
    figure = figures.BY_KEY.get(key)
    return figure if figure in kpi_maps.BY_HOUR else None


def _parts(site: Site, known: kpi_ledger.Sums, period: Period) -> dict[str, Any]:
    """Hours by export mode and by cause, each with a link to its quarter hours."""
    modes, causes = kpi_panels.modes_of(known), kpi_panels.causes_of(known)
    return {
        "modes": modes,
        "causes": causes,
        "mode_formula": kpi_panels.MODE_FORMULA,
        "cause_formula": kpi_panels.CAUSE_FORMULA,
        "mode_rows": [
            {"part": row, "url": kpi_tiles.rows_of_period(site, period, export_mode=row.number)} for row in modes.rows
        ],
        "cause_rows": [
            {
                "part": row,
                "url": kpi_tiles.rows_of_period(site, period, export_cause=row.number, curtailed="true"),
            }
            for row in causes.rows
        ],
    }


class _HourMapView(scoped.ScopedObjectPage):
    """A key figure of a site by day and hour."""

    model = Site
    capability = kpi_ledger.READ

    def made(self) -> HourMap:
        """The map that the address names."""
        figure = _by_hour(self.kwargs["figure"])
        if figure is None:
            raise Http404
        span = map_span(spans.chosen_span(self.request))
        return kpi_maps.hour_map(site=self.object, figure=figure, span=span, now=timezone.now())


def map_span(chosen: spans.Chosen) -> Span:
    """The days of the map: the season, else the whole year, of which a month would be too little to see a pattern."""
    return chosen.span if chosen.part == spans.SEASON else kpi_ledger.year_span(chosen.year)


class KpiMap(_HourMapView):
    """The map as JSON, by the contract of static/js/charts.js."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return what the chart shows."""
        return JsonResponse(hour_charts.chart_of(self.made()))


class KpiMapCsv(_HourMapView):
    """The map as a file: a line for each hour of the wall clock that is over."""

    HEADER: Final = ["day", "hour", "value", "unit", "is_estimated", "quarters_known", "quarters"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Return the file."""
        made = self.made()
        key, unit = made.figure.key, made.figure.unit
        lines = (
            [cell.day, cell.hour, cell.value, unit, int(cell.is_estimated), cell.quarters_known, cell.quarters]
            for cell in made.cells()
        )
        return csv_file(f"{key}-by-hour-{self.object.code}-{made.days[0]:%Y-%m}.csv", self.HEADER, lines)
