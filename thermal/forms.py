"""The forms of thermal: they check shape, services decide."""

from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from thermal.models import AlarmRule


class AcknowledgeForm(forms.Form):
    """A note to an acknowledgement."""

    note = forms.CharField(label=_("note"), max_length=300, required=False)


class ImportReadingsForm(forms.Form):
    """A file of register values, and how to read it."""

    file = forms.FileField(label=_("CSV file"))
    time_column = forms.CharField(label=_("column of the time"), initial="time")
    energy_column = forms.CharField(label=_("column of the energy register"), initial="energy_kwh")
    energy_unit = forms.ChoiceField(
        label=_("unit of the energy register"), choices=[(unit, unit) for unit in ("kWh", "Wh", "MWh", "MJ", "GJ")]
    )
    volume_column = forms.CharField(label=_("column of the volume register, m³"), required=False)
    time_zone = forms.CharField(
        label=_("time zone"), required=False, help_text=_("Needed where the times carry no offset, as Europe/Berlin.")
    )
    decimal_comma = forms.BooleanField(label=_("numbers are written like 1,5"), required=False)
    is_dry_run = forms.BooleanField(label=_("only check the file, store nothing"), required=False, initial=True)

    def clean_time_zone(self) -> ZoneInfo | None:
        """The zone of that name."""
        name = self.cleaned_data["time_zone"].strip()
        if not name:
            return None
        if name not in available_timezones():
            raise forms.ValidationError(_("There is no such time zone."))
        return ZoneInfo(name)


class AlarmRuleForm(forms.ModelForm):  # type: ignore[type-arg]
    """One alarm rule."""

    class Meta:
        model = AlarmRule
        fields: Any = (
            "site",
            "key",
            "name",
            "kind",
            "measurement",
            "device",
            "delivery_point",
            "limit_value",
            "deadband_value",
            "on_delay_s",
            "off_delay_s",
            "priority",
            "consequence",
            "action",
            "only_on_demand",
            "enabled",
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a rule that watches nothing, or something of another site."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        self._require(cleaned)
        site = cleaned.get("site")
        for name in ("measurement", "delivery_point"):
            chosen = cleaned.get(name)
            if chosen is not None and site is not None and chosen.site_id != site.pk:
                self.add_error(name, _("This belongs to another site."))
        device = cleaned.get("device")
        if device is not None and site is not None and device.controller.site_id != site.pk:
            self.add_error("device", _("This belongs to another site."))
        return cleaned

    def _require(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("kind") == AlarmRule.Kind.NO_DATA:
            if cleaned.get("device") is None:
                self.add_error("device", _("A “no data” rule watches a device."))
        else:
            for name in ("measurement", "limit_value"):
                if cleaned.get(name) is None:
                    self.add_error(name, _("A limit needs a measurement and a value."))
