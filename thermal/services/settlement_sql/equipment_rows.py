# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From what sensors at equipment told to the rows of its ledger: ``fresh``, with the limits of Carnot and Lorenz.

``piece``     the heat pumps, exchangers and buffers of the sites
``port``      which measurement tells what of a piece; a temperature on a pipe tells that of the pipe's end there
``wire``      which slot of which frames tells it (a later profile may keep a point in another slot)
``course``    from one value to the next, cut at the quarter hours
``level``     time mean of a value in a quarter hour, and for how many seconds it is known
``sole``      the heat pump that is the only one of its site: what the site's ledger says of heat pumps it says of this

Only values that stand at such equipment are read: `telemetry.SAMPLED` would read every value of these roles, and a site
without equipment should cost nothing. `thermal.domain.kpis` has the limits as functions, and a test compares both.
"""

from hosting.models import EquipmentModel, Measurement
from thermal.domain.kpis import export, heat_pump, water_side
from thermal.models.equipment import KINDS, EnergyBasis
from thermal.services.settlement_sql.quarters import CUT

Kind = EquipmentModel.Kind
Role = Measurement.Role

_KINDS = ", ".join(f"'{kind}'" for kind in KINDS)
_TEMPERATURES = f"('{Role.SUPPLY_TEMPERATURE.value}', '{Role.RETURN_TEMPERATURE.value}')"

HAS_EQUIPMENT = f"""
SELECT EXISTS (
    SELECT 1 FROM hosting_equipment e JOIN hosting_equipmentmodel model ON model.id = e.model_id
    WHERE e.site_id = ANY(%(sites)s::bigint[]) AND model.kind IN ({_KINDS})
)
"""

_PORTS = f"""
piece AS MATERIALIZED (
    SELECT e.id, e.site_id, e.state, model.kind, model.rated_kw
    FROM hosting_equipment e JOIN hosting_equipmentmodel model ON model.id = e.model_id
    WHERE e.site_id IN (SELECT site_id FROM span) AND model.kind IN ({_KINDS})
),
port AS MATERIALIZED (
    SELECT piece.id AS equipment_id, piece.site_id, m.id AS measurement_id, m.device_id, m.slot,
           CASE WHEN pipe.target_id = piece.id AND pipe.leg = 'supply' THEN 'hot_in'
                WHEN pipe.source_id = piece.id AND pipe.leg = 'return' THEN 'hot_out'
                WHEN pipe.target_id = piece.id THEN 'cold_in' ELSE 'cold_out' END AS name
    FROM piece
    JOIN hosting_connection pipe ON piece.id IN (pipe.source_id, pipe.target_id) AND NOT pipe.is_bypass
    JOIN hosting_measurement m ON m.connection_id = pipe.id AND m.role IN {_TEMPERATURES}
    UNION ALL
    SELECT piece.id, piece.site_id, m.id, m.device_id, m.slot, named.port
    FROM piece
    JOIN hosting_measurement m ON m.equipment_id = piece.id
    JOIN (VALUES ('{Kind.BUFFER_TANK.value}', '{Role.BUFFER_TEMPERATURE.value}', 'mean'),
                 ('{Kind.BUFFER_TANK.value}', '{Role.BUFFER_CHARGE.value}', 'charge'),
                 ('{Kind.HEAT_PUMP.value}', '{Role.HEAT_PUMP_POWER.value}', 'work'),
                 ('{Kind.HEAT_PUMP.value}', '{Role.HEAT_PUMP_HEAT_POWER.value}', 'heat'),
                 ('{Kind.PLATE_EXCHANGER.value}', '{Role.CAPTURED_POWER.value}', 'heat'),
                 ('{Kind.PLATE_EXCHANGER.value}', '{Role.DELIVERED_POWER.value}', 'heat')
    ) named (kind, role, port) ON named.kind = piece.kind AND named.role = m.role
),
wire AS MATERIALIZED (
    SELECT DISTINCT port.site_id, port.device_id, port.slot, old_point.profile_id, old_point.slot + 1 AS place
    FROM port
    JOIN hosting_device d ON d.id = port.device_id
    JOIN hosting_deviceprofile now_profile ON now_profile.id = d.profile_id
    JOIN hosting_profilepoint now_point ON now_point.profile_id = d.profile_id AND now_point.slot = port.slot
    JOIN hosting_deviceprofile old_profile ON old_profile.key = now_profile.key
    JOIN hosting_profilepoint old_point ON old_point.profile_id = old_profile.id AND old_point.key = now_point.key
)"""

_LEVELS = f"""
told AS MATERIALIZED (
    SELECT asked.t0, asked.t1, f.device_id, f.profile_id, f.at, f."values"
    FROM (
        SELECT DISTINCT s.t0, s.t1, wire.device_id FROM span s JOIN wire ON wire.site_id = s.site_id
    ) asked
    JOIN thermal_telemetryframe f
      ON f.device_id = asked.device_id AND f.at >= asked.t0 - %(gap)s AND f.at < asked.t1 + %(gap)s
     AND f.at >= %(earliest)s AND f.at < %(latest)s
),
moment AS (
    SELECT wire.device_id, wire.slot, told.t0, told.t1, told.at, told."values"[wire.place]::float8 AS value,
           lag(told.at) OVER w AS since, lag(told."values"[wire.place]::float8) OVER w AS before
    FROM told
    JOIN wire ON wire.device_id = told.device_id AND wire.profile_id = told.profile_id
    WHERE told."values"[wire.place] IS NOT NULL
    WINDOW w AS (PARTITION BY wire.device_id, wire.slot, told.t0 ORDER BY told.at)
),
course AS (
    SELECT device_id, slot, q.start, extract(epoch FROM cut.hi - cut.lo)::float8 AS seconds,
           before + (value - before) * (extract(epoch FROM cut.lo - since) + extract(epoch FROM cut.hi - since))::float8
                    / (2 * extract(epoch FROM at - since))::float8 AS middle
    FROM moment {CUT}
    WHERE at - since <= %(gap)s
),
level AS MATERIALIZED (
    SELECT device_id, slot, start, sum(seconds) AS seconds, sum(middle * seconds) / sum(seconds) AS mean,
           sum(greatest(middle, 0) * seconds) / 3600 AS kwh
    FROM course GROUP BY device_id, slot, start
)"""

_JOINED = f"""
ends AS (
    SELECT port.equipment_id, level.start,
           avg(mean) FILTER (WHERE name = 'hot_in') AS hot_in_c,
           avg(mean) FILTER (WHERE name = 'hot_out') AS hot_out_c,
           avg(mean) FILTER (WHERE name = 'cold_in') AS cold_in_c,
           avg(mean) FILTER (WHERE name = 'cold_out') AS cold_out_c,
           avg(mean) FILTER (WHERE name = 'mean') AS mean_c,
           avg(least(1, greatest(0, mean))) FILTER (WHERE name = 'charge') AS charge_ratio,
           CASE WHEN count(*) FILTER (WHERE name = 'heat') = min(due.heat)
                THEN sum(kwh) FILTER (WHERE name = 'heat') END AS heat_kwh,
           CASE WHEN count(*) FILTER (WHERE name = 'work') = min(due.work)
                THEN sum(kwh) FILTER (WHERE name = 'work') END AS work_kwh,
           min(seconds) FILTER (WHERE name NOT IN ('heat', 'work')) AS seconds,
           array_agg(port.measurement_id ORDER BY port.measurement_id) AS inputs
    FROM port
    JOIN level ON level.device_id = port.device_id AND level.slot = port.slot
    JOIN (
        SELECT equipment_id, count(*) FILTER (WHERE name = 'heat') AS heat,
               count(*) FILTER (WHERE name = 'work') AS work
        FROM port GROUP BY equipment_id
    ) due ON due.equipment_id = port.equipment_id
    GROUP BY port.equipment_id, level.start
),
sole AS (
    SELECT site_id, min(id) AS equipment_id FROM piece
    WHERE kind = '{Kind.HEAT_PUMP.value}' AND state NOT IN ('planned', 'retired')
    GROUP BY site_id HAVING count(*) = 1
),
metered AS (
    SELECT sole.equipment_id, si.start, si.heat_pump_kwh, si.heat_pump_heat_kwh
    FROM sole
    JOIN span ON span.site_id = sole.site_id
    JOIN thermal_siteinterval si ON si.site_id = sole.site_id AND si.start >= span.t0 AND si.start < span.t1
    WHERE si.heat_pump_kwh IS NOT NULL OR si.heat_pump_heat_kwh IS NOT NULL
),
quarter AS (
    SELECT equipment_id, start, hot_in_c, hot_out_c, cold_in_c, cold_out_c, mean_c, charge_ratio, seconds, inputs,
           coalesce(metered.heat_pump_heat_kwh, ends.heat_kwh) AS heat_kwh,
           coalesce(metered.heat_pump_kwh, ends.work_kwh) AS electricity_kwh,
           CASE WHEN metered.start IS NOT NULL THEN {EnergyBasis.SITE.value}
                WHEN ends.heat_kwh IS NOT NULL OR ends.work_kwh IS NOT NULL THEN {EnergyBasis.OWN.value}
                ELSE {EnergyBasis.NONE.value} END AS energy_basis
    FROM ends FULL JOIN metered USING (equipment_id, start)
)"""


def _kelvin(name: str) -> str:
    return f"({name} - ({heat_pump.ABSOLUTE_ZERO_C}))"


def _log_mean(first: str, last: str) -> str:
    """The logarithmic mean in K of two temperatures in °C, as `heat_pump.lorenz_cop` takes it."""
    one, other = _kelvin(first), _kelvin(last)
    return f"CASE WHEN abs({first} - {last}) < 1e-9 THEN {one} ELSE ({first} - {last}) / ln({one} / {other}) END"


_LIMITS = f"""
limited AS (
    SELECT quarter.*, piece.kind, piece.rated_kw,
           CASE WHEN sound.is_so THEN {_log_mean("cold_in_c", "cold_out_c")} END AS sink_k,
           CASE WHEN sound.is_so THEN {_log_mean("hot_in_c", "hot_out_c")} END AS source_k,
           CASE WHEN sound.is_so THEN {_kelvin("greatest(cold_in_c, cold_out_c)")} END AS hottest_k,
           CASE WHEN sound.is_so THEN {_kelvin("least(hot_in_c, hot_out_c)")} END AS coldest_k
    FROM quarter
    JOIN piece ON piece.id = quarter.equipment_id
    CROSS JOIN LATERAL (
        SELECT piece.kind = '{Kind.HEAT_PUMP.value}' AND hot_in_c IS NOT NULL AND hot_out_c IS NOT NULL
               AND cold_in_c IS NOT NULL AND cold_out_c IS NOT NULL
               AND least(hot_in_c, hot_out_c, cold_in_c, cold_out_c) > {heat_pump.ABSOLUTE_ZERO_C} AS is_so
    ) sound
),
fresh AS (
    SELECT equipment_id, start,
           round(hot_in_c::numeric, 3)::float8 AS hot_in_c, round(hot_out_c::numeric, 3)::float8 AS hot_out_c,
           round(cold_in_c::numeric, 3)::float8 AS cold_in_c, round(cold_out_c::numeric, 3)::float8 AS cold_out_c,
           round(mean_c::numeric, 3)::float8 AS mean_c, round(charge_ratio::numeric, 4)::float8 AS charge_ratio,
           round(heat_kwh::numeric, 4)::float8 AS heat_kwh,
           round(electricity_kwh::numeric, 4)::float8 AS electricity_kwh, energy_basis::smallint AS energy_basis,
           CASE WHEN kind = '{Kind.HEAT_PUMP.value}' AND heat_kwh = 0 THEN 0
                WHEN sink_k > source_k
                THEN round((heat_kwh * (hottest_k - coldest_k) / hottest_k)::numeric, 4) END::float8 AS carnot_kwh,
           CASE WHEN kind = '{Kind.HEAT_PUMP.value}' AND heat_kwh = 0 THEN 0
                WHEN sink_k > source_k
                THEN round((heat_kwh * (sink_k - source_k) / sink_k)::numeric, 4) END::float8 AS lorenz_kwh,
           CASE WHEN kind = '{Kind.PLATE_EXCHANGER.value}'
                THEN round((hot_in_c - cold_out_c)::numeric, 3) END::float8 AS approach_k,
           CASE WHEN kind = '{Kind.BUFFER_TANK.value}' THEN NULL
                WHEN heat_kwh IS NOT NULL
                THEN heat_kwh > 0 AND heat_kwh >= {export.WORTH_RATIO} * coalesce(rated_kw, 0) / 4
                WHEN kind = '{Kind.PLATE_EXCHANGER.value}'
                THEN least(hot_in_c - hot_out_c, cold_out_c - cold_in_c) >= {water_side.LOADED_K}
                END AS is_loaded,
           least(900, round(coalesce(seconds, 0)))::smallint AS measured_s,
           coalesce(inputs, ARRAY[]::bigint[]) AS inputs
    FROM limited
),
gone AS (
    DELETE FROM thermal_equipmentinterval kept USING span, piece
    WHERE piece.site_id = span.site_id AND kept.equipment_id = piece.id
      AND kept.start >= span.t0 AND kept.start < span.t1
      AND NOT EXISTS (
          SELECT 1 FROM fresh WHERE fresh.equipment_id = kept.equipment_id AND fresh.start = kept.start
      )
    RETURNING 1
)"""

EQUIPMENT_ROWS = f"{_PORTS},{_LEVELS},{_JOINED},{_LIMITS}"
