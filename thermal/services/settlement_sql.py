# ruff: noqa: S608 - the only things put into the statements are our own constants
"""The statements of settlement: one for delivery points, one for sites, each for any number of quarter hours.

They are put together from common table expressions that build on each other:

``span``      the stretches of consecutive quarter hours to settle, per site
``place``     the meters that stood there then, and between which readings their stretch lies
``point``     the registers at an instant, the latest version only; a placement adds its first and final register
``segment``   from one point to the next: how far the register rose, or why that is not known
``metered``   segments cut at the quarter hours
``channel``   which slot of which frames tells what (a later profile may keep a point in another slot)
``sample``    the values of the frames
``stretch``   from one sample to the next, cut at the quarter hours, where they lie near enough to join by a line

A register at a quarter hour is a straight line between its neighbours, rounded to the register's four decimals.
Every quarter hour is the difference of two such values, so sums over any period are register differences to the
last digit.
"""

from thermal.models.ledger import Quality, Reason

# The latest version of a reading counts, unless it withdraws the register.
CURRENT_READING = """
    r.energy_kwh IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM thermal_meterreading newer
        WHERE newer.meter_id = r.meter_id AND newer.at = r.at AND newer.version > r.version
    )"""

_SPAN = """
span AS MATERIALIZED (
    SELECT * FROM unnest(%(sites)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) s (site_id, t0, t1)
)"""

