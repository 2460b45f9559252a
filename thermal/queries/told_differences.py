"""Where a meter's own temperature difference contradicts its two temperatures: rule V11, over recorded frames."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from kernel.periods import Period
from thermal.domain.validation import Thresholds, device

# The difference is taken from one read of one device, so the three values are of one moment. Temperatures that are told
# by the kelvin are granted their own rounding: all their values are whole numbers then.
_CONTRADICTIONS = """
WITH meant AS (
    SELECT d.id AS device_id, d.meter_id, p.profile_id,
           max(p.slot) FILTER (WHERE p.quantity = 'supply_c') + 1 AS supply,
           max(p.slot) FILTER (WHERE p.quantity = 'return_c') + 1 AS back,
           max(p.slot) FILTER (WHERE p.quantity = 'difference_k') + 1 AS difference
    FROM hosting_device d JOIN hosting_profilepoint p ON p.profile_id = d.profile_id
    WHERE d.meter_id = ANY(%(meters)s::bigint[]) GROUP BY 1, 2, 3
    HAVING count(DISTINCT p.quantity) FILTER (WHERE p.quantity IN ('supply_c', 'return_c', 'difference_k')) = 3
),
told AS (
    SELECT m.meter_id, f.at, f."values"[m.supply]::float8 AS supply_c, f."values"[m.back]::float8 AS return_c,
           f."values"[m.difference]::float8 AS difference_k
    FROM meant m
    JOIN thermal_telemetryframe f ON f.device_id = m.device_id AND f.profile_id = m.profile_id
     AND f.at >= %(start)s AND f.at < %(end)s
),
measured AS (
    SELECT *, abs(difference_k - (supply_c - return_c)) AS off_k,
           bool_and(supply_c = trunc(supply_c) AND return_c = trunc(return_c)) OVER (PARTITION BY meter_id) AS by_kelvin
    FROM told WHERE supply_c IS NOT NULL AND return_c IS NOT NULL AND difference_k IS NOT NULL
)
SELECT meter_id, date_bin('1 day', at, 'epoch'), min(at), max(at), max(measured.off_k), count(*)
FROM measured JOIN unnest(%(meters)s::bigint[], %(limits)s::float8[]) allowed (meter_id, off_k) USING (meter_id)
WHERE measured.off_k > greatest(allowed.off_k, CASE WHEN by_kelvin THEN %(resolution_k)s ELSE 0 END) + 1e-4
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A day on which a meter told a wrong temperature difference: when, by how much at most, and how often."""

    meter_id: int
    first_at: dt.datetime
    last_at: dt.datetime
    off_k: float
    count: int


def contradictions(limits: Mapping[int, Thresholds], period: Period) -> list[Contradiction]:
    """Each UTC day of the period on which a meter's ΔT is not that of its temperatures, by the limits of each meter."""
    facts: dict[str, Any] = {
        "meters": list(limits),
        "limits": [limit["difference_k"] for limit in limits.values()],
        "resolution_k": device.KELVIN_RESOLUTION_K,
        "start": period.start,
        "end": period.end,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CONTRADICTIONS, facts)
        return [Contradiction(row[0], row[2], row[3], round(row[4], 3), row[5]) for row in cursor.fetchall()]
