"""The plant's memory on disk: when it began, its faults, and where each site had got to.

Faults are only ever added for the time to come, so everything before now can be computed again
from the beginning; the checkpoints merely save that time.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from demo.plant.faults import Fault, FaultPeriod
from demo.plant.spec import PlantSpec
from demo.plant.state import PlantState
from demo.plant.timeline import Timeline, first_state
from kernel.errors import Refusal


class PlantNotBuilt(Refusal):
    """There is no plant yet."""


class NoSuchFault(Refusal):
    """The fault is not on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The beginning of the plant, the moment the demo was built, and all faults, past and present."""

    epoch_s: float
    built_at_s: float
    faults: tuple[FaultPeriod, ...] = ()


class PlantRecord:
    """Reads and writes the files in one folder; each write replaces a file as a whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._history_path = folder / "plant.json"
        self._checkpoint_path = folder / "checkpoints.json"

    @property
    def exists(self) -> bool:
        """Whether a plant has been built here."""
        return self._history_path.is_file()

    @property
    def changed_at(self) -> int:
        """A number that changes when the history does."""
        return self._history_path.stat().st_mtime_ns

    def build(self, history: History) -> None:
        """Begins a plant; checkpoints of an earlier one are forgotten."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._checkpoint_path.unlink(missing_ok=True)
        self._write_history(history)

    def history(self) -> History:
        """The beginning and the faults."""
        if not self.exists:
            raise PlantNotBuilt("There is no plant yet: run “manage.py seed_demo” first.")
        found = json.loads(self._history_path.read_text())
        return History(
            epoch_s=found["epoch_s"],
            built_at_s=found["built_at_s"],
            faults=tuple(FaultPeriod(**{**row, "fault": Fault(row["fault"])}) for row in found["faults"]),
        )

    def switch_on(self, *, site: str, fault: Fault, from_s: float) -> FaultPeriod:
        """The fault from an instant on; one that is on already stays as it is."""
        with self._locked():
            history = self.history()
            for period in history.faults:
                if period.site == site and period.fault is fault and period.until_s is None:
                    return period
            added = FaultPeriod(site=site, fault=fault, from_s=from_s)
            self._write_history(replace(history, faults=(*history.faults, added)))
        return added

    def switch_off(self, *, site: str, fault: Fault, until_s: float) -> FaultPeriod:
        """The fault with its end."""
        with self._locked():
            history = self.history()
            for index, period in enumerate(history.faults):
                if period.site == site and period.fault is fault and period.until_s is None:
                    ended = replace(period, until_s=max(until_s, period.from_s))
                    faults = (*history.faults[:index], ended, *history.faults[index + 1 :])
                    self._write_history(replace(history, faults=faults))
                    return ended
        raise NoSuchFault(f"{fault.value} is not on at {site}.")

    def save_checkpoints(self, states: Mapping[str, PlantState]) -> None:
        """Keeps where each site has got to."""
        rows = {code: state.as_dict() for code, state in states.items()}
        _replace_file(self._checkpoint_path, rows)

    def timeline(self, spec: PlantSpec, *, not_after_s: float | None = None) -> Timeline:
        """The plant of a site, continued from its checkpoint or else from its beginning.

        With `not_after_s`, a checkpoint after that instant is passed over.
        """
        history = self.history()
        state = self._checkpoint(spec.code)
        if state is None or (not_after_s is not None and state.at_s > not_after_s):
            state = first_state(spec, history.epoch_s)
        return Timeline(spec, state, history.faults)

    def _checkpoint(self, code: str) -> PlantState | None:
        try:
            rows = json.loads(self._checkpoint_path.read_text())
            return PlantState(**rows[code])
        except (FileNotFoundError, KeyError, TypeError, json.JSONDecodeError):
            # A lost or older checkpoint only costs the time to compute it again.
            return None

    def _write_history(self, history: History) -> None:
        faults: Sequence[dict[str, Any]] = [asdict(period) for period in history.faults]
        _replace_file(
            self._history_path,
            {"epoch_s": history.epoch_s, "built_at_s": history.built_at_s, "faults": faults},
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "plant.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _replace_file(path: Path, content: object) -> None:
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_text(json.dumps(content, indent=1))
    scratch.replace(path)
