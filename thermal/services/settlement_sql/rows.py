# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From what meters and devices told to the rows of the ledger: ``fresh``, for delivery points and for sites."""

from thermal.models.ledger import Quality, Reason

HEAT_ROWS = f"""
told AS (
    SELECT delivery_point_id, start,
           avg(value) FILTER (WHERE role = 'supply_temperature') AS supply_mean_c,
           min(value) FILTER (WHERE role = 'supply_temperature') AS supply_min_c,
           avg(value) FILTER (WHERE role = 'demand') AS demand_share
    FROM sample WHERE delivery_point_id IS NOT NULL AND at >= t0 AND at < t1 GROUP BY delivery_point_id, start
),
together AS (
    SELECT delivery_point_id, device_id, at, start,
           max(value) FILTER (WHERE role = 'supply_temperature') AS supply_c,
           max(value) FILTER (WHERE role = 'return_temperature') AS return_c,
           max(value) FILTER (WHERE role = 'flow') AS flow_m3h
    FROM sample WHERE delivery_point_id IS NOT NULL AND at >= t0 AND at < t1
    GROUP BY delivery_point_id, device_id, at, start
),
weighed AS (
    SELECT delivery_point_id, start,
           sum(supply_c * flow_m3h) FILTER (WHERE flow_m3h > 0)
           / nullif(sum(flow_m3h) FILTER (WHERE flow_m3h > 0 AND supply_c IS NOT NULL), 0) AS supply_vw_c,
           sum(return_c * flow_m3h) FILTER (WHERE flow_m3h > 0)
           / nullif(sum(flow_m3h) FILTER (WHERE flow_m3h > 0 AND return_c IS NOT NULL), 0) AS return_vw_c
    FROM together GROUP BY delivery_point_id, start
),
read_c AS (
    SELECT place.delivery_point_id, date_bin('15 minutes', r.at, 'epoch') AS start, avg(r.supply_c) AS supply_mean_c,
           min(r.supply_c) AS supply_min_c
    FROM place JOIN thermal_meterreading r ON r.meter_id = place.meter_id AND r.at >= place.t0 AND r.at < place.t1
     AND r.at >= place.valid_from AND r.at < place.valid_until AND r.supply_c NOT IN (0, 185)
    WHERE place.delivery_point_id IS NOT NULL GROUP BY 1, 2
),
fresh AS (
    SELECT dp.id AS delivery_point_id, q.start,
           CASE WHEN reg.expected_s IS NOT NULL THEN reg.kwh ELSE round(tele.kwh::numeric, 4) END AS heat_kwh,
           reg.m3 AS volume_m3,
           round(coalesce(CASE WHEN reg.weight > 0 THEN reg.e8 / reg.weight END, weighed.supply_vw_c)::numeric, 3)
               ::float8 AS supply_vw_c,
           round(coalesce(CASE WHEN reg.weight > 0 THEN reg.e9 / reg.weight END, weighed.return_vw_c)::numeric, 3)
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
    LEFT JOIN weighed ON weighed.delivery_point_id = dp.id AND weighed.start = q.start
    LEFT JOIN read_c ON read_c.delivery_point_id = dp.id AND read_c.start = q.start
)"""

