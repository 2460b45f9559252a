"""What the embedded servers have in common: a private directory, a lock on it, a process that ends with its starter."""

import fcntl
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

CONFINE = Path(__file__).with_name("confine.py")


class ServiceError(Exception):
    """A server cannot run; the text says why and what to do."""


def private_directory(path: Path) -> Path:
    """Return the directory, made if need be, that no other user may enter."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def kept_secret(path: Path) -> str:
    """Return the random word kept in the file, drawn when it is first asked for."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if word := path.read_text().strip():
            return word
        # A crash between creating and writing left an empty file; nothing was ever protected by it.
        path.unlink()
        return kept_secret(path)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    return path.read_text()


def confined(
    command: Sequence[str | Path], *, own: Sequence[Path] = (), last_signal: int = signal.SIGTERM
) -> list[str]:
    """Return the command so that it runs without root and ends with this process."""
    options = ["--starter", str(os.getpid()), "--signal", str(int(last_signal))]
    for directory in own:
        options += ["--own", str(directory)]
    if os.environ.get("HEATLEDGER_NO_NAMESPACES"):
        options.append("--no-namespaces")
    return [sys.executable, "-I", "-S", str(CONFINE), *options, "--", *map(str, command)]


def processes_in(directory: Path, *, name: str) -> Iterator[psutil.Process]:
    """Yield the running processes of the program that work in the directory."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.name() == name and Path(process.cwd()) == directory:
                yield process


def end_left_over(directory: Path, *, name: str, gentle: int, patience_s: float = 20) -> int:
    """End what a killed run left working in the directory, and return how many processes that were."""
    found = list(processes_in(directory, name=name))
    for process in found:
        with suppress(psutil.Error):
            process.send_signal(gentle)
    _, stubborn = psutil.wait_procs(found, timeout=patience_s)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(found)


def wait_until(ready: Callable[[], bool], *, process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Return whether it became ready before the process ended or the time was over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if ready():
            return True
        time.sleep(0.02)
    return False


def tail(path: Path, lines: int = 12) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""


class Service:
    """One server in one private directory."""

    name = "server"
    last_signal: int = signal.SIGTERM

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.log_path = self.directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[Any] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    @property
    def command(self) -> list[str | Path]:
        raise NotImplementedError

    @property
    def working_directory(self) -> Path:
        raise NotImplementedError

    @property
    def owned_directories(self) -> list[Path]:
        """Return what the server writes to."""
        return [self.working_directory]

    def prepare(self) -> None:
        """Make the directory fit for a start, whatever an earlier run left in it."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        raise NotImplementedError

    def lock(self) -> None:
        """Refuse a second server in the same directory; the lock goes with this process, however that ends."""
        private_directory(self.directory)
        file = (self.directory / "lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise ServiceError(f"{self.name} already runs in {self.directory}") from error
        self._lock = file

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def start(self, *, seconds: float = 60) -> None:
        """Start the server and return once it answers."""
        if self._lock is None:
            self.lock()
        try:
            self.prepare()
            self.launch()
            if not wait_until(self.is_ready, process=self._running(), seconds=seconds):
                self.recover(seconds=seconds)
        except BaseException:
            self.stop()
            raise

    def launch(self) -> None:
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                confined(self.command, own=self.owned_directories, last_signal=self.last_signal),
                cwd=self.working_directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A Ctrl-C in the terminal is the supervisor's to handle; servers go last.
                start_new_session=True,
            )

    def recover(self, *, seconds: float) -> None:  # noqa: ARG002 - servers that can recover need it
        """Called when the server did not become ready: start it another way, or say why not."""
        raise ServiceError(f"{self.name} did not start; the end of {self.log_path}:\n{tail(self.log_path)}")

    def stop(self, *, seconds: float = 30) -> None:
        """Stop the server; harder if it does not go."""
        if self.process is not None:
            for number, patience_s in ((self.last_signal, seconds), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
                if self.process.poll() is not None:
                    break
                self.process.send_signal(number)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(patience_s)
            self.process = None
        self.unlock()

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None:
            raise ServiceError(f"{self.name} was not started")
        return self.process
