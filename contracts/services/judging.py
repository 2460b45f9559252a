"""Judging the service level from the heat ledger: days as they are settled, months from their days."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Max, Sum
from django.db.models.functions import TruncDate

from contracts.domain import sla
from contracts.models import Contract, SlaDay, SlaResult, SlaTerms
from contracts.queries import service_levels, terms
from hosting.models import PlannedOutage
from kernel.errors import Refusal
from kernel.money import round_half_up
from kernel.periods import QUARTER_HOUR, Period, as_utc, local_date, local_day, quarter_start
from thermal.models import HeatInterval
from thermal.queries import intervals

# A settlement stamps its rows before it commits them; look back far enough to see those of a slow one.
UNSEEN_FOR: Final = timedelta(hours=1)
# Works older than this are looked at again only when their month is billed.
WORKS_CHANGE_WITHIN: Final = timedelta(days=62)
MINUTE_FIELDS = {kind: f"{kind.name.lower()}_minutes" for kind in sla.Class}


class NoSlaTerms(Refusal):
    sentence = "Contract %(number)s has no SLA terms on %(day)s."


class NothingToJudge(Refusal):
    sentence = "Contract %(number)s has no judged day in %(month)s."


@dataclass(frozen=True, slots=True)
class _Span:
    """What judging a span of days reads, fetched at once however many days there are."""

    quarters: dict[datetime, intervals.HeatRow]
    outages: list[PlannedOutage]
    terms: list[SlaTerms]


def _span(contract: Contract, period: Period) -> _Span:
    rows = intervals.heat_series(delivery_point=contract.delivery_point, period=period)
    outages = list(service_levels.outages_at(contract, period))
    return _Span({row.start: row for row in rows}, outages, list(contract.sla_terms.order_by("valid_from")))


def _terms_on(rows: Iterable[SlaTerms], day: date) -> SlaTerms | None:
    """The terms that hold on the day."""
    holding = (row for row in rows if row.valid_from <= day and (row.valid_until is None or day < row.valid_until))
    return next(holding, None)


def _quarter(row: intervals.HeatRow | None) -> sla.Quarter | None:
    """The ledger row as the rule reads it; a mean over sensors carries dust, so it is read to 0.01 K."""
    if row is None:
        return None
    supply_c = None if row.supply_mean_c is None else round_half_up(Decimal(str(row.supply_mean_c)), 2)
    return sla.Quarter(supply_c, row.demand)


def _classes(period: Period, span: _Span, promised: SlaTerms | None) -> tuple[str, int]:
    """The letters of the period's quarter hours, and the sum of the versions of their ledger rows."""
    notice = timedelta(hours=float(promised.notice_h)) if promised else timedelta(0)
    excuses = [excuse for outage in span.outages if (excuse := service_levels.excused(outage, notice))]
    band = terms.band_of(promised) if promised else None
    letters, versions = [], 0
    start = period.start
    while start < period.end:
        row = span.quarters.get(start)
        versions += row.version if row else 0
        following = start + QUARTER_HOUR
        is_planned = any(start < excuse.end and excuse.start < following for excuse in excuses)
        letters.append(sla.classify(_quarter(row), band, is_planned=is_planned).value)
        start = following
    return "".join(letters), versions


@transaction.atomic
def judge_days(*, contract: Contract, days: Iterable[date], now: datetime) -> int:
    """The number of days judged: the classes of their quarter hours that are over, stored in one statement."""
    wanted = sorted(set(days))
    if not wanted:
        return 0
    ends = [min(local_day(day, contract.zone).end, quarter_start(now)) for day in (wanted[0], wanted[-1])]
    start = local_day(wanted[0], contract.zone).start
    if max(ends) <= start:
        return 0
    span = _span(contract, Period(start, max(ends)))
    stored = SlaDay.objects.select_for_update().filter(contract=contract, day_on__range=(wanted[0], wanted[-1]))
    known = {row.day_on: row for row in stored}
    rows = [row for day in wanted if (row := _judged(contract, day, span, known.get(day), now))]
    SlaDay.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["contract", "day_on"],
        update_fields=["starts_at", "classes", "terms", "ledger_version", "outages", "version", "judged_at"],
    )  # fmt: skip
    return len(rows)


