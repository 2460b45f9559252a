"""Faults and works: what can go wrong in the plant, from when until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What can be switched on; `maintenance` is planned work, the others are not planned."""

    PUMP_FAILURE = "pump-failure"
    EXCHANGER_FOULING = "exchanger-fouling"
    SENSOR_OPEN = "sensor-open"
    METER_SILENT = "meter-silent"
    CONTROLLER_GARBAGE = "controller-garbage"
    OFFTAKER_STOP = "offtaker-stop"
    DRY_COOLER_FAN = "dry-cooler-fan"
    LOW_SUPPLY_TEMP = "low-supply-temp"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultPeriod:
    """A fault of one site, from `from_s` until `until_s` (epoch seconds, half-open)."""

    site: str
    fault: Fault
    from_s: float
    until_s: float | None = None

    def covers(self, at_s: float) -> bool:
        """Whether the fault is on at the instant."""
        return self.from_s <= at_s and (self.until_s is None or at_s < self.until_s)


def active_faults(periods: Iterable[FaultPeriod], at_s: float) -> frozenset[Fault]:
    """The faults that are on at the instant."""
    return frozenset(period.fault for period in periods if period.covers(at_s))


def fault_edges(periods: Iterable[FaultPeriod]) -> list[float]:
    """Every instant at which a fault begins or ends, in order."""
    edges: set[float] = set()
    for period in periods:
        edges.add(period.from_s)
        if period.until_s is not None:
            edges.add(period.until_s)
    return sorted(edges)
