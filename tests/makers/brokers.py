"""A broker of messages on a real socket: the mosquitto of Debian."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt import publish

from tests.makers import peers
from tests.makers.field import Certificate, free_port


def program(name: str, package: str) -> str:
    """A program of Debian; without it a test is skipped, or fails where it must run."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        peers.absent(f"no {name} on this machine (Debian: apt-get install {package})")
    return found or ""


@dataclass
class Broker:
    """A running mosquitto, and how to publish to it."""

    port: int
    user: str
    password: str
    ca: str = ""

    def publish(self, *messages: tuple[str, str], retain: bool = False) -> None:
        """Publish topics with payloads, each acknowledged by the broker."""
        rows: Any = [{"topic": topic, "payload": payload, "qos": 1, "retain": retain} for topic, payload in messages]
        auth: Any = {"username": self.user, "password": self.password}
        publish.multiple(rows, hostname="127.0.0.1", port=self.port, auth=auth)


@contextmanager
def mosquitto(directory: Path, *, certificate_of_broker: Certificate | None = None) -> Iterator[Broker]:
    """The broker of Debian on a free port, with a password and, if asked for, TLS."""
    command, port = program("mosquitto", "mosquitto"), free_port()
    passwords = directory / "passwords"
    subprocess.run([program("mosquitto_passwd", "mosquitto"), "-b", "-c", passwords, "reader", "hush"], check=True)
    # Started by root it would become a user who cannot read the directory of a test.
    lines = ["user root", f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}"]
    if certificate_of_broker:
        for name, text in (("cert", certificate_of_broker.pem), ("key", certificate_of_broker.key_pem)):
            (directory / name).write_text(text)
            lines.append(f"{name}file {directory / name}")
    configuration = directory / "mosquitto.conf"
    configuration.write_text("\n".join(lines))
    with (directory / "log").open("w") as output:
        process = subprocess.Popen([command, "-c", configuration], stdout=output, stderr=output)
        try:
            _wait_for_port(port, process)
            yield Broker(port, "reader", "hush", certificate_of_broker.pem if certificate_of_broker else "")
        finally:
            process.kill()
            process.wait(5)


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
    pytest.fail("mosquitto did not start")
