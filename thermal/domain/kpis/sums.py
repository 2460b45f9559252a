"""Inputs that add up: sums over quarter hours, with how many of them were known.

Ratios do not add up: the mean of twelve monthly PUEs is not the PUE of the year. So months keep sums, and every figure
is computed once, from the sums of all its months and sites.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

# What the quarter hours of sites add up to. Sums of shares stand beside the count of quarter hours they come from.
OF_SITES: Final = (
    "it_kwh",
    "total_kwh",
    "heat_pump_kwh",
    "heat_pump_heat_kwh",
    "source_pump_kwh",
    "sink_pump_kwh",
    "backup_kwh",
    "backup_heat_kwh",
    "captured_kwh",
    "delivered_kwh",
    "rejected_kwh",
    "buffer_change_kwh",
    "closing_error_kwh",
    "balance_in_kwh",
    "water_m3",
    "utilisation_ratio",
    "utilisation_count",
    "available_kwh",
    "coincident_kwh",
    "curtailed_s",
    "curtailed_kwh",
)
MODES: Final = ("export", "partial", "buffer", "dump", "emergency", "maintenance")
# In the order of the ledger's numbers.
CAUSES: Final = ("unknown", "offtaker", "provider", "safety", "temperature", "planned")
OF_MODES: Final = tuple(f"mode_{mode}_s" for mode in MODES)
OF_CAUSES: Final = tuple(f"curtailed_{cause}_{unit}" for cause in CAUSES for unit in ("s", "kwh"))
# What the quarter hours of delivery points add up to.
OF_POINTS: Final = ("volume_m3", "supply_m3c", "return_m3c", "estimated_kwh")
# What the quarter hours of heat pumps, exchangers and buffers add up to.
OF_PUMPS: Final = ("lorenz_kwh", "judged_kwh", "impossible_count")
OF_EXCHANGERS: Final = ("approach_k", "approach_count")
OF_BUFFERS: Final = ("charge_ratio", "charge_count")
OF_EQUIPMENT: Final = OF_PUMPS + OF_EXCHANGERS + OF_BUFFERS
INPUTS: Final = OF_SITES + OF_MODES + OF_CAUSES + OF_POINTS + OF_EQUIPMENT


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum in the unit of its name, over the known ones of the quarter hours that were expected."""

    value: float | None
    known_count: int
    expected_count: int

    @property
    def known_ratio(self) -> float:
        """The share of the quarter hours that are known."""
        return self.known_count / self.expected_count if self.expected_count else 0.0

    def __add__(self, other: "Sum") -> "Sum":
        known = [one.value for one in (self, other) if one.value is not None]
        return Sum(
            sum(known) if known else None,
            self.known_count + other.known_count,
            self.expected_count + other.expected_count,
        )


NOTHING: Final = Sum(None, 0, 0)


def added(parts: Iterable[Mapping[str, Sum]]) -> dict[str, Sum]:
    """The sums of several months or sites together, in whatever order and grouping they come.

    >>> added([{"it_kwh": Sum(5.0, 2, 4)}, {"it_kwh": Sum(7.0, 4, 4)}, {}])["it_kwh"]
    Sum(value=12.0, known_count=6, expected_count=8)
    """
    totals: dict[str, Sum] = {}
    for part in parts:
        for key, one in part.items():
            totals[key] = totals.get(key, NOTHING) + one
    return totals
