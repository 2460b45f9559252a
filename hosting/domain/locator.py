"""The place of a site on a plain grid of degrees: orientation without a map of anybody else's."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, cos, floor, radians
from typing import Final

WIDTH: Final = 360
HEIGHT: Final = 240
MARGIN: Final = 26
LEAST_SPAN_DEG: Final = 2.0
ROOM: Final = 1.35

Place = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the grid, in drawing units."""

    name: str
    x: float
    y: float

    @property
    def anchor(self) -> str:
        """Which end of the name stands at the mark, so that the name stays on the grid."""
        if self.x > WIDTH * 0.7:
            return "end"
        return "start" if self.x < WIDTH * 0.3 else "middle"


@dataclass(frozen=True, slots=True)
class GridLine:
    """A line of whole degrees and its name."""

    at: float
    name: str


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid with the site and the others that fall on it."""

    width: int
    height: int
    here: Mark
    others: tuple[Mark, ...]
    meridians: tuple[GridLine, ...]
    parallels: tuple[GridLine, ...]


def grid(here: Place, others: Iterable[Place]) -> Grid:
    """Return a grid that shows the site and all others, a degree as long east as it is there.

    >>> found = grid(("Pool", 52.52, 13.40), [("Greenhouse", 51.98, 4.22)])
    >>> found.here.x > found.others[0].x, found.here.y < found.others[0].y
    (True, True)
    """
    places = [here, *others]
    middle_lat, middle_lon = _middle([one[1] for one in places]), _middle([one[2] for one in places])
    squeeze = max(0.1, cos(radians(middle_lat)))
    span_lat = max(LEAST_SPAN_DEG, _span([one[1] for one in places]) * ROOM)
    span_lon = max(LEAST_SPAN_DEG, _span([one[2] for one in places]) * ROOM)
    scale = min((HEIGHT - 2 * MARGIN) / span_lat, (WIDTH - 2 * MARGIN) / (span_lon * squeeze))

    def x_of(lon: float) -> float:
        return round(WIDTH / 2 + (lon - middle_lon) * squeeze * scale, 1)

    def y_of(lat: float) -> float:
        return round(HEIGHT / 2 - (lat - middle_lat) * scale, 1)

    marks = [Mark(name, x_of(lon), y_of(lat)) for name, lat, lon in places]
    reach_lon = WIDTH / 2 / squeeze / scale
    reach_lat = HEIGHT / 2 / scale
    meridians = [
        GridLine(x_of(deg), f"{abs(deg):g}° {'E' if deg >= 0 else 'W'}") for deg in _whole(middle_lon, reach_lon)
    ]
    parallels = [
        GridLine(y_of(deg), f"{abs(deg):g}° {'N' if deg >= 0 else 'S'}") for deg in _whole(middle_lat, reach_lat)
    ]
    return Grid(WIDTH, HEIGHT, marks[0], tuple(marks[1:]), tuple(meridians), tuple(parallels))


def _middle(degrees: Sequence[float]) -> float:
    return (min(degrees) + max(degrees)) / 2


def _span(degrees: Sequence[float]) -> float:
    return max(degrees) - min(degrees)


def _whole(middle: float, reach: float) -> list[int]:
    """Whole degrees within reach, at most about six of them."""
    step = next((step for step in (1, 2, 5, 10, 20, 30) if 2 * reach / step <= 6), 45)
    first = ceil((middle - reach) / step)
    return [number * step for number in range(first, floor((middle + reach) / step) + 1)]
