"""The lengths of the drawings of a heat path: sideways on wide screens, upright on narrow ones."""

from dataclasses import dataclass
from typing import Final

BOX_WIDTH: Final = 134
BOX_HEIGHT: Final = 76


@dataclass(frozen=True, slots=True)
class Measures:
    """The lengths of a drawing, in drawing units: along the direction of the supply, and across it."""

    box_along: int
    box_across: int
    margin: int
    gap: int
    lane_gap: int
    straight_supply: int
    straight_return: int
    """Where a straight pair of pipes leaves and meets a box, across it."""
    first_port_out: int
    first_port_in: int
    """The two sides of one gap use different ports, so that stubs from both never meet."""
    port_step: int = 16
    track: int = 12
    first_track: int = 14
    is_upright: bool = False


SIDEWAYS: Final = Measures(
    box_along=BOX_WIDTH, box_across=BOX_HEIGHT, margin=28, gap=66, lane_gap=44, straight_supply=24, straight_return=56,
    first_port_out=48, first_port_in=40,
)  # fmt: skip
# For narrow screens: the supply runs down, lanes stand side by side, two of them across a phone.
UPRIGHT: Final = Measures(
    box_along=BOX_HEIGHT, box_across=BOX_WIDTH, margin=12, gap=58, lane_gap=28, straight_supply=59, straight_return=75,
    first_port_out=107, first_port_in=99, is_upright=True,
)  # fmt: skip
