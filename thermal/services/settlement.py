"""Settlement: the 15-minute heat ledger made from what was recorded.

Recording marks the quarter hours it touches; `settle_marked` claims marks, rewrites their ledger rows by set-based
statements and removes the marks, all in one transaction. It can be killed and repeated at any time and run by any
number of workers: each quarter hour depends on recorded values only.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from hosting.models import MeterPlacement, Site
from hosting.models.field import Measurement
from kernel.periods import QUARTER_HOUR, Period
from thermal import signals
from thermal.models import HeatInterval
from thermal.queries import rule_book
from thermal.services import kpi_ledger, marking
from thermal.services.settlement_sql import CLAIM, HAS_EQUIPMENT, LANE, SETTLE_EQUIPMENT, SETTLE_HEAT, SETTLE_SITES

# Raise it when a rule changes what a ledger row says; `manage.py settle --all` then makes new versions.
RULE_VERSION = 3
# The same for the rows of equipment.
EQUIPMENT_RULE_VERSION = 1

# Readings no further apart than one and a half quarter hours measure each quarter hour.
NEAR_S = 1350
# A day is known from a reading each midnight, also the day of 25 hours, and a gateway is sometimes slow to ask.
SPREAD_LIMIT_S = 26 * 3600
# Telemetry that covers less than this share of a quarter hour is said to be short.
WHOLE_S = 810
# Bits of the information code after which energy was not, or wrongly, counted (Kamstrup 403/603 technical
# description: t1/t2 out of range, wrong polarity, air, wrong direction, no communication with the flow sensor).
BLOCKING_INFO_BITS = 0x303F8

HEAT_ROLES = [MeterPlacement.Role.DELIVERED_HEAT.value]
SITE_ROLES = [
    role.value
    for role in MeterPlacement.Role
    if role not in {MeterPlacement.Role.DELIVERED_HEAT, MeterPlacement.Role.TOP_UP_WATER}
]
HEAT_CHANNELS = [
    Measurement.Role.SUPPLY_TEMPERATURE.value,
    Measurement.Role.RETURN_TEMPERATURE.value,
    Measurement.Role.FLOW.value,
    Measurement.Role.DEMAND.value,
    Measurement.Role.DELIVERED_POWER.value,
]
SITE_LINES = [
    Measurement.Role.IT_POWER.value,
    Measurement.Role.TOTAL_POWER.value,
    Measurement.Role.HEAT_PUMP_POWER.value,
    Measurement.Role.HEAT_PUMP_HEAT_POWER.value,
    Measurement.Role.SOURCE_PUMP_POWER.value,
    Measurement.Role.SINK_PUMP_POWER.value,
    Measurement.Role.BACKUP_HEAT_POWER.value,
    Measurement.Role.BACKUP_POWER.value,
    Measurement.Role.CAPTURED_POWER.value,
    Measurement.Role.REJECTED_POWER.value,
    Measurement.Role.BUFFER_TEMPERATURE.value,
    Measurement.Role.EXPORT_MODE.value,
]
SITE_CHANNELS = [*SITE_LINES, Measurement.Role.EXPORT_CAUSE.value, Measurement.Role.UTILISATION.value]


@dataclass(frozen=True, slots=True)
class Settled:
    """What a settlement did: quarter hours of sites looked at, and ledger rows that were new or had changed."""

    quarters: int
    heat_rows: int
    site_rows: int
    equipment_rows: int = 0

    def __add__(self, other: "Settled") -> "Settled":
        return Settled(
            self.quarters + other.quarters,
            self.heat_rows + other.heat_rows,
            self.site_rows + other.site_rows,
            self.equipment_rows + other.equipment_rows,
        )


NOTHING = Settled(0, 0, 0)


def settle_marked(*, now: dt.datetime, site: Site | None = None, batch: int = 20_000) -> Settled:
    """What was settled of the marked quarter hours that are over, batch after batch until no mark is free."""
    total = NOTHING
    while (done := _settle_batch(now=now, site=site, limit=batch)).quarters:
        total += done
    return total


def settle_period(*, site: Site, period: Period, now: dt.datetime) -> Settled:
    """What was settled of a site's period, marked or not."""
    marking.mark_period(site=site, period=period, now=now)
    return settle_marked(now=now, site=site)


@transaction.atomic
def mark_unsettled(*, now: dt.datetime, reach: dt.timedelta = dt.timedelta(days=2)) -> int:
    """The count of quarter hours marked because they ended without any value, so that the ledger shows the hole."""
    with connection.cursor() as cursor:
        facts: dict[str, Any] = {"now": now, "oldest": now - reach, "before": now - QUARTER_HOUR}
        cursor.execute(_MARK_UNSETTLED, facts)
        return int(cursor.rowcount)


