"""The geometry of a sparkline."""

from collections.abc import Sequence
from itertools import groupby


def lines(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """The points of each unbroken stretch, as SVG wants them; a missing value is a gap.

    >>> lines([0.0, 10.0, None, 10.0, 5.0], 40, 10)
    ['0,9 10,1', '30,1 40,5']
    """
    return [" ".join(f"{x:g},{y:g}" for x, y in stretch) for stretch in _stretches(values, width, height)]


def areas(values: Sequence[float | None], width: int, height: int) -> list[str]:
    """The outline of the ground under each unbroken stretch.

    >>> areas([10.0, 10.0], 40, 10)
    ['0,10 0,1 40,1 40,10']
    """
    return [
        f"{stretch[0][0]:g},{height} " + " ".join(f"{x:g},{y:g}" for x, y in stretch) + f" {stretch[-1][0]:g},{height}"
        for stretch in _stretches(values, width, height)
    ]


def _stretches(values: Sequence[float | None], width: int, height: int) -> list[list[tuple[float, float]]]:
    known = [value for value in values if value is not None]
    most = max([*known, 0.0]) or 1.0
    step = width / max(1, len(values) - 1)
    points = [
        None
        if value is None
        else (round(index * step, 1), round(height - 1 - (height - 2) * max(0.0, value) / most, 1))
        for index, value in enumerate(values)
    ]
    runs = [list(run) for is_known, run in groupby(points, key=lambda point: point is not None) if is_known]
    return [[point for point in run if point is not None] for run in runs]
