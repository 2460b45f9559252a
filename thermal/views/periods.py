"""The period of a page, as its address says it: a local day, month or year of a site."""

import datetime as dt
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from hosting.models import Site
from kernel.errors import Refusal
from kernel.periods import QUARTER_HOUR, Period, local_date, local_day, local_month, local_year, quarter_start

KINDS = ("day", "month", "year")


@dataclass(frozen=True, slots=True)
class Kind:
    """One choice of length."""

    label: str
    url: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class PeriodNav:
    """The period shown, and the addresses of its neighbors."""

    kind: str
    day: dt.date
    period: Period
    label: str
    previous_url: str
    next_url: str
    now_url: str
    kinds: list[Kind]

    @property
    def query(self) -> str:
        """The part of an address that names this period."""
        return _query(self.kind, self.day)


def from_address(state: QueryDict, site: Site, now: dt.datetime) -> PeriodNav:
    """The period that ``?kind=month&day=2026-10-01`` names; today where it names none."""
    kind = state.get("kind", "")
    kind = kind if kind in KINDS else "day"
    today = local_date(now, site.zone)
    day = _day(state.get("day", ""), today)
    following = _move(kind, day, 1)
    return PeriodNav(
        kind=kind,
        day=day,
        period=_period(kind, day, site),
        label=_label(kind, day),
        previous_url=_query(kind, _move(kind, day, -1)),
        next_url=_query(kind, following) if following <= today else "",
        now_url="" if _move(kind, day, 0) == _move(kind, today, 0) else _query(kind, today),
        kinds=[
            Kind(label, _query(name, day), name == kind)
            for name, label in zip(KINDS, (_("Day"), _("Month"), _("Year")), strict=True)
        ],
    )


def earlier(shown: PeriodNav, site: Site, now: dt.datetime) -> Period:
    """The period before the one shown; of a running one, as much of it as has passed: the same days of last month."""
    before = _period(shown.kind, _move(shown.kind, shown.day, -1), site)
    if shown.period.end <= now:
        return before
    passed = max(quarter_start(now) - shown.period.start, QUARTER_HOUR)
    return Period(before.start, min(before.end, before.start + passed))


def versus(shown: PeriodNav, now: dt.datetime) -> str:
    """What a figure of the period shown is compared with, in words."""
    if shown.period.end <= now:
        whole = {"day": _("against the day before"), "month": _("against last month"), "year": _("against last year")}
        return whole[shown.kind]
    part = {
        "day": _("against the day before until this time"),
        "month": _("against the same days of last month"),
        "year": _("against the same part of last year"),
    }
    return part[shown.kind]


def _day(text: str, today: dt.date) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return today
    return day if dt.date(2000, 1, 1) <= day <= dt.date(2100, 1, 1) else today


def _period(kind: str, day: dt.date, site: Site) -> Period:
    if kind == "year":
        return local_year(day.year, site.zone)
    if kind == "month":
        return local_month(day.year, day.month, site.zone)
    try:
        return local_day(day, site.zone)
    except Refusal:  # the zone left this day out
        return local_day(day + dt.timedelta(days=1), site.zone)


def _move(kind: str, day: dt.date, by: int) -> dt.date:
    """The first day of the period that lies so many periods later."""
    if kind == "day":
        return day + dt.timedelta(days=by)
    if kind == "year":
        return dt.date(day.year + by, 1, 1)
    months = day.year * 12 + day.month - 1 + by
    return dt.date(months // 12, months % 12 + 1, 1)


def _label(kind: str, day: dt.date) -> str:
    return date_format(day, {"day": "DATE_FORMAT", "month": "F Y", "year": "Y"}[kind])


def _query(kind: str, day: dt.date) -> str:
    return "?" + urlencode({"kind": kind, "day": day.isoformat()})