_MARK_UNSETTLED = """
INSERT INTO thermal_dirtymark (site_id, start, marked_at)
SELECT site.id, q.start, %(now)s
FROM hosting_site site
CROSS JOIN LATERAL (
    SELECT max(settled.start) AS start FROM thermal_siteinterval settled
    WHERE settled.site_id = site.id AND settled.start >= %(oldest)s
) latest
CROSS JOIN LATERAL generate_series(
    latest.start + interval '15 minutes', %(before)s, interval '15 minutes'
) q (start)
WHERE site.lifecycle IN ('commissioning', 'live', 'suspended') AND latest.start IS NOT NULL
ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""


@transaction.atomic
def _settle_batch(*, now: dt.datetime, site: Site | None, limit: int) -> Settled:
    """One batch: marks claimed, ledger written, marks gone, or none of it."""
    with connection.cursor() as cursor:
        spans = _claim(cursor, now=now, site=site, limit=limit)
        if not spans:
            return NOTHING
        cursor.execute(_PLANNING)
        facts = _facts(spans, now)
        cursor.execute(SETTLE_HEAT, facts | _HEAT_FACTS)
        heat_rows = cursor.rowcount
        cursor.execute(SETTLE_SITES, facts | _SITE_FACTS)
        site_rows = cursor.rowcount
        equipment_rows = _settle_equipment(cursor, facts)
        if heat_rows or site_rows or equipment_rows:
            kpi_ledger.mark_stretches(stretches=[span[:3] for span in spans], now=now)
        if heat_rows:
            signals.ledger_changed.send(sender=HeatInterval, stretches=[span[:3] for span in spans], now=now)
        marking.mark_to_judge(sites=[(span[0], at) for span in spans for at in span[1:3]], now=now)
        return Settled(sum(span[3] for span in spans), heat_rows, site_rows, equipment_rows)


def _claim(cursor: Any, *, now: dt.datetime, site: Site | None, limit: int) -> list[Any]:
    """The stretches of quarter hours that are ours to settle; none if all are taken. A given site needs no lane."""
    facts: dict[str, Any] = {"before": now - QUARTER_HOUR, "limit": limit, "site": site.pk if site else None}
    tried: list[int] = []
    while True:
        lane = None if site else _free_lane(cursor, facts | {"tried": tried})
        if lane is None and site is None:
            return []
        cursor.execute(CLAIM, facts | {"lane": lane})
        spans = list(cursor.fetchall())
        if spans or lane is None:
            return spans
        # Whoever worked on this lane finished it a moment ago.
        tried.append(lane)


def _free_lane(cursor: Any, facts: dict[str, Any]) -> int | None:
    cursor.execute(LANE, facts)
    found = cursor.fetchone()
    return found[0] if found else None


def _settle_equipment(cursor: Any, facts: dict[str, Any]) -> int:
    """The rows of equipment that were written or removed; sites without any are asked once and cost no more."""
    cursor.execute(HAS_EQUIPMENT, facts)
    if not cursor.fetchone()[0]:
        return 0
    # What the sites' rows say of heat pumps is read here, so these come last.
    cursor.execute(SETTLE_EQUIPMENT, facts | {"rule": EQUIPMENT_RULE_VERSION})
    return int(cursor.fetchone()[0])


# Compiling these statements takes longer than running them, and the sorts of a year fit into memory. Nobody can tell
# the planner how many quarter hours a span has: it then merges by delivery point alone and compares every quarter hour
# with every other. A hash has all keys. Nor does it know how a ledger that was empty a moment ago has grown meanwhile:
# for every row it would read all of it. An index is right however many there are.
_PLANNING = """
SELECT set_config('jit', 'off', true), set_config('work_mem', '128MB', true),
       set_config('enable_mergejoin', 'off', true), set_config('enable_seqscan', 'off', true)
"""

_HEAT_FACTS = {
    "meter_roles": HEAT_ROLES,
    "channel_roles": HEAT_CHANNELS,
    "line_roles": [Measurement.Role.DELIVERED_POWER.value],
}
_SITE_FACTS = {"meter_roles": SITE_ROLES, "channel_roles": SITE_CHANNELS, "line_roles": SITE_LINES}


def _facts(spans: list[tuple[int, dt.datetime, dt.datetime, int]], now: dt.datetime) -> dict[str, Any]:
    gap = marking.integration_gap()
    return {
        "sites": [span[0] for span in spans],
        "starts": [span[1] for span in spans],
        "ends": [span[2] for span in spans],
        # The same bounds as constants, so that partitions outside of them are not even opened.
        "earliest": min(span[1] for span in spans) - gap,
        "latest": max(span[2] for span in spans) + gap,
        "gap": gap,
        "near_s": NEAR_S,
        "whole_s": WHOLE_S,
        "cold_k": getattr(settings, "THERMAL_COLD_SUPPLY_K", 3.0),
        "spread_limit_s": getattr(settings, "THERMAL_SPREAD_LIMIT_S", SPREAD_LIMIT_S),
        "fault_mask": getattr(settings, "THERMAL_BLOCKING_INFO_BITS", BLOCKING_INFO_BITS),
        "power_ratio": rule_book.settlement_power_ratio(),
        "rule": RULE_VERSION,
        "now": now,
    }
