"""Programs under the supervisor: back after a death, gone with everything they started."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from portal.embedded import programs
from portal.embedded.programs import Program, python
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
# Starts a child that ignores requests to end, says both process ids, and waits.
WITH_CHILD = """
import os, signal, subprocess, sys
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", stubborn], stdout=subprocess.PIPE)
child.stdout.readline()
print(os.getpid(), child.pid, flush=True)
signal.pause()
"""
MakeProgram = Callable[[str], Program]


@pytest.fixture
def make_program(tmp_path: Path) -> Iterator[MakeProgram]:
    made: list[Program] = []

    def make(script: str) -> Program:
        log_path = tmp_path / f"{len(made)}.log"
        program = Program("program", python("-c", script), log_path, environment={programs.RUN_MARK: str(tmp_path)})
        made.append(program)
        return program

    yield make
    for program in made:
        program.make_end(time.monotonic())


def processes_of(program: Program) -> list[psutil.Process]:
    """Return the program and its child, once both run."""
    words = wait_for(lambda: program.log_path.read_text().split())
    return [psutil.Process(int(word)) for word in words[-2:]]


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_a_program_that_dies_comes_back_after_its_pause(make_program: MakeProgram) -> None:
    program = make_program("raise SystemExit(3)")
    program.start()
    assert program.process is not None
    program.process.wait()
    died_at_s = time.monotonic()
    said = program.look_after(died_at_s)
    assert said is not None
    assert "exit status 3" in said
    assert program.look_after(died_at_s + 0.5) is None
    assert program.look_after(died_at_s + 1.0) == "program started again"


def test_the_pauses_grow_up_to_half_a_minute(make_program: MakeProgram) -> None:
    program = make_program("raise SystemExit(1)")
    pauses = []
    for _ in range(7):
        program.start()
        assert program.process is not None
        program.process.wait()
        pauses.append(program.pause_s)
        program.look_after(program.started_at_s)
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_program_that_ran_for_long_starts_again_at_once(make_program: MakeProgram) -> None:
    program = make_program("pass")
    program.pause_s = 30
    program.start()
    assert program.process is not None
    program.process.wait()
    said = program.look_after(program.started_at_s + 61)
    assert said is not None
    assert "next start in 1 s" in said


def test_a_killed_program_takes_its_children_along(make_program: MakeProgram) -> None:
    program = make_program(WITH_CHILD)
    program.start()
    parent, child = processes_of(program)
    parent.kill()
    assert program.process is not None
    program.process.wait()
    said = program.look_after(time.monotonic())
    assert said is not None
    assert "SIGKILL" in said
    wait_for(lambda: is_gone(child))


def test_ending_reaches_children_that_ignore_requests(make_program: MakeProgram) -> None:
    program = make_program(WITH_CHILD)
    program.start()
    family = processes_of(program)
    program.ask_to_end()
    program.make_end(time.monotonic() + 5)
    wait_for(lambda: all(is_gone(process) for process in family))


def test_a_program_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    log_path = tmp_path / "log"
    script = (
        "import sys, time; from pathlib import Path; from portal.embedded.programs import Program, python\n"
        f"Program('p', python('-c', {WITH_CHILD!r}), Path(sys.argv[1])).start(); time.sleep(600)"
    )
    starter = subprocess.Popen([sys.executable, "-c", script, str(log_path)], cwd=ROOT)
    words = wait_for(lambda: log_path.exists() and log_path.read_text().split())
    assert words
    parent, child = (psutil.Process(int(word)) for word in words)
    starter.send_signal(signal.SIGKILL)
    starter.wait()
    wait_for(lambda: is_gone(parent))
    # The kernel tells the program; what the program leaves, the next start ends.
    child.kill()


def test_the_next_start_ends_what_a_killed_run_left(make_program: MakeProgram, tmp_path: Path) -> None:
    program = make_program(WITH_CHILD)
    program.start()
    family = processes_of(program)
    assert programs.end_left_overs(tmp_path) == 2
    assert all(is_gone(process) for process in family)
    assert programs.end_left_overs(tmp_path) == 0


def test_a_log_that_has_grown_is_set_aside_once(tmp_path: Path) -> None:
    log_path = tmp_path / "web.log"
    log_path.write_bytes(b"x" * (programs.LOG_LIMIT_BYTES + 1))
    programs.keep_log_small(log_path)
    assert not log_path.exists()
    assert (tmp_path / "web.1.log").stat().st_size > programs.LOG_LIMIT_BYTES
