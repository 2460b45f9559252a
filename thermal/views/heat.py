"""Pages of heat: all sites, one site over a period, its quarter hours, and what they come from."""

import datetime as dt
import functools
from collections.abc import Callable
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from accounts.views import scoped
from hosting.models import DeliveryPoint, Site
from kernel import csvfiles
from kernel.periods import QUARTER_HOUR
from thermal.domain.kpis import figures
from thermal.filters import HeatFilter, HeatIntervalFilter, SiteIntervalFilter
from thermal.models import HeatInterval, MeterReading, SiteInterval
from thermal.queries import (
    charts,
    equipment_figures,
    kpi_ledger,
    kpi_maps,
    kpis,
    live,
    metering_accuracy,
    overview,
    provenance,
    validation,
)
from thermal.tables import HeatIntervalTable, HeatTable, SiteIntervalTable
from thermal.views import hour_charts, kpi_tiles, periods

CHARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "power": charts.power_chart,
    "temperature": charts.temperature_chart,
}
FILES = {
    "power": gettext_lazy("Power of the period as CSV"),
    "temperature": gettext_lazy("Temperatures of the period as CSV"),
}


def heat_crumb() -> scoped.Crumb:
    """The first step of the path to every page of heat."""
    return scoped.Crumb(_("Heat"), reverse("thermal:heat_list"))


def site_crumb(site: Site) -> scoped.Crumb:
    """The step of the path to the heat of a site."""
    return scoped.Crumb(site.name, reverse("thermal:site_heat", args=[site.pk]))


def visible_site(request: HttpRequest, pk: int) -> Site:
    """The site, if the user may see it; else 404."""
    site: Site = get_object_or_404(scoped.visible(Site, request), pk=pk)
    return site


def figures_for(request: HttpRequest, site: Site, shown: periods.PeriodNav, now: dt.datetime) -> dict[str, Any]:
    """The key figures that the person may read as tiles, with trend against the period before."""
    outside = not request.user.has_perm(kpi_ledger.READ)
    ask = functools.partial(kpis.figures_of_period, site=site, now=now, keys=kpis.ON_TILES, for_everybody=outside)
    made, before = ask(period=shown.period), ask(period=periods.earlier(shown, site, now))
    versus = periods.versus(shown, now)
    tiles = [
        kpi_tiles.tile(
            figure,
            site=site,
            period=made.period,
            period_words=shown.label,
            versions=_versions(made.standing),
            notes=_notes(figure, made.standing),
            compared=kpi_tiles.trend(figure, earlier, versus),
        )
        for figure, earlier in zip(made.figures, before.figures, strict=True)
        if figure.value is not None or figure.figure.key not in kpis.WHERE_KNOWN
    ]
    has_trend = any(tile["trend"] for tile in tiles)
    return {"figures": tiles, "figures_label": shown.label, "figures_versus": versus if has_trend else ""}


def _versions(standing: kpis.Standing) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if standing.rule_version is not None:
        found.append({"label": _("Settlement rule"), "value": standing.rule_version})
    if standing.settled_at is not None:
        found.append({"label": _("Settled"), "value": standing.settled_at})
    return found


def _notes(figure: kpi_ledger.Shown, standing: kpis.Standing) -> list[str]:
    if "it_kwh" not in figure.inputs or not standing.integrated_ratio:
        return []
    return [_("Integrated from power for %(share).0f %% of the time.") % {"share": 100 * standing.integrated_ratio}]


class HeatList(scoped.ScopedListView):
    """The heat of every visible site in the last 24 hours."""

    model = Site
    table_class = HeatTable
    filterset_class = HeatFilter
    template_name = "thermal/heat_list.html"
    title = gettext_lazy("Heat")
    empty_title = gettext_lazy("No site yet")
    empty_text = gettext_lazy("Heat shows here as soon as a site has meters that are read.")

    def get_queryset(self) -> QuerySet[Any]:
        return overview.with_heat(super().get_queryset(), timezone.now())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With how many findings of the validation wait, for those who may read them."""
        context: dict[str, Any] = {}
        if self.request.user.has_perm(validation.REVIEW):
            waiting = sum(validation.open_counts(self.request.user).values())
            context = {"review_url": reverse("thermal:finding_list"), "review_count": waiting}
        return super().get_context_data(**{**context, **kwargs})


class SiteHeat(scoped.ScopedDetailView):
    """The heat of one site over a day, a month or a year."""

    model = Site
    template_name = "thermal/site_heat.html"

    def get_title(self) -> str:
        return _("Heat of %(site)s") % {"site": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, site = timezone.now(), self.object
        shown = periods.from_address(self.request.GET, site, now)
        context: dict[str, Any] = {
            "period_nav": shown,
            **figures_for(self.request, site, shown, now),
            "power": charts.power_chart(site=site, period=shown.period, kind=shown.kind),
            "temperature": charts.temperature_chart(site=site, period=shown.period, kind=shown.kind),
            "year_map": _year_map(site, shown, now),
            "points": list(site.delivery_points.order_by("code")),
            "pieces": equipment_figures.pieces_of(site) if self.request.user.has_perm(kpi_ledger.READ) else [],
            "files": [
                {"label": label, "url": reverse("thermal:site_series_csv", args=[site.pk, name]) + shown.query}
                for name, label in FILES.items()
            ],
        }
        return super().get_context_data(**{**context, **kwargs})


def _year_map(site: Site, shown: periods.PeriodNav, now: dt.datetime) -> dict[str, Any] | None:
    """The heat delivered by day and hour, where a year is shown."""
    if shown.kind != "year":
        return None
    made = kpi_maps.hour_map(
        site=site, figure=figures.BY_KEY["heat_delivered"], span=kpi_ledger.year_span(shown.day.year), now=now
    )
    return hour_charts.chart_of(made)


class SiteChart(LoginRequiredMixin, View):
    """One chart of a site as JSON, by the contract of static/js/charts.js."""

    def get(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Return what the chart shows."""
        return JsonResponse(_chart(request, pk, name))


