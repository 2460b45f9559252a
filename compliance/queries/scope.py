"""What a pack is about, and whose eyes it is built for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from accounts.models import User
from hosting.models import Meter, MeterPlacement, Site
from kernel.periods import Period


@dataclass(frozen=True)
class Scope:
    """The sites, the period and the instant of knowledge of a pack; `user` is None for the installation itself."""

    site_ids: Sequence[int]
    period: Period
    as_of: datetime
    zone: ZoneInfo
    user: User | None = None

    def seen(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows that the pack's requester may see."""
        return rows if self.user is None else rows.visible_to(self.user)  # type: ignore[attr-defined]

    @cached_property
    def first_on(self) -> date:
        """The first local day that the period touches."""
        return self.period.start.astimezone(self.zone).date()

    @cached_property
    def until_on(self) -> date:
        """The first local day that the period no longer touches."""
        last_instant = self.period.end - timedelta(microseconds=1)
        return last_instant.astimezone(self.zone).date() + timedelta(1)

    def instants(self, name: str) -> Q:
        """The condition that an instant lies in the period and was known."""
        return Q(**{f"{name}__gte": self.period.start, f"{name}__lt": self.period.end, f"{name}__lte": self.as_of})

    def days(self, name: str) -> Q:
        """The condition that a day lies in the period."""
        return Q(**{f"{name}__gte": self.first_on, f"{name}__lt": self.until_on})

    def overlaps(self, start: str, end: str) -> Q:
        """The condition that a stretch of instants shares one with the period; no end is open."""
        open_or_later = Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": self.period.start})
        return Q(**{f"{start}__lt": self.period.end}) & open_or_later

    def day_overlaps(self, start: str, end: str) -> Q:
        """The condition that a stretch of days shares one with the period; no end is open."""
        open_or_later = Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gt": self.first_on})
        return Q(**{f"{start}__lt": self.until_on}) & open_or_later

    def sites(self) -> QuerySet[Site]:
        """The sites of the pack."""
        rows: QuerySet[Site] = self.seen(Site.objects.filter(pk__in=self.site_ids))
        return rows

    def placements(self) -> QuerySet[MeterPlacement]:
        """Each stay of a meter at one of the sites that shares an instant with the period."""
        here = MeterPlacement.objects.filter(site__in=self.sites().values("pk"))
        return self.seen(here.filter(self.overlaps("valid_from", "valid_until")))

    def meters(self) -> QuerySet[Meter]:
        """The meters that stood at the sites in the period."""
        rows: QuerySet[Meter] = Meter.objects.filter(pk__in=self.placements().values("meter"))
        return rows
