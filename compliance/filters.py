"""The filter bars of the lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import filters
from compliance.models import (
    AuditPack,
    Document,
    Incident,
    MaintenancePlan,
    Permit,
    Task,
    WaterCircuit,
    WaterLimit,
    WaterSample,
)
from compliance.models.water import Treatment, Verdict
from compliance.queries import standing
from hosting.models import Site


class OverviewFilter(filters.ScopedFilterSet):
    """Sites by name."""

    search_fields = ("code", "name")

    class Meta:
        model = Site
        fields: Any = ("lifecycle", "country")


class TaskFilter(filters.ScopedFilterSet):
    """Tasks by site, subject and how they stand."""

    STANDINGS = (
        ("open", _("open")),
        ("due", _("due")),
        ("overdue", _("overdue")),
        ("done", _("done")),
        ("unproven", _("done without a document")),
        ("cancelled", _("cancelled")),
    )
    search_fields = ("title", "site__name", "site__code")
    standing = django_filters.ChoiceFilter(label=_("standing"), choices=STANDINGS, method="by_standing")

    class Meta:
        model = Task
        fields: Any = ("site", "subject", "standing", "origin", "plan")

    def by_standing(self, rows: QuerySet[Task], _name: str, value: str) -> QuerySet[Task]:
        """The tasks that stand so today."""
        today = timezone.localdate()
        if value == "due":
            return rows.filter(standing.is_due(today))
        if value == "overdue":
            return rows.filter(standing.is_overdue(today))
        return standing.missing_evidence(rows) if value == "unproven" else rows.filter(state=value)


class PlanFilter(filters.ScopedFilterSet):
    """Maintenance plans by site and subject."""

    search_fields = ("title", "site__name", "source")

    class Meta:
        model = MaintenancePlan
        fields: Any = ("site", "subject", "active")


class CircuitFilter(filters.ScopedFilterSet):
    """Water circuits by site and treatment."""

    search_fields = ("name", "code", "site__name")

    class Meta:
        model = WaterCircuit
        fields: Any = ("site", "treatment", "retired")


class SampleFilter(filters.ScopedFilterSet):
    """Water samples by circuit, verdict and time."""

    search_fields = ("circuit__name", "circuit__site__name", "laboratory", "report_number")
    verdict = django_filters.ChoiceFilter(choices=Verdict)
    site = django_filters.ModelChoiceFilter(field_name="circuit__site", queryset=Site.objects.all(), label=_("site"))
    taken = filters.DayRangeFilter(field_name="taken_at", label=_("taken"))

    class Meta:
        model = WaterSample
        fields: Any = ("site", "circuit", "verdict", "taken")


class LimitFilter(filters.ScopedFilterSet):
    """Water limits by treatment, parameter and country."""

    search_fields = ("source",)
    treatment = django_filters.ChoiceFilter(choices=Treatment)

    class Meta:
        model = WaterLimit
        fields: Any = ("treatment", "parameter", "jurisdiction", "verified")


class PermitFilter(filters.ScopedFilterSet):
    """Permits by site, kind and status."""

    search_fields = ("reference", "authority", "scope", "site__name")
    expires = filters.DayRangeFilter(field_name="expires_on", label=_("expires"))

    class Meta:
        model = Permit
        fields: Any = ("site", "kind", "status", "expires")


class IncidentFilter(filters.ScopedFilterSet):
    """Incidents by site, state, class and severity."""

    search_fields = ("title", "cause", "site__name")
    open = django_filters.BooleanFilter(label=_("open"), method="by_open")
    report = django_filters.ChoiceFilter(label=_("report"), choices=(("late", _("late")),), method="by_report")

    class Meta:
        model = Incident
        fields: Any = ("site", "state", "kind", "severity", "open", "report")

    def by_open(self, rows: QuerySet[Incident], _name: str, value: bool) -> QuerySet[Incident]:  # noqa: FBT001
        """The incidents that are not closed, or those that are."""
        closed = {"state": Incident.State.CLOSED}
        return rows.exclude(**closed) if value else rows.filter(**closed)

    def by_report(self, rows: QuerySet[Incident], _name: str, _value: str) -> QuerySet[Incident]:
        """The incidents whose report to an authority is late."""
        return rows.filter(report_due_at__lt=timezone.now(), reported_at__isnull=True)


class DocumentFilter(filters.ScopedFilterSet):
    """Documents by site and the day they speak of."""

    search_fields = ("title", "file_name", "sha256", "site__name")
    evidence = filters.DayRangeFilter(field_name="evidence_on", label=_("evidence date"))

    class Meta:
        model = Document
        fields: Any = ("site", "evidence")


class PackFilter(filters.ScopedFilterSet):
    """Audit packs by site and state."""

    search_fields = ("title", "sha256")
    site = django_filters.ModelChoiceFilter(field_name="sites", queryset=Site.objects.all(), label=_("site"))

    class Meta:
        model = AuditPack
        fields: Any = ("site", "state")
