"""SNMP agents: the simulator snmpsim with recorded walks, and a small agent that can misbehave."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from pyasn1.codec.ber import decoder, encoder
from pysnmp.proto import rfc1901
from pysnmp.proto.api import v2c

from tests.makers import peers
from tests.makers.field import free_port, loop_in_thread
from tests.waiting import wait_for

PROGRAM = Path(sys.prefix) / "snmpsim" / "bin" / "snmpsim-command-responder"
RECORDED = Path(__file__).resolve().parents[3] / "shared" / "data" / "snmp"
USERS: dict[str, dict[str, str]] = {
    "sha": {"auth_protocol": "SHA", "priv_protocol": "AES-128"},
    "sha2": {"auth_protocol": "SHA-256", "priv_protocol": "AES-256"},
    "old": {"auth_protocol": "MD5", "priv_protocol": "DES"},
    "signed": {"auth_protocol": "SHA-512"},
    "open": {},
}
"""Users of the simulator with their methods; the keys are `auth-` and `priv-` with the name of the user behind."""


def log_in(user: str) -> dict[str, str]:
    """The credentials of a user of the simulator."""
    methods = USERS[user]
    keys = {f"{kind}_key": f"{kind}-key-of-{user}" for kind in ("auth", "priv") if f"{kind}_protocol" in methods}
    return {"version": "3", "user": user, **methods, **keys}


def recorded_walk(name: str) -> str:
    """A recorded walk in snmpsim's form; absent where the shared material is."""
    path = RECORDED / f"{name}.snmprec"
    if not path.exists():
        pytest.skip(f"no recorded walks at {RECORDED}")
    return "\n".join(line for line in path.read_text(errors="replace").splitlines() if line.strip())


def user_options() -> Iterator[str]:
    for user in USERS:
        given = log_in(user)
        yield f"--v3-user={user}"
        for kind in ("auth", "priv"):
            if f"{kind}_key" in given:
                yield f"--v3-{kind}-key={given[f'{kind}_key']}"
                yield f"--v3-{kind}-proto={given[f'{kind}_protocol'].replace('SHA-', 'SHA').replace('AES-', 'AES')}"


@contextmanager
def simulated(walks: Mapping[str, str], *, port: int | None = None) -> Iterator[int]:
    """The port of an snmpsim with these walks, each at the community, or in the context, of its name."""
    if not PROGRAM.exists():
        peers.absent("no snmpsim (`make test` installs it where a Python has dbm.gnu; Debian: python3-gdbm)")
    port = port or free_port()
    folder = Path(tempfile.mkdtemp(prefix="heatledger-snmpsim-"))
    (folder / "walks").mkdir()
    (folder / "cache").mkdir()
    for name, walk in walks.items():
        (folder / "walks" / f"{name}.snmprec").write_text(walk + "\n")
    command = [str(PROGRAM), f"--data-dir={folder / 'walks'}", f"--cache-dir={folder / 'cache'}"]
    command += [f"--agent-udpv4-endpoint=127.0.0.1:{port}", *user_options()]
    if os.getuid() == 0:
        # It insists on being told a user; another one may not be able to read where all this is installed.
        command += ["--process-user=root", "--process-group=root"]
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, cwd=folder)
    try:
        wait_for(lambda: process.poll() is not None or psutil.Process(process.pid).net_connections("udp4"))
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


Values = Mapping[tuple[int, ...], Any]
Judge = Callable[[int, Sequence[tuple[int, ...]]], tuple[int, int] | bytes | None]


class SmallAgent(asyncio.DatagramProtocol):
    """An agent of version 2c whose `judge` says, by number of the request and its objects, what becomes of it.

    None: nothing is answered; bytes: those are; two numbers: error status and index, 0 and 0 for an answer.
    """

    def __init__(self, values: Values, judge: Judge) -> None:
        self.values, self.judge = values, judge
        self.requests: list[list[tuple[int, ...]]] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        message, _rest = decoder.decode(data, asn1Spec=rfc1901.Message())
        request = message["data"].getComponent()
        assert message["data"].getName() == "get-request"
        objects = [tuple(map(int, binding[0])) for binding in v2c.apiPDU.get_varbinds(request)]
        self.requests.append(objects)
        verdict = self.judge(len(self.requests), objects)
        if isinstance(verdict, bytes):
            self.transport.sendto(verdict, addr)
        elif verdict is not None:
            self.transport.sendto(self.answer(message, request, objects, *verdict), addr)

    def answer(self, message: Any, request: Any, objects: list[tuple[int, ...]], status: int, index: int) -> bytes:
        response = v2c.apiPDU.get_response(request)
        told = [(oid, self.values[oid]) for oid in objects] if not status else [(oid, v2c.null) for oid in objects]
        v2c.apiPDU.set_varbinds(response, told)
        response["error-status"], response["error-index"] = status, index
        reply = v2c.apiMessage.get_response(message)
        v2c.apiMessage.set_pdu(reply, response)
        return bytes(encoder.encode(reply))


@contextmanager
def small_agent(values: Values, judge: Judge = lambda _number, _objects: (0, 0)) -> Iterator[tuple[int, SmallAgent]]:
    """The port of a small agent, and the agent."""
    agent = SmallAgent(values, judge)

    async def start() -> int:
        transport, _agent = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: agent, local_addr=("127.0.0.1", 0)
        )
        port: int = transport.get_extra_info("sockname")[1]
        return port

    with loop_in_thread() as loop:
        port = asyncio.run_coroutine_threadsafe(start(), loop).result(5)
        try:
            yield port, agent
        finally:
            loop.call_soon_threadsafe(agent.transport.close)