def _judged(contract: Contract, day: date, span: _Span, found: SlaDay | None, now: datetime) -> SlaDay | None:
    """The day as judged now, not yet stored; None before its first quarter hour is over."""
    whole = local_day(day, contract.zone)
    end = min(whole.end, quarter_start(now))
    if end <= whole.start:
        return None
    promised = _terms_on(span.terms, day)
    letters, versions = _classes(Period(whole.start, end), span, promised)
    outages = _works_facts(span.outages, whole)
    version = found.version if found else 0
    if found is None or found.classes != letters or found.terms_id != _key(promised) or found.outages != outages:
        version += 1
    return SlaDay(
        contract=contract, day_on=day, starts_at=whole.start, classes=letters, terms=promised,
        ledger_version=versions, outages=outages, version=version, judged_at=as_utc(now),
    )  # fmt: skip


def _key(row: SlaTerms | None) -> int | None:
    return row.pk if row else None


def days_to_judge(contract: Contract, now: datetime) -> list[date]:
    """The local days of the contract whose ledger rows, works or length changed since they were judged."""
    last = min(local_date(now, contract.zone), (contract.ends_on or date.max) - timedelta(days=1))
    newest = SlaDay.objects.filter(contract=contract).aggregate(day=Max("day_on"), at=Max("judged_at"))
    if newest["day"] is None:
        return _from_first_row(contract, last)
    settled = HeatInterval.objects.filter(
        delivery_point=contract.delivery_point_id, settled_at__gte=newest["at"] - UNSEEN_FOR
    )
    touched = {local_date(start, contract.zone) for start in settled.values_list("start", flat=True)}
    touched |= {newest["day"] + timedelta(days=number) for number in range((last - newest["day"]).days + 1)}
    recent = Period(now - WORKS_CHANGE_WITHIN, now)
    touched |= _days_with_changed_works(contract, recent)
    return sorted(day for day in touched if contract.starts_on <= day <= last)


def _days_with_changed_works(contract: Contract, period: Period) -> set[date]:
    """The judged days of the period for which other works are recorded now than when they were judged."""
    outages = list(service_levels.outages_at(contract, period))
    first, last = local_date(period.start, contract.zone), local_date(period.end, contract.zone)
    stored = SlaDay.objects.filter(contract=contract, day_on__range=(first, last)).values_list("day_on", "outages")
    return {day for day, facts in stored if facts != _works_facts(outages, local_day(day, contract.zone))}


def _works_facts(outages: Iterable[PlannedOutage], period: Period) -> list[dict[str, Any]]:
    """What was known of the works that touch the period, as kept with a judged day."""
    return [
        {
            "id": each.pk,
            "announced_at": each.announced_at.isoformat(),
            "starts_at": each.starts_at.isoformat(),
            "ends_at": each.ends_at.isoformat(),
            "cancelled_at": each.cancelled_at.isoformat() if each.cancelled_at else None,
        }
        for each in outages
        if each.starts_at < period.end and each.ends_at > period.start
    ]


def _from_first_row(contract: Contract, last: date) -> list[date]:
    """Every day of the contract up to ``last``; what the ledger lacks is "no data", not missing."""
    count = (last - contract.starts_on).days + 1
    return [contract.starts_on + timedelta(days=number) for number in range(max(count, 0))]


def judge_pending(*, now: datetime, contracts: Iterable[Contract] | None = None) -> int:
    """The number of days judged because something changed since they last were."""
    if contracts is None:
        contracts = Contract.objects.filter(state=Contract.State.ACTIVE).select_related("delivery_point")
    return sum(judge_days(contract=each, days=days_to_judge(each, now), now=now) for each in contracts)


