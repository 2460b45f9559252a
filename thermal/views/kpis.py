"""The page that sets a key figure of all sites side by side."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from accounts.templatetags.components import significant
from accounts.views import scoped
from hosting.models import Site
from kernel import csvfiles
from thermal.domain.kpis import figures
from thermal.queries import kpi_ledger, kpi_maps, kpi_panels, kpi_words
from thermal.queries.kpi_facts import Place
from thermal.queries.kpi_ledger import Ranked, Shown
from thermal.views import kpi_tiles, spans
from thermal.views.heat import heat_crumb

ROWS_PER_PAGE: Final = 50
BAR_WIDTH: Final = 100
LEVELS: Final = 8
SORTS: Final[dict[str, Callable[[Ranked], Any]]] = {
    "rank": lambda row: (row.rank is None, row.rank or 0),
    "-rank": lambda row: (row.rank is None, -(row.rank or 0)),
    "name": lambda row: row.site.name,
    "known": lambda row: row.known_ratio,
}
# Figures that are told apart by cause, and the sums of their causes.
BY_CAUSE: Final = {
    "curtailment": tuple(f"curtailed_{cause}_s" for cause in kpi_panels.CAUSES),
    "curtailed_heat": tuple(f"curtailed_{cause}_kwh" for cause in kpi_panels.CAUSES),
}


class KpiPage(scoped.ScopedPage):
    """What the pages of key figures share: they are the provider's own, and an auditor's of the sites granted."""

    model = Site
    capability = kpi_ledger.READ


class SiteRow(NamedTuple):
    """What a comparison needs of a site; a thousand rows are read faster than a thousand models."""

    pk: int
    code: str
    name: str
    country: str
    time_zone: str


class KpiComparison(KpiPage):
    """One key figure of every visible site: ranking with bars, months as a map, parts by cause, and a file."""

    template_name = "thermal/kpi_comparison.html"
    title = gettext_lazy("Key figures of all sites")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.require_capability()
        self.now, self.chosen = timezone.now(), spans.chosen_span(request)
        self.figure = figures.BY_KEY.get(request.GET.get("figure", ""), figures.BY_KEY["erf"])
        self.sites = [SiteRow(*row) for row in self.get_queryset().order_by("name").values_list(*SiteRow._fields)]
        if request.GET.get("export") == "csv":
            return self._file()
        if request.GET.get("export") == "modes":
            return self._parts_file()
        return super().get(request, *args, **kwargs)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]

    def _compared(self) -> tuple[kpi_ledger.Comparison, str, list[Ranked]]:
        """The comparison, the order asked for and its rows in it."""
        made = kpi_ledger.comparison(figure=self.figure, sites=self.sites, span=self.chosen.span, now=self.now)
        sort = self.request.GET.get("sort", "rank")
        if sort not in SORTS and sort.removeprefix("-") not in SORTS:
            sort = "rank"
        key = SORTS.get(sort) or SORTS[sort.removeprefix("-")]
        return made, sort, sorted(made.rows, key=key, reverse=sort not in SORTS)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        made, sort, rows = self._compared()
        page = Paginator(rows, ROWS_PER_PAGE).get_page(self.request.GET.get("page"))
        listed = list(page.object_list)
        context = {
            "figure": made.figure,
            "label": kpi_words.FIGURES[made.figure.key],
            "note": kpi_words.NOTES.get(made.figure.key, ""),
            "boundary": kpi_words.BOUNDARIES[made.figure.boundary],
            "choices": [(one.key, kpi_words.FIGURES[one.key]) for one in figures.FIGURES],
            **spans.picker(self.chosen),
            "portfolio": kpi_tiles.on_screen(made.portfolio),
            "portfolio_known": made.portfolio.known_ratio,
            "known_count": sum(1 for row in made.rows if row.rank is not None),
            "site_count": len(made.rows),
            "rows": [_row(row, made.largest, self.chosen) for row in listed],
            "unit": kpi_tiles.unit_on_screen(made.figure),
            "page": page,
            "sort": sort,
            "query": self._query(sort=sort),
            "sort_query": self._query(),
            "export_url": "?" + self._query(sort=sort, export="csv"),
            **self._months([row.site for row in listed]),
            **self._parts([row.site for row in listed]),
        }
        return super().get_context_data(**{**context, **kwargs})

    def _query(self, **more: str) -> str:
        return urlencode({"figure": self.figure.key, **self.chosen.state, **more})

    def _months(self, sites: Sequence[Place]) -> dict[str, Any]:
        """A cell for each month and row of the page, shaded by where it lies between the smallest and the largest."""
        span = self.chosen.span
        if len(kpi_ledger.months_of(span)) == 1:
            span = kpi_ledger.year_span(self.chosen.year)
        made = kpi_maps.month_map(sites=sites, figure=self.figure, span=span, now=self.now)
        values = [cell.value for row in made.shown.values() for cell in row if cell.value is not None]
        low, high = min(values, default=0.0), max(values, default=0.0)
        return {
            "map_months": [(date_format(month, "M"), date_format(month, "F Y")) for month in made.months],
            "map_low": kpi_tiles.scaled(self.figure, low),
            "map_high": kpi_tiles.scaled(self.figure, high),
            "month_map": [
                {"site": site, "cells": [_cell(one, low, high) for one in made.shown[site.pk]]} for site in sites
            ]
            if values
            else [],
        }

    def _parts(self, sites: Sequence[Place]) -> dict[str, Any]:
        """Hours by export mode and cause, of all sites together and of each on the page; of curtailment only."""
        if self.figure.key not in BY_CAUSE or not self.sites:
            return {}
        span = self.chosen.span
        together = kpi_ledger.sums_together(sites=self.sites, inputs=kpi_panels.INPUTS, span=span, now=self.now)
        known = kpi_ledger.sums_throughout(sites=sites, inputs=kpi_panels.INPUTS, span=span, now=self.now)
        modes, causes = kpi_panels.modes_of(together), kpi_panels.causes_of(together)
        return {
            "modes": modes,
            "causes": causes,
            "mode_rows": [{"part": part} for part in modes.rows],
            "cause_rows": [{"part": part} for part in causes.rows],
            "mode_formula": kpi_panels.MODE_FORMULA,
            "cause_formula": kpi_panels.CAUSE_FORMULA,
            "parts_rows": [
                {
                    "site": site,
                    "url": reverse("thermal:kpi_site", args=[site.pk]) + f"?{self.chosen.query}#export-modes",
                    "modes": kpi_panels.modes_of(known.get(site.pk, {})),
                    "causes": kpi_panels.causes_of(known.get(site.pk, {})),
                }
                for site in sites
            ],
            "modes_url": "?" + self._query(export="modes"),
        }

    def _file(self) -> StreamingHttpResponse:
        made, _sort, rows = self._compared()
        span = self.chosen.span
        header = ["rank", "site", "name", "figure", "value", "unit", "known_ratio", "from", "until", "missing"]
        lines = (
            [
                row.rank,
                row.site.code,
                row.site.name,
                made.figure.key,
                row.value,
                made.figure.unit,
                round(row.known_ratio, 4),
                span.first.isoformat(),
                span.until.isoformat(),
                " ".join(row.shown.missing),
            ]
            for row in rows
        )
        return csv_file(f"key-figure-{made.figure.key}-{span.first:%Y-%m}.csv", header, lines)

    def _parts_file(self) -> StreamingHttpResponse:
        span = self.chosen.span
        known = kpi_ledger.sums_throughout(sites=self.sites, inputs=kpi_panels.INPUTS, span=span, now=self.now)
        lines = [line for site in self.sites for line in parts_lines(site, known.get(site.pk, {}), self.chosen)]
        return csv_file(f"export-modes-{span.first:%Y-%m}.csv", PARTS_HEADER, lines)


PARTS_HEADER: Final = ["site", "name", "from", "until", "kind", "key", "hours", "kwh", "share", "known_ratio"]


def parts_lines(site: Place, known: kpi_ledger.Sums, chosen: spans.Chosen) -> list[list[Any]]:
    """The hours of a site by export mode and by cause, as lines of a file."""
    head = [site.code, site.name, chosen.span.first.isoformat(), chosen.span.until.isoformat()]
    made = {"mode": kpi_panels.modes_of(known), "cause": kpi_panels.causes_of(known)}
    return [
        [*head, kind, row.key, row.hours, row.heat_kwh, row.share_ratio, round(parts.known_ratio, 4)]
        for kind, parts in made.items()
        for row in parts.rows
    ]


def csv_file(name: str, header: Sequence[str], lines: Any) -> StreamingHttpResponse:
    """A CSV to keep."""
    return StreamingHttpResponse(
        csvfiles.write_lines(list(header), lines),
        content_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _row(row: Ranked, largest: float, chosen: spans.Chosen) -> dict[str, Any]:
    shown, value = row.shown, row.value
    width = BAR_WIDTH * abs(value) / largest if value is not None and largest else 0
    return {
        "site": row.site,
        "url": reverse("thermal:kpi_site", args=[row.site.pk]) + f"?{chosen.query}#kpi-{row.figure.key}",
        "rank": row.rank,
        **kpi_tiles.on_screen(shown),
        "width": f"{width:.1f}",
        "is_negative": value is not None and value < 0,
        "known_ratio": shown.known_ratio,
        "is_estimated": shown.is_estimated,
        "waits_for": kpi_tiles.waits_for(shown),
    }


def _cell(shown: Shown, low: float, high: float) -> dict[str, Any]:
    """A month as the map shows it: its text and its class, ready made because there are six hundred of them."""
    if shown.value is None:
        return {"text": "–", "css": "level-0"}
    level = 1 + round((LEVELS - 1) * (shown.value - low) / (high - low)) if high > low else LEVELS
    css = f"level-{level} is-estimated" if shown.is_estimated else f"level-{level}"
    return {"text": significant(kpi_tiles.on_screen(shown)["value"]), "css": css}
