"""Child processes that are kept running: started again when they die, ended with everything they started."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from portal.embedded import service

# Every process of a run carries this name with the data directory in its environment, also grandchildren whose parents
# were killed.
RUN_MARK = "HEATLEDGER_RUN"
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
# Having run that long, a program has recovered, and its next end counts as the first.
STEADY_AFTER_S = 60.0
LOG_LIMIT_BYTES = 10_000_000


@dataclass
class Program:
    """One command that runs as long as the supervisor does."""

    name: str
    command: Sequence[str | Path]
    log_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    pause_s: float = FIRST_PAUSE_S
    started_at_s: float = 0.0
    restart_at_s: float = 0.0

    def start(self) -> None:
        keep_log_small(self.log_path)
        self.started_at_s = time.monotonic()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                service.confined(self.command),
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own group: Ctrl-C reaches the supervisor alone, and what is left can be ended as one.
                start_new_session=True,
            )

    def look_after(self, now_s: float) -> str | None:
        """Start the program again when its pause is over; return what there is to say."""
        if self.process is not None and (status := self.process.poll()) is not None:
            end_group(self.process.pid)
            self.process = None
            if now_s - self.started_at_s > STEADY_AFTER_S:
                self.pause_s = FIRST_PAUSE_S
            self.restart_at_s = now_s + self.pause_s
            said = f"{self.name} ended ({describe(status)}); next start in {self.pause_s:.0f} s; log: {self.log_path}"
            self.pause_s = min(self.pause_s * 2, LONGEST_PAUSE_S)
            return said
        if self.process is None and now_s >= self.restart_at_s:
            self.start()
            return f"{self.name} started again"
        return None

    def ask_to_end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def make_end(self, deadline_s: float) -> None:
        """Wait for the program until the deadline, then end what is left of it and of what it started."""
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline_s - time.monotonic()))
        end_group(self.process.pid)
        self.process.wait()
        self.process = None


def describe(status: int) -> str:
    return f"exit status {status}" if status >= 0 else signal.Signals(-status).name


def end_group(process_id: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process_id, signal.SIGKILL)


def keep_log_small(path: Path) -> None:
    """Keep one older log beside the one that is written to."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".1.log"))


def end_left_overs(var: Path) -> int:
    """End what a killed supervisor left running for the same data directory, and return how many that were."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_MARK) == str(var):
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=10)
    return len(found)


def python(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, *arguments]
