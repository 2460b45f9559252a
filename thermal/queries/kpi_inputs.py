"""What the inputs of key figures are in SQL: the sum of each, and when a quarter hour counts as known.

Read by the statement that sums months and by the queries of any other period, so that both mean the same.
"""

from typing import Final

from hosting.models import EquipmentModel
from thermal.domain.kpis import sums

# Sums of columns of the site ledger that are taken as they stand.
_PLAIN = (
    "it_kwh", "total_kwh", "heat_pump_kwh", "heat_pump_heat_kwh", "source_pump_kwh", "sink_pump_kwh", "backup_kwh",
    "backup_heat_kwh", "captured_kwh", "delivered_kwh", "rejected_kwh", "buffer_change_kwh", "closing_error_kwh",
    "water_m3", "utilisation_ratio", "curtailed_kwh",
)  # fmt: skip
_EXPORT_KNOWN = "(export_basis > 0 OR delivered_kwh IS NOT NULL)"
_BOTH = "(available_kwh IS NOT NULL AND demand_kwh IS NOT NULL)"


def _site_inputs() -> dict[str, tuple[str, str]]:
    """For each input the sum, and the condition under which a quarter hour is known."""
    made = {name: (f"sum({name})", f"{name} IS NOT NULL") for name in _PLAIN}
    made["balance_in_kwh"] = (
        "sum(closing_error_kwh + delivered_kwh + coalesce(rejected_kwh, 0) + coalesce(buffer_change_kwh, 0))",
        "closing_error_kwh IS NOT NULL AND delivered_kwh IS NOT NULL",
    )
    made["utilisation_count"] = ("count(utilisation_ratio)", "utilisation_ratio IS NOT NULL")
    made["available_kwh"] = (f"sum(available_kwh) FILTER (WHERE {_BOTH})", _BOTH)
    made["coincident_kwh"] = (f"sum(least(available_kwh, demand_kwh)) FILTER (WHERE {_BOTH})", _BOTH)
    made["curtailed_s"] = (f"sum(curtailed_s) FILTER (WHERE {_EXPORT_KNOWN})", _EXPORT_KNOWN)
    for number, mode in enumerate(sums.MODES):
        total = f"900 * count(*) FILTER (WHERE export_mode = {number})"
        made[f"mode_{mode}_s"] = (total, "export_mode IS NOT NULL")
    for number, cause in enumerate(sums.CAUSES):
        seconds = f"coalesce(sum(curtailed_s) FILTER (WHERE {_EXPORT_KNOWN} AND export_cause = {number}), 0)"
        energy = f"coalesce(sum(curtailed_kwh) FILTER (WHERE export_cause = {number}), 0)"
        made[f"curtailed_{cause}_s"] = (seconds, _EXPORT_KNOWN)
        made[f"curtailed_{cause}_kwh"] = (energy, "curtailed_kwh IS NOT NULL")
    return made


