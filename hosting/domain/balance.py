"""The heat balance of a period as bands from what came in to where it went."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 220
BAR: Final = 14
GAP: Final = 18
LEFT_TEXT: Final = 175
RIGHT_TEXT: Final = 205
LEAST: Final = 2.0


@dataclass(frozen=True, slots=True)
class Flows:
    """Energies of one period in kWh; None where they are not known. A buffer that was charged counts as positive."""

    it_kwh: float | None
    heat_pump_kwh: float | None
    delivered_kwh: float | None
    rejected_kwh: float | None
    buffer_kwh: float | None

    @property
    def unaccounted_kwh(self) -> float | None:
        """What came in and is not found again: losses to the air and errors of measurement. None if an end is unknown.

        >>> Flows(100.0, None, 70.0, 10.0, 5.0).unaccounted_kwh
        15.0
        """
        if self.it_kwh is None or self.delivered_kwh is None:
            return None
        came = self.it_kwh + (self.heat_pump_kwh or 0.0)
        return came - self.delivered_kwh - (self.rejected_kwh or 0.0) - (self.buffer_kwh or 0.0)


@dataclass(frozen=True, slots=True)
class End:
    """One end of the picture: a bar with its amount."""

    key: str
    amount_kwh: float
    x: int
    y: float
    height: float
    text_y: float


@dataclass(frozen=True, slots=True)
class Band:
    """The ground between the middle and one end, as an SVG path."""

    key: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Ends and bands in drawing units."""

    width: int
    height: int
    sources: tuple[End, ...]
    sinks: tuple[End, ...]
    bands: tuple[Band, ...]


def picture(flows: Flows) -> Picture | None:
    """The picture, or None where nothing came in or it is not known.

    Energy that is missing on the right stands there as `unaccounted`; energy that is missing on the left (the balance
    came out negative, or the buffer gave heat) is added there.
    """
    came = [("it", flows.it_kwh), ("heat_pump", flows.heat_pump_kwh)]
    went = [("delivered", flows.delivered_kwh), ("rejected", flows.rejected_kwh)]
    for key, amount in (("buffer", flows.buffer_kwh), ("unaccounted", flows.unaccounted_kwh)):
        if amount is not None:
            (went if amount >= 0 else came).append((key, abs(amount)))
    sources = [(key, amount) for key, amount in came if amount]
    sinks = [(key, amount) for key, amount in went if amount]
    if not sources or not sinks or flows.it_kwh is None:
        return None
    total = max(sum(amount for _, amount in sources), sum(amount for _, amount in sinks))
    gaps = GAP * (max(len(sources), len(sinks)) - 1)
    scale = (HEIGHT - gaps - 20) / total
    left = _ends(sources, LEFT_TEXT, scale)
    right = _ends(sinks, WIDTH - RIGHT_TEXT - BAR, scale)
    return Picture(WIDTH, HEIGHT, left, right, tuple(_bands(left, right)))


def _ends(amounts: Sequence[tuple[str, float]], x: int, scale: float) -> tuple[End, ...]:
    ends, y = [], 10.0
    for key, amount in amounts:
        height = max(LEAST, amount * scale)
        ends.append(End(key, amount, x, round(y, 1), round(height, 1), round(y + height / 2, 1)))
        y += height + GAP
    return tuple(ends)


def _bands(sources: Sequence[End], sinks: Sequence[End]) -> list[Band]:
    """Bands that meet in one trunk in the middle: the water does not tell which heat is whose."""
    trunk = sum(end.height for end in sources)
    top = (HEIGHT - trunk) / 2
    middle_left, middle_right = WIDTH * 0.44, WIDTH * 0.52
    bands, y = [], top
    for end in sources:
        bands.append(Band(end.key, _ribbon((end.x + BAR, end.y, end.height), (middle_left, y, end.height))))
        y += end.height
    bands.append(Band("trunk", _ribbon((middle_left, top, trunk), (middle_right, top, trunk))))
    share = trunk / (sum(end.height for end in sinks) or 1)
    y = top
    for end in sinks:
        bands.append(Band(end.key, _ribbon((middle_right, y, end.height * share), (end.x, end.y, end.height))))
        y += end.height * share
    return bands


def _ribbon(start: tuple[float, float, float], end: tuple[float, float, float]) -> str:
    """The path between two edges, each given by x, y and height."""
    (x1, y1, height1), (x2, y2, height2) = start, end
    bend = (x1 + x2) / 2
    return (
        f"M{x1:.1f} {y1:.1f} C{bend:.1f} {y1:.1f} {bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f} "
        f"L{x2:.1f} {y2 + height2:.1f} C{bend:.1f} {y2 + height2:.1f} {bend:.1f} {y1 + height1:.1f} "
        f"{x1:.1f} {y1 + height1:.1f} Z"
    )
