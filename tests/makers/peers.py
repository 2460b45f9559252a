"""Field devices that others wrote: servers in Node, installed from tests/peers/package-lock.json by `make test`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

import pytest

from tests.makers.field import free_port

FOLDER: Final = Path(__file__).resolve().parents[1] / "peers"
PATIENCE_S: Final = 30


def absent(reason: str) -> None:
    """Skip the test, or fail it where everything has to be there."""
    pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def node() -> str:
    """The machine's Node, or that of the wheel which the set-up brings where there is none."""
    found = shutil.which("node") or shutil.which("node", path=str(Path(sys.executable).parent))
    if found is None:
        absent("no Node on this machine (`make test` brings one)")
    if not (FOLDER / "node_modules").is_dir():
        absent("the peers of the tests are not installed (`make test` does, or `npm ci` in tests/peers)")
    return str(found)


@dataclass
class Peer:
    """A running server, and what it has told of what it was asked."""

    process: subprocess.Popen[str]
    port: int
    events: list[dict[str, Any]] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    said: list[str] = field(default_factory=list)
    """What it wrote that is no event, for messages."""
    listener: threading.Thread | None = None

    def listen(self, stream: IO[str]) -> None:
        for line in stream:
            try:
                event = json.loads(line)
            except ValueError:
                self.said.append(line)
            else:
                if isinstance(event, dict):
                    self.events.append(event)
                if event == {"ready": True}:
                    self.ready.set()
        self.ready.set()

    def told(self, name: str) -> list[Any]:
        """All that it has told under a name; complete once it has been ended."""
        return [event[name] for event in self.events if name in event]

    def end(self) -> None:
        """Let it go, and wait for its last word."""
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.listener is not None:
            self.listener.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start(name: str, **setup: Any) -> Peer:
    """Start tests/peers/NAME.js with its set-up and a free port of its own; it is ready when this returns."""
    port = free_port()
    process = subprocess.Popen(
        [node(), str(FOLDER / f"{name}.js")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    peer = Peer(process, port)
    assert process.stdin is not None
    assert process.stdout is not None
    peer.listener = threading.Thread(target=peer.listen, args=[process.stdout], daemon=True)
    peer.listener.start()
    process.stdin.write(json.dumps({"port": port, **setup}) + "\n")
    process.stdin.flush()
    if not peer.ready.wait(PATIENCE_S) or process.poll() is not None or {"ready": True} not in peer.events:
        peer.end()
        pytest.fail(f"the peer {name} does not start: {''.join(peer.said)}")
    return peer


@contextmanager
def running(name: str, **setup: Any) -> Iterator[Peer]:
    """The peer, for as long as the block lasts."""
    peer = start(name, **setup)
    try:
        yield peer
    finally:
        peer.end()