_WEIGHED = "(hi.supply_vw_c IS NOT NULL AND hi.return_vw_c IS NOT NULL AND hi.volume_m3 > 0)"
# Where no water passed there is nothing to weigh, and nothing unknown either.
_WEIGHED_OR_STILL = f"({_WEIGHED} OR hi.volume_m3 = 0)"
POINT_INPUTS = {
    "volume_m3": (f"coalesce(sum(hi.volume_m3::float8) FILTER (WHERE {_WEIGHED}), 0)", _WEIGHED_OR_STILL),
    "supply_m3c": (
        f"coalesce(sum(hi.volume_m3::float8 * hi.supply_vw_c) FILTER (WHERE {_WEIGHED}), 0)",
        _WEIGHED_OR_STILL,
    ),
    "return_m3c": (
        f"coalesce(sum(hi.volume_m3::float8 * hi.return_vw_c) FILTER (WHERE {_WEIGHED}), 0)",
        _WEIGHED_OR_STILL,
    ),
    "estimated_kwh": (
        "coalesce(sum(hi.heat_kwh::float8) FILTER (WHERE hi.quality = 3), 0)",
        "hi.heat_kwh IS NOT NULL",
    ),
}
# Of quarter hours of equipment, as `JUDGED_EQUIPMENT` gives them.
_JUDGED = "(ej.lorenz_kwh IS NOT NULL AND ej.electricity_kwh IS NOT NULL)"
_APPROACH = "(ej.approach_k IS NOT NULL AND ej.is_loaded IS NOT NULL)"
EQUIPMENT_INPUTS = {
    "lorenz_kwh": (f"coalesce(sum(ej.lorenz_kwh) FILTER (WHERE {_JUDGED} AND NOT ej.is_impossible), 0)", _JUDGED),
    "judged_kwh": (f"coalesce(sum(ej.electricity_kwh) FILTER (WHERE {_JUDGED} AND NOT ej.is_impossible), 0)", _JUDGED),
    "impossible_count": (f"count(*) FILTER (WHERE {_JUDGED} AND ej.is_impossible)", _JUDGED),
    "approach_k": (f"coalesce(sum(ej.approach_k) FILTER (WHERE {_APPROACH} AND ej.is_loaded), 0)", _APPROACH),
    "approach_count": (f"count(*) FILTER (WHERE {_APPROACH} AND ej.is_loaded)", _APPROACH),
    "charge_ratio": ("sum(ej.charge_ratio)", "ej.charge_ratio IS NOT NULL"),
    "charge_count": ("count(ej.charge_ratio)", "ej.charge_ratio IS NOT NULL"),
}
# Each input of equipment is that of one kind.
EQUIPMENT_OF: Final = {
    EquipmentModel.Kind.HEAT_PUMP.value: sums.OF_PUMPS,
    EquipmentModel.Kind.PLATE_EXCHANGER.value: sums.OF_EXCHANGERS,
    EquipmentModel.Kind.BUFFER_TANK.value: sums.OF_BUFFERS,
}
SITE_INPUTS = _site_inputs()
_ALL = {*SITE_INPUTS, *POINT_INPUTS, *EQUIPMENT_INPUTS}
assert set(sums.INPUTS) == _ALL  # noqa: S101 -- the lists must stay one

# A COP at or above Carnot's limit under load is a fault of metering: it is counted, and no efficiency is made of it.
# A buffer's charge is what its controller told, else its mean temperature between those of the empty and the full one,
# as dated facts have them. To stand in a FROM clause; `equipment` and `site` are the tables of those names.
JUDGED_EQUIPMENT = """
(
    SELECT ei.equipment_id, ei.start, ei.settled_at, ei.electricity_kwh, ei.lorenz_kwh, ei.approach_k, ei.is_loaded,
           ei.heat_kwh, ei.carnot_kwh, ei.measured_s,
           coalesce(ei.is_loaded AND ei.electricity_kwh <= ei.carnot_kwh, false) AS is_impossible,
           coalesce(ei.charge_ratio, CASE WHEN bound.full_c > bound.empty_c
               THEN least(1, greatest(0, (ei.mean_c - bound.empty_c) / (bound.full_c - bound.empty_c))) END
           ) AS charge_ratio
    FROM thermal_equipmentinterval ei
    LEFT JOIN LATERAL (
        SELECT max(fact.value) FILTER (WHERE fact.kind = 'empty_c') AS empty_c,
               max(fact.value) FILTER (WHERE fact.kind = 'full_c') AS full_c
        FROM thermal_equipmentfact fact
        WHERE ei.mean_c IS NOT NULL AND fact.equipment_id = ei.equipment_id AND fact.kind IN ('empty_c', 'full_c')
          AND fact.valid_from <= (ei.start AT TIME ZONE site.time_zone)::date
          AND (fact.valid_until IS NULL OR fact.valid_until > (ei.start AT TIME ZONE site.time_zone)::date)
    ) bound ON true
    WHERE ei.equipment_id = equipment.id
)"""


def columns(inputs: dict[str, tuple[str, str]]) -> str:
    """The columns of a SELECT: each sum by its name, and beside it the count of quarter hours that are known."""
    return ",\n           ".join(
        f"({total})::float8 AS {name}, count(*) FILTER (WHERE {known}) AS n_{name}"
        for name, (total, known) in inputs.items()
    )
