"""Where the components and pipes of a heat path stand on the drawing.

Layers run from left to right in the direction of the supply: racks first, the offtaker last. Within a layer the
components stand in lanes below each other; dry coolers always take the lowest lanes, because they are the way out, not
the way on. Pipes run at right angles only, in the free space between layers and between lanes: each has a track of its
own there, so no pipe runs through a component and no two run on top of each other. Upright, the same drawing has its
sides exchanged and measures of its own.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, pairwise
from typing import Final

from hosting.domain.drawing_measures import SIDEWAYS, Measures

# Left to right where the pipes alone do not decide.
RANKS: Final[Mapping[str, int]] = {
    "rack": 0,
    "rear_door": 1,
    "cdu": 2,
    "plate_exchanger": 3,
    "buffer_tank": 4,
    "heat_pump": 5,
    "heat_sink": 7,
    "dry_cooler": 8,
}
USUAL_RANK: Final = 6
LOWEST_LANES: Final = frozenset({"dry_cooler"})


@dataclass(frozen=True, slots=True)
class Part:
    """One component; `kind` is a value of EquipmentModel.Kind."""

    key: Hashable
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Pipe:
    """One pipe in the direction of flow; `is_return` for the cold leg."""

    key: Hashable
    source: Hashable
    target: Hashable
    is_return: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """The rectangle of a component, in drawing units."""

    key: Hashable
    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The y of its lower side."""
        return self.y + self.height


@dataclass(frozen=True, slots=True)
class Line:
    """The way of a pipe, corner by corner in the direction of flow, and where its values stand."""

    key: Hashable
    points: tuple[tuple[int, int], ...]
    label_x: int
    label_y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A laid-out heat path; `loose` are the components that no pipe meets."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    loose: tuple[Hashable, ...]


@dataclass(frozen=True, slots=True)
class _Spot:
    layer: int
    lane: int


@dataclass(frozen=True, slots=True)
class _Run:
    """A pipe between its left and right component, whichever way it flows."""

    pipe: Pipe
    left: Hashable
    right: Hashable
    is_straight: bool


def lay_out(parts: Iterable[Part], pipes: Iterable[Pipe], measures: Measures = SIDEWAYS) -> Drawing:
    """Return the drawing of the heat path; the same input gives the same drawing.

    Examples
    --------
    >>> rack, sink = Part(1, "IT", "rack"), Part(2, "Pool", "heat_sink")
    >>> drawing = lay_out([sink, rack], [Pipe("supply", 1, 2), Pipe("return", 2, 1, is_return=True)])
    >>> [box.key for box in drawing.boxes]
    [1, 2]
    >>> drawing.lines[0].points[0][0] < drawing.lines[0].points[-1][0]
    True
    """
    by_key = {part.key: part for part in parts}
    kept = sorted((pipe for pipe in pipes if _joins_two(pipe, by_key)), key=lambda pipe: _pipe_order(pipe, by_key))
    piped = {end for pipe in kept for end in (pipe.source, pipe.target)}
    ordered = sorted((by_key[key] for key in piped), key=_part_order)
    spots = _spots(ordered, kept)
    runs = [_run(pipe, spots, by_key) for pipe in kept]
    plan = _Plan(spots, _straightened(runs, spots), measures)
    loose = tuple(part.key for part in sorted(by_key.values(), key=_part_order) if part.key not in piped)
    return plan.drawing(loose)


def gather(parts: Iterable[Part], pipes: Iterable[Pipe], kind: str, more_than: int) -> dict[Hashable, tuple[Part, ...]]:
    """The sets of like components that are worth one box, by the key of their first.

    Components of one kind that hang on the same neighbors say the same thing many times; beyond a number of them the
    drawing shows one box for all.
    """
    neighbors: dict[Hashable, set[Hashable]] = defaultdict(set)
    for pipe in pipes:
        neighbors[pipe.source].add(pipe.target)
        neighbors[pipe.target].add(pipe.source)
    sets: dict[frozenset[Hashable], list[Part]] = defaultdict(list)
    for part in sorted(parts, key=_part_order):
        if part.kind == kind and neighbors[part.key]:
            sets[frozenset(neighbors[part.key])].append(part)
    return {like[0].key: tuple(like) for like in sets.values() if len(like) > more_than}


def _joins_two(pipe: Pipe, parts: Mapping[Hashable, Part]) -> bool:
    return pipe.source in parts and pipe.target in parts and pipe.source != pipe.target


