# ruff: noqa: S608 - the only things put into the statements are our own constants
"""The statements of settlement: for delivery points, for sites and for equipment, each for any number of quarter hours.

They are put together from common table expressions that build on each other:

``span``      the stretches of consecutive quarter hours to settle, per site
``place``     the meters that stood there then, and between which readings their stretch lies
``point``     the registers at an instant, the latest version only; a placement adds its first and final register
``segment``   from one point to the next: how far the register rose, or why that is not known
``metered``   segments cut at the quarter hours
``channel``   which slot of which frames tells what (a later profile may keep a point in another slot)
``sample``    the values of the frames
``held``      lines from one sample to the next, where they lie near enough, summed by quarter hour
``heard``     what frames tell of a delivery point, summed by quarter hour

A register at a quarter hour is a straight line between its neighbours, rounded to the register's four decimals.
Every quarter hour is the difference of two such values, so sums over any period are register differences to the
last digit.
"""

from thermal.services.settlement_sql.equipment_rows import EQUIPMENT_ROWS, HAS_EQUIPMENT
from thermal.services.settlement_sql.registers import METERED
from thermal.services.settlement_sql.rows import HEAT_ROWS
from thermal.services.settlement_sql.site_rows import SITE_ROWS
from thermal.services.settlement_sql.telemetry import SAMPLED

__all__ = ["CLAIM", "HAS_EQUIPMENT", "LANE", "SETTLE_EQUIPMENT", "SETTLE_HEAT", "SETTLE_SITES"]

_SPAN = """
span AS MATERIALIZED (
    SELECT * FROM unnest(%(sites)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) s (site_id, t0, t1)
)"""

_HEAT_COLUMNS = (
    "heat_kwh", "volume_m3", "supply_vw_c", "return_vw_c", "supply_mean_c", "supply_min_c", "demand", "measured_s",
    "quality", "reason", "meter_id", "first_reading_at", "last_reading_at",
)  # fmt: skip
_SITE_COLUMNS = (
    "it_kwh", "total_kwh", "heat_pump_kwh", "heat_pump_heat_kwh", "source_pump_kwh", "sink_pump_kwh", "backup_kwh",
    "backup_heat_kwh", "water_m3", "captured_kwh", "delivered_kwh", "rejected_kwh", "buffer_change_kwh",
    "closing_error_kwh", "available_kwh", "demand_kwh", "utilisation_ratio", "export_mode", "export_cause",
    "export_basis", "curtailed_s", "curtailed_kwh", "measured_s", "it_quality", "inputs",
)  # fmt: skip

_EQUIPMENT_COLUMNS = (
    "hot_in_c", "hot_out_c", "cold_in_c", "cold_out_c", "mean_c", "charge_ratio", "heat_kwh", "electricity_kwh",
    "energy_basis", "carnot_kwh", "lorenz_kwh", "approach_k", "is_loaded", "measured_s", "inputs",
)  # fmt: skip


def _upsert(table: str, anchor: str, columns: tuple[str, ...]) -> str:
    """The end of a statement: rows that are new, or that differ from what stands there, are written.

    Rows that stand there already are left out before the insert, which would lock each of them, and write that, before
    it finds that nothing has changed. Nobody else can change them meanwhile: only who has claimed the mark of a quarter
    hour writes its rows, and whoever marks it again waits until they are written.
    """
    names = ", ".join(columns)
    settled = (*columns, "rule_version")
    return f"""
INSERT INTO {table} AS kept ({anchor}, start, {names}, rule_version, version, settled_at)
SELECT fresh.{anchor}, fresh.start, {", ".join(f"fresh.{name}" for name in columns)}, %(rule)s, 1, %(now)s
FROM fresh
LEFT JOIN LATERAL (
    SELECT * FROM {table} known WHERE known.{anchor} = fresh.{anchor} AND known.start = fresh.start OFFSET 0
) known ON true
WHERE known.start IS NULL OR ({", ".join(f"known.{name}" for name in settled)})
      IS DISTINCT FROM ({", ".join(f"fresh.{name}" for name in columns)}, %(rule)s)
ORDER BY fresh.{anchor}, fresh.start
ON CONFLICT ({anchor}, start) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in settled)}, version = kept.version + 1,
    settled_at = excluded.settled_at
WHERE ({", ".join(f"kept.{name}" for name in settled)})
      IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in settled)})
"""


SETTLE_HEAT = f"WITH {_SPAN}, {METERED}, {SAMPLED}, {HEAT_ROWS} " + _upsert(
    "thermal_heatinterval", "delivery_point_id", _HEAT_COLUMNS
)
SETTLE_SITES = f"WITH {_SPAN}, {METERED}, {SAMPLED}, {SITE_ROWS} " + _upsert(
    "thermal_siteinterval", "site_id", _SITE_COLUMNS
)

# Equipment has a row where it tells something, so rows of which nothing is left to tell go; the statement counts both.
SETTLE_EQUIPMENT = f"""
WITH {_SPAN}, {EQUIPMENT_ROWS},
written AS ({_upsert("thermal_equipmentinterval", "equipment_id", _EQUIPMENT_COLUMNS)} RETURNING 1)
SELECT (SELECT count(*) FROM written) + (SELECT count(*) FROM gone)
"""

# Two workers that claim at the same moment would take turns, mark by mark, and each then settle single quarter hours of
# every site, with the frames around each. So each keeps to a lane, an eighth of the sites, as long as it holds its
# marks: the one of the newest mark that nobody works on. A lane is a matter of speed; what is right is right because
# the marks themselves are locked.
LANES = 8
LANE_LOCK = 0x6865_6175
"""First half of the advisory lock of whoever works on a lane; the second is the lane."""
LANE = f"""
SELECT lane FROM (
    SELECT site_id %% {LANES} AS lane FROM thermal_dirtymark
    WHERE start <= %(before)s AND site_id %% {LANES} <> ALL(%(tried)s::int[]) ORDER BY start DESC LIMIT %(limit)s
) waiting
WHERE pg_try_advisory_xact_lock({LANE_LOCK}, lane::int) LIMIT 1
"""

# The mark goes in the transaction that writes the ledger: a killed worker leaves it. Newest first, so that a long
# back-fill does not keep the live quarter hours waiting.
# The marks are chosen once: as a subquery the planner may choose them anew for every mark that it deletes, which takes
# minutes where a whole year was marked a moment ago and no statistics tell of it yet.
CLAIM = f"""
WITH chosen AS MATERIALIZED (
    SELECT ctid AS place FROM thermal_dirtymark
    WHERE start <= %(before)s AND (%(site)s::bigint IS NULL OR site_id = %(site)s)
      AND (%(lane)s::int IS NULL OR site_id %% {LANES} = %(lane)s)
    ORDER BY start DESC LIMIT %(limit)s FOR UPDATE SKIP LOCKED
),
claimed AS (
    DELETE FROM thermal_dirtymark mark USING chosen WHERE mark.ctid = chosen.place
    RETURNING mark.site_id, mark.start
),
numbered AS (
    SELECT site_id, start,
           start - row_number() OVER (PARTITION BY site_id ORDER BY start) * interval '15 minutes' AS island
    FROM claimed
)
SELECT site_id, min(start), max(start) + interval '15 minutes', count(*)
FROM numbered GROUP BY site_id, island ORDER BY site_id, min(start)
"""
