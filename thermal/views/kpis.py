"""Pages of key figures: all sites side by side, and one site with everything behind each figure."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from hosting.models import Site
from kernel import csvfiles
from kernel.periods import local_days
from thermal.domain.kpis import figures
from thermal.queries import kpi_ledger, kpi_words
from thermal.queries.kpi_facts import Span
from thermal.queries.kpi_ledger import Ranked, Shown
from thermal.views.heat import heat_crumb, site_crumb

ROWS_PER_PAGE = 50
BAR_WIDTH = 100
LEVELS = 8
SORTS = ("rank", "-rank", "name", "-name", "known", "-known")
MONTHS = range(1, 13)
OLDEST, NEWEST = 2000, 2100


def chosen_year(request: HttpRequest) -> int:
    """The year in the address, else the running one."""
    text = request.GET.get("year", "")
    year = int(text) if text.isascii() and text.isdigit() else 0
    return year if OLDEST <= year < NEWEST else timezone.localdate().year


def chosen_span(request: HttpRequest) -> tuple[Span, int | None]:
    """The year or month in the address, and the number of the month."""
    year, text = chosen_year(request), request.GET.get("month", "")
    month = int(text) if text.isascii() and text.isdigit() else 0
    if month in MONTHS:
        return kpi_ledger.month_span(year, month), month
    return kpi_ledger.year_span(year), None


def on_screen(shown: Shown) -> dict[str, Any]:
    """A figure's value and unit as people read them: shares as percent."""
    is_share = shown.figure.unit == "1"
    value = shown.value * 100 if is_share and shown.value is not None else shown.value
    return {"value": value, "unit": "%" if is_share else shown.figure.unit}


def waits_for(shown: Shown) -> list[str]:
    """The names of what a figure waits for, in words."""
    words = {**kpi_words.INPUTS, **kpi_words.FACTS}
    return [str(words.get(name, name)) for name in shown.missing]


class _KpiPage(scoped.ScopedPage):
    """What the pages of key figures share: they are the provider's own, and an auditor's of the sites granted."""

    model = Site
    capability = kpi_ledger.READ