def _part_order(part: Part) -> tuple[int, str, str]:
    return RANKS.get(part.kind, USUAL_RANK), part.name, str(part.key)


def _pipe_order(pipe: Pipe, parts: Mapping[Hashable, Part]) -> tuple[object, ...]:
    return _part_order(parts[pipe.source]), _part_order(parts[pipe.target]), pipe.is_return, str(pipe.key)


# ---- layers and lanes ------------------------------------------------------------------------------------------------


def _spots(ordered: Sequence[Part], pipes: Sequence[Pipe]) -> dict[Hashable, _Spot]:
    """The layer and lane of every component."""
    onward = _onward(ordered, pipes)
    layers = _layers(ordered, onward)
    lanes: dict[Hashable, int] = {}
    used: dict[int, int] = defaultdict(int)
    through = [part for part in ordered if part.kind not in LOWEST_LANES]
    before = _reversed(onward)
    for part in sorted(through, key=lambda part: (layers[part.key], _pull(part.key, before, lanes), _part_order(part))):
        lanes[part.key] = used[layers[part.key]]
        used[layers[part.key]] += 1
    below = max(used.values(), default=0)
    lowest: dict[int, int] = defaultdict(int)
    for part in ordered:
        if part.kind in LOWEST_LANES:
            lanes[part.key] = below + lowest[layers[part.key]]
            lowest[layers[part.key]] += 1
    return {part.key: _Spot(layers[part.key], lanes[part.key]) for part in ordered}


def _pull(key: Hashable, before: Mapping[Hashable, set[Hashable]], lanes: Mapping[Hashable, int]) -> float:
    """The mean lane of what comes before, so that pipes cross little."""
    known = [lanes[one] for one in before.get(key, ()) if one in lanes]
    return sum(known) / len(known) if known else 0.0


def _onward(ordered: Sequence[Part], pipes: Sequence[Pipe]) -> dict[Hashable, set[Hashable]]:
    """What follows each component when only the way on counts: circles are cut where they close."""
    following: dict[Hashable, list[Hashable]] = {part.key: [] for part in ordered}
    for pipe in sorted(pipes, key=lambda pipe: pipe.is_return):
        first, second = (pipe.target, pipe.source) if pipe.is_return else (pipe.source, pipe.target)
        # A return leg beside its supply leg says nothing new; alone, it still shows who feeds whom.
        if second not in following[first]:
            following[first].append(second)
    onward: dict[Hashable, set[Hashable]] = {part.key: set() for part in ordered}
    for part in ordered:
        for second in following[part.key]:
            if not _reaches(onward, second, part.key):
                onward[part.key].add(second)
    return onward


def _reaches(onward: Mapping[Hashable, set[Hashable]], start: Hashable, goal: Hashable) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        here = waiting.pop()
        if here == goal:
            return True
        fresh = onward[here] - seen
        seen |= fresh
        waiting.extend(fresh)
    return False


def _reversed(onward: Mapping[Hashable, set[Hashable]]) -> dict[Hashable, set[Hashable]]:
    before: dict[Hashable, set[Hashable]] = defaultdict(set)
    for first, seconds in onward.items():
        for second in seconds:
            before[second].add(first)
    return before


def _layers(ordered: Sequence[Part], onward: Mapping[Hashable, set[Hashable]]) -> dict[Hashable, int]:
    """The longest way from a beginning to each component."""
    before = _reversed(onward)
    layers: dict[Hashable, int] = {}
    waiting = [part.key for part in ordered]
    while waiting:
        ready = [key for key in waiting if all(one in layers for one in before.get(key, ()))]
        for key in ready:
            layers[key] = max((layers[one] + 1 for one in before.get(key, ())), default=0)
        waiting = [key for key in waiting if key not in layers]
    return layers


def _run(pipe: Pipe, spots: Mapping[Hashable, _Spot], parts: Mapping[Hashable, Part]) -> _Run:
    def place(key: Hashable) -> tuple[int, int, str]:
        return spots[key].layer, spots[key].lane, str(parts[key].key)

    left, right = sorted((pipe.source, pipe.target), key=place)
    return _Run(pipe, left, right, is_straight=False)


