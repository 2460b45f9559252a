"""What alarm rules see: for each rule the latest value it watches, in one query."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

# Rules that another worker is judging now are left to it; the next poll or sweep looks again.
_LOCK = """
SELECT id FROM thermal_alarmrule
WHERE enabled AND (%(devices)s::bigint[] IS NULL OR id IN (
    SELECT rule.id FROM thermal_alarmrule rule LEFT JOIN hosting_measurement m ON m.id = rule.measurement_id
    WHERE rule.device_id = ANY(%(devices)s) OR m.device_id = ANY(%(devices)s)
))
ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

_SEEN = """
SELECT rule.id,
       CASE WHEN rule.kind = 'no_data'
            THEN extract(epoch FROM %(now)s - greatest(device.last_success_at, frame.at))::float8
            ELSE frame."values"[then_point.slot + 1]::float8 END AS value,
       CASE WHEN rule.kind = 'no_data' THEN %(now)s ELSE frame.at END AS at,
       (rule.only_on_demand AND coalesce(demand.value, 0) < 0.5) AS muted,
       outage.id
FROM thermal_alarmrule rule
LEFT JOIN hosting_measurement m ON m.id = rule.measurement_id
JOIN hosting_device device ON device.id = coalesce(m.device_id, rule.device_id)
LEFT JOIN LATERAL (
    SELECT f.at, f."values", f.profile_id FROM thermal_telemetryframe f
    WHERE f.device_id = device.id AND f.at <= %(now)s AND f.at > %(oldest)s ORDER BY f.at DESC LIMIT 1
) frame ON true
LEFT JOIN hosting_profilepoint now_point ON now_point.profile_id = device.profile_id AND now_point.slot = m.slot
LEFT JOIN hosting_profilepoint then_point
       ON then_point.profile_id = frame.profile_id AND then_point.key = now_point.key
LEFT JOIN LATERAL (
    SELECT f."values"[dm.slot + 1]::float8 AS value
    FROM hosting_measurement dm
    JOIN LATERAL (
        SELECT last."values" FROM thermal_telemetryframe last
        WHERE last.device_id = dm.device_id AND last.at <= %(now)s AND last.at > %(oldest)s
        ORDER BY last.at DESC LIMIT 1
    ) f ON true
    WHERE rule.only_on_demand AND dm.role = 'demand' AND dm.delivery_point_id = rule.delivery_point_id LIMIT 1
) demand ON true
LEFT JOIN LATERAL (
    SELECT o.id FROM hosting_plannedoutage o
    WHERE o.site_id = rule.site_id AND o.cancelled_at IS NULL AND o.starts_at <= %(now)s AND o.ends_at > %(now)s
      AND (o.delivery_point_id IS NULL OR o.delivery_point_id = rule.delivery_point_id)
    ORDER BY o.id LIMIT 1
) outage ON true
WHERE rule.id = ANY(%(rules)s) ORDER BY rule.id
"""

# The closing error as a share of what came in, over the newest hours that are settled; larger than the deadband of one
# quarter hour, so that a buffer's lag does not look like a loss.
_BALANCES = """
SELECT rule.id, abs(balance.error_kwh) / balance.in_kwh, balance.until, false, outage.id
FROM thermal_alarmrule rule
LEFT JOIN LATERAL (
    SELECT sum(si.closing_error_kwh) AS error_kwh, max(si.start) + interval '15 minutes' AS until,
           nullif(sum(si.closing_error_kwh + si.delivered_kwh + coalesce(si.rejected_kwh, 0)
                      + coalesce(si.buffer_change_kwh, 0)), 0) AS in_kwh
    FROM thermal_siteinterval si
    WHERE si.site_id = rule.site_id AND si.start >= %(oldest)s AND si.start < %(now)s
      AND si.closing_error_kwh IS NOT NULL
) balance ON true
LEFT JOIN LATERAL (
    SELECT o.id FROM hosting_plannedoutage o
    WHERE o.site_id = rule.site_id AND o.cancelled_at IS NULL AND o.starts_at <= %(now)s AND o.ends_at > %(now)s
      AND o.delivery_point_id IS NULL
    ORDER BY o.id LIMIT 1
) outage ON true
WHERE rule.id = ANY(%(rules)s) AND rule.kind = 'balance' ORDER BY rule.id
"""
BALANCE_SPAN = dt.timedelta(hours=6)

# A value older than this says nothing about now; silence has a rule of its own.
FRESH = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Sight:
    """What one rule sees: the value it watches, when it was so, and what keeps it quiet.

    For a no-data rule the value is the seconds since the device last answered, None if it never did.
    """

    rule_id: int
    value: float | None
    at: dt.datetime | None
    muted: bool
    outage_id: int | None


def lock_rules(devices: Iterable[int] | None) -> list[int]:
    """The ids of the enabled rules that watch the devices (all rules if None), locked for this transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"devices": None if devices is None else sorted(devices)})
        return [row[0] for row in cursor.fetchall()]


def sights(rules: list[int], now: dt.datetime) -> list[Sight]:
    """What each of the rules sees at ``now``."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"rules": rules, "now": now, "oldest": now - FRESH})
        return [Sight(*row) for row in cursor.fetchall()]


def balances(rules: list[int], now: dt.datetime) -> list[Sight]:
    """What those of the rules see that watch the balance of a site: the share of heat that is not found again."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, {"rules": rules, "now": now, "oldest": now - BALANCE_SPAN})
        return [Sight(*row) for row in cursor.fetchall()]
