"""The filter bar of a list: a search word and filters whose choices hold only visible rows."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any, ClassVar

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
            for field in form.fields.values():
                if isinstance(field, forms.ModelChoiceField) and isinstance(field.queryset, scoping.ScopedQuerySet):
                    field.queryset = field.queryset.visible_to(user)
                elif isinstance(field, forms.NullBooleanField):
                    field.widget.choices = [("unknown", _("any")), ("true", _("yes")), ("false", _("no"))]
            form.choices_narrowed = True
        return form

    def search(self, rows: QuerySet[Any], _name: str, word: str) -> QuerySet[Any]:
        """The rows in which one of the search fields contains every word typed."""
        for part in word.split():
            rows = rows.filter(reduce(or_, (Q(**{f"{field}__icontains": part}) for field in self.search_fields)))
        return rows