class SiteSeriesCsv(LoginRequiredMixin, View):
    """The rows of a chart as a file: exactly what is shown."""

    def get(self, request: HttpRequest, pk: int, name: str) -> HttpResponseBase:
        """Return the file."""
        header, rows = charts.rows_of(_chart(request, pk, name))
        lines = csvfiles.write_lines(header, rows)
        disposition = f'attachment; filename="site-{pk}-{name}.csv"'
        return StreamingHttpResponse(lines, content_type="text/csv", headers={"Content-Disposition": disposition})


def _chart(request: HttpRequest, pk: int, name: str) -> dict[str, Any]:
    site = visible_site(request, pk)
    shown = periods.from_address(request.GET, site, timezone.now())
    return CHARTS[name](site=site, period=shown.period, kind=shown.kind)


class SiteLive(LoginRequiredMixin, View):
    """The latest value of every measurement of a site as JSON."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the values with their ages."""
        site, now = visible_site(request, pk), timezone.now()
        values = live.latest_of_site(site=site, now=now)
        return JsonResponse({"site": site.code, "at": now.isoformat(), "values": [_live(one, now) for one in values]})


def _live(one: live.LiveValue, now: dt.datetime) -> dict[str, Any]:
    return {
        "measurement": one.measurement_id,
        "role": one.role,
        "delivery_point": one.delivery_point_id,
        "equipment": one.equipment_id,
        "connection": one.connection_id,
        "value": one.value,
        "unit": one.unit,
        "at": one.at.isoformat() if one.at else None,
        "age_s": round((now - one.at).total_seconds()) if one.at else None,
    }


class SiteHeatFragment(scoped.ScopedDetailView):
    """The key figures of a site's running month with their trend, and today's chart, for its record page."""

    model = Site
    template_name = "thermal/partials/site_heat_fragment.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now = timezone.now()
        shown = periods.from_address(self.request.GET, self.object, now)
        month = periods.from_address(QueryDict("kind=month"), self.object, now)
        context = {
            **figures_for(self.request, self.object, month, now),
            "power": charts.power_chart(site=self.object, period=shown.period, kind=shown.kind),
        }
        return super().get_context_data(**{**context, **kwargs})


class _OfSite(scoped.ScopedListView):
    """A list of rows of one visible anchor."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.site: Site | None = None

    def get_table_kwargs(self) -> dict[str, Any]:
        return {"zone": self.site.time_zone if self.site else ""}


class SiteIntervals(_OfSite):
    """The quarter hours of a site."""

    model = SiteInterval
    table_class = SiteIntervalTable
    filterset_class = SiteIntervalFilter
    title = gettext_lazy("Quarter hours of the site")
    empty_title = gettext_lazy("Nothing settled yet")
    empty_text = gettext_lazy("Quarter hours appear here once values were recorded and the quarter hour is over.")

    def get_queryset(self) -> QuerySet[Any]:
        self.site = visible_site(self.request, self.kwargs["pk"])
        return super().get_queryset().filter(site=self.site).order_by("-start")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.site)] if self.site else [heat_crumb()]


class PointIntervals(_OfSite):
    """The quarter hours of a delivery point."""

    model = HeatInterval
    table_class = HeatIntervalTable
    filterset_class = HeatIntervalFilter
    empty_title = gettext_lazy("Nothing settled yet")
    empty_text = gettext_lazy("Quarter hours appear here once values were recorded and the quarter hour is over.")

    def get_queryset(self) -> QuerySet[Any]:
        points = scoped.visible(DeliveryPoint, self.request).select_related("site")
        self.point = get_object_or_404(points, pk=self.kwargs["pk"])
        self.site = self.point.site
        return super().get_queryset().filter(delivery_point=self.point).order_by("-start")

    def get_title(self) -> str:
        return _("Quarter hours of %(point)s") % {"point": self.point}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.point.site)]


class IntervalDetail(scoped.ScopedObjectPage):
    """One quarter hour of a delivery point: its figures and the readings behind them."""

    model = HeatInterval
    template_name = "thermal/interval_detail.html"
    related = ("delivery_point__site", "meter")

    def get_object(self) -> HeatInterval:
        start = dt.datetime.strptime(self.kwargs["start"], "%Y%m%dT%H%MZ").replace(tzinfo=dt.UTC)
        rows = self.get_queryset().filter(delivery_point=self.kwargs["pk"])
        interval: HeatInterval = get_object_or_404(rows, start=start)
        return interval

    def get_title(self) -> str:
        local = self.object.start.astimezone(self.object.delivery_point.site.zone)
        return _("Quarter hour from %(start)s") % {"start": f"{local:%Y-%m-%d %H:%M %Z}"}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        point = self.object.delivery_point
        listed = reverse("thermal:point_intervals", args=[point.pk])
        return [heat_crumb(), site_crumb(point.site), scoped.Crumb(str(point), listed)]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        readings = provenance.readings_behind(self.object)
        allowed = scoped.visible(MeterReading, self.request).filter(pk__in=[reading.pk for reading in readings])
        context = {
            "readings": readings if allowed.exists() else [],
            "zone": self.object.delivery_point.site.time_zone,
            "use": metering_accuracy.at_quarter(self.object),
            "end": self.object.start + QUARTER_HOUR,
        }
        return super().get_context_data(**{**context, **kwargs})