# A store of water holds 1.147 kWh per m³ and K at 50 °C (density 988.7 kg/m³, 4.176 kJ/(kg·K), IAPWS-IF97);
# between 35 and 65 °C that is right within 0.6 %.
SITE_ROWS = f"""
energy AS (
    SELECT site_id, role, start, sum(kwh)::float8 AS kwh, min(near_s)::float8 AS seconds, max(quality) AS quality
    FROM register GROUP BY site_id, role, start
    UNION ALL
    SELECT tele.site_id, named.role, tele.start, tele.kwh, tele.seconds,
           CASE WHEN tele.kwh IS NULL THEN {Quality.MISSING.value}
                WHEN tele.seconds < %(whole_s)s THEN {Quality.ESTIMATED.value}
                ELSE {Quality.INTEGRATED.value} END
    FROM (
        SELECT site_id, role, start, sum(kwh) AS kwh, min(seconds) AS seconds FROM integrated
        GROUP BY site_id, role, start
    ) tele
    JOIN (VALUES ('it_power', 'it_electricity'), ('total_power', 'total_electricity'),
                 ('heat_pump_power', 'heat_pump_electricity'), ('captured_power', 'captured_heat'),
                 ('rejected_power', 'rejected_heat')) named (channel, role) ON named.channel = tele.role
    WHERE NOT EXISTS (
        SELECT 1 FROM register reg
        WHERE reg.site_id = tele.site_id AND reg.role = named.role AND reg.start = tele.start
    )
),
energies AS (
    SELECT site_id, start,
           sum(kwh) FILTER (WHERE role = 'it_electricity') AS it_kwh,
           max(quality) FILTER (WHERE role = 'it_electricity') AS it_quality,
           max(seconds) FILTER (WHERE role = 'it_electricity') AS it_seconds,
           sum(kwh) FILTER (WHERE role = 'total_electricity') AS total_kwh,
           sum(kwh) FILTER (WHERE role = 'heat_pump_electricity') AS heat_pump_kwh,
           sum(kwh) FILTER (WHERE role = 'captured_heat') AS captured_kwh,
           sum(kwh) FILTER (WHERE role = 'rejected_heat') AS rejected_kwh
    FROM energy GROUP BY site_id, start
),
delivered AS (
    SELECT dp.site_id, hi.start, CASE WHEN bool_and(hi.heat_kwh IS NOT NULL) THEN sum(hi.heat_kwh) END::float8 AS kwh
    FROM span
    JOIN hosting_deliverypoint dp ON dp.site_id = span.site_id
    JOIN thermal_heatinterval hi ON hi.delivery_point_id = dp.id AND hi.start >= span.t0 AND hi.start < span.t1
    WHERE hi.reason <> {Reason.NO_METER.value}
    GROUP BY dp.site_id, hi.start
),
buffer AS (
    SELECT held.site_id, held.start,
           CASE WHEN bool_and(held.seconds >= 899) THEN sum(held.rise * model.volume_l / 1000 * 1.147) END AS kwh
    FROM held
    JOIN hosting_equipment e ON e.id = held.equipment_id
    JOIN hosting_equipmentmodel model ON model.id = e.model_id
    WHERE held.role = 'buffer_temperature' GROUP BY held.site_id, held.start
),
blocked AS (
    SELECT site_id, start, max(blocked_s) AS seconds FROM held WHERE role = 'export_mode' GROUP BY site_id, start
),
state AS (
    SELECT site_id, device_id, at, start,
           max(value) FILTER (WHERE role = 'export_mode') AS mode,
           max(value) FILTER (WHERE role = 'export_cause') AS cause
    FROM sample WHERE role IN ('export_mode', 'export_cause') AND at >= t0 AND at < t1
    GROUP BY site_id, device_id, at, start
),
states AS (
    SELECT site_id, start, mode() WITHIN GROUP (ORDER BY mode) FILTER (WHERE mode BETWEEN 0 AND 5) AS export_mode,
           mode() WITHIN GROUP (ORDER BY cause) FILTER (WHERE mode > 0 AND cause BETWEEN 1 AND 5) AS export_cause
    FROM state GROUP BY site_id, start
),
loads AS (
    SELECT site_id, start, avg(value) AS ratio FROM sample
    WHERE role = 'utilisation' AND at >= t0 AND at < t1 GROUP BY site_id, start
),
used AS (
    SELECT site_id, start, array_agg(placement ORDER BY placement) AS inputs
    FROM expected CROSS JOIN LATERAL unnest(placements) placement GROUP BY site_id, start
),
fresh AS (
    SELECT span.site_id, q.start,
           round(energies.it_kwh::numeric, 4)::float8 AS it_kwh,
           round(energies.total_kwh::numeric, 4)::float8 AS total_kwh,
           round(energies.heat_pump_kwh::numeric, 4)::float8 AS heat_pump_kwh,
           round(energies.captured_kwh::numeric, 4)::float8 AS captured_kwh,
           round(delivered.kwh::numeric, 4)::float8 AS delivered_kwh,
           round(energies.rejected_kwh::numeric, 4)::float8 AS rejected_kwh,
           round(buffer.kwh::numeric, 4)::float8 AS buffer_change_kwh,
           round(loads.ratio::numeric, 4)::float8 AS utilisation_ratio,
           states.export_mode::smallint AS export_mode,
           coalesce(states.export_cause, 0)::smallint AS export_cause,
           CASE WHEN energies.it_kwh <= 0.1 * site.installed_it_kw / 4 THEN 0
                ELSE least(900, round(coalesce(blocked.seconds, 0))) END::smallint AS curtailed_s,
           least(900, round(coalesce(energies.it_seconds, 0)))::smallint AS measured_s,
           CASE WHEN energies.it_kwh IS NULL THEN {Quality.MISSING.value}
                ELSE energies.it_quality END AS it_quality,
           coalesce(used.inputs, ARRAY[]::bigint[]) AS inputs
    FROM span
    JOIN hosting_site site ON site.id = span.site_id
    CROSS JOIN LATERAL generate_series(t0, t1 - interval '1 microsecond', interval '15 minutes') q (start)
    LEFT JOIN energies ON energies.site_id = span.site_id AND energies.start = q.start
    LEFT JOIN delivered ON delivered.site_id = span.site_id AND delivered.start = q.start
    LEFT JOIN buffer ON buffer.site_id = span.site_id AND buffer.start = q.start
    LEFT JOIN blocked ON blocked.site_id = span.site_id AND blocked.start = q.start
    LEFT JOIN states ON states.site_id = span.site_id AND states.start = q.start
    LEFT JOIN loads ON loads.site_id = span.site_id AND loads.start = q.start
    LEFT JOIN used ON used.site_id = span.site_id AND used.start = q.start
)"""
