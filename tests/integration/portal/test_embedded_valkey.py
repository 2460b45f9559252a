"""The Valkey that `make run` brings: it starts whatever an earlier run left behind, and lets nobody else in."""

import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import redis

from portal.embedded import addresses
from portal.embedded.service import ServiceError
from portal.embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "valkey"


@pytest.fixture
def server(directory: Path) -> Iterator[Valkey]:
    server = Valkey(directory)
    yield server
    server.stop()


def queue(server: Valkey, word: str) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.lpush("queue", word)
        client.waitaof(1, 0, 2000)


def queued(server: Valkey) -> list[bytes]:
    with redis.Redis.from_url(server.url) as client:
        return list(client.lrange("queue", 0, -1))


def test_what_is_queued_survives_a_stop_and_a_start(server: Valkey) -> None:
    server.start()
    queue(server, "poll")
    server.stop()
    server.start()
    assert queued(server) == [b"poll"]


def test_nobody_gets_in_without_the_password(server: Valkey) -> None:
    server.start()
    port = redis.Redis.from_url(server.url).connection_pool.connection_kwargs["port"]
    with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()
    assert stat.S_IMODE((server.work / "valkey.conf").stat().st_mode) == 0o600
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("bind") == {"bind": "127.0.0.1"}


def test_a_queue_that_is_full_refuses_rather_than_forgets(server: Valkey) -> None:
    server.start()
    with redis.Redis.from_url(server.url) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_taken_port_is_left_to_its_owner(server: Valkey) -> None:
    server.start()
    before = server.url
    server.stop()
    port = redis.Redis.from_url(before).connection_pool.connection_kwargs["port"]
    with socket.create_server(("127.0.0.1", port)):
        server.start()
        assert server.url != before
        queue(server, "elsewhere")


def test_the_port_stays_the_same_where_it_can(server: Valkey) -> None:
    server.start()
    before = server.url
    server.stop()
    server.start()
    assert server.url == before


def test_a_second_server_in_the_same_directory_is_refused(server: Valkey, directory: Path) -> None:
    server.start()
    with pytest.raises(ServiceError, match="already runs"):
        Valkey(directory).start()


def test_a_file_cut_off_by_a_crash_loses_only_its_last_entry(server: Valkey) -> None:
    server.start()
    queue(server, "first")
    queue(server, "second")
    server.stop()
    file = next((server.work / "appendonlydir").glob("*.incr.aof"))
    with file.open("r+b") as end:
        end.truncate(file.stat().st_size - 5)
    server.start()
    assert queued(server) == [b"first"]


def test_a_file_beyond_repair_is_kept_and_set_aside(server: Valkey) -> None:
    server.start()
    queue(server, "lost")
    server.stop()
    file = next((server.work / "appendonlydir").glob("*.incr.aof"))
    file.write_bytes(b"\x00 not a queue \x00" * 1000)
    server.start()
    assert queued(server) == []
    assert list(server.work.glob("appendonlydir.broken-*/*.incr.aof"))


def test_a_server_that_a_killed_supervisor_left_running_is_ended(directory: Path, server: Valkey) -> None:
    left_over = Valkey(directory)
    left_over.start()
    queue(left_over, "kept")
    left_over.unlock()
    server.start()
    assert queued(server) == [b"kept"]
    assert left_over.process is not None
    assert left_over.process.wait(10) is not None


def test_the_server_ends_when_its_starter_is_killed(directory: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from portal.embedded.valkey import Valkey\n"
        "server = Valkey(Path(sys.argv[1])); server.start(); print(server.process.pid, flush=True); time.sleep(600)"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", script, str(directory)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter:
        server = psutil.Process(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    with suppress(psutil.NoSuchProcess):
        server.wait(20)
    assert not server.is_running()


def test_the_cache_never_shares_the_database_of_the_queues() -> None:
    assert addresses.cache_url("redis://:word@localhost:6379/0") == "redis://:word@localhost:6379/1"


def test_a_broker_of_another_kind_needs_a_cache_of_its_own() -> None:
    with pytest.raises(ServiceError, match="CACHE_URL"):
        addresses.cache_url("amqp://guest@localhost//")
