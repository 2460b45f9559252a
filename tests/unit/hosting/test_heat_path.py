"""The layout of the heat path: nothing overlaps, nothing is left out, circles do no harm."""

from itertools import combinations, pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosting.domain import heat_path
from hosting.domain.drawing_measures import SIDEWAYS, UPRIGHT, Measures
from hosting.domain.heat_path import Box, Drawing, Part, Pipe

# Other tests share the processor: how long drawing an example takes says nothing.
SLOW_MACHINES = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LENGTHS = st.sampled_from([SIDEWAYS, UPRIGHT])
KINDS = ["rack", "cdu", "plate_exchanger", "buffer_tank", "heat_pump", "pump", "heat_sink", "dry_cooler"]
PLANT = [
    Part("rack", "IT", "rack"),
    Part("hx", "HX-1", "plate_exchanger"),
    Part("buffer", "TK-1", "buffer_tank"),
    Part("hp", "HP-1", "heat_pump"),
    Part("pool", "Pool", "heat_sink"),
    Part("cooler", "DC-1", "dry_cooler"),
]


def both(first: str, second: str) -> list[Pipe]:
    supply = Pipe(f"{first}>{second}", first, second)
    return [supply, Pipe(f"{second}>{first}", second, first, is_return=True)]


PIPES = [
    *both("rack", "hx"),
    *both("hx", "buffer"),
    *both("buffer", "hp"),
    *both("hp", "pool"),
    *both("hx", "cooler"),
]


@st.composite
def plants(draw: st.DrawFn) -> tuple[list[Part], list[Pipe]]:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=9))
    parts = [Part(index, f"{kind}-{index}", kind) for index, kind in enumerate(kinds)]
    ends = st.tuples(st.integers(0, len(parts) - 1), st.integers(0, len(parts) - 1), st.booleans())
    joined = draw(st.lists(ends, max_size=16, unique=True))
    pipes = [Pipe((a, b, cold), a, b, is_return=cold) for a, b, cold in joined if a != b]
    return parts, pipes


def box_of(drawing: Drawing, key: object) -> Box:
    return next(box for box in drawing.boxes if box.key == key)


def overlaps(first: Box, second: Box) -> bool:
    return first.x < second.right and second.x < first.right and first.y < second.bottom and second.y < first.bottom


def runs_through(start: tuple[int, int], end: tuple[int, int], box: Box) -> bool:
    (left, right), (top, bottom) = sorted((start[0], end[0])), sorted((start[1], end[1]))
    return left < box.right and right > box.x and top < box.bottom and bottom > box.y


def test_the_path_runs_from_it_to_the_offtaker_with_the_dry_cooler_below() -> None:
    drawing = heat_path.lay_out(PLANT, PIPES)
    order = [box_of(drawing, key) for key in ("rack", "hx", "buffer", "hp", "pool")]
    assert all(first.right < second.x for first, second in pairwise(order))
    assert len({box.y for box in order}) == 1
    assert box_of(drawing, "cooler").y > max(box.bottom for box in order)


def test_upright_the_path_runs_down_and_fits_on_a_phone() -> None:
    drawing = heat_path.lay_out(PLANT, PIPES, UPRIGHT)
    order = [box_of(drawing, key) for key in ("rack", "hx", "buffer", "hp", "pool")]
    assert all(first.bottom < second.y for first, second in pairwise(order))
    assert len({box.x for box in order}) == 1
    assert box_of(drawing, "cooler").x > max(box.right for box in order)
    assert drawing.width <= 350


def test_a_pipe_is_drawn_in_the_direction_of_flow() -> None:
    drawing = heat_path.lay_out(PLANT, PIPES)
    lines = {line.key: line for line in drawing.lines}
    assert lines["rack>hx"].points[0][0] < lines["rack>hx"].points[-1][0]
    assert lines["hx>rack"].points[0][0] > lines["hx>rack"].points[-1][0]