def judge_again(*, contract: Contract, period: Period, now: datetime) -> int:
    """The number of days judged anew in the period, such as after works were announced or terms changed."""
    first, last = local_date(period.start, contract.zone), local_date(period.end - timedelta(seconds=1), contract.zone)
    last = min(last, local_date(now, contract.zone))
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return judge_days(contract=contract, days=[day for day in days if day >= contract.starts_on], now=now)


@transaction.atomic
def judge_month(*, contract: Contract, month_on: date, now: datetime) -> SlaResult:
    """The result of the contract's part of the month; a new version only if something changed.

    Raises
    ------
    NothingToJudge
        Where the contract has no day in the month.
    NoSlaTerms
        Where no terms hold on its last day.
    """
    bill = terms.bill_period(contract, month_on)
    if bill is None:
        raise NothingToJudge(number=contract.number, month=f"{month_on:%Y-%m}")
    last_day = bill.ends_on - timedelta(days=1)
    promised = terms.sla_terms_on(contract, last_day)
    if promised is None:
        raise NoSlaTerms(number=contract.number, day=last_day)
    _judge_stale_days(contract, bill, now)
    days = list(service_levels.days_of(contract, bill.starts_on, bill.ends_on))
    minutes = sla.minutes_per_class(day.classes for day in days)
    judged = sla.judge(minutes, terms.promise_of(promised))
    values: dict[str, Any] = {MINUTE_FIELDS[kind]: count for kind, count in minutes.items()}
    values |= {
        "terms": promised,
        "total_minutes": sum(minutes.values()),
        "availability_ratio": judged.availability_ratio,
        "target_ratio": promised.target_ratio,
        "credit_ratio": judged.credit_ratio,
        "starts_at": bill.period.start,
        "ends_at": bill.period.end,
    }
    inputs = {
        "ledger_version": sum(day.ledger_version for day in days),
        "days": {day.day_on.isoformat(): day.version for day in days},
        "outages": sorted({outage["id"] for day in days for outage in day.outages}),
        "terms": promised.pk,
    }
    return _store(contract, month_on, values, inputs, now)


def _judge_stale_days(contract: Contract, bill: terms.BillPeriod, now: datetime) -> None:
    """Judge the days of the month that are not yet, or whose length, ledger rows or works changed since."""
    known = {day.day_on: day for day in service_levels.days_of(contract, bill.starts_on, bill.ends_on)}
    wanted = [bill.starts_on + timedelta(days=number) for number in range((bill.ends_on - bill.starts_on).days)]
    versions = _ledger_versions(contract, bill.period)
    stale = {
        day
        for day in wanted
        if day not in known or _is_short(known[day], contract) or known[day].ledger_version != versions.get(day, 0)
    }
    stale |= _days_with_changed_works(contract, bill.period) & set(wanted)
    judge_days(contract=contract, days=sorted(stale), now=now)


def _ledger_versions(contract: Contract, period: Period) -> dict[date, int]:
    """The sum of the versions of the ledger's rows by local day."""
    rows = intervals.of_delivery_point(contract.delivery_point, period).order_by()
    days = rows.annotate(day=TruncDate("start", tzinfo=contract.zone)).values_list("day")
    return dict(days.annotate(versions=Sum("version")))


def _is_short(day: SlaDay, contract: Contract) -> bool:
    return len(day.classes) < intervals.quarters_in(local_day(day.day_on, contract.zone))


def _store(
    contract: Contract, month_on: date, values: dict[str, Any], inputs: dict[str, Any], now: datetime
) -> SlaResult:
    """The latest result if it says the same, else a new version of it."""
    latest = SlaResult.objects.select_for_update().filter(contract=contract, month_on=month_on, is_latest=True).first()
    if latest and latest.inputs == inputs and all(getattr(latest, name) == value for name, value in values.items()):
        return latest
    if latest:
        SlaResult.objects.filter(pk=latest.pk).update(is_latest=False)
    return SlaResult.objects.create(
        contract=contract, month_on=month_on, version=latest.version + 1 if latest else 1,
        inputs=inputs, judged_at=as_utc(now), **values,
    )  # fmt: skip
