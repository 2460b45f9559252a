"""The heat path of a site with its live values, ready to be drawn."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from hosting.domain import heat_path
from hosting.domain.drawing_measures import SIDEWAYS, UPRIGHT, Measures
from hosting.models import Connection, Equipment, EquipmentModel, Measurement, Site
from hosting.queries.heat_path_pipes import PipeView, pipe_views

Role = Measurement.Role
Kind = EquipmentModel.Kind

# More than so many like racks are drawn as one box.
RACKS_DRAWN = 1
STILL_KW = 0.05

# A value that names no place belongs to the only component of this kind.
HOME_OF: Mapping[str, str] = {
    Role.IT_POWER: Kind.RACK,
    Role.CAPTURED_POWER: Kind.CDU,
    Role.BUFFER_CHARGE: Kind.BUFFER_TANK,
    Role.BUFFER_TEMPERATURE: Kind.BUFFER_TANK,
    Role.HEAT_PUMP_POWER: Kind.HEAT_PUMP,
    Role.COP: Kind.HEAT_PUMP,
    Role.REJECTED_POWER: Kind.DRY_COOLER,
    Role.REJECTION_CAPACITY: Kind.DRY_COOLER,
}
FIGURES: Mapping[str, tuple[Any, str, float]] = {
    Role.IT_POWER: (gettext_lazy("IT"), "kW", 1),
    Role.CAPTURED_POWER: (gettext_lazy("captured"), "kW", 1),
    Role.BUFFER_CHARGE: (gettext_lazy("charged"), "%", 100),
    Role.BUFFER_TEMPERATURE: (gettext_lazy("mean"), "°C", 1),
    Role.COP: (gettext_lazy("COP"), "", 1),
    Role.HEAT_PUMP_POWER: (gettext_lazy("takes"), "kW", 1),
    Role.REJECTED_POWER: (gettext_lazy("rejects"), "kW", 1),
    Role.REJECTION_CAPACITY: (gettext_lazy("ready for"), "kW", 1),
    Role.DELIVERED_POWER: (gettext_lazy("takes"), "kW", 1),
    Role.PRESSURE: (gettext_lazy("pressure"), "bar", 1),
    Role.EQUIPMENT_STATE: (gettext_lazy("state"), "", 1),
}
FIGURES_SHOWN = 2


@dataclass(frozen=True)
class LiveValue:
    """The last value of one measurement; no value where it is missing or too old to be called live."""

    measurement_id: int
    value: float | None
    at: dt.datetime | None = None


@dataclass(frozen=True)
class Figure:
    """One number in a box or on a pipe."""

    label: str
    value: float | None
    unit: str


@dataclass(frozen=True)
class Component:
    """One box of the drawing."""

    box: heat_path.Box
    name: str
    kind_words: str
    url: str
    card_id: int
    figures: Sequence[Figure]
    state_words: str
    level: str
    alarms: Sequence[str]
    is_out_of_use: bool


@dataclass(frozen=True)
class Sheet:
    """One drawing of the path: sideways for wide screens, or upright for narrow ones."""

    name: str
    width: int
    height: int
    components: Sequence[Component]
    pipes: Sequence[PipeView]


@dataclass(frozen=True)
class Picture:
    """Everything that the template draws; the screen chooses one of the two sheets."""

    site: Site
    wide: Sheet
    upright: Sheet
    loose: Sequence[Equipment]
    newest_at: dt.datetime | None
    alarms: Sequence[tuple[str, str]] = ()

    @property
    def sheets(self) -> tuple[Sheet, Sheet]:
        """Both drawings."""
        return self.wide, self.upright

    @property
    def components(self) -> Sequence[Component]:
        """The boxes of the path."""
        return self.wide.components

    @property
    def pipes(self) -> Sequence[PipeView]:
        """The pipes of the path."""
        return self.wide.pipes


@dataclass
class _Values:
    """Live values by the component or pipe that they belong to, then by role."""

    equipment: dict[int, dict[str, float | None]] = field(default_factory=lambda: defaultdict(dict))
    pipes: dict[int, dict[str, float | None]] = field(default_factory=lambda: defaultdict(dict))


def picture_of(
    *, site: Site, live: Iterable[LiveValue] = (), alarms: Mapping[int, Sequence[str]] | None = None
) -> Picture:
    """Return the drawing of a site's heat path with the values given, in three queries.

    Parameters
    ----------
    live
        The last value of each measurement; others count as missing.
    alarms
        Messages of open alarms by the id of the equipment they are pinned to.
    """
    equipment = list(Equipment.objects.filter(site=site).exclude(state="retired").select_related("model"))
    pipes = list(Connection.objects.filter(source__site=site, target__site=site))
    by_id = {one.pk: one for one in equipment}
    like = _gathered(equipment, pipes)
    by_measurement = {value.measurement_id: value for value in live}
    values = _placed(site, by_measurement, equipment, pipes)
    pinned = alarms or {}
    sheets = []
    for name, measures in (("wide", SIDEWAYS), ("upright", UPRIGHT)):
        drawing = _drawing(equipment, pipes, like, measures)
        boxes = [_component(box, by_id, like, values, pinned) for box in drawing.boxes]
        views = pipe_views(drawing, pipes, by_id, values.pipes, is_upright=measures.is_upright)
        sheets.append(Sheet(name, drawing.width, drawing.height, boxes, views))
    return Picture(
        site=site,
        wide=sheets[0],
        upright=sheets[1],
        loose=[by_id[key] for key in drawing.loose],  # type: ignore[index]
        newest_at=max((value.at for value in by_measurement.values() if value.at), default=None),
        alarms=[(by_id[key].tag, text) for key, texts in sorted(pinned.items()) if key in by_id for text in texts],
    )


# ---- the drawing -----------------------------------------------------------------------------------------------------


def _parts(equipment: Iterable[Equipment]) -> list[heat_path.Part]:
    return [heat_path.Part(one.pk, one.tag, one.model.kind) for one in equipment]


def _pipes(pipes: Iterable[Connection]) -> list[heat_path.Pipe]:
    return [
        heat_path.Pipe(pipe.pk, pipe.source_id, pipe.target_id, is_return=pipe.leg == Connection.Leg.RETURN)
        for pipe in pipes
    ]


def _gathered(equipment: Iterable[Equipment], pipes: Iterable[Connection]) -> dict[int, tuple[int, ...]]:
    sets = heat_path.gather(_parts(equipment), _pipes(pipes), Kind.RACK, RACKS_DRAWN)
    return {first: tuple(part.key for part in like) for first, like in sets.items()}  # type: ignore[misc]


def _drawing(
    equipment: Sequence[Equipment],
    pipes: Sequence[Connection],
    like: Mapping[int, tuple[int, ...]],
    measures: Measures,
) -> heat_path.Drawing:
    hidden = {key for keys in like.values() for key in keys[1:]}
    shown = [one for one in equipment if one.pk not in hidden]
    between = [pipe for pipe in pipes if pipe.source_id not in hidden and pipe.target_id not in hidden]
    return heat_path.lay_out(_parts(shown), _pipes(between), measures)


def _component(
    box: heat_path.Box,
    by_id: Mapping[int, Equipment],
    like: Mapping[int, tuple[int, ...]],
    values: _Values,
    alarms: Mapping[int, Sequence[str]],
) -> Component:
    one = by_id[box.key]  # type: ignore[index]
    members = like.get(one.pk, (one.pk,))
    own = _joined([values.equipment[key] for key in members])
    name = one.tag
    if len(members) > 1:
        name = ngettext("%(n)s rack", "%(n)s racks", len(members)) % {"n": len(members)}
    messages = [text for key in members for text in alarms.get(key, ())]
    words, level = _state(one, own)
    return Component(
        box=box,
        name=name,
        kind_words=one.model.get_kind_display(),
        url=one.get_absolute_url(),
        card_id=one.pk,
        figures=_figures(own),
        state_words=words,
        level="bad" if messages else level,
        alarms=messages,
        is_out_of_use=one.state != Equipment.State.IN_SERVICE,
    )


def _joined(parts: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """One set of values for several like components: powers add up if all are known, of the rest the first counts."""
    by_role: dict[str, list[float | None]] = defaultdict(list)
    for values in parts:
        for role, value in values.items():
            by_role[role].append(value)
    joined: dict[str, float | None] = {}
    for role, values_of_role in by_role.items():
        known = [value for value in values_of_role if value is not None]
        if role == Role.IT_POWER:
            joined[role] = sum(known) if len(known) == len(values_of_role) else None
        else:
            joined[role] = known[0] if known else None
    return joined


def _figures(values: Mapping[str, float | None]) -> list[Figure]:
    shown = []
    for role, (label, unit, factor) in FIGURES.items():
        if role in values:
            value = values[role]
            shown.append(Figure(str(label), None if value is None else value * factor, unit))
    return shown[:FIGURES_SHOWN]


def _state(one: Equipment, values: Mapping[str, float | None]) -> tuple[str, str]:
    """What the component does, in words, and how good that is."""
    if one.state != Equipment.State.IN_SERVICE:
        return one.get_state_display(), "warn" if one.state == Equipment.State.ISOLATED else "unknown"
    if one.model.kind == Kind.HEAT_SINK and Role.DEMAND in values:
        demand = values[Role.DEMAND]
        if demand is None:
            return _("no data"), "unknown"
        return (_("calls for heat") if demand >= 0.5 else _("no demand")), "ok"
    power = next((values[role] for role in (Role.HEAT_PUMP_POWER, Role.REJECTED_POWER) if role in values), None)
    if power is None:
        known = any(value is not None for value in values.values())
        return (_("no data"), "unknown") if values and not known else (one.get_state_display(), "ok")
    busy, idle = {
        Kind.DRY_COOLER.value: (_("rejecting heat"), _("ready")),
        Kind.HEAT_PUMP.value: (_("running"), _("standing by")),
    }.get(one.model.kind, (_("running"), _("standing by")))
    return (busy if power > STILL_KW else idle), "ok"


# ---- values and their places -----------------------------------------------------------------------------------------


def _placed(
    site: Site,
    live: Mapping[int, LiveValue],
    equipment: Sequence[Equipment],
    pipes: Sequence[Connection],
) -> _Values:
    """Every measurement of the site at the component or pipe that it tells about."""
    values = _Values()
    only = _only_ones(equipment)
    rows = Measurement.objects.filter(site=site).select_related("delivery_point").order_by("pk")
    for row in rows:
        value = live[row.pk].value if row.pk in live else None
        if row.connection_id:
            values.pipes[row.connection_id].setdefault(row.role, value)
        elif row.equipment_id:
            values.equipment[row.equipment_id].setdefault(row.role, value)
        elif row.delivery_point and row.delivery_point.equipment_id:
            _place_at_offtaker(values, row, row.delivery_point.equipment_id, value, pipes)
        elif (home := only.get(HOME_OF.get(row.role, ""))) is not None:
            values.equipment[home].setdefault(row.role, value)
    return values


def _only_ones(equipment: Sequence[Equipment]) -> dict[str, int]:
    """The component of each kind that has one; of the racks the first, which stands for all."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for one in equipment:
        by_kind[one.model.kind].append(one.pk)
    return {kind: keys[0] for kind, keys in by_kind.items() if len(keys) == 1 or kind == Kind.RACK}


def _place_at_offtaker(
    values: _Values, row: Measurement, sink: int, value: float | None, pipes: Sequence[Connection]
) -> None:
    """What is measured at a delivery point: temperatures and flow on its pipes, the rest at its component."""
    arriving = [pipe.pk for pipe in pipes if pipe.target_id == sink and pipe.leg == Connection.Leg.SUPPLY]
    leaving = [pipe.pk for pipe in pipes if pipe.source_id == sink and pipe.leg == Connection.Leg.RETURN]
    places = {
        Role.SUPPLY_TEMPERATURE.value: arriving,
        Role.RETURN_TEMPERATURE.value: leaving,
        Role.FLOW.value: arriving + leaving,
    }
    if row.role in places:
        for pipe in places[row.role]:
            values.pipes[pipe].setdefault(row.role, value)
    else:
        values.equipment[sink].setdefault(row.role, value)
