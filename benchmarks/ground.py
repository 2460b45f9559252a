"""The ground that every benchmark stands on: a throw-away PostgreSQL and Valkey, and plain figures."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def throw_away_portal(kept: Path | None = None) -> Iterator[None]:
    """A migrated, empty portal on servers of its own, gone when the block ends.

    With a folder to be kept in, the next run goes on with what this one left there, and PostgreSQL is set up as
    `make run` does it; else it may lose what it holds, which is quicker. Django must not be imported before: its
    settings read the addresses set here.
    """
    from portal.embedded.postgres import Postgres  # noqa: PLC0415 -- nothing of Django yet
    from portal.embedded.valkey import Valkey  # noqa: PLC0415

    with _folder(kept) as folder:
        postgres = Postgres(Path(folder) / "postgres", throw_away=kept is None)
        valkey = Valkey(Path(folder) / "valkey", throw_away=True)
        postgres.start()
        valkey.start()
        os.environ |= {
            "HEATLEDGER_VAR": folder,
            "SECRET_KEY": "of a benchmark",
            "DATABASE_URL": postgres.url,
            "CELERY_BROKER_URL": valkey.url,
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "HEATLEDGER_FIELD_ON_THIS_MACHINE": "1",
        }
        try:
            _migrate()
            yield
        finally:
            _hang_up()
            valkey.stop()
            postgres.stop()


@contextmanager
def _folder(kept: Path | None) -> Iterator[str]:
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield str(kept.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="heatledger-benchmark-") as folder:
            yield folder


def _migrate() -> None:
    import django  # noqa: PLC0415 -- only once the addresses are set
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)


def _hang_up() -> None:
    from django.db import connections  # noqa: PLC0415 -- only once the addresses are set

    connections.close_all()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the sorted values do not pass."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
