"""What a table is as a CSV file: its columns, its natural key, what it refers to, and how its cells are read."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from kernel.errors import Refusal

TRUE = {"yes", "true", "1"}
FALSE = {"no", "false", "0"}


class CellRefused(Refusal):
    """A cell that cannot be read; the text says why."""


@dataclass(frozen=True)
class Column:
    """A column that holds one plain field."""

    name: str
    field: models.Field[Any, Any]

    def read(self, text: str, *, comma: bool) -> Any:
        """The value that the cell means, or ``CellRefused`` with the reason."""
        if not text:
            return self._empty()
        parse = PARSERS.get(type(self.field))
        try:
            return parse(text, comma) if parse else self.field.to_python(text)
        except ValidationError as refused:
            raise CellRefused(" ".join(refused.messages)) from refused

    def _empty(self) -> Any:
        if self.field.null:
            return None
        if self.field.has_default():
            return self.field.get_default()
        if self.field.blank:
            return ""
        raise CellRefused(_("is empty."))

    @staticmethod
    def write(value: Any) -> str:
        """The cell's text for a stored value."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, dt.datetime):
            return value.astimezone(dt.UTC).isoformat()
        if isinstance(value, dict):
            return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
        return str(value)


@dataclass(frozen=True)
class Reference:
    """One or more columns that together name a row of another table."""

    field: str
    model: type[models.Model]
    lookups: Mapping[str, str]
    optional: bool = False
    own: frozenset[str] = dataclasses.field(default_factory=frozenset)

    @property
    def required_columns(self) -> list[str]:
        """The columns whose emptiness means that nothing is referred to."""
        return [name for name in self.lookups if name not in self.own]


@dataclass(frozen=True)
class TableFormat:
    """A table as a CSV file."""

    name: str
    title: str | Promise
    model: type[models.Model]
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: tuple[Reference, ...] = ()

    @property
    def headers(self) -> list[str]:
        """The column names in the order in which an export writes them."""
        names = [name for reference in self.references for name in reference.lookups]
        return list(dict.fromkeys(names + [column.name for column in self.columns]))

    @property
    def required_headers(self) -> list[str]:
        """The columns that a file must have: the natural key."""
        by_field = {reference.field: list(reference.lookups) for reference in self.references}
        return [header for name in self.key for header in by_field.get(name, [name])]


def _number(text: str, comma: bool) -> Decimal:  # noqa: FBT001 -- called through a table of parsers
    try:
        number = Decimal(text.replace(",", ".") if comma else text)
    except InvalidOperation:
        raise CellRefused(_("“%(text)s” is not a number.") % {"text": text}) from None
    if not number.is_finite():
        raise CellRefused(_("“%(text)s” is not a number.") % {"text": text})
    return number


def _boolean(text: str, _comma: bool) -> bool:  # noqa: FBT001 -- called through a table of parsers
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise CellRefused(_("“%(text)s” is neither yes nor no.") % {"text": text})


def _instant(text: str, _comma: bool) -> dt.datetime:  # noqa: FBT001 -- called through a table of parsers
    try:
        instant = parse_datetime(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        example = "2026-10-01T06:00:00+02:00"
        raise CellRefused(
            _("“%(text)s” is no ISO 8601 time with an offset, such as %(example)s.")
            % {"text": text, "example": example}
        )
    return instant.astimezone(dt.UTC)


def _mapping(text: str, _comma: bool) -> dict[str, Any]:  # noqa: FBT001 -- called through a table of parsers
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        example = '{"register": 52}'
        raise CellRefused(_("“%(text)s” is no JSON object, such as %(example)s.") % {"text": text, "example": example})
    return value


PARSERS: dict[type[models.Field[Any, Any]], Callable[[str, bool], Any]] = {
    models.FloatField: lambda text, comma: float(_number(text, comma)),
    models.DecimalField: _number,
    models.BooleanField: _boolean,
    models.DateTimeField: _instant,
    models.JSONField: _mapping,
}
