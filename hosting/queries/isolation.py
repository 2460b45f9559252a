"""What a site loses when a piece of equipment is isolated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hosting.domain import isolation
from hosting.models import Connection, DeliveryPoint, Equipment, EquipmentModel

Kind = EquipmentModel.Kind
SOURCES = frozenset({Kind.RACK})
SINKS = frozenset({Kind.HEAT_SINK})
COOLERS = frozenset({Kind.DRY_COOLER})


@dataclass(frozen=True)
class IsolationLoss:
    """Delivery points without heat, racks whose heat has no way out, and parts that go out of use with it."""

    delivery_points: Sequence[DeliveryPoint]
    sinks: Sequence[Equipment]
    stranded: Sequence[Equipment]
    parts: Sequence[Equipment]

    @property
    def is_nothing(self) -> bool:
        """Whether heat keeps its ways."""
        return not (self.sinks or self.stranded)


def loss_of(equipment: Equipment) -> IsolationLoss:
    """Return what is lost if the equipment is isolated, in three queries."""
    at_site = list(Equipment.objects.filter(site=equipment.site_id).exclude(state="retired").select_related("model"))
    by_id = {one.pk: one for one in at_site}
    pipes = Connection.objects.filter(source__site=equipment.site_id, leg=Connection.Leg.SUPPLY, is_bypass=False)
    sinks = {one.pk for one in at_site if one.model.kind in SINKS}
    found = isolation.loss(
        isolated=equipment.pk,
        supplies=list(pipes.values_list("source_id", "target_id")),
        sources={one.pk for one in at_site if one.model.kind in SOURCES},
        sinks=sinks,
        ways_out=sinks | {one.pk for one in at_site if one.model.kind in COOLERS},
    )
    lost = [by_id[key] for key in found.sinks if key in by_id]
    points = DeliveryPoint.objects.filter(equipment__in=lost).order_by("code")
    return IsolationLoss(
        delivery_points=list(points),
        sinks=sorted(lost, key=lambda one: one.tag),
        stranded=sorted((by_id[key] for key in found.stranded_sources), key=lambda one: one.tag),  # type: ignore[index]
        parts=[one for one in at_site if one.parent_id == equipment.pk],
    )