_METERED = f"""
place AS MATERIALIZED (
    SELECT p.id, p.meter_id, p.site_id, p.delivery_point_id, p.role, s.t0, s.t1,
           p.valid_from, coalesce(p.valid_until, 'infinity') AS valid_until,
           p.first_register, p.final_register, p.first_volume_m3, p.final_volume_m3,
           m.max_kw::numeric AS max_kw, m.register_step, 10::numeric ^ m.register_digits * m.register_step AS modulus,
           coalesce(earlier.at, p.valid_from) AS from_at,
           least(later.at, p.valid_until, 'infinity') AS until_at
    FROM span s
    JOIN hosting_meterplacement p
      ON p.site_id = s.site_id AND p.valid_from < s.t1 AND (p.valid_until IS NULL OR p.valid_until > s.t0)
     AND p.role = ANY(%(meter_roles)s)
    JOIN hosting_meter m ON m.id = p.meter_id
    LEFT JOIN LATERAL (
        SELECT r.at FROM thermal_meterreading r
        WHERE r.meter_id = p.meter_id AND r.at <= s.t0 AND r.at > p.valid_from AND {CURRENT_READING}
        ORDER BY r.at DESC LIMIT 1
    ) earlier ON true
    LEFT JOIN LATERAL (
        SELECT r.at FROM thermal_meterreading r
        WHERE r.meter_id = p.meter_id AND r.at >= s.t1
          AND (p.valid_until IS NULL OR r.at < p.valid_until) AND {CURRENT_READING}
        ORDER BY r.at LIMIT 1
    ) later ON true
),
point AS (
    SELECT place.id, place.t0, place.t1, place.meter_id, place.site_id, place.delivery_point_id, place.role,
           place.valid_from, place.max_kw, place.register_step, place.modulus, r.at,
           CASE r.at WHEN place.valid_from THEN place.first_register
                     WHEN place.valid_until THEN place.final_register ELSE r.energy_kwh END AS energy,
           CASE r.at WHEN place.valid_from THEN coalesce(place.first_volume_m3, r.volume_m3)
                     WHEN place.valid_until THEN coalesce(place.final_volume_m3, r.volume_m3)
                     ELSE r.volume_m3 END AS volume,
           r.supply_energy_m3c::float8 AS e8, r.return_energy_m3c::float8 AS e9,
           coalesce(r.info_code & %(fault_mask)s <> 0, false)
           OR coalesce(r.supply_c IN (0, 185), false) OR coalesce(r.return_c IN (0, 185), false) AS fault
    FROM place
    JOIN LATERAL (
        SELECT r.at, r.energy_kwh, r.volume_m3, r.supply_energy_m3c, r.return_energy_m3c, r.info_code,
               r.supply_c, r.return_c
        FROM thermal_meterreading r
        WHERE r.meter_id = place.meter_id AND r.at >= place.from_at AND r.at <= place.until_at AND {CURRENT_READING}
        UNION ALL
        SELECT bound.at, 0, NULL, NULL, NULL, NULL, NULL, NULL
        FROM (VALUES (place.valid_from), (place.valid_until)) bound (at)
        WHERE bound.at >= place.from_at AND bound.at <= place.until_at AND bound.at < 'infinity'
          AND NOT EXISTS (
              SELECT 1 FROM thermal_meterreading r
              WHERE r.meter_id = place.meter_id AND r.at = bound.at AND {CURRENT_READING}
          )
    ) r ON true
),
rise AS (
    SELECT *, lag(at) OVER w AS since, energy - lag(energy) OVER w AS by, lag(energy) OVER w AS before,
           volume - lag(volume) OVER w AS volume_by, e8 - lag(e8) OVER w AS e8_by, e9 - lag(e9) OVER w AS e9_by,
           fault OR lag(fault) OVER w AS faulty
    FROM point WINDOW w AS (PARTITION BY id, t0 ORDER BY at)
),
counted AS (
    SELECT *, extract(epoch FROM at - since) AS seconds,
           CASE WHEN by < 0 AND before >= 0.9 * modulus AND energy <= 0.1 * modulus THEN by + modulus
                ELSE by END AS heat
    FROM rise WHERE since IS NOT NULL
),
segment AS (
    SELECT *, CASE
        WHEN heat < 0 THEN {Reason.REGISTER_DECREASED.value}
        WHEN heat > max_kw * 1.1 * seconds / 3600 + 2 * register_step AND heat <> by
            THEN {Reason.REGISTER_DECREASED.value}
        WHEN heat > max_kw * 1.1 * seconds / 3600 + 2 * register_step THEN {Reason.IMPLAUSIBLE.value}
        ELSE {Reason.NONE.value} END AS fault_reason
    FROM counted
),
piece AS (
    SELECT segment.*, q.start, cut.lo, cut.hi,
           CASE WHEN fault_reason = 0 THEN
               round(heat * extract(epoch FROM cut.hi - since) / seconds, 4)
               - round(heat * extract(epoch FROM cut.lo - since) / seconds, 4) END AS piece_kwh,
           CASE WHEN fault_reason = 0 AND volume_by >= 0 THEN
               round(volume_by * extract(epoch FROM cut.hi - since) / seconds, 4)
               - round(volume_by * extract(epoch FROM cut.lo - since) / seconds, 4) END AS piece_m3,
           extract(epoch FROM cut.hi - cut.lo)::float8 / seconds::float8 AS share,
           extract(epoch FROM cut.hi - cut.lo) AS piece_s
    FROM segment
    CROSS JOIN LATERAL generate_series(
        greatest(date_bin('15 minutes', since, 'epoch'), t0), least(at, t1) - interval '1 microsecond',
        interval '15 minutes'
    ) q (start)
    CROSS JOIN LATERAL (
        SELECT greatest(since, q.start) AS lo, least(at, q.start + interval '15 minutes') AS hi
    ) cut
),
metered AS (
    SELECT site_id, delivery_point_id, role, start,
           sum(piece_kwh) AS kwh,
           CASE WHEN bool_and(piece_m3 IS NOT NULL) THEN sum(piece_m3) END AS m3,
           CASE WHEN bool_and(volume_by > 0 AND e8_by >= 0) THEN sum(e8_by * share) END AS e8,
           CASE WHEN bool_and(volume_by > 0 AND e9_by >= 0) THEN sum(e9_by * share) END AS e9,
           sum(volume_by::float8 * share) AS weight,
           max(fault_reason) AS fault_reason, bool_or(faulty) AS faulty, max(seconds) AS gap_s,
           sum(piece_s) AS covered_s,
           coalesce(sum(piece_s) FILTER (WHERE fault_reason = 0 AND seconds <= %(near_s)s), 0) AS near_s,
           min(since) AS first_at, max(at) AS last_at
    FROM piece GROUP BY site_id, delivery_point_id, role, start
),
expected AS (
    SELECT site_id, delivery_point_id, role, q.start,
           sum(extract(epoch FROM least(valid_until, q.start + interval '15 minutes')
                                  - greatest(valid_from, q.start))) AS expected_s,
           (array_agg(meter_id ORDER BY valid_from DESC))[1] AS meter_id, array_agg(id ORDER BY id) AS placements
    FROM place
    CROSS JOIN LATERAL generate_series(
        greatest(date_bin('15 minutes', valid_from, 'epoch'), t0),
        least(valid_until, t1) - interval '1 microsecond', interval '15 minutes'
    ) q (start)
    GROUP BY site_id, delivery_point_id, role, q.start
),
register AS (
    SELECT expected.*, metered.m3, metered.e8, metered.e9, metered.weight, metered.near_s,
           metered.first_at, metered.last_at,
           CASE WHEN covered_s = expected_s AND fault_reason = 0 THEN metered.kwh END AS kwh,
           CASE WHEN coalesce(fault_reason, 0) > 0 THEN fault_reason
                WHEN covered_s IS DISTINCT FROM expected_s THEN {Reason.NO_READING.value}
                WHEN faulty THEN {Reason.SENSOR_FAULT.value}
                WHEN gap_s > %(spread_limit_s)s THEN {Reason.LONG_GAP.value}
                ELSE {Reason.NONE.value} END AS reason,
           CASE WHEN fault_reason > 0 OR covered_s IS DISTINCT FROM expected_s THEN {Quality.MISSING.value}
                WHEN faulty OR gap_s > %(spread_limit_s)s THEN {Quality.ESTIMATED.value}
                WHEN gap_s > %(near_s)s THEN {Quality.SPREAD.value}
                ELSE {Quality.MEASURED.value} END AS quality
    FROM expected
    LEFT JOIN metered ON metered.site_id = expected.site_id AND metered.role = expected.role
      AND metered.start = expected.start
      AND metered.delivery_point_id IS NOT DISTINCT FROM expected.delivery_point_id
)"""

