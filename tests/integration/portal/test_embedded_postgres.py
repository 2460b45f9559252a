"""The PostgreSQL that `make run` brings: it starts whatever an earlier run left behind, and lets nobody else in."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from portal.embedded.postgres import SOCKET_PATH_LIMIT_BYTES, Postgres, socket_directory
from portal.embedded.service import ServiceError

ROOT = Path(__file__).resolve().parents[3]
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    # As a clone below /root: nobody else may pass.
    tmp_path.chmod(0o700)
    return tmp_path / "postgres"


@pytest.fixture
def server(directory: Path) -> Iterator[Postgres]:
    server = Postgres(directory, throw_away=True)
    yield server
    server.stop()


def remember(server: Postgres, word: str) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS memory (word text)")
        connection.execute("INSERT INTO memory VALUES (%s)", [word])


def memory(server: Postgres) -> list[str]:
    with psycopg.connect(server.url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM memory ORDER BY word")]


def postmaster_of(server: Postgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split()[0]))


def test_data_survives_a_stop_and_a_start(server: Postgres) -> None:
    server.start()
    remember(server, "heat")
    server.stop()
    server.start()
    assert memory(server) == ["heat"]


def test_the_server_sorts_by_code_point_and_keeps_utc(server: Postgres) -> None:
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SELECT 'a' < 'B', lower('Ä')").fetchone() == (False, "ä")


@pytest.mark.parametrize("user", ["heatledger", "postgres"])
def test_nobody_gets_in_without_the_password(server: Postgres, user: str) -> None:
    server.start()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=str(socket_directory(server.directory)), user=user, dbname="postgres", password="guess")


def test_only_the_owner_reads_the_password_and_reaches_the_socket(server: Postgres) -> None:
    server.start()
    assert stat.S_IMODE((server.directory / "password").stat().st_mode) == 0o600
    assert stat.S_IMODE(socket_directory(server.directory).stat().st_mode) == 0o700
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


def test_a_second_server_in_the_same_directory_is_refused(server: Postgres, directory: Path) -> None:
    server.start()
    with pytest.raises(ServiceError, match="already runs"):
        Postgres(directory).start()


def test_a_stale_process_id_that_now_belongs_to_another_program_does_no_harm(server: Postgres) -> None:
    server.start()
    remember(server, "kept")
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n1700000000\n5432\n\n\n\nready\n")
    socket_lock = socket_directory(server.directory) / ".s.PGSQL.5432.lock"
    socket_lock.write_text(f"{os.getpid()}\n")
    server.start()
    assert memory(server) == ["kept"]


def test_an_interrupted_initialization_is_begun_again(server: Postgres) -> None:
    fresh = server.directory / "data.new"
    fresh.mkdir(parents=True)
    (fresh / "PG_VERSION").write_text("18\n")
    server.start()
    assert not fresh.exists()
    assert postmaster_of(server).is_running()


def test_a_half_initialized_directory_is_kept_and_set_aside(server: Postgres) -> None:
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("18\n")
    server.start()
    assert postmaster_of(server).is_running()
    assert [path.name for path in server.directory.glob("data.broken-*/*")] == ["PG_VERSION"]


def test_the_data_of_another_version_is_refused_and_left_alone(server: Postgres) -> None:
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("14\n")
    with pytest.raises(ServiceError, match="PostgreSQL 14"):
        server.start()


def test_a_killed_server_starts_again_with_what_was_committed(directory: Path) -> None:
    # With fsync: a kill of the process loses nothing either way, but this is the configuration that `make run` uses.
    server = Postgres(directory)
    server.start()
    try:
        remember(server, "committed")
        postmaster = postmaster_of(server)
        postmaster.kill()
        server.stop()
        server.start()
        assert memory(server) == ["committed"]
    finally:
        server.stop()


def test_a_server_that_a_killed_supervisor_left_running_is_ended(directory: Path, server: Postgres) -> None:
    left_over = Postgres(directory, throw_away=True)
    left_over.start()
    remember(left_over, "kept")
    old = postmaster_of(left_over)
    # A lock goes with its process.
    left_over.unlock()
    server.start()
    assert memory(server) == ["kept"]
    assert not old.is_running() or old.status() == psutil.STATUS_ZOMBIE
    assert left_over.process is not None
    left_over.process.wait()


def test_the_server_ends_when_its_starter_is_killed(directory: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from portal.embedded.postgres import Postgres\n"
        "server = Postgres(Path(sys.argv[1]), throw_away=True); server.start(); print('up', flush=True)\n"
        "time.sleep(600)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter:
        assert starter.stdout.readline() == "up\n"
        postmaster = postmaster_of(Postgres(directory))
        starter.send_signal(signal.SIGKILL)
    with suppress(psutil.NoSuchProcess):
        postmaster.wait(20)
    assert not postmaster.is_running()


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-directory"] * 4, "postgres")
    assert len(str(deep)) > SOCKET_PATH_LIMIT_BYTES
    server = Postgres(deep, throw_away=True)
    server.start()
    try:
        remember(server, "deep")
        assert memory(server) == ["deep"]
        assert stat.S_IMODE(socket_directory(server.directory).stat().st_mode) == 0o700
    finally:
        server.stop()
        for file in socket_directory(server.directory).iterdir():
            file.unlink()
        socket_directory(server.directory).rmdir()


@only_root
@pytest.mark.parametrize("no_namespaces", ["", "1"])
def test_the_server_of_root_has_no_root_rights(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, no_namespaces: str
) -> None:
    monkeypatch.setenv("HEATLEDGER_NO_NAMESPACES", no_namespaces)
    server.start()
    remember(server, "kept")
    status = Path(f"/proc/{postmaster_of(server).pid}/status").read_text()
    capabilities = int(next(line for line in status.splitlines() if line.startswith("CapEff")).split()[1], 16)
    pass_directories = 1 << 1
    assert capabilities & ~pass_directories == 0


@only_root
def test_the_server_changes_between_both_ways_of_not_being_root(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, no_namespaces in enumerate(["", "1", "", "1"], start=1):
        monkeypatch.setenv("HEATLEDGER_NO_NAMESPACES", no_namespaces)
        server.start()
        remember(server, str(number))
        assert len(memory(server)) == number
        server.stop()