def _straightened(runs: Sequence[_Run], spots: Mapping[Hashable, _Spot]) -> list[_Run]:
    """The runs, with one supply and one return straight between neighbors in a lane."""
    taken: set[tuple[Hashable, Hashable, bool]] = set()
    result = []
    for run in runs:
        left, right = spots[run.left], spots[run.right]
        pair = (run.left, run.right, run.pipe.is_return)
        neighbors = left.lane == right.lane and right.layer == left.layer + 1
        straight = neighbors and pair not in taken
        if straight:
            taken.add(pair)
        result.append(_Run(run.pipe, run.left, run.right, is_straight=straight))
    return result


# ---- measures --------------------------------------------------------------------------------------------------------


class _Plan:
    """Ports, tracks and coordinates of one drawing."""

    def __init__(self, spots: Mapping[Hashable, _Spot], runs: Sequence[_Run], measures: Measures) -> None:
        self.measures = measures
        self.spots = spots
        self.runs = runs
        self.columns = max((spot.layer for spot in spots.values()), default=-1) + 1
        self.lanes = max((spot.lane for spot in spots.values()), default=-1) + 1
        self.ports: dict[tuple[Hashable, str], int] = {}
        self.heights = dict.fromkeys(spots, self.measures.box_across)
        self.tracks_in_gap: dict[int, int] = defaultdict(int)
        self.tracks_in_row: dict[int, int] = defaultdict(int)
        self._assign_ports()
        self._assign_tracks()
        self._measure()

    def _assign_ports(self) -> None:
        """The height at which each pipe leaves its left box and meets its right one."""
        used: dict[tuple[Hashable, str], int] = defaultdict(int)
        m = self.measures
        for run in self.runs:
            # Both ends of a run within one layer stand on right sides.
            last = m.first_port_out if self._is_same_layer(run) else m.first_port_in
            for side, key, first in (("right", run.left, m.first_port_out), ("left", run.right, last)):
                if run.is_straight:
                    self.ports[run.pipe.key, side] = m.straight_return if run.pipe.is_return else m.straight_supply
                    continue
                box_side = (key, "right" if self._is_same_layer(run) else side)
                offset = _port(self.measures, first, used[box_side])
                used[box_side] += 1
                self.ports[run.pipe.key, side] = offset
                self.heights[key] = max(self.heights[key], offset + self.measures.port_step)

    def _is_same_layer(self, run: _Run) -> bool:
        return self.spots[run.left].layer == self.spots[run.right].layer

    def _assign_tracks(self) -> None:
        """The track of each upright and each long level stretch, none used twice."""
        self.upright: dict[Hashable, tuple[int, ...]] = {}
        self.level: dict[Hashable, int] = {}
        for run in self.runs:
            left, right = self.spots[run.left], self.spots[run.right]
            if run.is_straight:
                continue
            gaps = [left.layer] if right.layer <= left.layer + 1 else [left.layer, right.layer - 1]
            self.upright[run.pipe.key] = tuple(self._next(self.tracks_in_gap, gap) for gap in gaps)
            if len(gaps) == 2:
                self.level[run.pipe.key] = self._next(self.tracks_in_row, min(left.lane, right.lane))

    @staticmethod
    def _next(counts: dict[int, int], place: int) -> int:
        counts[place] += 1
        return counts[place] - 1

    def _measure(self) -> None:
        """The left side of each column and the top of each lane."""
        m = self.measures
        self.column_x, x = [], m.margin
        for column in range(self.columns):
            self.column_x.append(x)
            x += m.box_along + m.gap + m.track * self.tracks_in_gap[column]
        last = self.tracks_in_gap[self.columns - 1]
        behind = m.gap + m.track * last
        self.width = x - behind + m.margin + (behind if last else 0)
        self.lane_y, y = [], m.margin
        for lane in range(self.lanes):
            self.lane_y.append(y)
            y += self._lane_height(lane) + m.lane_gap + m.track * self.tracks_in_row[lane]
        self.height = y - m.lane_gap + m.margin if self.lanes else 2 * m.margin

    def _lane_height(self, lane: int) -> int:
        heights = (self.heights[key] for key, spot in self.spots.items() if spot.lane == lane)
        return max(heights, default=self.measures.box_across)

    # ---- coordinates

    def box(self, key: Hashable) -> Box:
        """The rectangle of a component."""
        spot = self.spots[key]
        return Box(key, self.column_x[spot.layer], self.lane_y[spot.lane], self.measures.box_along, self.heights[key])

    def track_x(self, gap: int, track: int) -> int:
        """The x of an upright stretch in the gap behind a column."""
        return self.column_x[gap] + self.measures.box_along + self.measures.first_track + self.measures.track * track

    def track_y(self, lane: int, track: int) -> int:
        """The y of a level stretch below a lane."""
        return self.lane_y[lane] + self._lane_height(lane) + self.measures.lane_gap // 2 + self.measures.track * track

    def line(self, run: _Run) -> Line:
        """The way of one pipe in the direction of flow."""
        left, right = self.box(run.left), self.box(run.right)
        end_x = left.right if self._is_same_layer(run) else right.x
        start = (left.right, left.y + self.ports[run.pipe.key, "right"])
        end = (end_x, right.y + self.ports[run.pipe.key, "left"])
        way = [start, *self._corners(run, start[1], end[1]), end]
        label_x, label_y = _label(way)
        if run.is_straight:
            # Beside the upright stretches of the gap, not across them.
            tracks = self.tracks_in_gap[self.spots[run.left].layer]
            label_x = (self.track_x(self.spots[run.left].layer, tracks) + right.x) // 2 if tracks else label_x
        if run.pipe.source != run.left:
            way.reverse()
        return Line(run.pipe.key, tuple(way), label_x, label_y)

    def _corners(self, run: _Run, start_y: int, end_y: int) -> list[tuple[int, int]]:
        if run.is_straight:
            return []
        left, right = self.spots[run.left], self.spots[run.right]
        tracks = self.upright[run.pipe.key]
        first_x = self.track_x(left.layer, tracks[0])
        if len(tracks) == 1:
            return [(first_x, start_y), (first_x, end_y)]
        level_y = self.track_y(min(left.lane, right.lane), self.level[run.pipe.key])
        last_x = self.track_x(right.layer - 1, tracks[1])
        return [(first_x, start_y), (first_x, level_y), (last_x, level_y), (last_x, end_y)]

    def drawing(self, loose: tuple[Hashable, ...]) -> Drawing:
        """Everything with its coordinates, boxes from left to right and top to bottom."""
        keys = sorted(self.spots, key=lambda key: (self.spots[key].layer, self.spots[key].lane))
        lines = tuple(self.line(run) for run in self.runs)
        drawing = Drawing(self.width, self.height, tuple(self.box(key) for key in keys), lines, loose)
        return _turned(drawing) if self.measures.is_upright else drawing


