"""The forms of thermal: they check shape, services decide."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _

from hosting.models import Device
from kernel import units
from thermal.domain.commissioning import COMPARABLE, Typed, last_digit
from thermal.domain.plausibility import Told
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
            "equipment",
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
        for name in ("measurement", "delivery_point", "equipment"):
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
        elif cleaned.get("kind") in {AlarmRule.Kind.DRIFT, AlarmRule.Kind.CARNOT}:
            for name in ("equipment", "limit_value"):
                if cleaned.get(name) is None:
                    self.add_error(name, _("This rule watches equipment and needs a limit."))
        elif cleaned.get("kind") == AlarmRule.Kind.BALANCE:
            if cleaned.get("limit_value") is None:
                self.add_error("limit_value", _("Enter the share of the heat that may be missing, such as 0.1."))
        else:
            for name in ("measurement", "limit_value"):
                if cleaned.get(name) is None:
                    self.add_error(name, _("A limit needs a measurement and a value."))


class DisplayForm(forms.Form):
    """What the display of a device's meter shows, one field for each value that the device told."""

    UNITS = ("kWh", "MWh", "GJ")
    MOST_FIELDS = 12

    probe = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, device: Device, told: Sequence[Told], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.points = [point for point in told if point.quantity in COMPARABLE and point.value is not None]
        self.points = self.points[: self.MOST_FIELDS]
        if device.meter is not None:
            self.fields["serial"] = forms.CharField(
                label=_("serial number on the meter"), max_length=60, required=False
            )
        if any(point.quantity == "energy_kwh" for point in self.points):
            units_of = [(unit, unit) for unit in self.UNITS]
            self.fields["energy_unit"] = forms.ChoiceField(label=_("energy is shown in"), choices=units_of)
        for point in self.points:
            unit = "" if point.quantity == "energy_kwh" else point.unit
            self.fields[self.field_of(point)] = forms.DecimalField(
                label=point.name, required=False, max_digits=20, help_text=unit, localize=True
            )
        self.fields["note"] = forms.CharField(
            label=_("note"),
            max_length=500,
            required=False,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text=_("Needed where something speaks against the values, and to reject the device."),
        )

    @staticmethod
    def field_of(point: Told) -> str:
        """The name of the field of a point."""
        return f"value_{point.slot}"

    @property
    def typed(self) -> Typed:
        """What was typed, in canonical units."""
        given = self.cleaned_data
        unit = given.get("energy_unit") or "kWh"
        values, steps = {}, {}
        for point in self.points:
            number = given.get(self.field_of(point))
            if number is None:
                continue
            source = unit if point.quantity == "energy_kwh" else "kWh"
            values[point.slot] = units.convert(number, source, "kWh")
            steps[point.slot] = units.convert(last_digit(number), source, "kWh")
        return Typed(values, steps, given.get("serial", ""))
