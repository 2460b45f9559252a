"""Judging the service level from the ledger."""

import datetime as dt
from decimal import Decimal

import pytest
from django.db.models import QuerySet

from contracts.domain import sla
from contracts.domain.sla import Class
from contracts.models import Contract, SlaDay, SlaResult
from contracts.queries import service_levels
from contracts.services import contracting, judging
from tests.makers import contracts, hosting
from tests.makers.billing import midnight
from thermal.models import HeatInterval

pytestmark = pytest.mark.django_db
SEPTEMBER = dt.date(2026, 9, 1)
NOW = dt.datetime(2026, 10, 1, 12, tzinfo=dt.UTC)


def september() -> Contract:
    contract = contracts.make_contract(starts_on=SEPTEMBER, ends_on=dt.date(2026, 10, 1))
    start, end = midnight(contract, SEPTEMBER), midnight(contract, dt.date(2026, 10, 1))
    contracts.make_intervals(contract.delivery_point, start, end)
    return contract


def rows(contract: Contract, first_hour: int, hours: int) -> QuerySet[HeatInterval]:
    start = midnight(contract, SEPTEMBER) + dt.timedelta(hours=first_hour)
    return HeatInterval.objects.filter(
        delivery_point=contract.delivery_point, start__gte=start, start__lt=start + dt.timedelta(hours=hours)
    )


def judge(contract: Contract, now: dt.datetime = NOW) -> SlaResult:
    return judging.judge_month(contract=contract, month_on=SEPTEMBER, now=now)


def test_a_month_with_announced_works_and_failures_comes_to_the_published_availability() -> None:
    contract = september()
    start = midnight(contract, SEPTEMBER)
    hosting.make_outage(contract.delivery_point.site, starts_at=start, ends_at=start + dt.timedelta(hours=8))
    rows(contract, 0, 14).update(supply_mean_c=20.0)
    result = judge(contract)
    assert (result.planned_minutes, result.failed_minutes, result.met_minutes) == (480, 360, 706 * 60)
    assert result.availability_ratio == Decimal("0.99157303")


def test_every_minute_has_one_class() -> None:
    contract = september()
    rows(contract, 10, 5).update(demand=False)
    rows(contract, 20, 5).delete()
    rows(contract, 30, 5).update(supply_mean_c=60.0)
    result = judge(contract)
    minutes = service_levels.minutes_of_result(result)
    assert sum(minutes.values()) == result.total_minutes == 30 * 24 * 60
    assert (minutes[Class.NO_DEMAND], minutes[Class.NO_DATA], minutes[Class.FAILED]) == (300, 300, 300)


def test_works_announced_too_late_excuse_nothing() -> None:
    contract = september()
    start = midnight(contract, SEPTEMBER)
    hosting.make_outage(
        contract.delivery_point.site, starts_at=start, ends_at=start + dt.timedelta(hours=8),
        announced_at=start - dt.timedelta(hours=47),
    )  # fmt: skip
    assert judge(contract).planned_minutes == 0


def test_works_at_another_delivery_point_excuse_nothing() -> None:
    contract = september()
    start = midnight(contract, SEPTEMBER)
    site = contract.delivery_point.site
    hosting.make_outage(
        site, starts_at=start, ends_at=start + dt.timedelta(hours=8), delivery_point=hosting.make_delivery_point(site)
    )
    assert judge(contract).planned_minutes == 0


def test_data_missing_beyond_the_grace_counts_as_failed() -> None:
    contract = september()
    rows(contract, 0, 36).delete()
    result = judge(contract)
    assert result.no_data_minutes == 36 * 60
    met = Decimal(684)
    assert result.availability_ratio == (met / (met + 12)).quantize(sla.RATIO_PLACES)


def test_judging_again_without_news_changes_nothing() -> None:
    contract = september()
    first = judge(contract)
    assert judge(contract) == first
    assert SlaResult.objects.count() == 1


def test_late_ledger_rows_make_a_new_version() -> None:
    contract = september()
    first = judge(contract)
    rows(contract, 5, 1).update(supply_mean_c=20.0, version=2)
    second = judge(contract)
    assert (second.version, second.failed_minutes, first.failed_minutes) == (2, 60, 0)
    assert SlaResult.objects.get(is_latest=True) == second
    assert SlaDay.objects.get(day_on=SEPTEMBER).version == 2


def test_works_entered_later_are_seen() -> None:
    contract = september()
    judge(contract)
    start = midnight(contract, SEPTEMBER) + dt.timedelta(days=9)
    hosting.make_outage(contract.delivery_point.site, starts_at=start, ends_at=start + dt.timedelta(hours=4))
    assert judge(contract).planned_minutes == 240


def test_pending_days_are_judged_once() -> None:
    contract = september()
    now = dt.datetime(2026, 9, 3, 12, 7, tzinfo=dt.UTC)
    HeatInterval.objects.filter(start__gte=now).delete()
    HeatInterval.objects.update(settled_at=now - dt.timedelta(days=1))
    assert judging.judge_pending(now=now, contracts=[contract]) == 3
    day = SlaDay.objects.get(day_on=dt.date(2026, 9, 3))
    assert len(day.classes) == 14 * 4
    later = now + dt.timedelta(minutes=15)
    assert judging.judge_pending(now=later, contracts=[contract]) == 1
    day.refresh_from_db()
    assert len(day.classes) == 14 * 4 + 1


def test_a_new_band_judges_its_days_anew() -> None:
    contract = september()
    judge(contract)
    contracting.agree_service(
        contract=contract, by=None, now=NOW, valid_from=dt.date(2026, 9, 16),
        supply_min_c=Decimal(50), supply_max_c=Decimal(60),
    )  # fmt: skip
    assert judge(contract).failed_minutes == 15 * 24 * 60


@pytest.mark.parametrize(("month_on", "hours"), [(dt.date(2026, 3, 1), 743), (dt.date(2026, 10, 1), 745)])
def test_months_with_a_clock_change_have_their_true_minutes(month_on: dt.date, hours: int) -> None:
    contract = contracts.make_contract()
    result = judging.judge_month(contract=contract, month_on=month_on, now=dt.datetime(2026, 12, 1, tzinfo=dt.UTC))
    assert result.total_minutes == result.no_data_minutes == hours * 60
