"""Forms of sites, equipment, metering and the field; they check shape, services decide."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import DayInput
from hosting.domain.addresses import reads
from hosting.models import (
    Connection,
    Controller,
    DeliveryPoint,
    Device,
    Equipment,
    EquipmentModel,
    Measurement,
    Meter,
    MeterPlacement,
    PlannedOutage,
    Site,
)

OTHER_LANGUAGE = _("This profile is written for another protocol than the controller speaks.")
INSTANT_FORMAT = "%Y-%m-%dT%H:%M"


def instant(label: Any) -> forms.DateTimeField:
    """A field for an instant in the time zone of the person, which its help says."""
    return forms.DateTimeField(
        label=label,
        widget=forms.DateTimeInput(format=INSTANT_FORMAT, attrs={"type": "datetime-local"}),
        input_formats=[INSTANT_FORMAT, "%Y-%m-%dT%H:%M:%S"],
        help_text=_("In your own time zone, as your profile says."),
    )


class SiteForm(forms.ModelForm):  # type: ignore[type-arg]
    """A site."""

    class Meta:
        model = Site
        fields: Any = (
            "code", "name", "lifecycle", "time_zone", "country", "address", "latitude_deg", "longitude_deg",
            "installed_it_kw", "live_since_on", "notes",
        )  # fmt: skip
        widgets: Any = {"live_since_on": DayInput, "address": forms.Textarea(attrs={"rows": 2})}

    def clean_country(self) -> str:
        """Two capital letters, however they were typed."""
        return str(self.cleaned_data["country"]).upper()


class EquipmentModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A product."""

    class Meta:
        model = EquipmentModel
        fields: Any = ("manufacturer", "name", "kind", "rated_kw", "volume_l", "max_bar", "notes")


class EquipmentForm(forms.ModelForm):  # type: ignore[type-arg]
    """A piece of equipment."""

    class Meta:
        model = Equipment
        fields: Any = (
            "site", "tag", "model", "parent", "serial", "state", "owner", "maintainer", "installed_on", "notes",
        )  # fmt: skip
        widgets: Any = {"installed_on": DayInput}

    def clean(self) -> dict[str, Any]:
        """What is part of something stands at the same site."""
        cleaned: dict[str, Any] = super().clean() or {}
        parent, site = cleaned.get("parent"), cleaned.get("site")
        if parent and site and parent.site_id != site.pk:
            self.add_error("parent", _("%(tag)s stands at another site.") % {"tag": parent.tag})
        return cleaned


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """A pipe."""

    class Meta:
        model = Connection
        fields: Any = ("source", "target", "leg", "fluid", "nominal_mm", "is_bypass")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("source", "target"):
            field: Any = self.fields[name]
            field.queryset = field.queryset.select_related("site").order_by("site__code", "tag")
            field.label_from_instance = lambda one: f"{one.site.code} · {one.tag}"

    def clean(self) -> dict[str, Any]:
        """Both ends stand at one site."""
        cleaned: dict[str, Any] = super().clean() or {}
        source, target = cleaned.get("source"), cleaned.get("target")
        if source and target and source.site_id != target.site_id:
            self.add_error("target", _("Both ends of a pipe must stand at the same site."))
        return cleaned


class DeliveryPointForm(forms.ModelForm):  # type: ignore[type-arg]
    """A delivery point."""

    class Meta:
        model = DeliveryPoint
        fields: Any = (
            "site", "code", "name", "medium", "design_supply_c", "design_return_c", "design_kw", "equipment", "notes",
        )  # fmt: skip


class MeterForm(forms.ModelForm):  # type: ignore[type-arg]
    """A meter."""

    class Meta:
        model = Meter
        fields: Any = (
            "serial", "kind", "manufacturer", "model_name", "accuracy_class", "qp_m3h", "min_difference_k",
            "sensor_side", "register_digits", "register_step", "max_kw", "seal_number", "verified_until_on", "notes",
        )  # fmt: skip
        widgets: Any = {"verified_until_on": DayInput}


class PlaceMeterForm(forms.Form):
    """Where a meter comes to stand."""

    site = forms.ModelChoiceField(Site.objects.all(), label=_("Site"))
    role = forms.ChoiceField(choices=MeterPlacement.Role.choices, label=_("What it measures"))
    delivery_point = forms.ModelChoiceField(
        DeliveryPoint.objects.all(),
        required=False,
        label=_("Delivery point"),
        help_text=_("Only for heat delivered to an offtaker."),
    )
    at = instant(_("Fitted"))
    register = forms.DecimalField(
        max_digits=16, decimal_places=4, label=_("First register"), help_text=_("kWh, or m³ for water")
    )
    volume_m3 = forms.DecimalField(
        max_digits=16, decimal_places=4, required=False, label=_("First volume"), help_text=_("m³, heat meters only")
    )


REGISTER: Final[dict[str, Any]] = {"max_digits": 16, "decimal_places": 4, "min_value": 0}
PHOTO_HINT = _("JPEG or PNG, up to 10 MB. What the camera writes beside the picture, as its place, is not kept.")


