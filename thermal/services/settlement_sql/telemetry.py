# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From the frames of devices to quarter hours: ``channel``, ``sample``, ``held``, ``integrated``.

Frames are by far the most that settlement reads, so each channel asks for those of its device by itself, in the order
of the index, and hands on no more than one row for each quarter hour. It is written as LATERAL because the planner
cannot know how many frames a device has: left to itself it may read those of all devices.
"""

from thermal.services.settlement_sql.quarters import CUT, QUARTER

SAMPLED = f"""
channel AS MATERIALIZED (
    SELECT m.id, m.role, m.site_id, m.delivery_point_id, m.equipment_id, m.device_id,
           old_point.profile_id, old_point.slot + 1 AS place, old_point.profile_id = d.profile_id AS is_present
    FROM hosting_measurement m
    JOIN hosting_device d ON d.id = m.device_id
    JOIN hosting_deviceprofile now_profile ON now_profile.id = d.profile_id
    JOIN hosting_profilepoint now_point ON now_point.profile_id = d.profile_id AND now_point.slot = m.slot
    JOIN hosting_deviceprofile old_profile ON old_profile.key = now_profile.key
    JOIN hosting_profilepoint old_point ON old_point.profile_id = old_profile.id AND old_point.key = now_point.key
    WHERE m.role = ANY(%(channel_roles)s) AND m.site_id IN (SELECT site_id FROM span)
),
sample AS NOT MATERIALIZED (
    SELECT c.id, c.role, c.site_id, c.delivery_point_id, c.equipment_id, c.device_id, s.t0, s.t1, f.at,
           {QUARTER.format("f.at")} AS start, f.value
    FROM span s
    JOIN channel c ON c.site_id = s.site_id
    CROSS JOIN LATERAL (
        SELECT f.at, f."values"[c.place]::float8 AS value FROM thermal_telemetryframe f
        WHERE f.device_id = c.device_id AND f.profile_id = c.profile_id
          AND f.at >= s.t0 - %(gap)s AND f.at < s.t1 + %(gap)s AND f.at >= %(earliest)s AND f.at < %(latest)s
        OFFSET 0
    ) f
    WHERE f.value IS NOT NULL
),
held AS (
    SELECT c.id, c.role, c.site_id, c.delivery_point_id, c.equipment_id, line.*
    FROM span
    JOIN channel c ON c.site_id = span.site_id AND c.is_present AND c.role = ANY(%(line_roles)s)
    CROSS JOIN LATERAL (
        WITH told AS (
            SELECT f.at, CASE WHEN f.profile_id = c.profile_id THEN f."values"[c.place] ELSE f."values"[(
                       SELECT old.place FROM channel old WHERE old.id = c.id AND old.profile_id = f.profile_id
                   )] END::float8 AS value
            FROM thermal_telemetryframe f
            WHERE f.device_id = c.device_id AND f.at >= span.t0 - %(gap)s AND f.at < span.t1 + %(gap)s
              AND f.at >= %(earliest)s AND f.at < %(latest)s
        ),
        joined AS (
            SELECT at, value, lag(at) OVER w AS since, lag(value) OVER w AS before
            FROM told WHERE value IS NOT NULL WINDOW w AS (ORDER BY at)
        ),
        near AS (
            SELECT *, date_part('epoch', at - since) AS seconds, {QUARTER.format("since")} AS start,
                   at <= {QUARTER.format("since")} + interval '15 minutes' AS is_whole
            FROM joined WHERE at - since <= %(gap)s
        ),
        quarter AS MATERIALIZED (
            SELECT start, sum(seconds) FILTER (WHERE is_whole) AS seconds,
                   sum(greatest(before + value, 0) / 2 * seconds) FILTER (WHERE is_whole) AS kws,
                   sum(value - before) FILTER (WHERE is_whole) AS rise,
                   sum(seconds) FILTER (WHERE is_whole AND before IN (3, 4, 5)) AS blocked_s,
                   max(since) FILTER (WHERE NOT is_whole) AS since, max(at) FILTER (WHERE NOT is_whole) AS at,
                   max(before) FILTER (WHERE NOT is_whole) AS before, max(value) FILTER (WHERE NOT is_whole) AS value
            FROM near GROUP BY start
        ),
        stretch AS (
            SELECT start, seconds, kws, rise, blocked_s FROM quarter WHERE start >= span.t0 AND start < span.t1
            UNION ALL
            SELECT q.start, part.seconds, greatest(value_lo + value_hi, 0) / 2 * part.seconds, value_hi - value_lo,
                   CASE WHEN before IN (3, 4, 5) THEN part.seconds END
            FROM quarter {CUT}
            CROSS JOIN LATERAL (
                SELECT date_part('epoch', cut.hi - cut.lo) AS seconds,
                       before + (value - before) * date_part('epoch', cut.lo - since)
                                / date_part('epoch', at - since) AS value_lo,
                       before + (value - before) * date_part('epoch', cut.hi - since)
                                / date_part('epoch', at - since) AS value_hi
            ) part
            WHERE quarter.since IS NOT NULL
        )
        SELECT start, sum(seconds) AS seconds, sum(kws) / 3600 AS kwh, sum(rise) AS rise, sum(blocked_s) AS blocked_s
        FROM stretch GROUP BY start
    ) line
),
source AS (
    SELECT m.site_id, m.delivery_point_id, m.role, count(*) AS sources
    FROM hosting_measurement m JOIN hosting_device d ON d.id = m.device_id
    WHERE d.enabled AND m.role = ANY(%(line_roles)s) AND m.site_id IN (SELECT site_id FROM span)
    GROUP BY m.site_id, m.delivery_point_id, m.role
),
integrated AS (
    SELECT held.site_id, held.delivery_point_id, held.role, held.start, min(seconds) AS seconds,
           CASE WHEN count(*) >= coalesce(min(sources), 0) THEN sum(kwh) END AS kwh
    FROM held
    LEFT JOIN source ON source.site_id = held.site_id AND source.role = held.role
      AND source.delivery_point_id IS NOT DISTINCT FROM held.delivery_point_id
    GROUP BY held.site_id, held.delivery_point_id, held.role, held.start
)"""
