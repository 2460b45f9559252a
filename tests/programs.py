"""Processes of the installation, on the database of the running test."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from celery import current_app
from django.db import connection

ROOT = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """Return the environment of a process that works on the database of this test."""
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    return os.environ | {"DATABASE_URL": urlunsplit(address), "DJANGO_SETTINGS_MODULE": "portal.settings"}


@contextmanager
def program(*command: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A Python process with all its children; killed when the block ends, if it has not been before."""
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment(), start_new_session=True)
    try:
        yield process
    finally:
        kill(process)


@contextmanager
def celery_worker(*queues: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker of these queues, without a schedule; what earlier tests left in them is gone."""
    current_app.control.purge()
    options = ("--loglevel", "ERROR", "-Q", ",".join(queues), "-c", "1", "--without-gossip", "--without-mingle")
    with program("-m", "celery", "-A", "portal", "worker", *options) as process:
        yield process


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End the process and its children as the kernel does when memory is short: without a word."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
