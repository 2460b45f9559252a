"""The forms of the review: a reason, and thresholds by name."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from hosting.models import Site
from thermal.domain.validation import SPECS
from thermal.models.validation import Rule, Severity
from thermal.queries import rule_words


class ReasonForm(forms.Form):
    """Why a finding is accepted."""

    reason = forms.CharField(
        label=_("reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("It stays with the finding, and auditors read it."),
    )  # fmt: skip


class RuleForm(forms.Form):
    """What a rule says from a day on: one field for each of its thresholds."""

    valid_from = forms.DateField(label=_("from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    severity = forms.TypedChoiceField(label=_("a finding"), choices=Severity, coerce=int)
    grave_severity = forms.TypedChoiceField(label=_("a grave finding"), choices=Severity, coerce=int)
    enabled = forms.BooleanField(label=_("in use"), required=False, initial=True)
    source = forms.CharField(
        label=_("source"), max_length=200, help_text=_("The contract, standard or measurement that says so.")
    )

    def __init__(self, *args: Any, rule: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in SPECS[rule].thresholds.items():
            label, unit = rule_words.label_of_threshold(rule, name)
            self.fields[name] = forms.FloatField(label=label, initial=value, help_text=unit)
        self.names = tuple(SPECS[rule].thresholds)

    def thresholds(self) -> dict[str, float]:
        """The thresholds as entered."""
        return {name: self.cleaned_data[name] for name in self.names}


class ScopeForm(forms.Form):
    """Which rule is to say something else in which place."""

    rule = forms.ChoiceField(label=_("rule"), choices=Rule)
    country = forms.RegexField(
        r"^([A-Z]{2})?$", label=_("country"), required=False, help_text=_("ISO 3166-1 code of two letters.")
    )
    accuracy_class = forms.CharField(label=_("accuracy class"), max_length=8, required=False)
    site = forms.ModelChoiceField(label=_("site"), queryset=Site.objects.all(), required=False)

    def clean(self) -> dict[str, Any]:
        """Refuse none, or several, places."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if sum(bool(cleaned.get(name)) for name in ("country", "accuracy_class", "site")) != 1:
            raise forms.ValidationError(_("Choose one of country, accuracy class and site."))
        return cleaned
