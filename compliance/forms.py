"""The forms: shape only, services decide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import DayInput
from accounts.models import User
from compliance.fields import DayField, FigureField, FilesField, InstantField
from compliance.models import (
    Incident,
    MaintenancePlan,
    Permit,
    Task,
    WaterCircuit,
    WaterLimit,
)
from compliance.models.water import Parameter
from compliance.services.treatment import Figure
from hosting.models import Equipment, Site

ACCEPTED = _("PDF, PNG, JPEG, CSV, text, Word or Excel; up to 25 MB each.")


class DutyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What plans and tasks ask alike: who is responsible, and which equipment or circuit of the site it is about."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["responsible"].queryset = User.objects.filter(is_active=True)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """What a duty is about stands at its site."""
        chosen = super().clean() or self.cleaned_data
        site = chosen.get("site")
        for name in ("equipment", "circuit"):
            row = chosen.get(name)
            if site is not None and row is not None and row.site_id != site.pk:
                self.add_error(name, _("This stands at another site."))
        return chosen


class PlanForm(DutyForm):
    """A recurring duty."""

    class Meta:
        model = MaintenancePlan
        fields = (
            "site",
            "subject",
            "title",
            "equipment",
            "circuit",
            "interval_months",
            "interval_days",
            "starts_on",
            "ends_on",
            "lead_days",
            "responsible",
            "instructions",
            "source",
            "needs_document",
            "active",
        )
        widgets = {"starts_on": DayInput(), "ends_on": DayInput(), "instructions": forms.Textarea(attrs={"rows": 4})}


class TaskForm(DutyForm):
    """A task that somebody asks for."""

    class Meta:
        model = Task
        fields = (
            "site",
            "subject",
            "title",
            "instructions",
            "due_on",
            "lead_days",
            "equipment",
            "circuit",
            "responsible",
            "needs_document",
        )
        widgets = {"due_on": DayInput(), "instructions": forms.Textarea(attrs={"rows": 4})}


class CompleteForm(forms.Form):
    """A task, done."""

    outcome = forms.ChoiceField(label=_("result"), choices=Task.Outcome.choices)
    done_on = DayField(label=_("done on"))
    note = forms.CharField(label=_("note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    uploads = FilesField(label=_("evidence"), required=False, help_text=ACCEPTED)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label=_("reason"), max_length=400)


class CircuitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A water circuit."""

    class Meta:
        model = WaterCircuit
        fields = ("site", "code", "name", "treatment", "volume_l", "materials", "equipment", "notes", "retired")
        widgets = {"notes": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        """The equipment of a circuit stands at its site."""
        chosen = super().clean() or self.cleaned_data
        site = chosen.get("site")
        equipment: list[Equipment] = list(chosen.get("equipment") or [])
        if site is not None and any(one.site_id != site.pk for one in equipment):
            self.add_error("equipment", _("Some of it stands at another site."))
        return chosen


class LimitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A water limit."""

    class Meta:
        model = WaterLimit
        fields = (
            "treatment",
            "parameter",
            "jurisdiction",
            "lowest_value",
            "highest_value",
            "valid_from",
            "valid_until",
            "source",
            "verified",
        )
        widgets = {"valid_from": DayInput(), "valid_until": DayInput()}


class SampleForm(forms.Form):
    """A water sample with its results; the parameters that have a limit come first."""

    def __init__(self, *args: Any, zone: ZoneInfo, limited: dict[str, WaterLimit], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clock = _("Wall clock in %(zone)s.") % {"zone": zone}
        self.fields["taken_at"] = InstantField(label=_("taken"), zone=zone, help_text=clock)
        for parameter in sorted(Parameter, key=lambda parameter: parameter.value not in limited):
            limit = limited.get(parameter.value)
            self.fields[f"value_{parameter.value}"] = FigureField(
                label=parameter.label, required=False, help_text=limit_words(limit) if limit else ""
            )
        self.fields["taken_by"] = forms.CharField(label=_("taken by"), required=False, max_length=120)
        self.fields["laboratory"] = forms.CharField(label=_("laboratory"), required=False, max_length=120)
        self.fields["report_number"] = forms.CharField(label=_("number of the report"), required=False, max_length=60)
        self.fields["note"] = forms.CharField(label=_("note"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
        self.fields["uploads"] = FilesField(label=_("report of the laboratory"), required=False, help_text=ACCEPTED)

    def figures(self) -> Iterator[Figure]:
        """Each figure that was entered."""
        for parameter in Parameter:
            entered = self.cleaned_data.get(f"value_{parameter.value}")
            if entered is not None:
                yield Figure(parameter.value, entered[1], entered[0])


def limit_words(limit: WaterLimit) -> str:
    """The limit as it is read aloud."""
    low, high = limit.lowest_value, limit.highest_value
    if low is not None and high is not None:
        return f"{low.normalize():f} – {high.normalize():f}"
    return f"≥ {low.normalize():f}" if low is not None else f"≤ {high.normalize():f}"  # type: ignore[union-attr]


class PermitForm(forms.ModelForm):  # type: ignore[type-arg]
    """A permit."""

    class Meta:
        model = Permit
        fields = (
            "site",
            "kind",
            "authority",
            "reference",
            "scope",
            "status",
            "issued_on",
            "expires_on",
            "renewal_lead_days",
        )
        widgets = {"issued_on": DayInput(), "expires_on": DayInput(), "scope": forms.Textarea(attrs={"rows": 3})}


class RenewalForm(forms.Form):
    """The renewal of a permit."""

    reference = forms.CharField(label=_("new reference"), max_length=120)
    issued_on = DayField(label=_("issued on"))
    expires_on = DayField(label=_("expires on"), required=False, help_text=_("First day without it; empty: unlimited."))

    def clean(self) -> dict[str, Any]:
        """A permit expires after it was issued."""
        chosen = super().clean() or self.cleaned_data
        issued_on, expires_on = chosen.get("issued_on"), chosen.get("expires_on")
        if issued_on and expires_on and expires_on <= issued_on:
            self.add_error("expires_on", _("The permit must expire after it was issued."))
        return chosen


class ConditionForm(forms.Form):
    """A condition of a permit, and how often it is checked."""

    number = forms.CharField(label=_("number"), max_length=20)
    text = forms.CharField(label=_("condition"), widget=forms.Textarea(attrs={"rows": 4}))
    starts_on = DayField(label=_("first check on"), required=False, help_text=_("Empty: not checked by the calendar."))
    interval_months = forms.IntegerField(label=_("every so many months"), min_value=0, max_value=240, initial=12)
    interval_days = forms.IntegerField(label=_("or so many days"), min_value=0, max_value=3660, initial=0)

    def clean(self) -> dict[str, Any]:
        """A check comes back after months or after days."""
        chosen = super().clean() or self.cleaned_data
        if chosen.get("starts_on") and bool(chosen.get("interval_months")) == bool(chosen.get("interval_days")):
            self.add_error("interval_months", _("Give the interval in months or in days, one of the two."))
        return chosen


class IncidentForm(forms.Form):
    """What happened."""

    site = forms.ModelChoiceField(label=_("site"), queryset=Site.objects.all())
    title = forms.CharField(label=_("title"), max_length=200)
    kind = forms.ChoiceField(label=_("class"), choices=Incident.Kind.choices)
    severity = forms.ChoiceField(label=_("severity"), choices=Incident.Severity.choices)
    detected_at = InstantField(label=_("detected"), help_text=_("UTC"))
    text = forms.CharField(label=_("what happened"), widget=forms.Textarea(attrs={"rows": 4}))


class EntryForm(forms.Form):
    """One line of a time line."""

    text = forms.CharField(label=_("what happened"), widget=forms.Textarea(attrs={"rows": 3}))
    at = InstantField(label=_("at"), required=False, help_text=_("UTC; empty: now"))
    state = forms.ChoiceField(
        label=_("state from then on"),
        required=False,
        choices=[("", "–"), *(choice for choice in Incident.State.choices if choice[0] != Incident.State.CLOSED)],
    )


class ClassifyForm(forms.Form):
    """What kind of incident it is."""

    kind = forms.ChoiceField(label=_("class"), choices=Incident.Kind.choices)
    severity = forms.ChoiceField(label=_("severity"), choices=Incident.Severity.choices)
    aware_at = InstantField(label=_("aware"), required=False, help_text=_("UTC; reporting clocks start here."))


class ReportForm(forms.Form):
    """That an authority was told."""

    reported_at = InstantField(label=_("reported"), help_text=_("UTC"))
    receipt = forms.CharField(label=_("receipt"), max_length=120)


class CauseForm(forms.Form):
    """Why it happened."""

    cause = forms.CharField(label=_("cause"), widget=forms.Textarea(attrs={"rows": 4}))


class DocumentForm(forms.Form):
    """A file that proves something."""

    site = forms.ModelChoiceField(label=_("site"), queryset=Site.objects.all())
    title = forms.CharField(label=_("title"), max_length=160)
    evidence_on = DayField(label=_("evidence date"), help_text=_("The day the paper speaks of, not today's."))
    upload = forms.FileField(label=_("file"), help_text=ACCEPTED)


class AttachForm(DocumentForm):
    """A file that proves something about one record."""

    site = None  # type: ignore[assignment]


class PackForm(forms.Form):
    """What a pack shall hold."""

    sites = forms.ModelMultipleChoiceField(label=_("sites"), queryset=Site.objects.all())
    first_on = DayField(label=_("first day"))
    last_on = DayField(label=_("last day"))
    as_of = InstantField(
        label=_("as known at"), required=False, help_text=_("UTC; what came in later is left out. Empty: now.")
    )

    def clean(self) -> dict[str, Any]:
        """The last day is not before the first."""
        chosen = super().clean() or self.cleaned_data
        first_on, last_on = chosen.get("first_on"), chosen.get("last_on")
        if first_on and last_on and last_on < first_on:
            self.add_error("last_on", _("The last day is before the first."))
        return chosen


class ReleaseForm(forms.Form):
    """To whom a pack is handed."""

    email = forms.EmailField(label=_("e-mail address of a person with an account"))


class VerifyForm(forms.Form):
    """A pack to verify."""

    file = forms.FileField(label=_("pack"), help_text=_("The ZIP as it was handed over; nothing of it is kept."))
