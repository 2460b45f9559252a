"""The span of a page of key figures, as its address says it: a calendar year, a month or a heating season."""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from thermal.queries import kpi_ledger
from thermal.queries.kpi_facts import Span

MONTHS: Final = range(1, 13)
OLDEST, NEWEST = 2000, 2100
YEARS_LISTED = 6
SEASON: Final = "season"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The span that an address names; `part` is "" for the whole year, "1" to "12" for a month, "season"."""

    span: Span
    year: int
    part: str

    @property
    def state(self) -> dict[str, str]:
        """The part of an address that names this span."""
        return {"year": str(self.year)} | ({"month": self.part} if self.part else {})

    @property
    def query(self) -> str:
        """The state as it stands in an address."""
        return urlencode(self.state)

    @property
    def label(self) -> str:
        """The span in words."""
        if self.part == SEASON:
            return _("heating season %(first)s/%(last)s") % {"first": self.year, "last": self.span.until.year}
        return date_format(self.span.first, "F Y") if self.part else str(self.year)

    @property
    def in_words(self) -> str:
        """The first and the last day of the span."""
        last = self.span.until - dt.timedelta(days=1)
        return f"{self.span.first.isoformat()} – {last.isoformat()}"


def _year(text: str) -> int | None:
    year = int(text) if text.isascii() and text.isdigit() else 0
    return year if OLDEST <= year < NEWEST else None


def chosen_year(request: HttpRequest) -> int:
    """The year in the address, else the running one."""
    return _year(request.GET.get("year", "")) or timezone.localdate().year


def chosen_span(request: HttpRequest) -> Chosen:
    """The span in the address: ``?year=2026``, with ``&month=10`` or ``&month=season``; or ``?season=2026``."""
    season = _year(request.GET.get("season", ""))
    year, part = season or chosen_year(request), SEASON if season else request.GET.get("month", "")
    if part == SEASON:
        return Chosen(kpi_ledger.season_span(year), year, SEASON)
    month = int(part) if part.isascii() and part.isdigit() else 0
    if month in MONTHS:
        return Chosen(kpi_ledger.month_span(year, month), year, str(month))
    return Chosen(kpi_ledger.year_span(year), year, "")


def picker(chosen: Chosen) -> dict[str, Any]:
    """What the partial kpi_period.html needs to offer other spans."""
    this_year = timezone.localdate().year
    season = kpi_ledger.season_span(this_year)
    last_month = season.until - dt.timedelta(days=1)
    words = {"first": date_format(season.first, "F"), "last": date_format(last_month, "F")}
    return {
        "chosen": chosen,
        "span_years": range(max(this_year, chosen.year), this_year - YEARS_LISTED, -1),
        "span_parts": [
            ("", _("whole year")),
            (SEASON, _("heating season, from %(first)s to %(last)s") % words),
            *((str(number), date_format(dt.date(2000, number, 1), "F")) for number in MONTHS),
        ],
    }