class KpiComparison(_KpiPage):
    """One key figure of every visible site: ranking with bars, months as a map, and a file."""

    template_name = "thermal/kpi_comparison.html"
    title = gettext_lazy("Key figures of all sites")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.require_capability()
        if request.GET.get("export") == "csv":
            return self._file()
        return super().get(request, *args, **kwargs)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]

    def _figure(self) -> figures.Figure:
        return figures.BY_KEY.get(self.request.GET.get("figure", ""), figures.BY_KEY["erf"])

    def _comparison(self) -> tuple[kpi_ledger.Comparison, Span, int | None]:
        span, month = chosen_span(self.request)
        fields = ("id", "code", "name", "country", "time_zone", "installed_it_kw")
        sites = list(self.get_queryset().only(*fields).order_by("name"))
        return kpi_ledger.comparison(figure=self._figure(), sites=sites, span=span), span, month

    def _sorted(self, rows: Sequence[Ranked]) -> tuple[str, list[Ranked]]:
        sort = self.request.GET.get("sort", "rank")
        sort = sort if sort in SORTS else "rank"
        keys: dict[str, Any] = {
            "rank": lambda row: (row.rank is None, row.rank or 0),
            "name": lambda row: row.site.name,
            "known": lambda row: row.shown.known_ratio,
        }
        key = keys[sort.removeprefix("-")]
        if sort == "-rank":
            return sort, sorted(rows, key=lambda row: (row.rank is None, -(row.rank or 0)))
        return sort, sorted(rows, key=key, reverse=sort.startswith("-"))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        made, span, month = self._comparison()
        sort, rows = self._sorted(made.rows)
        page = Paginator(rows, ROWS_PER_PAGE).get_page(self.request.GET.get("page"))
        year = span.first.year
        context = {
            "figure": made.figure,
            "label": kpi_words.FIGURES[made.figure.key],
            "note": kpi_words.NOTES.get(made.figure.key, ""),
            "boundary": kpi_words.BOUNDARIES[made.figure.boundary],
            "choices": [(one.key, kpi_words.FIGURES[one.key]) for one in figures.FIGURES],
            "year": year,
            "month": month,
            "months": [(number, dt.date(2000, number, 1)) for number in MONTHS],
            "years": range(timezone.localdate().year, timezone.localdate().year - 6, -1),
            "portfolio": on_screen(made.portfolio),
            "portfolio_known": made.portfolio.known_ratio,
            "known_count": sum(1 for row in made.rows if row.rank is not None),
            "site_count": len(made.rows),
            "rows": [_row(row, made.largest, span) for row in page.object_list],
            "month_map": self._month_map(made.figure, list(page.object_list), year),
            "page": page,
            "sort": sort,
            "query": self._query(),
            "export_url": "?" + self._query(export="csv"),
        }
        return super().get_context_data(**{**context, **kwargs})

    def _query(self, **more: str) -> str:
        names = ("figure", "year", "month", "sort")
        state = {name: self.request.GET[name] for name in names if self.request.GET.get(name)}
        return urlencode(state | more)

    def _month_map(self, figure: figures.Figure, rows: list[Ranked], year: int) -> list[dict[str, Any]]:
        """Twelve cells for each row of the page, shaded by where they lie between the smallest and the largest."""
        span = kpi_ledger.year_span(year)
        ids = [row.site.pk for row in rows]
        by_month = kpi_ledger.sums_by_month(sites=ids, inputs=figure.inputs, span=span)
        if figure.facts:  # a fact of the year has no value of a month
            return []
        cells = {
            (row.site.pk, month): kpi_ledger.shown(figure, by_month.get((row.site.pk, dt.date(year, month, 1)), {}), {})
            for row in rows
            for month in MONTHS
        }
        values = [cell.value for cell in cells.values() if cell.value is not None]
        low, high = min(values, default=0.0), max(values, default=0.0)
        return [
            {"site": row.site, "cells": [_cell(cells[row.site.pk, month], low, high) for month in MONTHS]}
            for row in rows
        ]

    def _file(self) -> StreamingHttpResponse:
        made, span, _month = self._comparison()
        _sort, rows = self._sorted(made.rows)
        header = ["rank", "site", "name", "figure", "value", "unit", "known_ratio", "from", "until", "missing"]
        lines = (
            [
                row.rank,
                row.site.code,
                row.site.name,
                made.figure.key,
                row.shown.value,
                made.figure.unit,
                round(row.shown.known_ratio, 4),
                span.first.isoformat(),
                span.until.isoformat(),
                " ".join(row.shown.missing),
            ]
            for row in rows
        )
        disposition = f'attachment; filename="key-figure-{made.figure.key}-{span.first:%Y-%m}.csv"'
        return StreamingHttpResponse(
            csvfiles.write_lines(header, lines),
            content_type="text/csv",
            headers={"Content-Disposition": disposition},
        )


def _row(row: Ranked, largest: float, span: Span) -> dict[str, Any]:
    value = row.shown.value
    width = BAR_WIDTH * abs(value) / largest if value is not None and largest else 0
    state = {"year": span.first.year}
    if (span.until - span.first).days < 32:
        state["month"] = span.first.month
    return {
        "site": row.site,
        "url": reverse("thermal:kpi_site", args=[row.site.pk]) + f"?{urlencode(state)}#kpi-{row.shown.figure.key}",
        "rank": row.rank,
        **on_screen(row.shown),
        "width": f"{width:.1f}",
        "is_negative": value is not None and value < 0,
        "known_ratio": row.shown.known_ratio,
        "is_estimated": row.shown.is_estimated,
        "waits_for": waits_for(row.shown),
    }


