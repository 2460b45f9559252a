"""`make run`, the whole of it: everything starts, comes back after a death, and ends, however the supervisor goes."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from portal.embedded import programs
from portal.embedded.postgres import Postgres
from portal.embedded.valkey import free_port
from tests import template_database
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
PROGRAMS = {"web", "worker-poll", "worker", "beat"}
pytestmark = pytest.mark.journey


class Run:
    """One `make run DEMO=0` with data and a port of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None
        self.output = var.with_suffix(".output")

    def start(self) -> None:
        own = {"HEATLEDGER_VAR": str(self.var), "PORT": str(self.port), "DEMO": "0"}
        inherited = {name: value for name, value in os.environ.items() if name not in foreign()}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "portal.embedded.supervisor"],
                cwd=ROOT,
                env=inherited | own,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )

    def wait_until_complete(self) -> None:
        wait_for(lambda: "Ctrl-C ends everything" in self.said() or self.has_ended(), seconds=240)
        assert not self.has_ended(), self.said()

    def has_ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def said(self) -> str:
        return self.output.read_text()

    def health(self, path: str = "healthz") -> dict[str, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/{path}", timeout=10) as answer:
                return dict(json.load(answer)["parts"])
        except urllib.error.HTTPError as answer:
            return dict(json.load(answer)["parts"])
        except OSError:
            return {}

    def family(self) -> list[psutil.Process]:
        """Return all processes that work with the data of this run."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                marked = process.environ().get(programs.RUN_MARK) == str(self.var)
                inside = process.name() in {"postgres", "valkey-server"} and str(self.var) in process.cwd()
                if (marked or inside) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def named(self, *words: str) -> list[psutil.Process]:
        """Return the oldest first of the processes whose command line holds all the words."""
        found = []
        for process in self.family():
            with suppress(psutil.Error):
                if set(words) <= set(process.cmdline()):
                    found.append(process)
        return sorted(found, key=lambda process: process.create_time())

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


def foreign() -> set[str]:
    """Return what the test run itself set, and what must not reach a run of its own."""
    return {
        "DATABASE_URL",
        "CELERY_BROKER_URL",
        "CACHE_URL",
        "SECRET_KEY",
        "DJANGO_SETTINGS_MODULE",
        "DJANGO_ALLOW_ASYNC_UNSAFE",
    }


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Run]:
    run = Run(tmp_path_factory.mktemp("run") / "var")
    run.var.mkdir()
    # Migrated already where an earlier test run kept a cluster: what is shown here is the life of processes.
    template_database.restore(pytestconfig.rootpath / ".pytest_cache" / "clusters", Postgres(run.var / "postgres"))
    run.start()
    try:
        run.wait_until_complete()
        yield run
    finally:
        run.end()
        for process in run.family():
            process.kill()


def test_an_empty_portal_offers_a_link_for_the_first_administrator(run: Run) -> None:
    assert f"http://localhost:{run.port}/" in run.said()
    assert "first administrator" in run.said()


def test_every_part_works_within_a_minute_of_the_start(run: Run) -> None:
    assert set(run.health().values()) == {"well"}
    workers = wait_for(lambda: is_well(run.health("healthz/workers")), seconds=60)
    assert workers


def is_well(parts: dict[str, str]) -> bool:
    return bool(parts) and set(parts.values()) == {"well"}


def test_keys_and_passwords_are_for_the_owner_only(run: Run) -> None:
    assert stat.S_IMODE(run.var.stat().st_mode) == 0o700
    assert stat.S_IMODE((run.var / "secret-key").stat().st_mode) == 0o600


def test_a_second_run_on_the_same_data_is_refused(run: Run) -> None:
    second = Run(run.var)
    second.output = run.var.with_suffix(".second")
    second.start()
    assert second.process is not None
    assert second.process.wait(60) == 1
    assert "already runs" in second.said()


def test_a_taken_port_is_named_with_a_way_out(run: Run, tmp_path: Path) -> None:
    other = Run(tmp_path / "var")
    with socket.create_server(("127.0.0.1", other.port)):
        other.start()
        assert other.process is not None
        assert other.process.wait(60) == 1
    assert f"make run PORT={other.port + 1}" in other.said()
    assert other.family() == []


@pytest.mark.parametrize(
    ("name", "words"), [("web", ("gunicorn",)), ("worker-poll", ("celery", "poll")), ("beat", ("celery", "beat"))]
)
def test_a_killed_program_comes_back(run: Run, name: str, words: tuple[str, ...]) -> None:
    run.named(*words)[0].kill()
    wait_for(lambda: f"{name} ended (SIGKILL)" in run.said() and f"{name} started again" in run.said(), seconds=30)
    # A process that was started a moment ago does not yet go by its own name.
    wait_for(lambda: run.named(*words) and is_well(run.health()), seconds=60)


def test_a_killed_database_comes_back_and_the_pages_with_it(run: Run) -> None:
    min(run.named("-D", str(run.var / "postgres" / "data")), key=lambda process: process.pid).kill()
    wait_for(lambda: "PostgreSQL ended; starting it again" in run.said(), seconds=30)
    wait_for(lambda: is_well(run.health()), seconds=60)


def test_a_killed_broker_comes_back_and_the_workers_find_it(run: Run) -> None:
    logs = [run.var / "log" / "worker.log", run.var / "log" / "worker-poll.log"]
    before = [log.read_text().count("Connected to redis") for log in logs]
    next(process for process in run.family() if process.name() == "valkey-server").kill()
    wait_for(lambda: "Valkey ended; starting it again" in run.said(), seconds=30)
    wait_for(lambda: is_well(run.health()), seconds=60)
    wait_for(
        lambda: all(
            log.read_text().count("Connected to redis") > count for log, count in zip(logs, before, strict=True)
        ),
        seconds=60,
    )


def test_a_killed_supervisor_takes_everything_along_and_the_next_start_works(run: Run) -> None:
    assert run.process is not None
    run.process.kill()
    run.process.wait()
    run.start()
    run.wait_until_complete()
    assert is_well(run.health())


def test_a_request_to_end_ends_every_process(run: Run) -> None:
    family = run.family()
    assert len(family) > len(PROGRAMS)
    run.end(signal.SIGINT)
    assert [process.cmdline() for process in family if process.is_running()] == []
    assert "all processes ended" in run.said()
