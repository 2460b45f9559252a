# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From what meters and devices told to the rows of the ledger of sites: ``fresh``, with balance and export mode.

The export mode is what the controller told, else what the energies show: `thermal.domain.kpis.export` has the rules in
words and as a function, and a test compares both.
"""

from thermal.domain.kpis import export
from thermal.models.ledger import ExportBasis, ExportCause, ExportMode, Quality, Reason

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
                 ('heat_pump_power', 'heat_pump_electricity'), ('heat_pump_heat_power', 'heat_pump_heat'),
                 ('source_pump_power', 'source_pump_electricity'), ('sink_pump_power', 'sink_pump_electricity'),
                 ('backup_power', 'backup_electricity'), ('backup_heat_power', 'backup_heat'),
                 ('captured_power', 'captured_heat'), ('rejected_power', 'rejected_heat')
    ) named (channel, role) ON named.channel = tele.role
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
           sum(kwh) FILTER (WHERE role = 'heat_pump_heat') AS heat_pump_heat_kwh,
           sum(kwh) FILTER (WHERE role = 'source_pump_electricity') AS source_pump_kwh,
           sum(kwh) FILTER (WHERE role = 'sink_pump_electricity') AS sink_pump_kwh,
           sum(kwh) FILTER (WHERE role = 'backup_electricity') AS backup_kwh,
           sum(kwh) FILTER (WHERE role = 'backup_heat') AS backup_heat_kwh,
           sum(kwh) FILTER (WHERE role = 'water_input') AS water_m3,
           sum(kwh) FILTER (WHERE role = 'captured_heat') AS captured_kwh,
           sum(kwh) FILTER (WHERE role = 'rejected_heat') AS rejected_kwh,
           bool_or(role = 'heat_pump_electricity') AS has_heat_pump, bool_or(role = 'captured_heat') AS has_captured,
           bool_or(role = 'rejected_heat') AS has_rejected
    FROM energy GROUP BY site_id, start
),
delivered AS (
    SELECT dp.site_id, hi.start, CASE WHEN bool_and(hi.heat_kwh IS NOT NULL) THEN sum(hi.heat_kwh) END::float8 AS kwh,
           CASE WHEN bool_and(hi.demand IS NOT NULL) THEN sum(CASE WHEN hi.demand THEN dp.design_kw / 4 ELSE 0 END)
                END AS demand_kwh,
           CASE WHEN bool_or(hi.demand) THEN true WHEN bool_and(hi.demand IS NOT NULL) THEN false END AS is_called,
           bool_or(hi.supply_mean_c < dp.design_supply_c - %(cold_k)s) AS is_too_cold
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
wired AS (
    SELECT site_id, bool_or(role = 'captured_power') AS captured, bool_or(role = 'heat_pump_power') AS heat_pump,
           bool_or(role = 'rejected_power') AS rejected, bool_or(role = 'buffer_temperature') AS buffer
    FROM source GROUP BY site_id
),
design AS (
    SELECT site_id, sum(design_kw) / 4 AS kwh, count(*) AS points FROM hosting_deliverypoint
    WHERE site_id IN (SELECT site_id FROM span) GROUP BY site_id
),
planned AS (
    SELECT DISTINCT span.site_id, q.start
    FROM span
    JOIN hosting_plannedoutage o
      ON o.site_id = span.site_id AND o.cancelled_at IS NULL AND o.starts_at < span.t1 AND o.ends_at > span.t0
    JOIN design ON design.site_id = o.site_id AND (o.delivery_point_id IS NULL OR design.points = 1)
    CROSS JOIN LATERAL generate_series(
        date_bin('15 minutes', greatest(o.starts_at, span.t0), 'epoch'),
        least(o.ends_at, span.t1) - interval '1 microsecond', interval '15 minutes'
    ) q (start)
    WHERE o.starts_at <= q.start + interval '450 seconds' AND o.ends_at > q.start + interval '450 seconds'
),
ground AS (
    SELECT span.site_id, q.start, site.installed_it_kw, energies.it_kwh, energies.it_quality, energies.it_seconds,
           energies.total_kwh, energies.heat_pump_kwh, energies.heat_pump_heat_kwh, energies.source_pump_kwh,
           energies.sink_pump_kwh, energies.backup_kwh, energies.backup_heat_kwh, energies.water_m3,
           energies.captured_kwh, energies.rejected_kwh, delivered.kwh AS delivered_kwh, delivered.demand_kwh,
           delivered.is_called, coalesce(delivered.is_too_cold, false) AS is_too_cold, buffer.kwh AS buffer_kwh,
           coalesce(design.kwh, site.installed_it_kw / 4) AS design_kwh, planned.start IS NOT NULL AS is_planned,
           coalesce(energies.has_captured OR wired.captured, wired.captured, energies.has_captured, false)
               AS has_captured,
           coalesce(energies.has_rejected OR wired.rejected, wired.rejected, energies.has_rejected, false)
               AS has_rejected,
           coalesce(energies.has_heat_pump OR wired.heat_pump, wired.heat_pump, energies.has_heat_pump, false)
               AS has_heat_pump,
           coalesce(wired.buffer, false) AS has_buffer
    FROM span
    JOIN hosting_site site ON site.id = span.site_id
    CROSS JOIN LATERAL generate_series(t0, t1 - interval '1 microsecond', interval '15 minutes') q (start)
    LEFT JOIN energies ON energies.site_id = span.site_id AND energies.start = q.start
    LEFT JOIN delivered ON delivered.site_id = span.site_id AND delivered.start = q.start
    LEFT JOIN buffer ON buffer.site_id = span.site_id AND buffer.start = q.start
    LEFT JOIN planned ON planned.site_id = span.site_id AND planned.start = q.start
    LEFT JOIN wired ON wired.site_id = span.site_id
    LEFT JOIN design ON design.site_id = span.site_id
),
entered AS (
    SELECT *,
           CASE WHEN has_captured THEN captured_kwh ELSE it_kwh END
           + CASE WHEN has_heat_pump THEN heat_pump_kwh ELSE 0 END AS came_in_kwh,
           NOT has_captured AND NOT has_rejected AS is_rough
    FROM ground
),
balance AS (
    SELECT *,
           came_in_kwh - delivered_kwh - CASE WHEN has_rejected THEN rejected_kwh ELSE 0 END
           - CASE WHEN has_buffer THEN buffer_kwh ELSE 0 END AS closing_error_kwh,
           CASE WHEN has_rejected AND NOT has_captured
                THEN delivered_kwh + rejected_kwh + greatest(coalesce(buffer_kwh, 0), 0)
                ELSE came_in_kwh END AS available_kwh
    FROM entered
),
shown AS (
    SELECT *,
           CASE WHEN is_planned THEN {ExportMode.MAINTENANCE.value}
                WHEN available_kwh IS NULL OR delivered_kwh IS NULL
                     OR available_kwh < {export.WORTH_RATIO} * design_kwh THEN NULL
                WHEN delivered_kwh >= available_kwh
                     * CASE WHEN is_rough THEN {export.WORTH_RATIO} ELSE {export.FULL_RATIO} END
                THEN {ExportMode.EXPORT.value}
                WHEN delivered_kwh >= {export.WORTH_RATIO} * available_kwh THEN {ExportMode.PARTIAL.value}
                WHEN buffer_kwh >= {export.WORTH_RATIO} * available_kwh THEN {ExportMode.BUFFER.value}
                ELSE {ExportMode.DUMP.value} END AS shown_mode
    FROM balance
),
judged AS (
    SELECT shown.*, coalesce(states.export_mode::int, shown_mode) AS export_mode,
           CASE WHEN states.export_mode IS NOT NULL THEN {ExportBasis.TOLD.value}
                WHEN shown_mode IS NOT NULL THEN {ExportBasis.DERIVED.value}
                ELSE {ExportBasis.NONE.value} END AS export_basis,
           CASE WHEN states.export_mode IS NOT NULL THEN coalesce(
                    states.export_cause::int, CASE WHEN is_planned AND states.export_mode > 0
                                                   THEN {ExportCause.PLANNED.value} END, {ExportCause.NONE.value})
                WHEN is_planned THEN {ExportCause.PLANNED.value}
                WHEN coalesce(shown_mode, 0) = 0 THEN {ExportCause.NONE.value}
                WHEN is_called IS FALSE THEN {ExportCause.OFFTAKER.value}
                WHEN shown_mode <> {ExportMode.DUMP.value} THEN {ExportCause.NONE.value}
                WHEN is_too_cold THEN {ExportCause.TEMPERATURE.value}
                ELSE {ExportCause.PROVIDER.value} END AS export_cause
    FROM shown
    LEFT JOIN states ON states.site_id = shown.site_id AND states.start = shown.start
),
fresh AS (
    SELECT judged.site_id, judged.start,
           round(it_kwh::numeric, 4)::float8 AS it_kwh,
           round(total_kwh::numeric, 4)::float8 AS total_kwh,
           round(heat_pump_kwh::numeric, 4)::float8 AS heat_pump_kwh,
           round(heat_pump_heat_kwh::numeric, 4)::float8 AS heat_pump_heat_kwh,
           round(source_pump_kwh::numeric, 4)::float8 AS source_pump_kwh,
           round(sink_pump_kwh::numeric, 4)::float8 AS sink_pump_kwh,
           round(backup_kwh::numeric, 4)::float8 AS backup_kwh,
           round(backup_heat_kwh::numeric, 4)::float8 AS backup_heat_kwh,
           round(water_m3::numeric, 4)::float8 AS water_m3,
           round(captured_kwh::numeric, 4)::float8 AS captured_kwh,
           round(delivered_kwh::numeric, 4)::float8 AS delivered_kwh,
           round(rejected_kwh::numeric, 4)::float8 AS rejected_kwh,
           round(buffer_kwh::numeric, 4)::float8 AS buffer_change_kwh,
           round(closing_error_kwh::numeric, 4)::float8 AS closing_error_kwh,
           CASE WHEN NOT is_rough THEN round(available_kwh::numeric, 4) END::float8 AS available_kwh,
           round(demand_kwh::numeric, 4)::float8 AS demand_kwh,
           round(loads.ratio::numeric, 4)::float8 AS utilisation_ratio,
           export_mode::smallint AS export_mode, export_cause::smallint AS export_cause,
           export_basis::smallint AS export_basis,
           CASE WHEN export_basis = {ExportBasis.TOLD.value} AND it_kwh <= {export.WORTH_RATIO} * installed_it_kw / 4
                THEN 0
                WHEN export_basis = {ExportBasis.TOLD.value} THEN least(900, round(coalesce(blocked.seconds, 0)))
                WHEN export_mode >= {ExportMode.DUMP.value} AND available_kwh >= {export.WORTH_RATIO} * design_kwh
                     AND delivered_kwh < {export.WORTH_RATIO} * available_kwh THEN 900
                ELSE 0 END::smallint AS curtailed_s,
           CASE WHEN is_rough OR available_kwh IS NULL OR delivered_kwh IS NULL THEN NULL
                WHEN coalesce(export_mode, 0) = {ExportMode.EXPORT.value} THEN 0
                ELSE round(greatest(
                    available_kwh - delivered_kwh - greatest(coalesce(buffer_kwh, 0), 0), 0)::numeric, 4)
                END::float8 AS curtailed_kwh,
           least(900, round(coalesce(it_seconds, 0)))::smallint AS measured_s,
           CASE WHEN it_kwh IS NULL THEN {Quality.MISSING.value} ELSE it_quality END AS it_quality,
           coalesce(used.inputs, ARRAY[]::bigint[]) AS inputs
    FROM judged
    LEFT JOIN blocked ON blocked.site_id = judged.site_id AND blocked.start = judged.start
    LEFT JOIN loads ON loads.site_id = judged.site_id AND loads.start = judged.start
    LEFT JOIN used ON used.site_id = judged.site_id AND used.start = judged.start
)"""
