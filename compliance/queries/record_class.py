"""A record class of an audit pack: which columns, and how its rows stood at an earlier instant."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import BinaryField, ForeignKey, Model, QuerySet
from django.utils.functional import Promise

from accounts.models import User
from compliance.queries.scope import Scope
from contracts.models import (
    Contract,
    CreditNote,
    Invoice,
    LegalEntity,
    Offtaker,
)
from hosting.models import (
    Controller,
    DeliveryPoint,
    Device,
    Equipment,
    Meter,
    Site,
)

CHUNK_ROWS: Final = 5000
# People read these instead of a number that only the database knows.
NATURAL_KEYS: Final[dict[type[Model], str]] = {
    Site: "code",
    Equipment: "tag",
    DeliveryPoint: "code",
    Meter: "serial",
    Controller: "code",
    Device: "code",
    Contract: "number",
    Offtaker: "code",
    LegalEntity: "code",
    Invoice: "number",
    CreditNote: "number",
    User: "email",
}


@dataclass(frozen=True)
class Undo:
    """What a row said before something happened to it: these values, as long as `at` lies after the as-of time."""

    at: str
    values: dict[str, Any]

    def apply(self, row: dict[str, Any], as_of: datetime) -> None:
        """Put the row back to how it stood."""
        if row[self.at] is not None and row[self.at] > as_of:
            row.update(self.values)


@dataclass(frozen=True)
class Table:
    """One record class: its file name, its words, its rows in order."""

    path: str
    title: str | Promise
    model: type[Model]
    rows: Callable[[Scope], QuerySet[Any]]
    order: tuple[str, ...]
    leave_out: tuple[str, ...] = ()
    undo: tuple[Undo, ...] = ()
    instead: tuple[tuple[str, str], ...] = ()

    @cached_property
    def columns(self) -> dict[str, str]:
        """Each column of the file with the lookup that fills it."""
        told = dict(self._column(field) for field in self.model._meta.concrete_fields if self._is_told(field))
        return told | dict(self.instead)

    def _is_told(self, field: Any) -> bool:
        composite = field.get_internal_type() == "CompositePrimaryKey"
        return not (composite or isinstance(field, BinaryField) or field.name in self.leave_out)

    @staticmethod
    def _column(field: Any) -> tuple[str, str]:
        key = NATURAL_KEYS.get(field.related_model) if isinstance(field, ForeignKey) else None
        return (field.name, f"{field.name}__{key}") if key else (field.attname, field.attname)

    def read(self, scope: Scope) -> Iterator[dict[str, Any]]:
        """Each row as column and value, in order, a few thousand in memory at once."""
        rows = self.rows(scope).order_by(*self.order).values_list(*self.columns.values())
        for values in rows.iterator(chunk_size=CHUNK_ROWS):
            row = dict(zip(self.columns, values, strict=True))
            for undo in self.undo:
                undo.apply(row, scope.as_of)
            yield row
