"""The chosen filters of a list as chips, each with the address that removes it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.formats import date_format
from django.utils.translation import gettext

# A range filter spreads one name over several parameters of the address.
SUFFIXES = ("", "_min", "_max", "_after", "_before", "_0", "_1")


@dataclass(frozen=True)
class Chip:
    """One chosen filter."""

    label: str
    value: str
    remove_url: str


def chips_of(filterset: Any, state: QueryDict) -> list[Chip]:
    """Return one chip for every filter that is set, in the order of the filter bar."""
    if not filterset.is_bound:
        return []
    filterset.form.is_valid()
    chosen = filterset.form.cleaned_data
    fields: Iterable[tuple[str, forms.Field]] = filterset.form.fields.items()
    return [
        Chip(str(field.label or name), _words(field, chosen[name]), _without(state, name))
        for name, field in fields
        if name in chosen and not _is_empty(chosen[name])
    ]


def _is_empty(value: Any) -> bool:
    if isinstance(value, slice):
        return value.start is None and value.stop is None
    if hasattr(value, "exists"):
        return not value
    return value in (None, "", [], ())


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(value, slice):
        return f"{_word(field, value.start)} … {_word(field, value.stop)}"
    if isinstance(value, list | tuple) or hasattr(value, "exists"):
        return ", ".join(_word(field, one) for one in value)
    return _word(field, value)


def _word(field: forms.Field, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if hasattr(value, "year"):
        return date_format(value, "SHORT_DATE_FORMAT")
    # Rows are named by themselves: asking the field for its choices would read them all.
    if not isinstance(field, forms.ModelChoiceField):
        for key, label in getattr(field, "choices", ()):
            if str(key) == str(value):
                return str(label)
    return str(value)


def _without(state: QueryDict, name: str) -> str:
    """The address of the list without this filter, back on the first page."""
    left = state.copy()
    for suffix in SUFFIXES:
        left.pop(name + suffix, None)
    left.pop("page", None)
    return "?" + left.urlencode()
