"""What thermal does when facts of the inventory change."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models.signals import post_save
from django.dispatch import receiver

from accounts.models import User
from hosting import signals
from hosting.domain.exchanging import Facts, Remark
from hosting.models import MeterPlacement, PlannedOutage
from thermal.domain.readings import PointSpec
from thermal.protocols import PROTOCOLS
from thermal.services import corrections, exchange_remarks, marking

# From the earliest to the latest value that the placement can have changed; no clock is needed for that. The placement
# brings values of its own, its first and final register, and what lies between them and the readings changes too,
# as far as marking reaches. One without readings and without an end changes nothing yet: the first reading will mark
# what it touches.
_MARK = """
INSERT INTO thermal_dirtymark (site_id, start, marked_at)
SELECT %(site)s, q.start, clock_timestamp()
FROM (
    SELECT min(at) AS first_at, max(at) AS last_at FROM thermal_meterreading WHERE meter_id = %(meter)s
) read
CROSS JOIN LATERAL (
    SELECT greatest(least(read.first_at, %(until)s::timestamptz), %(since)s::timestamptz) AS first_at
) known
CROSS JOIN LATERAL generate_series(
    date_bin('15 minutes', CASE WHEN known.first_at - %(since)s::timestamptz <= %(reach)s::interval
                                THEN %(since)s::timestamptz ELSE known.first_at END, 'epoch'),
    greatest(read.last_at, %(until)s::timestamptz), interval '15 minutes'
) q (start)
WHERE read.first_at IS NOT NULL OR %(until)s::timestamptz IS NOT NULL
ORDER BY q.start
ON CONFLICT (site_id, start) DO UPDATE SET marked_at = excluded.marked_at WHERE false
"""


@receiver(post_save, sender=MeterPlacement, dispatch_uid="thermal.settle_placement_again")
def settle_placement_again(instance: MeterPlacement, **_kwargs: Any) -> None:
    """Mark what a meter that was fitted, removed or corrected can have changed."""
    facts: dict[str, Any] = {
        "site": instance.site_id,
        "meter": instance.meter_id,
        "since": instance.valid_from,
        "until": instance.valid_until,
        "reach": marking.marking_reach(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_MARK, facts)


# Announced work makes quarter hours "maintenance"; those to come are settled with it anyway.
_MARK_SETTLED = """
INSERT INTO thermal_dirtymark (site_id, start, marked_at)
SELECT site_id, start, clock_timestamp() FROM thermal_siteinterval
WHERE site_id = %(site)s AND start > %(first)s::timestamptz - interval '15 minutes' AND start < %(last)s
ORDER BY start
ON CONFLICT (site_id, start) DO UPDATE SET marked_at = excluded.marked_at WHERE false
"""


@receiver(post_save, sender=PlannedOutage, dispatch_uid="thermal.settle_outage_again")
def settle_outage_again(instance: PlannedOutage, **_kwargs: Any) -> None:
    """Mark the quarter hours that were settled before work was announced, moved or called off."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"site": instance.site_id, "first": instance.starts_at, "last": instance.ends_at}
        cursor.execute(_MARK_SETTLED, facts)


@receiver(signals.profile_proposed, dispatch_uid="thermal.plan_proposed_profile")
def plan_proposed_profile(
    sender: Any,  # noqa: ARG001 -- Django's form
    *,
    protocol: str,
    options: dict[str, Any],
    points: Sequence[Any],
    **_facts: Any,
) -> None:
    """Refuse a profile that could not be read, naming the point."""
    language = PROTOCOLS.get(protocol)
    if language is not None:
        specs = [PointSpec(one.slot, one.key, one.name, str(one.quantity), one.unit, one.address) for one in points]
        language.plan(specs, options)


@receiver(signals.meter_swap_reviewed, dispatch_uid="thermal.remark_on_exchange")
def remark_on_exchange(sender: Any, *, placement: MeterPlacement, facts: Facts, **_more: Any) -> list[Remark]:  # noqa: ARG001 -- Django's form
    """Say how plausible the final register is, and how the gap will be estimated."""
    return exchange_remarks.remarks(placement, facts)


@receiver(signals.meter_swapped, dispatch_uid="thermal.estimate_exchange")
def estimate_exchange(
    sender: Any,  # noqa: ARG001 -- Django's form
    *,
    ended: MeterPlacement,
    fitted: MeterPlacement,
    by: User,
    now: dt.datetime,
    **_facts: Any,
) -> None:
    """Add what passed while nobody measured, as estimated."""
    corrections.estimate_exchange(ended=ended, fitted=fitted, by=by, now=now)
