"""The filter bar of a list: a search word and filters whose choices hold only visible rows."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, ClassVar, Final

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import scoping


class DayRangeWidget(django_filters.widgets.DateRangeWidget):
    """Two days, each with a name of its own for those who do not see where it stands."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.widgets = [
            forms.DateInput(attrs={"type": "date", "aria-label": word}, format="%Y-%m-%d")
            for word in (_("from"), _("up to and with"))
        ]

    use_fieldset = True


class DayRangeFilter(django_filters.DateFromToRangeFilter):
    """Rows from one day up to and with another; either may be left open."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"widget": DayRangeWidget, **kwargs})


# A list of choices that nobody reads to its end is typed instead of chosen, and not sent with every page.
MOST_CHOICES: Final = 200
TYPED_NAMES: Final = ("code", "serial", "number")


class TypedRowField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A related row, given by its code or, as links do, by its key."""

    widget = forms.TextInput
    queryset: QuerySet[Any]

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name

    def to_python(self, value: Any) -> Any:
        """The row that is meant, if the user may see it."""
        if value in self.empty_values:
            return None
        meant = Q(**{f"{self.name}__iexact": value})
        found = self.queryset.filter(meant | Q(pk=value) if str(value).isdigit() else meant)[:2]
        if len(found) != 1:
            raise forms.ValidationError(_("There is no “%(text)s” here. Type the whole code."), params={"text": value})
        return found[0]

    def prepare_value(self, value: Any) -> Any:
        """The code, also where a link gave the key."""
        if not str(value or "").isdigit():
            return value
        return self.queryset.filter(pk=value).values_list(self.name, flat=True).first() or value


def fitted(field: Any) -> Any:
    """The field with its choices fetched once, or a field to type into where they are too many."""
    rows = list(field.queryset[: MOST_CHOICES + 1])
    if len(rows) <= MOST_CHOICES:
        field.widget.choices = [("", field.empty_label), *((row.pk, field.label_from_instance(row)) for row in rows)]
        return field
    names = {column.name for column in field.queryset.model._meta.fields}
    name = next((name for name in TYPED_NAMES if name in names), "")
    if not name:
        return field
    return TypedRowField(field.queryset, name=name, required=False, label=field.label, help_text=field.help_text)


class ScopedFilterSet(django_filters.FilterSet):
    """Filters of a list; set `search_fields` to the fields that the search word looks in."""

    filters: Any
    search_fields: ClassVar[tuple[str, ...]] = ()
    q = django_filters.CharFilter(
        method="search", label=_("Search"), widget=forms.TextInput(attrs={"type": "search", "autocomplete": "off"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: dict[str, Any] = self.filters
        search = chosen.pop("q")
        self.filters = {"q": search, **chosen} if self.search_fields else chosen

    @property
    def form(self) -> Any:
        form = super().form
        user = getattr(self.request, "user", None)
        if user is not None and not getattr(form, "choices_narrowed", False):
            for name, field in list(form.fields.items()):
                if isinstance(field, forms.ModelChoiceField) and isinstance(field.queryset, scoping.ScopedQuerySet):
                    field.queryset = field.queryset.visible_to(user)
                    if not isinstance(field, forms.ModelMultipleChoiceField):
                        form.fields[name] = fitted(field)
                elif isinstance(field, forms.NullBooleanField):
                    field.widget.choices = [("unknown", _("any")), ("true", _("yes")), ("false", _("no"))]
            form.choices_narrowed = True
        return form

    def search(self, rows: QuerySet[Any], _name: str, word: str) -> QuerySet[Any]:
        """The rows in which one of the search fields contains every word typed."""
        for part in word.split():
            rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": part}) for field in self.search_fields)))
        return rows
