"""Where the portal's own services answer, so that nobody reaches them by calling them a field device."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

PORTS: Final = {
    "postgres": 5432,
    "postgresql": 5432,
    "redis": 6379,
    "rediss": 6379,
    "amqp": 5672,
    "amqps": 5671,
    "smtp": 25,
    "smtp+tls": 587,
    "smtp+ssl": 465,
}
"""The port of each kind of service where its address names none."""


def own_services(*addresses: str) -> Iterator[str]:
    """Yield host and port of each address; a service on a socket of the file system has none.

    >>> list(own_services("postgres://user:password@db.example/name", "postgres://@/name?host=/run/postgresql"))
    ['db.example:5432']
    >>> list(own_services("redis://:password@[::1]:6379/0", "http://0.0.0.0:8000"))
    ['[::1]:6379', '0.0.0.0:8000']
    """
    for address in addresses:
        parts = urlsplit(address)
        port = parts.port or PORTS.get(parts.scheme)
        if parts.hostname and port:
            yield f"[{parts.hostname}]:{port}" if ":" in parts.hostname else f"{parts.hostname}:{port}"
