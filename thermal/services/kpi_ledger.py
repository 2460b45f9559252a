"""The KPI ledger: sums of the heat ledger by site, local month and input.

Settlement marks the months it writes to; `sum_marked` claims marks, sums those months anew and removes the marks, in
one transaction per batch. It can be killed and repeated at any time and run by any number of workers, and rows change
their version only where a sum changed.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from hosting.models import Site
from kernel.periods import local_month, quarter_start
from thermal.models import KpiSum
from thermal.services import kpi_sql

Stretch = tuple[int, dt.datetime, dt.datetime]


@transaction.atomic
def mark_stretches(*, stretches: Iterable[Stretch], now: dt.datetime) -> int:
    """The count of months marked because the ledger of these sites was written from the first to the last instant."""
    touched = sorted(stretches)
    facts: dict[str, Any] = {
        "sites": [one[0] for one in touched],
        "starts": [one[1] for one in touched],
        "ends": [one[2] for one in touched],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(kpi_sql.MARK, facts)
        return int(cursor.rowcount)


def sum_marked(*, now: dt.datetime, site: Site | None = None, batch: int = 200) -> int:
    """The count of rows that were new or changed, after summing every marked month."""
    written = 0
    while (done := _sum_batch(now=now, site=site, limit=batch)) is not None:
        written += done
    return written


@transaction.atomic
def rebuild(*, now: dt.datetime, site: Site | None = None) -> int:
    """The count of rows written after throwing away the sums of a site, or of all, and making them anew."""
    rows: Any = KpiSum.objects.filter(site=site) if site else KpiSum.objects.all()
    rows.delete()
    mark_all(now=now, site=site)
    return sum_marked(now=now, site=site)


@transaction.atomic
def mark_all(*, now: dt.datetime, site: Site | None = None) -> int:
    """The count of months marked: all that the ledger of a site, or of all sites, holds."""
    with connection.cursor() as cursor:
        cursor.execute(kpi_sql.STRETCHES, {"site": site.pk if site else None})
        stretches = cursor.fetchall()
    return mark_stretches(stretches=stretches, now=now)


@transaction.atomic
def _sum_batch(*, now: dt.datetime, site: Site | None, limit: int) -> int | None:
    """The rows written for one batch of marks; None where no mark is free."""
    with connection.cursor() as cursor:
        cursor.execute(kpi_sql.CLAIM, {"site": site.pk if site else None, "limit": limit})
        months = sorted(cursor.fetchall())
        if not months:
            return None
        cursor.execute("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")
        cursor.execute(kpi_sql.SUM_MONTHS, _facts(months, now))
        return int(cursor.rowcount)


def _facts(months: list[tuple[int, dt.date]], now: dt.datetime) -> dict[str, Any]:
    """The months with their bounds in each site's zone, the running one up to the last whole quarter hour."""
    sites = Site.objects.in_bulk({site for site, _month in months})
    periods = [local_month(month.year, month.month, sites[site].zone) for site, month in months]
    over = quarter_start(now)
    return {
        "sites": [site for site, _month in months],
        "months": [month for _site, month in months],
        "starts": [period.start for period in periods],
        "ends": [max(period.start, min(period.end, over)) for period in periods],
        "now": now,
    }