def test_a_component_without_pipes_is_named_but_not_placed() -> None:
    drawing = heat_path.lay_out([*PLANT, Part("leak", "LS-1", "leak_sensor")], PIPES)
    assert drawing.loose == ("leak",)


def test_a_site_without_pipes_gives_an_empty_drawing() -> None:
    drawing = heat_path.lay_out([], [])
    assert (drawing.boxes, drawing.lines) == ((), ())


def test_a_circle_is_drawn() -> None:
    parts = [Part(key, str(key), "pump") for key in range(3)]
    pipes = [Pipe(key, key, (key + 1) % 3) for key in range(3)]
    drawing = heat_path.lay_out(parts, pipes)
    assert {line.key for line in drawing.lines} == {0, 1, 2}


def test_a_pipe_to_equipment_of_elsewhere_is_left_out() -> None:
    drawing = heat_path.lay_out(PLANT, [*PIPES, Pipe("stray", "hx", "another site")])
    assert "stray" not in {line.key for line in drawing.lines}


@SLOW_MACHINES
@given(plants(), LENGTHS)
def test_boxes_never_overlap(plant: tuple[list[Part], list[Pipe]], measures: Measures) -> None:
    drawing = heat_path.lay_out(*plant, measures)
    assert not any(overlaps(first, second) for first, second in combinations(drawing.boxes, 2))


@SLOW_MACHINES
@given(plants())
def test_every_pipe_is_drawn_from_its_source_to_its_target(plant: tuple[list[Part], list[Pipe]]) -> None:
    parts, pipes = plant
    drawing = heat_path.lay_out(parts, pipes)
    lines = {line.key: line for line in drawing.lines}
    assert set(lines) == {pipe.key for pipe in pipes}
    for pipe in pipes:
        for key, point in ((pipe.source, lines[pipe.key].points[0]), (pipe.target, lines[pipe.key].points[-1])):
            box = box_of(drawing, key)
            assert point[0] in (box.x, box.right)
            assert box.y <= point[1] <= box.bottom


@SLOW_MACHINES
@given(plants(), LENGTHS)
def test_pipes_run_level_or_upright_and_through_no_component(
    plant: tuple[list[Part], list[Pipe]], measures: Measures
) -> None:
    drawing = heat_path.lay_out(*plant, measures)
    for line in drawing.lines:
        for start, end in pairwise(line.points):
            assert start[0] == end[0] or start[1] == end[1]
            assert not any(runs_through(start, end, box) for box in drawing.boxes)


@SLOW_MACHINES
@given(plants(), LENGTHS)
def test_everything_stays_on_the_paper(plant: tuple[list[Part], list[Pipe]], measures: Measures) -> None:
    drawing = heat_path.lay_out(*plant, measures)
    points = [point for line in drawing.lines for point in line.points]
    points += [(box.right, box.bottom) for box in drawing.boxes]
    assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for x, y in points)


@SLOW_MACHINES
@given(plants(), st.randoms())
def test_the_order_of_the_rows_changes_nothing(plant, random) -> None:  # type: ignore[no-untyped-def]
    parts, pipes = plant
    drawing = heat_path.lay_out(parts, pipes)
    shuffled_parts, shuffled_pipes = list(parts), list(pipes)
    random.shuffle(shuffled_parts)
    random.shuffle(shuffled_pipes)
    assert heat_path.lay_out(shuffled_parts, shuffled_pipes) == drawing


@SLOW_MACHINES
@given(plants())
def test_no_two_pipes_run_on_top_of_each_other(plant: tuple[list[Part], list[Pipe]]) -> None:
    drawing = heat_path.lay_out(*plant)
    uprights = [
        (line.key, start[0], min(start[1], end[1]), max(start[1], end[1]))
        for line in drawing.lines
        for start, end in pairwise(line.points)
        if start[0] == end[0] and start[1] != end[1]
    ]
    for (one, x, top, bottom), (other, other_x, other_top, other_bottom) in combinations(uprights, 2):
        assert one == other or x != other_x or bottom <= other_top or other_bottom <= top
