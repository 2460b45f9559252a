"""What is stated of equipment: baselines and limits, and the defaults that hold where nobody said more."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.conf import settings
from django.utils.translation import gettext as _

from hosting.models import Equipment
from thermal.domain.kpis import heat_pump, water_side
from thermal.models import EquipmentFact
from thermal.queries.kpi_facts import Known

Kind = EquipmentFact.Kind

# Each default with the setting that changes it for the whole installation.
_DEFAULTS: Final[dict[Kind, tuple[str, float]]] = {
    Kind.EFFICIENCY_DROP: ("THERMAL_EFFICIENCY_DROP_RATIO", heat_pump.DRIFT_RATIO),
    Kind.APPROACH_RISE: ("THERMAL_APPROACH_RISE_K", water_side.FOULING_K),
    Kind.USUAL_LOW: ("THERMAL_USUAL_EFFICIENCY_LOW_RATIO", heat_pump.USUAL_BAND[0]),
    Kind.USUAL_HIGH: ("THERMAL_USUAL_EFFICIENCY_HIGH_RATIO", heat_pump.USUAL_BAND[1]),
}


def facts_of(equipment: Equipment) -> list[EquipmentFact]:
    """Everything that is stated of the equipment, the newest of each kind first."""
    rows: Any = EquipmentFact.objects.filter(equipment=equipment).select_related("recorded_by")
    return list(rows.order_by("kind", "-valid_from"))


def stated(facts: Iterable[EquipmentFact], kind: Kind, on: dt.date) -> Known | None:
    """What is stated for a day; None where nothing is."""
    for fact in facts:
        if fact.kind == kind and fact.valid_from <= on and (fact.valid_until is None or fact.valid_until > on):
            return Known(fact.value, fact.source)
    return None


def limit(facts: Iterable[EquipmentFact], kind: Kind, on: dt.date) -> Known:
    """The limit that holds on a day: stated for the equipment, set for the installation, or the unverified default."""
    found = stated(facts, kind, on)
    if found is not None:
        return found
    name, default = _DEFAULTS[kind]
    if hasattr(settings, name):
        return Known(float(getattr(settings, name)), _("setting of this installation"))
    return Known(default, _("unverified default"), is_verified=False)
