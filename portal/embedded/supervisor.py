"""`make run`: start everything, keep it running, end all of it.

    python -m portal.embedded.supervisor

Environment: HOST, PORT, DEMO (1 or 0), HEATLEDGER_VAR, DATABASE_URL, CELERY_BROKER_URL; docs/operations.md has all.
"""

import argparse
import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

from portal.embedded import confine, programs
from portal.embedded.postgres import Postgres
from portal.embedded.programs import Program, python
from portal.embedded.service import Service, ServiceError, private_directory, tail
from portal.embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
MANAGE = ROOT / "manage.py"
PATIENCE_S = 15.0
LOOK_EVERY_S = 0.5
FIRST_PAGE_WITHIN_S = 60.0


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def stage(title: str) -> Iterator[None]:
    """Say what is being done and how long it took."""
    begun = time.monotonic()
    say(f"- {title}")
    yield
    say(f"  done in {time.monotonic() - begun:.1f} s")


class StageError(Exception):
    """A start that cannot go on; the text is for the terminal."""


class Supervisor:
    """Everything that `make run` starts, and the order in which it comes and goes."""

    def __init__(self, *, var: Path, host: str, port: int, demo: bool) -> None:
        self.var = private_directory(var).resolve()
        self.host = host
        self.port = port
        self.demo = demo
        self.services: list[Service] = []
        self.programs: list[Program] = []
        self.ending = threading.Event()
        self.mark = {programs.RUN_MARK: str(self.var)}
        self._lock: IO[str] | None = None
        self.logs = private_directory(self.var / "log")

    @property
    def address(self) -> str:
        shown = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else self.host  # noqa: S104
        return f"http://{shown}:{self.port}/"

    # Starting: each method is one stage.

    def run(self) -> None:
        try:
            self.take_possession()
            self.start_services()
            self.prepare_portal()
            self.start_programs()
            self.look_after()
        finally:
            self.end()

    def take_possession(self) -> None:
        """Refuse to run twice on the same data or on a port that is taken; end what a killed run left."""
        self._lock = (self.var / "run.lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StageError(f"Heatledger already runs with the data in {self.var}.") from error
        if ended := programs.end_left_overs(self.var):
            say(f"- ended {ended} processes of a run that was killed")
        with socket.socket(socket.AF_INET6 if ":" in self.host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise StageError(
                    f"Cannot listen on {self.host} port {self.port} ({error.strerror}). "
                    f"Choose another port: make run PORT={self.port + 1}"
                ) from error

    def start_services(self) -> None:
        os.environ["HEATLEDGER_VAR"] = str(self.var)
        os.environ["HEATLEDGER_DEMO"] = "1" if self.demo else "0"
        own: list[tuple[str, Service]] = [
            ("DATABASE_URL", Postgres(self.var / "postgres")),
            ("CELERY_BROKER_URL", Valkey(self.var / "valkey")),
        ]
        for name, service in own:
            if os.environ.get(name):
                say(f"- {service.name}: {name} names one of your own")
                continue
            with stage(service.name):
                service.start()
            self.services.append(service)
            os.environ[name] = service.url

    def prepare_portal(self) -> None:
        with stage("Database schema"):
            self.manage("migrate", "--no-input", "--verbosity", "0")
        self.collect_static_files()

    def collect_static_files(self) -> None:
        """Collect and hash the static files, unless none has changed since they were last collected."""
        stamp = self.var / "static.stamp"
        state = state_of(ROOT / "static", ROOT / "package-lock.json", ROOT / "requirements.txt")
        if stamp.exists() and stamp.read_text() == state:
            return
        with stage("Static files"):
            self.manage("collectstatic", "--no-input", "--clear", "--verbosity", "0")
        stamp.write_text(state)

    def start_programs(self) -> None:
        self.start("web", self.gunicorn())
        with stage("Web server"):
            self.wait_for_first_page()
        say(f"\n  The portal answers at {self.address}\n")
        if self.demo:
            with stage("Demo data and log-ins"):
                self.manage("seed_demo")
        else:
            self.manage("first_admin_link", "--base-url", self.address)
        with stage("Workers and schedule"):
            self.start("worker-poll", self.celery("worker", "-Q", "poll", "-c", "2", "-n", "poll@%h"))
            self.start("worker", self.celery("worker", "-Q", "settle,default", "-c", "2", "-n", "work@%h"))
            self.start("beat", self.celery("beat", "--schedule", str(self.var / "beat-schedule"), level="WARNING"))
            if self.demo:
                self.start("plant", python(MANAGE, "run_plant"))
        say(f"\n  {self.address}   (Ctrl-C ends everything; logs: {self.logs})\n")

    def gunicorn(self) -> list[str | Path]:
        bind = f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
        options = ["--workers", "2", "--threads", "4", "--no-control-socket", "--worker-tmp-dir", temporary_directory()]
        return python("-m", "gunicorn", "portal.wsgi:application", "--chdir", ROOT, "--bind", bind, *options)

    def celery(self, *arguments: str, level: str = "INFO") -> list[str | Path]:
        return python("-m", "celery", "--app", "portal", "--workdir", ROOT, *arguments, "--loglevel", level)

    def start(self, name: str, command: list[str | Path]) -> None:
        program = Program(name=name, command=command, log_path=self.logs / f"{name}.log", environment=self.mark)
        program.start()
        self.programs.append(program)

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py to its end, unless the user ends the start."""
        command = [sys.executable, str(MANAGE), *arguments]
        process = subprocess.Popen(
            command, env={**os.environ, **self.mark}, stdin=subprocess.DEVNULL, start_new_session=True
        )
        while process.poll() is None:
            if self.ending.wait(0.05):
                programs.end_group(process.pid)
                process.wait()
                raise InterruptedError
        if process.returncode != 0:
            raise StageError(f"manage.py {arguments[0]} failed; its message stands above.")

    def wait_for_first_page(self) -> None:
        web = self.programs[0]
        end = time.monotonic() + FIRST_PAGE_WITHIN_S
        while not answers(f"http://{self.reachable_host}:{self.port}/healthz"):
            if web.process is None or web.process.poll() is not None or time.monotonic() > end:
                raise StageError(f"The web server did not start; the end of {web.log_path}:\n{tail(web.log_path)}")
            if self.ending.wait(0.1):
                raise InterruptedError

    @property
    def reachable_host(self) -> str:
        return {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(self.host, self.host)  # noqa: S104

    # Running and ending.

    def look_after(self) -> None:
        while not self.ending.wait(LOOK_EVERY_S):
            for service in self.services:
                self.revive(service)
            for program in self.programs:
                if said := program.look_after(time.monotonic()):
                    say(f"  {time.strftime('%H:%M:%S')} {said}")

    def revive(self, service: Service) -> None:
        if service.process is not None and service.process.poll() is None:
            return
        say(f"  {time.strftime('%H:%M:%S')} {service.name} ended; starting it again; log: {service.log_path}")
        try:
            service.start()
        except ServiceError as error:
            say(str(error))
            self.ending.wait(programs.LONGEST_PAUSE_S)

    def end(self) -> None:
        """End the programs first, so that they can finish what they do with the servers they need."""
        if self.programs or self.services:
            say("\n- Ending")
        for program in self.programs:
            program.ask_to_end()
        deadline_s = time.monotonic() + PATIENCE_S
        for program in self.programs:
            program.make_end(deadline_s)
        for service in reversed(self.services):
            service.stop()
        if self.programs or self.services:
            programs.end_left_overs(self.var)
            say("  all processes ended")


def state_of(*places: Path) -> str:
    """Return a hash that changes when a file below the places does."""
    digest = hashlib.sha256()
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            status = file.stat()
            digest.update(f"{file} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def temporary_directory() -> str:
    """Return a directory in memory where there is one: gunicorn's workers beat there; a slow disk looks like death."""
    memory = Path("/dev/shm")  # noqa: S108 - gunicorn makes an unnamed file in it
    return str(memory) if memory.is_dir() and os.access(memory, os.W_OK) else "/tmp"  # noqa: S108


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except urllib.error.HTTPError:
        # Unhealthy is an answer too; the page says what is wrong.
        return True
    except OSError:
        return False


def end_with_parent(when_gone: Callable[[], None]) -> None:
    """Have the kernel send SIGTERM when the process that started this one, `make`, is gone."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(confine.PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            when_gone()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--end-with-parent", action="store_true")
    wanted = parser.parse_args()
    supervisor = Supervisor(
        var=Path(os.environ.get("HEATLEDGER_VAR") or ROOT / "var"),
        host=os.environ.get("HOST") or "127.0.0.1",
        port=int(os.environ.get("PORT") or 8000),
        demo=os.environ.get("DEMO", "1") not in {"0", "no", "false", ""},
    )

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature is Python's
        supervisor.ending.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    if wanted.end_with_parent:
        end_with_parent(supervisor.ending.set)
    try:
        supervisor.run()
    except (StageError, ServiceError) as error:
        sys.exit(f"\n{error}")
    except InterruptedError:
        sys.exit(130)


if __name__ == "__main__":
    main()
