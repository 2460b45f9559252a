"""The forms of key figures: facts that no meter tells, and the weather."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from thermal.models import EmissionFactor, SiteFact, WeatherDependence


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


class SiteWeatherImportForm(WeatherImportForm):
    """A file with the weather of one site, day by day."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["file"].help_text = _(
            "Columns: day (2026-01-31) and mean_c, the mean outdoor temperature in °C, or heating_kd, the degree days "
            "as the service states them in K·d. Comma or semicolon; days that are there already are replaced. If one "
            "cell is wrong, nothing is stored."
        )


class WeatherDependenceForm(forms.ModelForm):  # type: ignore[type-arg]
    """That the demand of a delivery point follows the weather."""

    class Meta:
        model = WeatherDependence
        fields: Any = ("base_load_kw", "valid_from", "valid_until", "source")
        widgets: Any = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }


class DependenceEndForm(forms.Form):
    """From when on the demand no longer follows the weather."""

    on = forms.DateField(
        label=_("from"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("First day on which the demand no longer follows the weather."),
    )  # fmt: skip


class EmissionFactorForm(forms.ModelForm):  # type: ignore[type-arg]
    """A dated emission factor of a country."""

    class Meta:
        model = EmissionFactor
        fields: Any = (
            "country", "carrier", "calorific", "emission_g_per_kwh", "valid_from", "valid_until", "source",
            "is_verified",
        )  # fmt: skip
        labels: Any = {"carrier": _("energy carrier")}
        widgets: Any = {
            "valid_from": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        }

    def clean_country(self) -> str:
        """The code of two letters, in capitals."""
        country = str(self.cleaned_data["country"]).upper()
        if len(country) != 2 or not country.isalpha():
            raise forms.ValidationError(_("Enter a code of two letters, such as DE, or EU for the Union."))
        return country

    def clean(self) -> dict[str, Any]:
        """Refuse a fuel without its calorific value: the boiler's efficiency has to use the same."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        is_fuel = cleaned.get("carrier") not in (None, "", EmissionFactor.Carrier.GRID)
        if is_fuel and not cleaned.get("calorific"):
            self.add_error("calorific", _("Say to which calorific value a kWh of the fuel refers."))
        if not is_fuel and cleaned.get("calorific"):
            self.add_error("calorific", _("Electricity has no calorific value."))
        first, until = cleaned.get("valid_from"), cleaned.get("valid_until")
        if first and until and until <= first:
            self.add_error("valid_until", _("It ends before it begins."))
        return cleaned

    def _get_validation_exclusions(self) -> set[str]:
        # Overlaps are left to the service, which first ends the open entry that began earlier.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return excluded | {"country"}
