"""The plant along the time axis: from any checkpoint to any later instant, always the same."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from demo.plant import physics
from demo.plant.drivers import Outside
from demo.plant.faults import Fault, FaultPeriod, active_faults, fault_edges
from demo.plant.spec import PlantSpec
from demo.plant.state import Flows, PlantState

STEP_S: Final = 60.0
_EDGE_S: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The plant at one instant."""

    spec: PlantSpec
    at_s: float
    state: PlantState
    flows: Flows
    faults: frozenset[Fault]


def first_state(spec: PlantSpec, epoch_s: float) -> PlantState:
    """The state in which a plant is handed over: warm, with all registers at zero."""
    return PlantState(
        at_s=epoch_s,
        buffer_c=(spec.hot_c + spec.supply_c) / 2.0 if not spec.heat_pump else spec.hot_c - 3.0,
        pipe_supply_c=physics.ROOM_C,
        pipe_return_c=physics.ROOM_C,
    )


class Timeline:
    """One plant that is asked about ever later instants.

    Notes
    -----
    Flows are worked out on a grid of minutes and at each beginning or end of a fault, and hold
    until the next of these. An instant between is reached from the last grid point without
    moving it, so the answer does not depend on which instants were asked for before.
    """

    def __init__(self, spec: PlantSpec, state: PlantState, faults: Sequence[FaultPeriod] = ()) -> None:
        self.spec = spec
        self._state = state.copy()
        self._outside = Outside(spec)
        self._flows: Flows | None = None
        self._active: frozenset[Fault] = frozenset()
        self._active_until_s = -math.inf
        self._periods: list[FaultPeriod] = []
        self._edges: list[float] = []
        self.set_faults(faults)

    def set_faults(self, faults: Sequence[FaultPeriod]) -> None:
        """Takes over the list of faults; the past of the plant is not computed again."""
        self._periods = [period for period in faults if period.site == self.spec.code]
        self._edges = fault_edges(self._periods)
        self._active_until_s = -math.inf
        self._flows = None

    @property
    def checkpoint(self) -> PlantState:
        """The last grid point, from which the plant can be continued later."""
        return self._state.copy()

    def at(self, at_s: float) -> Snapshot:
        """The plant at an instant that is not before the last grid point."""
        if at_s < self._state.at_s - _EDGE_S:
            raise ValueError(f"{self.spec.code}: {at_s} lies before {self._state.at_s}")
        while (next_s := self._next_s()) <= at_s:
            physics.advance(self.spec, self._state, self._current_flows(), next_s - self._state.at_s)
            self._state.at_s = next_s
            self._flows = None
        flows = self._current_flows()
        state = self._state.copy()
        physics.advance(self.spec, state, flows, max(0.0, at_s - state.at_s))
        return Snapshot(spec=self.spec, at_s=at_s, state=state, flows=flows, faults=self._active)

    def samples(self, start_s: float, end_s: float, every_s: float) -> Iterator[Snapshot]:
        """The plant at every multiple of a step from start (inclusive) to end (exclusive)."""
        at_s = math.ceil(start_s / every_s) * every_s
        while at_s < end_s:
            yield self.at(at_s)
            at_s += every_s

    def _next_s(self) -> float:
        now_s = self._state.at_s
        grid_s = (math.floor(now_s / STEP_S) + 1.0) * STEP_S
        if now_s >= self._active_until_s:
            self._current_flows()
        return min(grid_s, self._active_until_s)

    def _current_flows(self) -> Flows:
        if self._flows is None:
            at_s = self._state.at_s
            if at_s >= self._active_until_s:
                self._active = active_faults(self._periods, at_s)
                self._active_until_s = next((edge_s for edge_s in self._edges if edge_s > at_s), math.inf)
            self._flows = physics.flows_at(self.spec, self._state, self._outside.at(at_s + STEP_S / 2.0), self._active)
        return self._flows
