"""The filter bars of the lists."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import filters
from hosting.models import Device, Site
from hosting.models.field import Protocol
from thermal.models import Alarm, AlarmRule, HeatInterval, MeterReading, SiteInterval
from thermal.queries import health


def instant_filter(field: str, lookup: str, label: Any) -> django_filters.Filter:
    """A bound of the time of a row, as people type it."""
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return django_filters.IsoDateTimeFilter(field_name=field, lookup_expr=lookup, label=label, widget=widget)


class HeatFilter(filters.ScopedFilterSet):
    """Sites by name, lifecycle and country."""

    search_fields = ("code", "name")

    class Meta:
        model = Site
        fields: Any = ("lifecycle", "country")


class SiteIntervalFilter(filters.ScopedFilterSet):
    """Quarter hours by time (UTC), export mode and cause, curtailment and quality."""

    curtailed = django_filters.BooleanFilter(label=_("curtailed"), method="by_curtailed")
    start = instant_filter("start", "gte", _("from (UTC)"))
    end = instant_filter("start", "lt", _("before (UTC)"))

    class Meta:
        model = SiteInterval
        fields: Any = ("export_mode", "export_cause", "curtailed", "it_quality")

    def by_curtailed(self, rows: QuerySet[Any], _name: str, value: bool) -> QuerySet[Any]:  # noqa: FBT001
        """The quarter hours in which export was blocked, or the others."""
        blocked = Q(curtailed_s__gt=0) | Q(curtailed_kwh__gt=0)
        return rows.filter(blocked) if value else rows.exclude(blocked)


class HeatIntervalFilter(filters.ScopedFilterSet):
    """Quarter hours by time (UTC), quality and reason."""

    start = instant_filter("start", "gte", _("from (UTC)"))
    end = instant_filter("start", "lt", _("before (UTC)"))

    class Meta:
        model = HeatInterval
        fields: Any = ("quality", "reason")


class ReadingFilter(filters.ScopedFilterSet):
    """Readings by time (UTC) and source."""

    start = instant_filter("at", "gte", _("from (UTC)"))
    end = instant_filter("at", "lt", _("before (UTC)"))

    class Meta:
        model = MeterReading
        fields: Any = ("source",)


class AlarmFilter(filters.ScopedFilterSet):
    """Alarms by state, priority and site; closed ones only when asked for."""

    search_fields = ("message", "rule__name", "site__name")
    SHOWN = (("open", _("open")), ("quiet", _("kept quiet by announced work")), ("all", _("all, with closed ones")))
    shown = django_filters.ChoiceFilter(label=_("show"), choices=SHOWN, method="narrow", empty_label=None)
    site = django_filters.ModelChoiceFilter(label=_("site"), queryset=Site.objects.all())

    class Meta:
        model = Alarm
        fields: Any = ("state", "priority", "site")

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        chosen = data.copy() if data is not None else None
        if chosen is not None and not chosen.get("shown") and not chosen.get("state"):
            chosen["shown"] = "open"
        super().__init__(chosen, *args, **kwargs)

    def narrow(self, rows: QuerySet[Alarm], _name: str, choice: str) -> QuerySet[Alarm]:
        """The open alarms that call for somebody, those kept quiet, or all."""
        if choice == "all":
            return rows
        still_open = rows.exclude(state=Alarm.State.CLOSED)
        return still_open.filter(suppressed_by__isnull=choice == "open")


class AlarmRuleFilter(filters.ScopedFilterSet):
    """Rules by site, kind and priority."""

    search_fields = ("name", "key", "action")
    site = django_filters.ModelChoiceFilter(label=_("site"), queryset=Site.objects.all())

    class Meta:
        model = AlarmRule
        fields: Any = ("site", "kind", "priority", "enabled")


class DataHealthFilter(filters.ScopedFilterSet):
    """Devices by site, protocol and state, those that fell silent, and those that answer too seldom."""

    search_fields = ("code", "name", "last_error", "controller__code")
    WELL_RATIO = 0.98
    SHOWN = (("stale", _("silent for three polls")), ("poor", _("answered below 98 %")))
    shown = django_filters.ChoiceFilter(label=_("show"), choices=SHOWN, method="narrow")
    site = django_filters.ModelChoiceFilter(label=_("site"), field_name="controller__site", queryset=Site.objects.all())
    protocol = django_filters.ChoiceFilter(
        label=_("protocol"), field_name="controller__protocol", choices=Protocol.choices
    )

    class Meta:
        model = Device
        fields: Any = ("site", "protocol", "circuit", "enabled")

    def narrow(self, rows: QuerySet[Any], _name: str, choice: str) -> QuerySet[Any]:
        """The devices that need somebody."""
        if choice == "stale":
            return rows.filter(health.stale(timezone.now()))
        return rows.filter(recent_ratio__lt=self.WELL_RATIO)