def photo(label: Any) -> forms.FileField:
    """A field for a picture from a phone's camera or a file."""
    widget = forms.FileInput(attrs={"accept": "image/jpeg,image/png"})
    return forms.FileField(label=label, required=False, widget=widget, help_text=PHOTO_HINT)


class OldMeterForm(forms.Form):
    """The first step of an exchange: the meter that goes."""

    removed_at = instant(_("Old meter removed"))
    final_register = forms.DecimalField(**REGISTER, label=_("Its final register"), help_text=_("kWh, or m³ for water"))
    final_volume_m3 = forms.DecimalField(
        **REGISTER, required=False, label=_("Its final volume"), help_text=_("m³, heat meters only")
    )
    seal_found = forms.CharField(
        max_length=40, required=False, label=_("Seal that was found"), help_text=_("Empty if there was none.")
    )
    photo = photo(_("Photo of its display"))


class NewMeterForm(forms.ModelForm):  # type: ignore[type-arg]
    """The second step of an exchange: the meter that comes, on record already or entered here."""

    successor = forms.ModelChoiceField(
        Meter.objects.all(), required=False, label=_("New meter"),
        help_text=_("Choose one that is on record, or enter it below."),
    )  # fmt: skip
    fitted_at = instant(_("New meter fitted"))
    first_register = forms.DecimalField(**REGISTER, label=_("Its first register"), help_text=_("kWh, or m³ for water"))
    first_volume_m3 = forms.DecimalField(
        **REGISTER, required=False, label=_("Its first volume"), help_text=_("m³, heat meters only")
    )
    photo = photo(_("Photo of its display"))
    field_order = ("successor", "serial")

    class Meta:
        model = Meter
        fields: Any = (
            "serial", "manufacturer", "model_name", "accuracy_class", "qp_m3h", "min_difference_k", "sensor_side",
            "register_digits", "register_step", "max_kw", "seal_number", "verified_until_on",
        )  # fmt: skip
        widgets: Any = {"verified_until_on": DayInput}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["serial"].required = False

    def clean(self) -> dict[str, Any]:
        """Either a meter on record, or a serial number."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if cleaned.get("successor") is None and not cleaned.get("serial") and "serial" not in self.errors:
            self.add_error("serial", _("Choose a meter on record, or enter the serial number of the new one."))
        if cleaned.get("successor") is not None and cleaned.get("serial"):
            self.add_error("successor", _("Choose a meter or enter one, not both."))
        return cleaned

    def _post_clean(self) -> None:
        # A meter on record is not checked as if it were new; a new one is.
        if self.cleaned_data.get("successor") is None and self.cleaned_data.get("serial"):
            super()._post_clean()  # type: ignore[misc]


class SwapReasonForm(forms.Form):
    """The third step of an exchange: why."""

    reason = forms.CharField(max_length=200, label=_("Reason"), help_text=_("Such as: verification expires."))


class ControllerForm(forms.ModelForm):  # type: ignore[type-arg]
    """An address on the field network."""

    class Meta:
        model = Controller
        fields: Any = (
            "site", "code", "protocol", "host", "port", "enabled", "poll_s", "timeout_ms", "connect_pause_ms",
            "request_pause_ms", "keep_open_s",
        )  # fmt: skip


class DeviceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A unit behind a controller."""

    class Meta:
        model = Device
        fields: Any = ("controller", "code", "name", "unit_address", "profile", "meter", "enabled", "reading_s")

    def clean(self) -> dict[str, Any]:
        """The profile is written for what the controller speaks."""
        cleaned: dict[str, Any] = super().clean() or {}
        controller, profile = cleaned.get("controller"), cleaned.get("profile")
        if controller and profile and not reads(profile.protocol, controller.protocol):
            self.add_error("profile", OTHER_LANGUAGE)
        return cleaned


class MeasurementForm(forms.ModelForm):  # type: ignore[type-arg]
    """What one point of a device tells about the site, and where."""

    slot = forms.TypedChoiceField(coerce=int, label=_("Point"))

    class Meta:
        model = Measurement
        fields: Any = ("slot", "role", "equipment", "connection", "delivery_point")

    def __init__(self, *args: Any, device: Device, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.device, self.instance.site = device, device.controller.site
        points = device.profile.points.all()
        slot: Any = self.fields["slot"]
        slot.choices = [(point.slot, f"{point.name} ({point.unit or '–'})") for point in points]
        site = device.controller.site
        for name, rows in (
            ("equipment", site.equipment.all()),
            ("connection", Connection.objects.filter(source__site=site).select_related("source", "target")),
            ("delivery_point", site.delivery_points.all()),
        ):
            self.fields[name].queryset = rows  # type: ignore[attr-defined]


class PlannedOutageForm(forms.Form):
    """Works to announce."""

    site = forms.ModelChoiceField(Site.objects.all(), label=_("Site"))
    delivery_point = forms.ModelChoiceField(
        DeliveryPoint.objects.all(), required=False, label=_("Delivery point"), help_text=_("Empty: the whole site.")
    )
    starts_at = instant(_("Starts"))
    ends_at = instant(_("Ends"))
    reason = forms.CharField(max_length=PlannedOutage._meta.get_field("reason").max_length, label=_("Reason"))