_SAMPLED = """
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
    FROM joined
    CROSS JOIN LATERAL generate_series(
        greatest(date_bin('15 minutes', since, 'epoch'), t0), least(at, t1) - interval '1 microsecond',
        interval '15 minutes'
    ) q (start)
    CROSS JOIN LATERAL (
        SELECT greatest(since, q.start) AS lo, least(at, q.start + interval '15 minutes') AS hi
    ) cut
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

_HEAT_ROWS = f"""
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
_SITE_ROWS = f"""
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

_HEAT_COLUMNS = (
    "heat_kwh", "volume_m3", "supply_vw_c", "return_vw_c", "supply_mean_c", "supply_min_c", "demand", "measured_s",
    "quality", "reason", "meter_id", "first_reading_at", "last_reading_at",
)  # fmt: skip
_SITE_COLUMNS = (
    "it_kwh", "total_kwh", "heat_pump_kwh", "captured_kwh", "delivered_kwh", "rejected_kwh", "buffer_change_kwh",
    "utilisation_ratio", "export_mode", "export_cause", "curtailed_s", "measured_s", "it_quality", "inputs",
)  # fmt: skip


def _upsert(table: str, anchor: str, columns: tuple[str, ...]) -> str:
    """The end of a statement: rows that are new, or that differ from what stands there, are written."""
    names = ", ".join(columns)
    settled = (*columns, "rule_version")
    return f"""
INSERT INTO {table} AS kept ({anchor}, start, {names}, rule_version, version, settled_at)
SELECT {anchor}, start, {names}, %(rule)s, 1, %(now)s FROM fresh ORDER BY {anchor}, start
ON CONFLICT ({anchor}, start) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in settled)}, version = kept.version + 1,
    settled_at = excluded.settled_at
WHERE ({", ".join(f"kept.{name}" for name in settled)})
      IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in settled)})
"""


SETTLE_HEAT = f"WITH {_SPAN}, {_METERED}, {_SAMPLED}, {_HEAT_ROWS} " + _upsert(
    "thermal_heatinterval", "delivery_point_id", _HEAT_COLUMNS
)
SETTLE_SITES = f"WITH {_SPAN}, {_METERED}, {_SAMPLED}, {_SITE_ROWS} " + _upsert(
    "thermal_siteinterval", "site_id", _SITE_COLUMNS
)

# The mark goes in the transaction that writes the ledger: a killed worker leaves it. Newest first, so that a long
# back-fill does not keep the live quarter hours waiting.
CLAIM = """
WITH claimed AS (
    DELETE FROM thermal_dirtymark WHERE (site_id, start) IN (
        SELECT site_id, start FROM thermal_dirtymark
        WHERE start <= %(before)s AND (%(site)s::bigint IS NULL OR site_id = %(site)s)
        ORDER BY start DESC LIMIT %(limit)s FOR UPDATE SKIP LOCKED
    )
    RETURNING site_id, start
),
numbered AS (
    SELECT site_id, start,
           start - row_number() OVER (PARTITION BY site_id ORDER BY start) * interval '15 minutes' AS island
    FROM claimed
)
SELECT site_id, min(start), max(start) + interval '15 minutes', count(*)
FROM numbered GROUP BY site_id, island ORDER BY site_id, min(start)
"""
