"""The pipes of a heat path as they are drawn: temperature as color, flow as width and pace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from hosting.domain import heat_path
from hosting.models import Connection, Equipment, Measurement

Role = Measurement.Role
STILL_M3H = 0.005
COLDEST_C, HOTTEST_C, SHADES = 20.0, 60.0, 10
# The live values of each pipe by role.
PipeValues = Mapping[int, Mapping[str, float | None]]


@dataclass(frozen=True)
class Label:
    """Where the temperature and the flow of a pipe stand, and which end of the words the place is."""

    x: int
    temperature_y: int
    flow_y: int
    anchor: str


@dataclass(frozen=True)
class PipeView:
    """One pipe of the drawing."""

    path: str
    label: Label
    words: str
    is_return: bool
    is_bypass: bool
    is_measured: bool
    has_temperature_sensor: bool
    temperature_c: float | None
    flow_m3h: float | None
    shade: int | None
    width: int
    pace: str


def pipe_views(
    drawing: heat_path.Drawing,
    pipes: Sequence[Connection],
    by_id: Mapping[int, Equipment],
    values: PipeValues,
    *,
    is_upright: bool,
) -> list[PipeView]:
    """The pipes that the drawing shows, with what is measured at each."""
    by_key = {pipe.pk: pipe for pipe in pipes}
    flows = [value for own in values.values() if (value := own.get(Role.FLOW)) is not None]
    most_m3h = max(flows, default=0.0)
    return [
        _pipe_view(line, by_key[line.key], by_id, values, most_m3h, is_upright=is_upright)  # type: ignore[index]
        for line in drawing.lines
    ]


def _label(line: heat_path.Line, *, is_return: bool, is_upright: bool) -> Label:
    """Above the supply and below the return; upright, left and right of them."""
    x, y = line.label_x, line.label_y
    if is_upright:
        return Label(x + 9, y - 1, y + 14, "start") if is_return else Label(x - 9, y - 1, y + 14, "end")
    return Label(x, y + 17, y + 31, "middle") if is_return else Label(x, y - 8, y - 21, "middle")


def _pipe_view(
    line: heat_path.Line,
    pipe: Connection,
    by_id: Mapping[int, Equipment],
    values: PipeValues,
    most_m3h: float,
    *,
    is_upright: bool,
) -> PipeView:
    own = values.get(pipe.pk, {})
    is_return = pipe.leg == Connection.Leg.RETURN
    role = Role.RETURN_TEMPERATURE if is_return else Role.SUPPLY_TEMPERATURE
    temperature_c, flow_m3h = own.get(role), own.get(Role.FLOW)
    return PipeView(
        path=heat_path.bends(line.points),
        label=_label(line, is_return=is_return, is_upright=is_upright),
        words=_("%(leg)s from %(source)s to %(target)s")
        % {"leg": pipe.get_leg_display(), "source": by_id[pipe.source_id].tag, "target": by_id[pipe.target_id].tag},
        is_return=is_return,
        is_bypass=pipe.is_bypass,
        is_measured=bool(own),
        has_temperature_sensor=role in own,
        temperature_c=temperature_c,
        flow_m3h=flow_m3h,
        shade=None if temperature_c is None else shade_of(temperature_c),
        width=width_of(flow_m3h, most_m3h),
        pace=pace_of(flow_m3h, most_m3h),
    )


def shade_of(temperature_c: float) -> int:
    """The step from 0 (cold) to 10 (hot) in which a pipe is colored."""
    share = (temperature_c - COLDEST_C) / (HOTTEST_C - COLDEST_C)
    return round(SHADES * min(1.0, max(0.0, share)))


def width_of(flow_m3h: float | None, most_m3h: float) -> int:
    """The width of a pipe in drawing units: 3 when nothing flows or nothing is known, up to 8."""
    if flow_m3h is None or most_m3h <= 0:
        return 3
    return 3 + round(5 * min(1.0, max(0.0, flow_m3h / most_m3h)))


def pace_of(flow_m3h: float | None, most_m3h: float) -> str:
    """How the dashes move: unknown and still ones do not."""
    if flow_m3h is None:
        return "unknown"
    if flow_m3h <= STILL_M3H:
        return "still"
    return "fast" if flow_m3h > most_m3h * 0.6 else "slow"
