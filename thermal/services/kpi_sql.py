# ruff: noqa: S608 - the only things put into the statements are our own constants
"""The statement that sums a site's month: one row per input of the key figures."""

from thermal.models.ledger import Reason
from thermal.queries import kpi_inputs


def _values(inputs: dict[str, tuple[str, str]], rows: str) -> str:
    return ",\n        ".join(f"('{name}', {rows}.{name}, {rows}.n_{name})" for name in inputs)


_PIECES = ", ".join(f"'{kind}'" for kind in kpi_inputs.EQUIPMENT_OF)


def _piece_values() -> str:
    return ",\n        ".join(
        f"('{kind}', '{name}', of_pieces.{name}, of_pieces.n_{name})"
        for kind, names in kpi_inputs.EQUIPMENT_OF.items()
        for name in names
    )


SUM_MONTHS = f"""
WITH month AS MATERIALIZED (
    SELECT asked.*, greatest(0, ceil(extract(epoch FROM t1 - greatest(t0, first.start)) / 900))::int AS expected
    FROM unnest(%(sites)s::bigint[], %(months)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
         asked (site_id, month_on, t0, t1)
    LEFT JOIN LATERAL (
        SELECT si.start FROM thermal_siteinterval si WHERE si.site_id = asked.site_id ORDER BY si.start LIMIT 1
    ) first ON true
),
of_site AS (
    SELECT month.site_id, month.month_on, month.expected, max(si.settled_at) AS settled_at,
           {kpi_inputs.columns(kpi_inputs.SITE_INPUTS)}
    FROM month
    JOIN thermal_siteinterval si
      ON si.site_id = month.site_id AND si.start >= month.t0 AND si.start < month.t1
    GROUP BY month.site_id, month.month_on, month.expected
),
of_points AS (
    SELECT month.site_id, month.month_on, month.expected * count(DISTINCT hi.delivery_point_id)::int AS expected,
           max(hi.settled_at) AS settled_at,
           {kpi_inputs.columns(kpi_inputs.POINT_INPUTS)}
    FROM month
    JOIN hosting_deliverypoint dp ON dp.site_id = month.site_id
    JOIN thermal_heatinterval hi
      ON hi.delivery_point_id = dp.id AND hi.start >= month.t0 AND hi.start < month.t1
    WHERE hi.reason <> {Reason.NO_METER.value}
    GROUP BY month.site_id, month.month_on, month.expected
),
of_pieces AS (
    SELECT month.site_id, month.month_on, model.kind, month.expected * count(DISTINCT equipment.id)::int AS expected,
           max(ej.settled_at) AS settled_at,
           {kpi_inputs.columns(kpi_inputs.EQUIPMENT_INPUTS)}
    FROM month
    JOIN hosting_site site ON site.id = month.site_id
    JOIN hosting_equipment equipment ON equipment.site_id = site.id
    JOIN hosting_equipmentmodel model ON model.id = equipment.model_id AND model.kind IN ({_PIECES})
    JOIN LATERAL {kpi_inputs.JUDGED_EQUIPMENT} ej ON ej.start >= month.t0 AND ej.start < month.t1
    GROUP BY month.site_id, month.month_on, month.expected, model.kind
),
told AS (
    SELECT site_id, month_on, expected, settled_at, one.*
    FROM of_site CROSS JOIN LATERAL (VALUES
        {_values(kpi_inputs.SITE_INPUTS, "of_site")}
    ) one (input, value, known)
    UNION ALL
    SELECT site_id, month_on, expected, settled_at, one.*
    FROM of_points CROSS JOIN LATERAL (VALUES
        {_values(kpi_inputs.POINT_INPUTS, "of_points")}
    ) one (input, value, known)
    UNION ALL
    SELECT site_id, month_on, expected, settled_at, one.input, one.value, one.known
    FROM of_pieces CROSS JOIN LATERAL (VALUES
        {_piece_values()}
    ) one (kind, input, value, known)
    WHERE one.kind = of_pieces.kind
),
fresh AS (
    SELECT site_id, month_on, input, CASE WHEN known > 0 THEN round(value::numeric, 4)::float8 END AS value,
           known::int AS known_count, greatest(expected, known)::int AS expected_count, settled_at
    FROM told
),
gone AS (
    DELETE FROM thermal_kpisum kept USING month
    WHERE kept.site_id = month.site_id AND kept.month_on = month.month_on AND NOT EXISTS (
        SELECT 1 FROM told
        WHERE told.site_id = kept.site_id AND told.month_on = kept.month_on AND told.input = kept.input
    )
)
INSERT INTO thermal_kpisum AS kept (
    site_id, month_on, input, value, known_count, expected_count, settled_at, version, computed_at
)
SELECT site_id, month_on, input, value, known_count, expected_count, settled_at, 1, %(now)s FROM fresh
ORDER BY site_id, month_on, input
ON CONFLICT (site_id, month_on, input) DO UPDATE
SET value = excluded.value, known_count = excluded.known_count, expected_count = excluded.expected_count,
    settled_at = excluded.settled_at, version = kept.version + 1, computed_at = excluded.computed_at
WHERE (kept.value, kept.known_count, kept.expected_count)
      IS DISTINCT FROM (excluded.value, excluded.known_count, excluded.expected_count)
"""

# As with settlement: the mark goes in the transaction that writes the sums, so that a killed worker leaves it.
CLAIM = """
WITH chosen AS MATERIALIZED (
    SELECT ctid AS place FROM thermal_monthmark
    WHERE %(site)s::bigint IS NULL OR site_id = %(site)s
    ORDER BY marked_at, site_id, month_on LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
DELETE FROM thermal_monthmark mark USING chosen WHERE mark.ctid = chosen.place
RETURNING mark.site_id, mark.month_on
"""

# Every month of a site that the stretches touch, in the site's zone.
MARK = """
INSERT INTO thermal_monthmark (site_id, month_on, marked_at)
SELECT DISTINCT site.id, month.month_on::date, %(now)s::timestamptz
FROM unnest(%(sites)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) touched (site_id, t0, t1)
JOIN hosting_site site ON site.id = touched.site_id
CROSS JOIN LATERAL generate_series(
    date_trunc('month', t0 AT TIME ZONE site.time_zone),
    (t1 - interval '1 microsecond') AT TIME ZONE site.time_zone, interval '1 month'
) month (month_on)
ORDER BY 1, 2
ON CONFLICT (site_id, month_on) DO UPDATE SET marked_at = excluded.marked_at
"""

STRETCHES = """
SELECT site_id, min(start), max(start) + interval '15 minutes' FROM thermal_siteinterval
WHERE %(site)s::bigint IS NULL OR site_id = %(site)s GROUP BY site_id
"""
