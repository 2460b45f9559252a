"""The forms of key figures: facts that no meter tells, and the weather."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from thermal.models import EmissionFactor, SiteFact


class SiteFactForm(forms.ModelForm):  # type: ignore[type-arg]
    """One dated fact of a site."""

    class Meta:
        model = SiteFact
        fields: Any = ("kind", "value", "words", "valid_from", "valid_until", "source")
        widgets: Any = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def clean(self) -> dict[str, Any]:
        """Refuse a number where words are wanted, and a fuel that no factor knows."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not cleaned.get("kind"):
            return cleaned
        kind = SiteFact.Kind(cleaned["kind"])
        if kind.is_words and not cleaned.get("words"):
            self.add_error("words", _("This fact is said in words."))
        if not kind.is_words and cleaned.get("value") is None:
            self.add_error("value", _("This fact is a number."))
        carriers = [one.value for one in EmissionFactor.Carrier]
        if kind is SiteFact.Kind.FUEL and cleaned.get("words") not in carriers:
            self.add_error("words", _("Enter one of: %(words)s.") % {"words": ", ".join(carriers)})
        return cleaned


class WeatherImportForm(forms.Form):
    """A file with the weather of sites, day by day."""

    file = forms.FileField(
        label=_("CSV file"),
        help_text=_("Columns: site (its code), day (2026-01-31), mean_c or heating_kd."),
    )
    source = forms.CharField(label=_("source"), max_length=120, help_text=_("Such as the weather service."))
