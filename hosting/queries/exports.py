"""Inventory tables as CSV files that an import takes back unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.db import models

from accounts import scoping
from hosting import exchange
from kernel import csvfiles

if TYPE_CHECKING:
    from accounts.models import User

CHUNK_ROWS = 2000


def export_lines(*, table: exchange.TableFormat, user: User) -> Iterator[bytes]:
    """The table's rows that ``user`` may see, as lines of a CSV file, header first."""
    rows: models.QuerySet[models.Model] = table.model._default_manager.all()
    if isinstance(rows, scoping.ScopedQuerySet):
        rows = rows.visible_to(user)
    elif not user.has_perm(f"{table.model._meta.app_label}.view_{table.model._meta.model_name}"):
        rows = rows.none()  # a catalog hangs on no site; whoever may view the kind sees all of it
    lookups = {column.name: column.name for column in table.columns}
    for reference in table.references:
        for name, lookup in reference.lookups.items():
            if name not in reference.own:
                lookups[name] = f"{reference.field}__{lookup}"
    values = rows.order_by(*_order(table)).values_list(*(lookups[name] for name in table.headers))
    write = exchange.Column.write
    return csvfiles.write_lines(table.headers, ([write(cell) for cell in row] for row in values.iterator(CHUNK_ROWS)))


def _order(table: exchange.TableFormat) -> list[str]:
    """By natural key, parts after what they are part of, so that an import finds every parent."""
    parents = [ref.field for ref in table.references if ref.model is table.model]
    return [*(models.F(name).asc(nulls_first=True) for name in parents), *table.key]  # type: ignore[list-item]