def _turned(drawing: Drawing) -> Drawing:
    """The drawing with its sides exchanged: what ran to the right runs down."""
    boxes = tuple(Box(box.key, box.y, box.x, box.height, box.width) for box in drawing.boxes)
    lines = tuple(
        Line(line.key, tuple((y, x) for x, y in line.points), line.label_y, line.label_x) for line in drawing.lines
    )
    return Drawing(drawing.height, drawing.width, boxes, lines, drawing.loose)


def _port(measures: Measures, first: int, index: int) -> int:
    """Where across its box the n-th bent pipe on a side stands, clear of the straight pair."""
    taken = (measures.straight_supply, measures.straight_return)
    free = (offset for offset in count(first, measures.port_step) if offset not in taken)
    return next(islice(free, index, None))


def _label(way: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The middle of the longest level stretch."""
    level = [(b[0] - a[0], a, b) for a, b in pairwise(way) if a[1] == b[1]]
    _, start, end = max(level, key=lambda stretch: abs(stretch[0]))
    return (start[0] + end[0]) // 2, start[1]


def bends(points: Sequence[tuple[int, int]], radius: int = 7) -> str:
    """The SVG path through the points, its corners rounded.

    >>> bends([(0, 0), (20, 0), (20, 30)])
    'M0 0 L13 0 Q20 0 20 7 L20 30'
    """
    path = [f"M{points[0][0]} {points[0][1]}"]
    for (before, corner), (_, after) in pairwise(pairwise(points)):
        inward = _toward(corner, before, radius)
        outward = _toward(corner, after, radius)
        path.append(f"L{inward[0]} {inward[1]} Q{corner[0]} {corner[1]} {outward[0]} {outward[1]}")
    path.append(f"L{points[-1][0]} {points[-1][1]}")
    return " ".join(path)


def _toward(corner: tuple[int, int], goal: tuple[int, int], distance: int) -> tuple[int, int]:
    """The point so far from the corner on the level or upright way to the goal, at most half of it."""
    (x, y), (goal_x, goal_y) = corner, goal
    reach_x, reach_y = min(distance, abs(goal_x - x) // 2), min(distance, abs(goal_y - y) // 2)
    return x + _sign(goal_x - x) * reach_x, y + _sign(goal_y - y) * reach_y


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)
