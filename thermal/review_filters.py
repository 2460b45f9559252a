"""The filter bars of the review."""

import datetime as dt
from typing import Any

import django_filters
from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import filters
from hosting.models import Meter, Site
from thermal.models import ValidationFinding, ValidationRule
from thermal.queries import review_months


class FindingFilter(filters.ScopedFilterSet):
    """Findings by state, severity, rule, site, meter and month; without a state the open ones."""

    search_fields = ("meter__serial", "delivery_point__name", "site__name", "note")
    ALL = "all"
    STATES = ((ALL, _("all")), *ValidationFinding.State.choices)
    state = django_filters.ChoiceFilter(label=_("state"), choices=STATES, method="narrow_state", empty_label=None)
    site = django_filters.ModelChoiceFilter(label=_("site"), queryset=Site.objects.all())
    meter = django_filters.ModelChoiceFilter(label=_("meter"), queryset=Meter.objects.all())
    month = django_filters.CharFilter(
        label=_("month"), method="narrow_month", widget=forms.TextInput(attrs={"type": "month"})
    )

    class Meta:
        model = ValidationFinding
        fields: Any = ("state", "severity", "rule", "site", "meter")

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        chosen = data.copy() if data is not None else None
        if chosen is not None and not chosen.get("state"):
            chosen["state"] = ValidationFinding.State.OPEN.value
        super().__init__(chosen, *args, **kwargs)

    def narrow_state(self, rows: QuerySet[ValidationFinding], _name: str, state: str) -> QuerySet[ValidationFinding]:
        """The findings in the state, or all."""
        return rows if state == self.ALL else rows.filter(state=state)

    def narrow_month(self, rows: QuerySet[ValidationFinding], _name: str, month: str) -> QuerySet[ValidationFinding]:
        """The findings that reach into the month, written as 2026-10."""
        try:
            first = dt.date.fromisoformat(f"{month}-01")
        except ValueError:
            return rows.none()
        period = review_months.month_in_utc(first)
        return rows.filter(starts_at__lt=period.end, ends_at__gt=period.start)


class ValidationRuleFilter(filters.ScopedFilterSet):
    """Rules by number, site and whether somebody has checked them; those that still hold unless asked otherwise."""

    search_fields = ("rule", "country", "source")
    HELD = (("now", _("hold now")), ("all", _("all, with former ones")))
    held = django_filters.ChoiceFilter(label=_("show"), choices=HELD, method="narrow", empty_label=None)
    site = django_filters.ModelChoiceFilter(label=_("site"), queryset=Site.objects.all())

    class Meta:
        model = ValidationRule
        fields: Any = ("rule", "site", "is_verified", "enabled")

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        chosen = data.copy() if data is not None else None
        if chosen is not None and not chosen.get("held"):
            chosen["held"] = "now"
        super().__init__(chosen, *args, **kwargs)

    def narrow(self, rows: QuerySet[ValidationRule], _name: str, choice: str) -> QuerySet[ValidationRule]:
        """The rules that nothing has replaced, or all."""
        return rows if choice == "all" else rows.filter(valid_until__isnull=True)
