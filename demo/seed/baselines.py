"""What the commissioning records of a demo site say of its exchanger, buffer and heat pump."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from accounts.models import User
from demo.seed.places import Place
from demo.sites import GREENHOUSE, NETWORK, POOL
from hosting.models import Equipment, Site
from thermal.models import EquipmentFact, SiteFact
from thermal.services import equipment_facts

Kind = EquipmentFact.Kind

# By site, tag and fact. The network's exchanger was new and clean once; its operator agreed on a limit of its own.
_STATED: Final[dict[str, tuple[tuple[str, Kind, float], ...]]] = {
    POOL.code: (("HX-1", Kind.APPROACH, 1.8), ("BT-1", Kind.EMPTY, 38.0), ("BT-1", Kind.FULL, 51.0)),
    GREENHOUSE.code: (
        ("HX-1", Kind.APPROACH, 1.3),
        ("BT-1", Kind.EMPTY, 22.0),
        ("BT-1", Kind.FULL, 32.0),
        ("HP-1", Kind.EFFICIENCY, 0.40),
    ),
    NETWORK.code: (
        ("HX-1", Kind.APPROACH, 0.6),
        ("HX-1", Kind.APPROACH_RISE, 1.0),
        ("BT-1", Kind.EMPTY, 54.0),
        ("BT-1", Kind.FULL, 62.0),
    ),
}
_SOURCE: Final = "Commissioning record"


def state_baselines(
    *, site: Site, place: Place, equipment: Mapping[str, Equipment], by: User, now: dt.datetime
) -> None:
    """Enters what is not stated yet."""
    since = dt.date.fromisoformat(place.live_since)
    for tag, kind, value in _STATED[place.code]:
        if not EquipmentFact.objects.filter(equipment=equipment[tag], kind=kind).exists():
            fact = EquipmentFact(kind=kind, value=value, valid_from=since, source=_SOURCE)
            equipment_facts.record_fact(fact=fact, equipment=equipment[tag], by=by, now=now)
    if "HP-1" in equipment:
        SiteFact.objects.get_or_create(
            site=site,
            kind=SiteFact.Kind.BACKUP,
            defaults={"value": 0.0, "valid_from": since, "source": "Drawing of the plant room", "recorded_by": by},
        )
