"""The service level of a contract's month: its minutes per class, day by day, and what was excluded and why."""

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from accounts.views.scoped import Crumb
from contracts.documents import wording
from contracts.domain import sla
from contracts.models import Contract, SlaDay
from contracts.queries import service_levels, terms

WORDS = {
    sla.Class.MET: gettext_lazy("in the agreed band"),
    sla.Class.FAILED: gettext_lazy("outside the band"),
    sla.Class.PLANNED: gettext_lazy("announced works"),
    sla.Class.NO_DEMAND: gettext_lazy("no heat called for"),
    sla.Class.NO_DATA: gettext_lazy("no data"),
    sla.Class.OFFTAKER: gettext_lazy("caused by the customer"),
    sla.Class.FORCE_MAJEURE: gettext_lazy("force majeure"),
}


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of one class within a day, placed on the strip."""

    css: str
    word: str
    left: int
    width: int
    title: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One day as a strip of classes."""

    day: date
    runs: list[Run]
    summary: str
    width: int


def month_or_404(year: int, month: int) -> date:
    """The first day of the month in the address."""
    try:
        return date(year, month, 1)
    except ValueError as wrong:
        raise Http404 from wrong


def standing_facts(standing: service_levels.Standing) -> dict[str, Any]:
    """What a page says of the service so far."""
    judged = standing.judgement
    rows = [
        {"css": kind.name.lower(), "word": str(WORDS[kind]), "minutes": count, "text": wording.minutes(count)}
        for kind, count in standing.minutes.items()
        if count
    ]
    reached = judged.availability_ratio if judged else None
    return {
        "rows": rows,
        "total": standing.total_minutes,
        "availability": wording.availability(reached) if reached is not None else "",
        "failed": wording.minutes(standing.minutes[sla.Class.FAILED]),
        "is_below": bool(judged and judged.started_percents),
    }


def strip_of(day: SlaDay, contract: Contract) -> Strip:
    """The day as a strip whose units are quarter hours."""
    runs = []
    left = 0
    for kind, start, count in service_levels.runs_of(day):
        word = str(WORDS[kind])
        end = start + timedelta(minutes=count * sla.MINUTES_PER_QUARTER)
        title = f"{_clock(start, contract)}–{_clock(end, contract)} {word}"
        runs.append(Run(kind.name.lower(), word, left, count, title))
        left += count
    minutes = sla.minutes_per_class([day.classes])
    parts = [f"{WORDS[kind]} {wording.minutes(count)}" for kind, count in minutes.items() if count]
    return Strip(day.day_on, runs, ", ".join(parts), max(left, 96))


def _clock(at: datetime, contract: Contract) -> str:
    return f"{at.astimezone(contract.zone):%H:%M}"


def works_of(contract: Contract, bill: terms.BillPeriod) -> list[dict[str, Any]]:
    """The works of the month, each with whether it excuses and why not."""
    promised = terms.sla_terms_on(contract, bill.ends_on - timedelta(days=1))
    notice = timedelta(hours=float(promised.notice_h)) if promised else timedelta(0)
    rows = []
    for outage in service_levels.outages_at(contract, bill.period):
        is_excused = service_levels.excused(outage, notice) is not None
        rows.append(
            {
                "outage": outage,
                "is_excused": is_excused,
                "why": _("announced in time") if is_excused else _("announced too late: the time counts"),
            }
        )
    return rows


class SlaMonth(scoped.ScopedDetailView):
    """The service level of one month; ``?export=csv`` gives every quarter hour."""

    model = Contract
    template_name = "contracts/sla_month.html"
    related = ("offtaker", "delivery_point__site")

    def get_title(self) -> str:
        """The month by name."""
        return _("Service level in %(month)s") % {"month": wording.month(self.month_on())}

    def month_on(self) -> date:
        """The first day of the month in the address."""
        return month_or_404(self.kwargs["year"], self.kwargs["month"])

    def breadcrumbs(self) -> list[Crumb]:
        """The contract above."""
        url = self.object.get_absolute_url()
        return [
            Crumb(_("Contracts"), reverse("contracts:contract_list")),
            Crumb(str(self.object), f"{url}?tab=service"),
        ]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page, or the file."""
        if request.GET.get("export") == "csv":
            return self._file()
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the days, the result and the works."""
        month_on = self.month_on()
        bill = terms.bill_period(self.object, month_on)
        if bill is None:
            raise Http404
        days = service_levels.days_of(self.object, bill.starts_on, bill.ends_on)
        following = terms.next_month(month_on)
        return super().get_context_data(
            strips=[strip_of(day, self.object) for day in days],
            result=service_levels.latest_result(self.object, month_on),
            standing=standing_facts(service_levels.standing(self.object, bill.starts_on, bill.ends_on)),
            works=works_of(self.object, bill),
            promised=terms.sla_terms_on(self.object, bill.ends_on - timedelta(days=1)),
            legend=[(kind.name.lower(), WORDS[kind]) for kind in sla.Class],
            month_on=month_on, previous_on=terms.previous_month(month_on), following_on=following,
            **kwargs,
        )  # fmt: skip

    def _file(self) -> HttpResponse:
        """Every quarter hour of the month with its class."""
        month_on = self.month_on()
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(["start", "class"])
        step = timedelta(minutes=sla.MINUTES_PER_QUARTER)
        for day in service_levels.days_of(self.object, month_on, terms.next_month(month_on)):
            for index, letter in enumerate(day.classes):
                writer.writerow([(day.starts_at + index * step).isoformat(), sla.Class(letter).name.lower()])
        name = f"service-{self.object.number}-{month_on:%Y-%m}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(buffer.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)
