"""The sites as the heat overview lists them."""

import datetime as dt
from typing import Any

from django.db.models import F, FloatField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import NullIf

from hosting.models import Site
from thermal.models import Alarm, SiteInterval

DAY = dt.timedelta(days=1)


def with_heat(sites: QuerySet[Site], now: dt.datetime) -> QuerySet[Any]:
    """The sites with the energies of the last 24 hours, and of the 24 hours before, from the ledger."""
    return sites.annotate(
        heat_kwh=_sum("delivered_kwh", now - DAY, now),
        heat_before_kwh=_sum("delivered_kwh", now - 2 * DAY, now - DAY),
        it_kwh=_sum("it_kwh", now - DAY, now),
        curtailed_h=_sum("curtailed_s", now - DAY, now) / 3600.0,
        last_settled_at=Subquery(
            SiteInterval.objects.filter(site=OuterRef("pk"), start__gte=now - 7 * DAY, it_kwh__isnull=False)
            .order_by("-start")
            .values("start")[:1]
        ),
        export_mode=Subquery(
            SiteInterval.objects.filter(site=OuterRef("pk"), start__gte=now - DAY, export_mode__isnull=False)
            .order_by("-start")
            .values("export_mode")[:1]
        ),
        worst_alarm=Subquery(
            Alarm.objects.filter(site=OuterRef("pk"), suppressed_by=None)
            .exclude(state="closed")
            .order_by("priority")
            .values("priority")[:1]
        ),
    ).annotate(reuse_ratio=F("heat_kwh") / NullIf(F("it_kwh"), 0.0))


def _sum(field: str, start: dt.datetime, end: dt.datetime) -> Subquery:
    rows = SiteInterval.objects.filter(site=OuterRef("pk"), start__gte=start, start__lt=end).order_by()
    return Subquery(rows.values("site").annotate(total=Sum(field)).values("total"), output_field=FloatField())
