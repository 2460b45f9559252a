# ruff: noqa: S608 - the only things put into the statements are our own constants
"""From the registers of meters to quarter hours: ``place``, ``point``, ``segment``, ``metered``, ``register``."""

from thermal.models.ledger import Quality, Reason
from thermal.services.settlement_sql.quarters import CUT

# The latest version of a reading counts, unless it withdraws the register.
CURRENT_READING = """
    r.energy_kwh IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM thermal_meterreading newer
        WHERE newer.meter_id = r.meter_id AND newer.at = r.at AND newer.version > r.version
    )"""


def _risen(rise: str) -> str:
    """What a register rose by in a piece: the line at its end less the line at its start, each rounded.

    Where the piece starts or ends with the segment there is nothing to divide: numbers of any length are slow.
    """
    at_end = f"coalesce(round({rise} * hi_s / seconds, 4), round({rise}, 4))"
    return f"{at_end} - coalesce(round({rise} * lo_s / seconds, 4), 0)"


METERED = f"""
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
           OR coalesce(r.supply_c IN (0, 185), false) OR coalesce(r.return_c IN (0, 185), false) AS fault,
           r.source = 'distributed' AS divided
    FROM place
    JOIN LATERAL (
        SELECT r.at, r.energy_kwh, r.volume_m3, r.supply_energy_m3c, r.return_energy_m3c, r.info_code,
               r.supply_c, r.return_c, r.source
        FROM thermal_meterreading r
        WHERE r.meter_id = place.meter_id AND r.at >= place.from_at AND r.at <= place.until_at AND {CURRENT_READING}
        UNION ALL
        SELECT bound.at, 0, NULL, NULL, NULL, NULL, NULL, NULL, ''
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
           fault OR lag(fault) OVER w AS faulty, divided OR lag(divided) OVER w AS spread
    FROM point WINDOW w AS (PARTITION BY id, t0 ORDER BY at)
),
counted AS (
    SELECT *, extract(epoch FROM at - since) AS seconds,
           CASE WHEN by < 0 AND before >= 0.9 * modulus AND energy <= 0.1 * modulus THEN by + modulus
                ELSE by END AS heat
    FROM rise WHERE since IS NOT NULL
),
segment AS MATERIALIZED (
    SELECT *, CASE
        WHEN heat < 0 THEN {Reason.REGISTER_DECREASED.value}
        WHEN heat > max_kw * %(power_ratio)s * seconds / 3600 + 2 * register_step AND heat <> by
            THEN {Reason.REGISTER_DECREASED.value}
        WHEN heat > max_kw * %(power_ratio)s * seconds / 3600 + 2 * register_step THEN {Reason.IMPLAUSIBLE.value}
        ELSE {Reason.NONE.value} END AS fault_reason
    FROM counted
),
piece AS (
    SELECT segment.*, q.start, cut.hi - cut.lo AS length,
           CASE WHEN fault_reason = 0 THEN {_risen("heat")} END AS piece_kwh,
           CASE WHEN fault_reason = 0 AND volume_by >= 0 THEN {_risen("volume_by")} END AS piece_m3,
           date_part('epoch', cut.hi - cut.lo) / seconds::float8 AS share
    FROM segment {CUT}
    CROSS JOIN LATERAL (
        SELECT CASE WHEN cut.lo > since THEN extract(epoch FROM cut.lo - since) END AS lo_s,
               CASE WHEN cut.hi < at THEN extract(epoch FROM cut.hi - since) END AS hi_s
        OFFSET 0
    ) part
),
metered AS (
    SELECT site_id, delivery_point_id, role, start,
           sum(piece_kwh) AS kwh,
           CASE WHEN bool_and(piece_m3 IS NOT NULL) THEN sum(piece_m3) END AS m3,
           CASE WHEN bool_and(volume_by > 0 AND e8_by >= 0) THEN sum(e8_by * share) END AS e8,
           CASE WHEN bool_and(volume_by > 0 AND e9_by >= 0) THEN sum(e9_by * share) END AS e9,
           sum(volume_by::float8 * share) AS weight,
           max(fault_reason) AS fault_reason, bool_or(faulty) AS faulty, bool_or(spread) AS spread,
           max(seconds) AS gap_s,
           extract(epoch FROM sum(length)) AS covered_s,
           coalesce(extract(epoch FROM
               sum(length) FILTER (WHERE fault_reason = 0 AND NOT spread AND seconds <= %(near_s)s)), 0) AS near_s,
           min(since) AS first_at, max(at) AS last_at
    FROM piece GROUP BY site_id, delivery_point_id, role, start
),
expected AS (
    SELECT site_id, delivery_point_id, role, q.start,
           extract(epoch FROM sum(least(valid_until, q.start + interval '15 minutes')
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
                WHEN spread OR gap_s > %(near_s)s THEN {Quality.SPREAD.value}
                ELSE {Quality.MEASURED.value} END AS quality
    FROM expected
    LEFT JOIN metered ON metered.site_id = expected.site_id AND metered.role = expected.role
      AND metered.start = expected.start
      AND metered.delivery_point_id IS NOT DISTINCT FROM expected.delivery_point_id
)"""
