"""Judging the service level from the heat ledger: days as they are settled, months from their days."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import transaction
from django.db.models import Max

from contracts.domain import sla
from contracts.models import Contract, SlaDay, SlaResult, SlaTerms
from contracts.queries import service_levels, terms
from hosting.models import PlannedOutage
from kernel.errors import Refusal
from kernel.money import round_half_up
from kernel.periods import Period, as_utc, local_date, local_day, quarter_hours, quarter_start
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


def _quarter(row: intervals.HeatRow) -> sla.Quarter:
    """The ledger row as the rule reads it; a mean over sensors carries dust, so it is read to 0.01 K."""
    supply_c = None if row.supply_mean_c is None else round_half_up(Decimal(str(row.supply_mean_c)), 2)
    return sla.Quarter(supply_c, row.demand)


def _classes(contract: Contract, period: Period, promised: SlaTerms | None) -> tuple[str, int, list[dict[str, Any]]]:
    """The letters of the period's quarter hours, the sum of the ledger's versions, and the works considered."""
    notice = timedelta(hours=float(promised.notice_h)) if promised else timedelta(0)
    outages = list(service_levels.outages_at(contract, period))
    excuses = [excuse for outage in outages if (excuse := service_levels.excused(outage, notice))]
    rows = intervals.heat_series(delivery_point=contract.delivery_point, period=period)
    found = {row.start: _quarter(row) for row in rows}
    band = terms.band_of(promised) if promised else None
    letters = "".join(
        sla.classify(found.get(quarter.start), band, is_planned=any(quarter.overlaps(each) for each in excuses))
        for quarter in quarter_hours(period)
    )
    return letters, sum(row.version for row in rows), _works_facts(outages, period)


@transaction.atomic
def judge_day(*, contract: Contract, day: date, now: datetime) -> SlaDay | None:
    """The classes of the day's quarter hours that are over, stored; None before the first is."""
    whole = local_day(day, contract.zone)
    end = min(whole.end, quarter_start(now))
    if end <= whole.start:
        return None
    promised = terms.sla_terms_on(contract, day)
    letters, versions, outages = _classes(contract, Period(whole.start, end), promised)
    found = SlaDay.objects.select_for_update().filter(contract=contract, day_on=day).first()
    row = found or SlaDay(contract=contract, day_on=day, version=0)
    if row.classes != letters or row.terms != promised or row.outages != outages:
        row.version += 1
    row.starts_at, row.classes, row.terms = whole.start, letters, promised
    row.ledger_version, row.outages, row.judged_at = versions, outages, as_utc(now)
    row.save()
    return row


def judge_days(*, contract: Contract, days: Iterable[date], now: datetime) -> int:
    """The number of days judged."""
    return sum(judge_day(contract=contract, day=day, now=now) is not None for day in days)


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
    sums: dict[date, int] = {}
    rows = intervals.of_delivery_point(contract.delivery_point, period).values_list("start", "version")
    for start, version in rows:
        day = local_date(start, contract.zone)
        sums[day] = sums.get(day, 0) + version
    return sums


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
