"""How service was judged: minutes per class over days and months, and why time was excluded."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from contracts.domain import sla
from contracts.models import Contract, SlaDay, SlaResult
from contracts.queries import terms
from hosting.models import PlannedOutage
from kernel.periods import Period


@dataclass(frozen=True, slots=True)
class Standing:
    """The service of a contract so far in a stretch of days."""

    minutes: dict[sla.Class, int]
    judgement: sla.Judgement | None

    @property
    def total_minutes(self) -> int:
        """All minutes judged."""
        return sum(self.minutes.values())


def days_of(contract: Contract, starts_on: date, ends_on: date) -> QuerySet[SlaDay]:
    """The judged days from one to another, which is not included, in order."""
    rows: QuerySet[SlaDay] = SlaDay.objects.filter(contract=contract, day_on__gte=starts_on, day_on__lt=ends_on)
    return rows.order_by("day_on")


def minutes_of(contract: Contract, starts_on: date, ends_on: date) -> dict[sla.Class, int]:
    """The minutes per class of the days; together they are the minutes judged, each once."""
    return sla.minutes_per_class(days_of(contract, starts_on, ends_on).values_list("classes", flat=True))


def standing(contract: Contract, starts_on: date, ends_on: date) -> Standing:
    """The service in the days from one to another, as far as it has been judged."""
    minutes = minutes_of(contract, starts_on, ends_on)
    promised = terms.sla_terms_on(contract, ends_on - timedelta(days=1))
    return Standing(minutes, sla.judge(minutes, terms.promise_of(promised)) if promised else None)


def latest_result(contract: Contract, month_on: date) -> SlaResult | None:
    """The result of the month as last judged."""
    rows: QuerySet[SlaResult] = SlaResult.objects.filter(contract=contract, month_on=month_on, is_latest=True)
    return rows.select_related("terms").first()


def minutes_of_result(result: SlaResult) -> dict[sla.Class, int]:
    """The minutes per class of a stored result."""
    return {kind: getattr(result, f"{kind.name.lower()}_minutes") for kind in sla.Class}


def outages_at(contract: Contract, period: Period) -> QuerySet[PlannedOutage]:
    """The works at the contract's delivery point, or its whole site, that touch the period."""
    point = contract.delivery_point
    rows: QuerySet[PlannedOutage] = PlannedOutage.objects.filter(site=point.site_id)
    rows = rows.filter(Q(delivery_point=point) | Q(delivery_point__isnull=True))
    return rows.filter(starts_at__lt=period.end, ends_at__gt=period.start).order_by("starts_at")


def excused(outage: PlannedOutage, notice: timedelta) -> Period | None:
    """The time that the works excuse: none if announced too late; a cancelled one only as long as it went on."""
    if outage.announced_at > outage.starts_at - notice:
        return None
    end = outage.ends_at if outage.cancelled_at is None else min(outage.ends_at, outage.cancelled_at)
    return Period(outage.starts_at, end) if end > outage.starts_at else None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A stretch of time that does not count, with the reason in words."""

    period: Period
    minutes: int
    kind: sla.Class
    reason: str


def runs_of(day: SlaDay) -> list[tuple[sla.Class, datetime, int]]:
    """The day as runs of one class: the class, when the run starts, and its quarter hours."""
    runs: list[tuple[sla.Class, datetime, int]] = []
    for index, letter in enumerate(day.classes):
        if runs and runs[-1][0] == letter:
            kind, start, count = runs[-1]
            runs[-1] = (kind, start, count + 1)
        else:
            start = day.starts_at + index * timedelta(minutes=sla.MINUTES_PER_QUARTER)
            runs.append((sla.Class(letter), start, 1))
    return runs
