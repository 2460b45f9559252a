"""What a wrong restore or a database administrator could do: rows change while no trigger looks."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def without_triggers(table: str) -> Iterator[None]:
    """No trigger of ours on the table until the block ends; its owner may do that, no superuser is needed."""
    with connection.cursor() as cursor:
        # Deferred checks of earlier statements must be over before a table can be altered.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
