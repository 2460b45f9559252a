# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From the samples of devices to quarter hours: ``channel``, ``sample``, ``stretch``, ``integrated``."""

from thermal.services.settlement_sql.quarters import CUT

SAMPLED = f"""
channel AS MATERIALIZED (
    SELECT m.id, m.role, m.site_id, m.delivery_point_id, m.equipment_id, m.device_id,
           old_point.profile_id, old_point.slot + 1 AS place
    FROM hosting_measurement m
    JOIN hosting_device d ON d.id = m.device_id
    JOIN hosting_deviceprofile now_profile ON now_profile.id = d.profile_id
    JOIN hosting_profilepoint now_point ON now_point.profile_id = d.profile_id AND now_point.slot = m.slot
    JOIN hosting_deviceprofile old_profile ON old_profile.key = now_profile.key
    JOIN hosting_profilepoint old_point ON old_point.profile_id = old_profile.id AND old_point.key = now_point.key
    WHERE m.role = ANY(%(channel_roles)s) AND m.site_id IN (SELECT site_id FROM span)
),
sample AS MATERIALIZED (
    SELECT c.id, c.role, c.site_id, c.delivery_point_id, c.equipment_id, c.device_id, s.t0, s.t1, f.at,
           date_bin('15 minutes', f.at, 'epoch') AS start, f."values"[c.place]::float8 AS value
    FROM span s
    JOIN channel c ON c.site_id = s.site_id
    JOIN thermal_telemetryframe f
      ON f.device_id = c.device_id AND f.profile_id = c.profile_id
     AND f.at >= s.t0 - %(gap)s AND f.at < s.t1 + %(gap)s AND f.at >= %(earliest)s AND f.at < %(latest)s
    WHERE f."values"[c.place] IS NOT NULL
),
joined AS (
    SELECT *, lag(at) OVER w AS since, lag(value) OVER w AS before
    FROM sample WHERE role = ANY(%(line_roles)s)
    WINDOW w AS (PARTITION BY id, t0 ORDER BY at)
),
stretch AS (
    SELECT joined.id, role, site_id, delivery_point_id, equipment_id, q.start, before,
           extract(epoch FROM cut.hi - cut.lo)::float8 AS seconds,
           before + (value - before) * extract(epoch FROM cut.lo - since)::float8
                    / extract(epoch FROM at - since)::float8 AS value_lo,
           before + (value - before) * extract(epoch FROM cut.hi - since)::float8
                    / extract(epoch FROM at - since)::float8 AS value_hi
    FROM joined {CUT}
    WHERE at - since <= %(gap)s
),
held AS (
    SELECT id, role, site_id, delivery_point_id, equipment_id, start, sum(seconds) AS seconds,
           sum(greatest(value_lo + value_hi, 0) / 2 * seconds) / 3600 AS kwh, sum(value_hi - value_lo) AS rise,
           sum(seconds) FILTER (WHERE before IN (3, 4, 5)) AS blocked_s
    FROM stretch GROUP BY id, role, site_id, delivery_point_id, equipment_id, start
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
