"""Incidents and their time lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from compliance import filters, forms, tables
from compliance.models import Incident
from compliance.services import response
from compliance.views.records import Action, Fact, ListPage, RecordPage, StepPage, fact


class IncidentList(ListPage):
    """Every incident."""

    model = Incident
    table_class = tables.IncidentTable
    filterset_class = filters.IncidentFilter
    title = _("Incidents")
    empty_title = _("No incident")
    empty_text = _("Alarms of high priority open incidents; you can record one, too.")
    create_url_name = "compliance:incident_create"
    create_label = _("Record an incident")
    create_capability = "compliance.add_incident"
    related = ("site",)


class IncidentDetail(RecordPage):
    """An incident with its time line."""

    model = Incident
    template_name = "compliance/incident_detail.html"
    list_url_name = "compliance:incident_list"
    list_title = _("Incidents")
    related = ("site", "alarm")

    def facts(self) -> Iterator[Fact]:
        """What it is, and its clocks."""
        incident: Incident = self.object
        zone = incident.site.zone
        yield fact(_("Site"), incident.site)
        yield Fact(_("Class"), incident.get_kind_display())
        yield Fact(_("Severity"), incident.get_severity_display())
        for label, at in (
            (_("Detected"), incident.detected_at),
            (_("Aware"), incident.aware_at),
            (_("Classified"), incident.classified_at),
            (_("Report due"), incident.report_due_at),
            (_("Reported"), incident.reported_at),
            (_("Closed"), incident.closed_at),
        ):
            yield Fact(label, f"{at.astimezone(zone):%Y-%m-%d %H:%M %Z}" if at else "")
        if incident.alarm:
            yield fact(_("Alarm"), incident.alarm)
        if incident.cause:
            yield Fact(_("Cause"), incident.cause)

    def actions(self) -> Iterator[Action]:
        """Telling, classifying, reporting, closing."""
        incident, change = self.object, "compliance.change_incident"
        pk = incident.pk
        if incident.state != Incident.State.CLOSED:
            entry = reverse("compliance:incident_entry", args=[pk])
            yield Action(_("Add to the time line"), entry, change, primary=True)
            yield Action(_("Classify"), reverse("compliance:incident_classify", args=[pk]), change)
        if incident.report_due_at and not incident.reported_at:
            yield Action(_("Record the report"), reverse("compliance:incident_report", args=[pk]), change)
        if incident.state != Incident.State.CLOSED:
            yield Action(_("Close"), reverse("compliance:incident_close", args=[pk]), "compliance.close_incident")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The time line, newest first."""
        entries = self.object.entries.select_related("by").order_by("-at", "-pk")
        return super().get_context_data(
            level=tables.INCIDENT_LEVELS[self.object.state],
            entries=[
                {"at": one.at, "title": one.text, "who": one.by or "", "text": one.get_state_display()}
                for one in entries
            ],
            zone=self.object.site.time_zone,
            follow_ups=self.object.tasks.all(),
            **kwargs,
        )


class IncidentCreate(scoped.ScopedCreateView):
    """An incident that a person records."""

    model = Incident
    form_class = forms.IncidentForm
    capability = "compliance.add_incident"
    title = _("Record an incident")

    def get_initial(self) -> dict[str, Any]:
        """Now, at the site that the address names."""
        return {"site": self.request.GET.get("site"), "detected_at": timezone.now()}

    def save(self, form: Any) -> Any:
        """The stored incident."""
        return response.open_incident(by=self.request.user, now=timezone.now(), **form.cleaned_data)


class IncidentStep(StepPage):
    """One step in the story of an incident."""

    model = Incident
    capability = "compliance.change_incident"


class IncidentEntryCreate(IncidentStep):
    """A line of the time line."""

    form_class = forms.EntryForm
    title = _("Add to the time line")
    confirm_label = _("Add")

    def act(self, form: Any) -> Any:
        """The incident with its new line."""
        entry = response.add_entry(incident=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)
        return entry.incident


class IncidentClassify(IncidentStep):
    """What kind of incident it is."""

    form_class = forms.ClassifyForm
    title = _("Classify the incident")
    confirm_label = _("Classify")

    def get_initial(self) -> dict[str, Any]:
        """As it is classified now."""
        incident = self.object
        return {"kind": incident.kind, "severity": incident.severity, "aware_at": incident.aware_at}

    def act(self, form: Any) -> Any:
        """The classified incident."""
        return response.classify(incident=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)


class IncidentReport(IncidentStep):
    """That an authority was told."""

    form_class = forms.ReportForm
    title = _("Record the report")
    confirm_label = _("Record")

    def act(self, form: Any) -> Any:
        """The reported incident."""
        return response.record_report(
            incident=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data
        )


class IncidentClose(scoped.ConfirmView):
    """The end of an incident."""

    model = Incident
    form_class = forms.CauseForm
    capability = "compliance.close_incident"
    title = _("Close the incident")
    consequence = _("The time line ends here; a closed incident cannot be opened again.")
    confirm_label = _("Close the incident")
    destructive = False

    def act(self, form: Any) -> Any:
        """The closed incident."""
        return response.close_incident(
            incident=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data
        )
