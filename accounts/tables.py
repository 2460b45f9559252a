"""Columns and the base of every list table: numbers to the right, states in words, gaps as a dash."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import django_tables2
from django.db import models
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import refusals
from accounts.templatetags import components


@django_tables2.columns.base.library.register
class DayColumn(django_tables2.DateColumn):
    """A day as 2026-11-22, in every list alike; the column of every field that holds one."""

    empty_values = (None, "")

    @classmethod
    def from_field(cls, field: Any, **kwargs: Any) -> DayColumn | None:
        is_day = isinstance(field, models.DateField) and not isinstance(field, models.DateTimeField)
        return cls(**kwargs) if is_day else None

    def render(self, value: Any, **_cell: Any) -> str:
        shown = date_format(value, "Y-m-d")
        return format_html('<time datetime="{}" class="quantity">{}</time>', value.isoformat(), shown)


# A file holds the value itself, not its wording for the screen.
DAYS_AND_INSTANTS = (django_tables2.DateColumn, django_tables2.DateTimeColumn)


class PortalTable(django_tables2.Table):
    """Base of the list tables; rendered by components/table.html."""

    class Meta:
        template_name = "components/table.html"
        attrs = {"class": "table table-vcenter table-hover"}
        default = "–"


def export_rows(table: PortalTable, records: Iterable[Any]) -> Iterator[list[Any]]:
    """The cells of each record for a file, in the order of the columns.

    The same cells as ``Table.as_values``, which finds out for every single one how its function wants to be
    called: 10,000 rows took eleven seconds. Here that is done once for each column.
    """
    readers = [_reader(table, column) for column in table.columns.iterall() if not column.column.exclude_from_export]
    for record in records:
        yield [read(record) for read in readers]


def _reader(table: PortalTable, bound: Any) -> Callable[[Any], Any]:
    """The function that takes the column's cell from a record."""
    column = bound.column
    resolve = _resolver(table, bound)
    shape = getattr(table, f"value_{bound.name}", None) or getattr(table, f"render_{bound.name}", None)
    if shape is None and (type(column).value is django_tables2.Column.value or isinstance(column, DAYS_AND_INSTANTS)):
        return resolve
    call = _caller(shape or column.value, {"column": column, "bound_column": bound, "table": table, "bound_row": None})

    def read(record: Any) -> Any:
        value = resolve(record)
        return None if value in column.empty_values else call(value, record)

    return read


def _resolver(table: PortalTable, bound: Any) -> Callable[[Any], Any]:
    """The function that follows the column's path from a record; a choice is resolved to its word."""
    accessor = bound.accessor

    def resolve(record: Any) -> Any:
        return accessor.resolve(record, quiet=True)

    field = accessor.get_field(table._meta.model)
    if field is None or field.name != accessor.bits[-1] or not getattr(field, "choices", None):
        return resolve
    words = dict(field.flatchoices)
    return lambda record: words.get(resolve(record), resolve(record))


def _caller(function: Callable[..., Any], constants: dict[str, Any]) -> Callable[[Any, Any], Any]:
    """The function, called with those of its arguments that it names."""
    wanted = inspect.signature(function).parameters
    fixed = {name: value for name, value in constants.items() if name in wanted}
    takes_value, takes_record = "value" in wanted, "record" in wanted

    def call(value: Any, record: Any) -> Any:
        if takes_value and takes_record:
            return function(value=value, record=record, **fixed)
        if takes_record:
            return function(record=record, **fixed)
        return function(value=value, **fixed)

    return call


class NameColumn(django_tables2.Column):
    """The name of a row, linked to its record."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"linkify": True, "attrs": {"td": {"class": "row-name"}}, **kwargs})


class QuantityColumn(django_tables2.Column):
    """A number with its unit, right-aligned; `digits` after the point, or three significant ones."""

    def __init__(self, unit: str = "", digits: int | None = None, factor: float = 1, **kwargs: Any) -> None:
        classes = {"th": {"class": "numeric"}, "td": {"class": "numeric"}}
        super().__init__(**{"attrs": classes, **kwargs})
        self.unit = unit
        self.digits = digits
        self.factor = factor

    def render(self, value: Any) -> str:
        scaled = value if self.factor == 1 else float(value) * self.factor
        return components.quantity(scaled, self.unit, self.digits)

    def value(self, value: Any) -> Any:
        return value


class WhenColumn(django_tables2.Column):
    """An instant as its age, with the exact time on hover; the exact time in exports."""

    def render(self, value: Any) -> str:
        return components.age(value)

    def value(self, value: Any) -> Any:
        return value.isoformat() if value else ""


class InstantColumn(django_tables2.Column):
    """An instant in the zone of the site at `site`, or else of the reader; in UTC in exports."""

    def __init__(self, site: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.site = django_tables2.A(site)

    def render(self, value: Any, record: Any) -> str:
        zone = self.site.resolve(record).time_zone if self.site else ""
        return components.local_instant(value, zone)

    def value(self, value: Any) -> Any:
        return value.isoformat() if value else ""


class StateColumn(django_tables2.Column):
    """A state as icon and word; `levels` maps each state to ok, warn, bad, unknown or info."""

    def __init__(self, levels: dict[str, str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.levels = levels

    def render(self, value: Any, record: Any, bound_column: Any) -> str:
        stored = bound_column.accessor.resolve(record)
        return components.state_badge(str(value), self.levels.get(str(stored), "unknown"))

    def value(self, value: Any) -> Any:
        return value


class YesNoColumn(django_tables2.Column):
    """A yes or a no, in words."""

    def render(self, value: Any) -> str:
        return gettext("yes") if value else gettext("no")

    def value(self, value: Any) -> Any:
        return "yes" if value else "no"


class ChooseColumn(django_tables2.CheckBoxColumn):
    """The box that chooses a row for a bulk action; posts its key as `row`."""

    def __init__(self, **kwargs: Any) -> None:
        boxes = {
            "td__input": {
                "class": "form-check-input",
                "name": "row",
                "form": "list_bulk",
                "aria-label": _("Choose this row"),
            },
            "th__input": {"class": "form-check-input", "data-choose-all": "", "aria-label": _("Choose all rows")},
        }
        super().__init__(
            **{"accessor": "pk", "orderable": False, "exclude_from_export": True, "attrs": boxes, **kwargs}
        )


class ToldColumn(django_tables2.Column):
    """A sentence that was stored in English, in the language of the reader."""

    def render(self, value: Any) -> str:
        return refusals.in_words(str(value))

    def value(self, value: Any) -> str:
        return refusals.in_words(str(value)) if value else ""


class LinkColumn(django_tables2.Column):
    """A related row, linked to its record."""

    def render(self, value: Any) -> str:
        return format_html('<a href="{}">{}</a>', value.get_absolute_url(), value)

    def value(self, value: Any) -> Any:
        return str(value)
