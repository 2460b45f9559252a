"""What alarm rules see of equipment: its drift from the commissioning, and a COP that no heat pump can have."""

import datetime as dt
from typing import Any, Final

from django.db import connection

from hosting.models import EquipmentModel
from thermal.queries import kpi_inputs
from thermal.queries.watching import Sight

# Long enough that one cold start is no drift, short enough that a fault of metering is told on the next day.
DRIFT_SPAN: Final = dt.timedelta(hours=48)
CARNOT_SPAN: Final = dt.timedelta(hours=24)

# A drift is judged against the baseline that somebody stated; what the first month shows is for people to look at.
_SEEN = f"""
SELECT rule.id,
       CASE WHEN rule.kind = 'carnot' THEN seen.impossible_count
            WHEN model.kind = '{EquipmentModel.Kind.HEAT_PUMP.value}'
            THEN 1 - seen.lorenz_kwh / nullif(seen.judged_kwh, 0) / nullif(baseline.value, 0)
            ELSE seen.approach_k / nullif(seen.approach_count, 0) - baseline.value END AS value,
       seen.until, false, outage.id
FROM thermal_alarmrule rule
JOIN hosting_equipment equipment ON equipment.id = rule.equipment_id
JOIN hosting_equipmentmodel model ON model.id = equipment.model_id
JOIN hosting_site site ON site.id = equipment.site_id
LEFT JOIN LATERAL (
    SELECT max(ej.start) + interval '15 minutes' AS until, {kpi_inputs.columns(kpi_inputs.EQUIPMENT_INPUTS)}
    FROM {kpi_inputs.JUDGED_EQUIPMENT} ej
    WHERE ej.start < %(now)s
      AND ej.start >= CASE WHEN rule.kind = 'carnot' THEN %(day)s::timestamptz ELSE %(days)s::timestamptz END
) seen ON true
LEFT JOIN LATERAL (
    SELECT fact.value FROM thermal_equipmentfact fact
    WHERE fact.equipment_id = equipment.id AND fact.kind IN ('efficiency_ratio', 'approach_k')
      AND fact.valid_from <= (%(now)s AT TIME ZONE site.time_zone)::date
      AND (fact.valid_until IS NULL OR fact.valid_until > (%(now)s AT TIME ZONE site.time_zone)::date)
    LIMIT 1
) baseline ON true
LEFT JOIN LATERAL (
    SELECT o.id FROM hosting_plannedoutage o
    WHERE o.site_id = rule.site_id AND o.cancelled_at IS NULL AND o.starts_at <= %(now)s AND o.ends_at > %(now)s
      AND o.delivery_point_id IS NULL
    ORDER BY o.id LIMIT 1
) outage ON true
WHERE rule.id = ANY(%(rules)s) AND rule.kind IN ('drift', 'carnot') ORDER BY rule.id
"""  # noqa: S608 - our own constants


def sights(rules: list[int], now: dt.datetime) -> list[Sight]:
    """What those of the rules see that watch equipment.

    For a drift the value is the change for the worse: the share of its baseline that an efficiency lost, or by how many
    kelvin an approach rose. For an impossible COP it is the count of such quarter hours of a day.
    """
    facts: dict[str, Any] = {"rules": rules, "now": now, "day": now - CARNOT_SPAN, "days": now - DRIFT_SPAN}
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, facts)
        return [Sight(*row) for row in cursor.fetchall()]
