"""Marks of quarter hours whose ledger rows no longer match what was recorded.

Whoever records a value marks, in the same transaction, every quarter hour whose settlement that value can
change: those between its two neighbours. Settlement then rewrites exactly the marked quarter hours, so a mark
that is missing here is a wrong ledger for ever.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from hosting.models import Site
from kernel.periods import Period

# All marks of a transaction are written by one statement and in one order, so that two recorders never wait for
# each other in a circle. A mark that is there already is locked, though not changed: if settlement has claimed it,
# the recorder waits for its end and marks anew. With DO NOTHING it would trust a mark that is about to go.
_INSERT = """
INSERT INTO thermal_dirtymark (site_id, start, marked_at)
SELECT DISTINCT touched.site_id, quarter.start, %(now)s::timestamptz
FROM ({touched}) touched
CROSS JOIN LATERAL generate_series(
    date_bin('15 minutes', touched.first_at, 'epoch'), touched.last_at, interval '15 minutes'
) quarter (start)
ORDER BY 1, 2
ON CONFLICT (site_id, start) DO UPDATE SET marked_at = excluded.marked_at
WHERE thermal_dirtymark.marked_at > excluded.marked_at
"""

# The latest version of a reading counts, unless it withdraws the register. Asked as a number, not as NOT EXISTS: the
# planner would join that with every reading of the meter, for each of thousands of look-ups.
_CURRENT_READING = """
    r.energy_kwh IS NOT NULL AND r.version = (
        SELECT max(same.version) FROM thermal_meterreading same WHERE same.meter_id = r.meter_id AND same.at = r.at
    )"""

# A register difference is spread from one reading to the next: a new reading changes all between its neighbours,
# and the quarter hour that ends with it. What lies before the first reading starts with the placement's register, and
# what lies behind the last one of a meter that was taken away ends with its final register.
_BETWEEN_READINGS = f"""
SELECT placement.site_id,
       greatest(placement.valid_from,
                coalesce(earlier.at, placement.valid_from),
                new.at - %(reach)s::interval) AS first_at,
       least(coalesce(later.at, placement.valid_until, new.at), coalesce(placement.valid_until, 'infinity'),
             new.at + %(reach)s::interval) AS last_at
FROM unnest(%(meters)s::bigint[], %(read_ats)s::timestamptz[]) new (meter_id, at)
JOIN hosting_meterplacement placement
  ON placement.meter_id = new.meter_id AND placement.valid_from <= new.at
 AND (placement.valid_until IS NULL OR placement.valid_until >= new.at)
LEFT JOIN LATERAL (
    SELECT r.at FROM thermal_meterreading r
    WHERE r.meter_id = new.meter_id AND r.at < new.at AND {_CURRENT_READING}
    ORDER BY r.at DESC LIMIT 1
) earlier ON true
LEFT JOIN LATERAL (
    SELECT r.at FROM thermal_meterreading r
    WHERE r.meter_id = new.meter_id AND r.at > new.at AND {_CURRENT_READING}
    ORDER BY r.at LIMIT 1
) later ON true
"""  # noqa: S608 - our own constant

# Power is integrated from frame to frame, but not across a gap: a new frame changes what lies between its
# neighbours where those are near.
_BETWEEN_FRAMES = """
SELECT site.site_id, coalesce(earlier.at, new.at) AS first_at, coalesce(later.at, new.at) AS last_at
FROM unnest(%(devices)s::bigint[], %(frame_ats)s::timestamptz[]) new (device_id, at)
JOIN LATERAL (
    SELECT DISTINCT m.site_id FROM hosting_measurement m WHERE m.device_id = new.device_id
) site ON true
LEFT JOIN LATERAL (
    SELECT f.at FROM thermal_telemetryframe f
    WHERE f.device_id = new.device_id AND f.at < new.at AND f.at >= new.at - %(gap)s::interval
    ORDER BY f.at DESC LIMIT 1
) earlier ON true
LEFT JOIN LATERAL (
    SELECT f.at FROM thermal_telemetryframe f
    WHERE f.device_id = new.device_id AND f.at > new.at AND f.at <= new.at + %(gap)s::interval
    ORDER BY f.at LIMIT 1
) later ON true
"""

_PERIOD = "SELECT %(site)s::bigint AS site_id, %(first)s::timestamptz AS first_at, %(last)s::timestamptz AS last_at"


def integration_gap() -> dt.timedelta:
    """How far two power values may lie apart and still be joined by a line."""
    return dt.timedelta(seconds=getattr(settings, "THERMAL_INTEGRATION_GAP_S", 1200))


def marking_reach() -> dt.timedelta:
    """How far from a reading its neighbours are searched for; what lies beyond waits for `manage.py settle`."""
    return dt.timedelta(days=getattr(settings, "THERMAL_MARKING_REACH_DAYS", 400))


@transaction.atomic
def mark_recorded(
    *,
    frames: Iterable[tuple[int, dt.datetime]] = (),
    readings: Iterable[tuple[int, dt.datetime]] = (),
    now: dt.datetime,
) -> int:
    """The count of quarter hours marked because of what was just stored.

    Call it once in the transaction that stored the rows, after them.

    Parameters
    ----------
    frames
        (device id, at) of each telemetry frame.
    readings
        (meter id, at) of each meter reading.
    now
        When the marks are made.
    """
    readings = list(readings)
    mark_to_judge(meters=readings, now=now)
    facts: dict[str, Any] = {"now": now, "reach": marking_reach(), "gap": integration_gap()}
    facts["devices"], facts["frame_ats"] = _columns(frames)
    facts["meters"], facts["read_ats"] = _columns(readings)
    return _mark(f"{_BETWEEN_READINGS} UNION ALL {_BETWEEN_FRAMES}", facts)


# One row for each meter or site of a transaction, never changed: nobody waits for anybody.
_TO_JUDGE = """
INSERT INTO thermal_validationmark ({owner}, first_at, last_at, marked_at)
SELECT touched.owner, min(touched.at), max(touched.at), %(now)s
FROM unnest(%(owners)s::bigint[], %(ats)s::timestamptz[]) touched (owner, at) GROUP BY 1 ORDER BY 1
"""


def mark_to_judge(
    *,
    meters: Iterable[tuple[int, dt.datetime]] = (),
    sites: Iterable[tuple[int, dt.datetime]] = (),
    now: dt.datetime,
) -> None:
    """Mark for validation what was recorded of meters, or settled at sites, as (id, instant) pairs."""
    for owner, pairs in (("meter_id", meters), ("site_id", sites)):
        owners, ats = _columns(pairs)
        if owners:
            with connection.cursor() as cursor:
                cursor.execute(_TO_JUDGE.format(owner=owner), {"owners": owners, "ats": ats, "now": now})


@transaction.atomic
def mark_period(*, site: Site, period: Period, now: dt.datetime) -> int:
    """The count of quarter hours of a site that are to be settled again."""
    last = period.end - dt.timedelta(microseconds=1)
    return _mark(_PERIOD, {"site": site.pk, "first": period.start, "last": last, "now": now})


def _columns(pairs: Iterable[tuple[int, dt.datetime]]) -> tuple[list[int], list[dt.datetime]]:
    ordered = sorted(set(pairs))
    return [pair[0] for pair in ordered], [pair[1] for pair in ordered]


def _mark(touched: str, facts: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_INSERT.format(touched=touched), facts)
        return int(cursor.rowcount)
