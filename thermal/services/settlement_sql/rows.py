# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From what meters and devices told to the rows of the ledger of delivery points: ``fresh``."""

from thermal.models.ledger import Quality, Reason
from thermal.services.settlement_sql.quarters import QUARTER


def _together(slot: str, role: str) -> str:
    """One value of a role for each frame: the highest, where a device tells several of a delivery point."""
    return f"""CASE WHEN twins = 1 THEN f."values"[wired.{slot}] WHEN rank = 1 THEN (
                       SELECT max(f."values"[twin.place]) FROM ranked twin
                       WHERE twin.delivery_point_id = wired.delivery_point_id AND twin.device_id = wired.device_id
                         AND twin.profile_id = wired.profile_id AND twin.role = '{role}'
                   ) END::float8"""


HEAT_ROWS = f"""
ranked AS (
    SELECT *, row_number() OVER (alike ORDER BY id) AS rank, count(*) OVER alike AS twins
    FROM channel WHERE delivery_point_id IS NOT NULL
    WINDOW alike AS (PARTITION BY delivery_point_id, device_id, profile_id, role)
),
wired AS MATERIALIZED (
    SELECT site_id, delivery_point_id, device_id, profile_id, rank, max(twins) AS twins,
           max(place) FILTER (WHERE role = 'supply_temperature') AS supply,
           max(place) FILTER (WHERE role = 'return_temperature') AS return,
           max(place) FILTER (WHERE role = 'flow') AS flow,
           max(place) FILTER (WHERE role = 'demand') AS demand
    FROM ranked GROUP BY site_id, delivery_point_id, device_id, profile_id, rank
),
heard AS (
    SELECT wired.delivery_point_id, quarter.*
    FROM span
    JOIN wired ON wired.site_id = span.site_id
    CROSS JOIN LATERAL (
        SELECT start, sum(supply_c) AS supply_sum, count(supply_c) AS supply_count, min(supply_c) AS supply_min_c,
               sum(demand) AS demand_sum, count(demand) AS demand_count,
               sum(supply_most_c * flow_m3h) FILTER (WHERE flow_m3h > 0) AS supply_weighed,
               sum(flow_m3h) FILTER (WHERE flow_m3h > 0 AND supply_most_c IS NOT NULL) AS supply_weight,
               sum(return_c * flow_m3h) FILTER (WHERE flow_m3h > 0) AS return_weighed,
               sum(flow_m3h) FILTER (WHERE flow_m3h > 0 AND return_c IS NOT NULL) AS return_weight
        FROM (
            SELECT {QUARTER.format("f.at")} AS start,
                   f."values"[supply]::float8 AS supply_c, f."values"[demand]::float8 AS demand,
                   {_together("supply", "supply_temperature")} AS supply_most_c,
                   {_together("return", "return_temperature")} AS return_c, {_together("flow", "flow")} AS flow_m3h
            FROM thermal_telemetryframe f
            WHERE f.device_id = wired.device_id AND f.profile_id = wired.profile_id
              AND f.at >= span.t0 AND f.at < span.t1 AND f.at >= %(earliest)s AND f.at < %(latest)s
            OFFSET 0
        ) frame
        GROUP BY start
    ) quarter
),
told AS (
    SELECT delivery_point_id, start, sum(supply_sum) / nullif(sum(supply_count), 0) AS supply_mean_c,
           min(supply_min_c) AS supply_min_c, sum(demand_sum) / nullif(sum(demand_count), 0) AS demand_share,
           sum(supply_weighed) / nullif(sum(supply_weight), 0) AS supply_vw_c,
           sum(return_weighed) / nullif(sum(return_weight), 0) AS return_vw_c
    FROM heard GROUP BY delivery_point_id, start
),
read_c AS (
    SELECT place.delivery_point_id, date_bin('15 minutes', r.at, 'epoch') AS start, avg(r.supply_c) AS supply_mean_c,
           min(r.supply_c) AS supply_min_c
    FROM place JOIN thermal_meterreading r ON r.meter_id = place.meter_id AND r.at >= place.t0 AND r.at < place.t1
     AND r.at >= place.valid_from AND r.at < place.valid_until AND r.supply_c NOT IN (0, 185)
    WHERE place.delivery_point_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM thermal_meterreading newer
        WHERE newer.meter_id = r.meter_id AND newer.at = r.at AND newer.version > r.version
    )
    GROUP BY 1, 2
),
added AS (
    SELECT quarter.delivery_point_id, quarter.start, sum(quarter.heat_kwh) AS kwh
    FROM span
    JOIN hosting_deliverypoint dp ON dp.site_id = span.site_id
    JOIN thermal_estimatedheat quarter
      ON quarter.delivery_point_id = dp.id AND quarter.start >= t0 AND quarter.start < t1
    JOIN thermal_correction correction ON correction.id = quarter.correction_id AND correction.state = 'applied'
    GROUP BY quarter.delivery_point_id, quarter.start
),
settled AS (
    SELECT dp.id AS delivery_point_id, q.start,
           CASE WHEN reg.expected_s IS NOT NULL THEN reg.kwh ELSE round(tele.kwh::numeric, 4) END AS heat_kwh,
           reg.m3 AS volume_m3,
           round(coalesce(CASE WHEN reg.weight > 0 THEN reg.e8 / reg.weight END, told.supply_vw_c)::numeric, 3)
               ::float8 AS supply_vw_c,
           round(coalesce(CASE WHEN reg.weight > 0 THEN reg.e9 / reg.weight END, told.return_vw_c)::numeric, 3)
               ::float8 AS return_vw_c,
           round(coalesce(told.supply_mean_c::numeric, read_c.supply_mean_c), 3)::float8 AS supply_mean_c,
           round(coalesce(told.supply_min_c::numeric, read_c.supply_min_c), 3)::float8 AS supply_min_c,
           told.demand_share >= 0.5 AS demand,
           least(900, round(coalesce(reg.near_s::float8, tele.seconds, 0)))::smallint AS measured_s,
           CASE WHEN reg.quality < {Quality.ESTIMATED.value} AND reg.expected_s < 900 THEN {Quality.ESTIMATED.value}
                WHEN reg.expected_s IS NOT NULL THEN reg.quality
                WHEN tele.kwh IS NULL THEN {Quality.MISSING.value}
                WHEN tele.seconds < %(whole_s)s THEN {Quality.ESTIMATED.value}
                ELSE {Quality.INTEGRATED.value} END AS quality,
           CASE WHEN reg.reason = {Reason.NONE.value} AND reg.expected_s < 900 THEN {Reason.METER_CHANGED.value}
                WHEN reg.expected_s IS NOT NULL THEN reg.reason
                WHEN tele.kwh IS NULL THEN {Reason.NO_METER.value}
                WHEN tele.seconds < %(whole_s)s THEN {Reason.SHORT_DATA.value}
                ELSE {Reason.NONE.value} END AS reason,
           reg.meter_id, reg.first_at AS first_reading_at, reg.last_at AS last_reading_at
    FROM span
    JOIN hosting_deliverypoint dp ON dp.site_id = span.site_id
    CROSS JOIN LATERAL generate_series(t0, t1 - interval '1 microsecond', interval '15 minutes') q (start)
    LEFT JOIN register reg ON reg.delivery_point_id = dp.id AND reg.start = q.start
    LEFT JOIN integrated tele ON tele.delivery_point_id = dp.id AND tele.start = q.start
         AND tele.role = 'delivered_power'
    LEFT JOIN told ON told.delivery_point_id = dp.id AND told.start = q.start
    LEFT JOIN read_c ON read_c.delivery_point_id = dp.id AND read_c.start = q.start
),
fresh AS (
    SELECT settled.delivery_point_id, settled.start,
           CASE WHEN added.kwh IS NULL THEN settled.heat_kwh
                ELSE coalesce(settled.heat_kwh, 0) + added.kwh END AS heat_kwh,
           settled.volume_m3, settled.supply_vw_c, settled.return_vw_c, settled.supply_mean_c, settled.supply_min_c,
           settled.demand, settled.measured_s,
           CASE WHEN added.kwh IS NULL THEN settled.quality ELSE {Quality.ESTIMATED.value} END AS quality,
           CASE WHEN added.kwh IS NULL THEN settled.reason ELSE {Reason.CORRECTED.value} END AS reason,
           settled.meter_id, settled.first_reading_at, settled.last_reading_at
    FROM settled
    LEFT JOIN added ON added.delivery_point_id = settled.delivery_point_id AND added.start = settled.start
)"""