def _cell(shown: Shown, low: float, high: float) -> dict[str, Any]:
    value = shown.value
    level = 0
    if value is not None:
        level = 1 + round((LEVELS - 1) * (value - low) / (high - low)) if high > low else LEVELS
    return {**on_screen(shown), "level": level, "is_estimated": shown.is_estimated}


class SiteFigures(scoped.ScopedObjectPage):
    """Every key figure of a site over a month or year, with formula, boundary, inputs, quality and what is missing."""

    model = Site
    capability = kpi_ledger.READ
    template_name = "thermal/kpi_site.html"

    def get_title(self) -> str:
        return _("Key figures of %(site)s") % {"site": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.object)]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        span, month = chosen_span(self.request)
        known: list[dict[str, Any]] = []
        waiting: list[dict[str, Any]] = []
        for shown in kpi_ledger.figures_of_site(site=self.object, span=span):
            (known if shown.value is not None else waiting).append(self._panel(shown, span))
        context = {
            "panels": known,
            "waiting": waiting,
            "year": span.first.year,
            "month": month,
            "months": [(number, dt.date(2000, number, 1)) for number in MONTHS],
            "years": range(timezone.localdate().year, timezone.localdate().year - 6, -1),
            "span": span,
        }
        return super().get_context_data(**{**context, **kwargs})

    def _panel(self, shown: Shown, span: Span) -> dict[str, Any]:
        """A figure as tile, with where it comes from."""
        figure, label = shown.figure, str(kpi_words.FIGURES[shown.figure.key])
        return {
            "key": figure.key,
            "label": label,
            **on_screen(shown),
            "note": kpi_words.NOTES.get(figure.key, ""),
            "is_estimated": shown.is_estimated,
            "known_ratio": shown.known_ratio,
            "waits_for": waits_for(shown),
            "where_from": {
                "label": label,
                "formula": figure.formula,
                "inputs": [*self._sums(shown, span), *self._facts(shown, span)],
                "period": f"{span.first.isoformat()} – {span.until.isoformat()}",
                "quality": _quality(shown),
                "versions": _versions(figure),
            },
        }

    def _sums(self, shown: Shown, span: Span) -> list[dict[str, Any]]:
        """The sums with a link to their quarter hours."""
        period = local_days(span.first, span.until, self.object.zone)
        rows = reverse("thermal:site_intervals", args=[self.object.pk])
        rows += f"?start={period.start:%Y-%m-%dT%H:%M}&end={period.end:%Y-%m-%dT%H:%M}"
        return [
            {"label": str(kpi_words.INPUTS[name]), "value": one.value, "unit": kpi_words.unit_of(name), "url": rows}
            for name, one in shown.inputs.items()
        ]

    def _facts(self, shown: Shown, span: Span) -> list[dict[str, Any]]:
        """The facts with their sources, and a link to where they were entered."""
        listed = reverse("thermal:regulation", args=[self.object.pk]) + f"?year={span.first.year}#facts"
        words = {**kpi_words.INPUTS, **kpi_words.FACTS}
        return [
            {
                "label": f"{words[name]} ({fact.source})",
                "value": fact.value,
                "unit": kpi_words.unit_of(name),
                "url": listed,
            }
            for name, fact in shown.facts.items()
        ]


def _versions(figure: figures.Figure) -> list[dict[str, Any]]:
    found = [{"label": _("Boundary"), "value": kpi_words.BOUNDARIES[figure.boundary]}]
    if figure.source:
        found.append({"label": _("Source"), "value": figure.source})
    return found


def _quality(shown: Shown) -> str:
    words = _("known for %(share).1f %% of the quarter hours") % {"share": 100 * shown.known_ratio}
    if shown.is_uneven:
        words += "; " + _("its parts are known for different times")
    if any(not fact.is_verified for fact in shown.facts.values()):
        words += "; " + _("a factor in it is an unverified default")
    return words
