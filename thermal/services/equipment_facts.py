"""Baselines and limits of equipment, entered by people."""

import datetime as dt
from typing import Any

from django.db import transaction

from accounts.models import User
from hosting.models import Equipment
from kernel.errors import Refusal
from kernel.periods import local_date, local_midnight
from thermal.models import EquipmentFact
from thermal.queries import equipment_facts as queries
from thermal.services import kpi_ledger, rules

Kind = EquipmentFact.Kind
# The state of charge of months is made from these.
_OF_SUMS = (Kind.EMPTY, Kind.FULL)
# The baseline and the limit of a drift, by either of them.
_WATCHED_BY = {
    Kind.EFFICIENCY: (Kind.EFFICIENCY, Kind.EFFICIENCY_DROP),
    Kind.EFFICIENCY_DROP: (Kind.EFFICIENCY, Kind.EFFICIENCY_DROP),
    Kind.APPROACH: (Kind.APPROACH, Kind.APPROACH_RISE),
    Kind.APPROACH_RISE: (Kind.APPROACH, Kind.APPROACH_RISE),
}


class FactIsStated(Refusal):
    """Two entries would say something for the same days."""

    sentence = "“%(source)s” says something for some of these days already, from %(first)s on; end that entry first."


@transaction.atomic
def record_fact(*, fact: EquipmentFact, equipment: Equipment, by: User | None, now: dt.datetime) -> EquipmentFact:
    """The fact, stored for the equipment; an open one of its kind that began earlier ends where this one begins."""
    fact.equipment, fact.recorded_by = equipment, by
    same: Any = EquipmentFact.objects.filter(equipment=equipment, kind=fact.kind)
    for earlier in same.filter(valid_until=None, valid_from__lt=fact.valid_from).select_for_update():
        earlier.valid_until = fact.valid_from
        earlier.save(update_fields=["valid_until"])
    others = same.exclude(valid_until__lte=fact.valid_from)
    if fact.valid_until is not None:
        others = others.filter(valid_from__lt=fact.valid_until)
    other = others.order_by("valid_from").first()
    if other is not None:
        raise FactIsStated(source=other.source, first=other.valid_from.isoformat())
    fact.save()
    if fact.kind in _OF_SUMS:
        _sum_again(fact, now)
    if fact.kind in _WATCHED_BY:
        _watch(fact, by, now)
    return fact


def _watch(fact: EquipmentFact, by: User | None, now: dt.datetime) -> None:
    """Watch the equipment once a baseline is stated, with the limit that holds today."""
    baseline, limit_kind = _WATCHED_BY[Kind(fact.kind)]
    today = local_date(now, fact.equipment.site.zone)
    facts = queries.facts_of(fact.equipment)
    if queries.stated(facts, baseline, today) is not None:
        limit = queries.limit(facts, limit_kind, today)
        rules.watch_drift(equipment=fact.equipment, limit_value=limit.value, by=by, now=now)


def _sum_again(fact: EquipmentFact, now: dt.datetime) -> None:
    site = fact.equipment.site
    start = local_midnight(fact.valid_from, site.zone)
    end = min(now, local_midnight(fact.valid_until, site.zone)) if fact.valid_until else now
    if start < end:
        kpi_ledger.mark_stretches(stretches=[(site.pk, start, end)], now=now)
