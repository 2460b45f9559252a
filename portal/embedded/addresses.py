"""Where the embedded servers answer, and the installation's secret: known to every command, also before they run."""

from pathlib import Path

from portal.embedded import service
from portal.embedded.postgres import Postgres
from portal.embedded.valkey import Valkey


def database_url(var: Path) -> str:
    return Postgres(var / "postgres").url


def broker_url(var: Path) -> str:
    return Valkey(var / "valkey").url


def cache_url(broker: str) -> str:
    """Return the next database of the broker's server: emptying the cache must not empty the queues."""
    address, _, number = broker.rpartition("/")
    if not broker.startswith(("redis://", "rediss://")) or not number.isdigit():
        raise service.ServiceError("CELERY_BROKER_URL names no numbered Redis database; set CACHE_URL too")
    return f"{address}/{int(number) + 1}"


def secret_key(var: Path) -> str:
    """Return the key that signs sessions and links, drawn at the first start."""
    var.mkdir(parents=True, exist_ok=True)
    return service.kept_secret(var / "secret-key")


def field_key(var: Path) -> str:
    """Return the key that seals the credentials of field devices, drawn at the first start."""
    var.mkdir(parents=True, exist_ok=True)
    return service.kept_secret(var / "field-key")
