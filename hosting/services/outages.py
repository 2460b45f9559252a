"""Announcing planned work and calling it off."""

from __future__ import annotations

import datetime as dt

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import User
from hosting.models import DeliveryPoint, PlannedOutage, Site
from kernel.errors import Refusal
from kernel.periods import Period


class OutageHasStarted(Refusal):
    """Works that have begun cannot be called off any more."""

    sentence = "These works have begun already; end them instead."


class DeliveryPointElsewhere(Refusal):
    """An outage names a delivery point of another site."""

    sentence = "Delivery point %(delivery_point)s is not at %(site)s."


class OutageIsWrong(Refusal):
    """The outage breaks a rule of its table."""

    sentence = "%(problem)s"


@transaction.atomic
def announce_outage(
    *,
    site: Site,
    period: Period,
    reason: str,
    delivery_point: DeliveryPoint | None = None,
    by: User,
    now: dt.datetime,
) -> PlannedOutage:
    """The stored announcement of works at a site, or at one of its delivery points."""
    if delivery_point is not None and delivery_point.site_id != site.pk:
        raise DeliveryPointElsewhere(delivery_point=delivery_point, site=site)
    outage = PlannedOutage(
        site=site,
        delivery_point=delivery_point,
        starts_at=period.start,
        ends_at=period.end,
        announced_at=now,
        reason=reason,
        created_by=by,
    )
    try:
        outage.full_clean()
    except ValidationError as refused:
        raise OutageIsWrong(problem=" ".join(refused.messages)) from refused
    outage.save()
    return outage


@transaction.atomic
def cancel_outage(*, outage: PlannedOutage, by: User, now: dt.datetime) -> PlannedOutage:
    """The announcement, called off; it stays on record."""
    stored = PlannedOutage.objects.select_for_update().get(pk=outage.pk)
    if stored.starts_at <= now:
        raise OutageHasStarted
    if stored.cancelled_at is None:
        stored.cancelled_at, stored.cancelled_by = now, by
        stored.save(update_fields=["cancelled_at", "cancelled_by"])
    return stored
