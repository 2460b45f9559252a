"""How to read a kind of device: versioned profiles and their points."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.history import tracked
from hosting.models.field import Protocol


class DeviceKind(models.TextChoices):
    """What sort of device a profile reads."""

    HEAT_METER = "heat_meter", _("heat meter")
    ELECTRICITY_METER = "electricity_meter", _("electricity meter")
    WATER_METER = "water_meter", _("water meter")
    RACK_POWER_UNIT = "rack_power_unit", _("rack power unit")
    COOLING_UNIT = "cooling_unit", _("cooling unit")
    HEAT_PUMP = "heat_pump", _("heat pump")
    PLANT_CONTROLLER = "plant_controller", _("plant controller")
    OTHER = "other", _("other")


@tracked()
class DeviceProfile(models.Model):
    """One version of how to read a kind of device; a version in use never changes."""

    key = models.SlugField(_("key"), max_length=60)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    name = models.CharField(_("name"), max_length=120)
    device_kind = models.CharField(_("kind of device"), max_length=20, choices=DeviceKind, default=DeviceKind.OTHER)
    protocol = models.CharField(_("protocol"), max_length=16, choices=Protocol)
    source = models.CharField(
        _("source"), max_length=200, blank=True, help_text=_("The document the registers come from.")
    )
    verified_against = models.CharField(
        _("verified against"),
        max_length=300,
        blank=True,
        default="",
        help_text=_("What its values were compared with; empty: not verified against a device."),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("entered by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    options = models.JSONField(
        _("options"), default=dict, blank=True, help_text=_("Limits of the device, such as max_count or word_order.")
    )

    objects = models.Manager()

    class Meta:
        ordering = ("key", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["key", "version"], name="device_profile_version_unique")
        ]
        indexes: ClassVar = [
            models.Index(fields=["protocol", "key"], name="device_profile_protocol"),
            models.Index(fields=["device_kind", "key"], name="device_profile_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.version}"

    def get_absolute_url(self) -> str:
        """The address of the profile's page."""
        return reverse("hosting:deviceprofile_detail", args=[self.pk])


@tracked()
class ProfilePoint(models.Model):
    """One value that a device can say, in the slot where frames keep it."""

    class Quantity(models.TextChoices):
        """What is measured, in its canonical unit."""

        ENERGY_KWH = "energy_kwh", _("energy, kWh")
        VOLUME_M3 = "volume_m3", _("volume, m³")
        SUPPLY_ENERGY_M3C = "supply_energy_m3c", _("supply temperature volume E8, m³·°C")
        RETURN_ENERGY_M3C = "return_energy_m3c", _("return temperature volume E9, m³·°C")
        POWER_KW = "power_kw", _("power, kW")
        FLOW_M3H = "flow_m3h", _("flow, m³/h")
        SUPPLY_C = "supply_c", _("supply temperature, °C")
        RETURN_C = "return_c", _("return temperature, °C")
        DIFFERENCE_K = "difference_k", _("temperature difference, K")
        TEMPERATURE_C = "temperature_c", _("temperature, °C")
        PRESSURE_BAR = "pressure_bar", _("pressure, bar")
        VOLTAGE_V = "voltage_v", _("voltage, V")
        CURRENT_A = "current_a", _("current, A")
        FREQUENCY_HZ = "frequency_hz", _("frequency, Hz")
        APPARENT_VA = "apparent_va", _("apparent power, VA")
        RATIO = "ratio", _("share of one")
        STATE = "state", _("state number")
        FLAG = "flag", _("yes or no")
        INFO_CODE = "info_code", _("information code")
        ERROR_H = "error_h", _("error hours, h")
        OPERATING_H = "operating_h", _("operating hours, h")
        DEVICE_TIME = "device_time", _("clock of the device")

    profile = models.ForeignKey(
        DeviceProfile, verbose_name=_("profile"), on_delete=models.CASCADE, related_name="points"
    )
    slot = models.PositiveSmallIntegerField(
        _("slot"), validators=[MaxValueValidator(399)], help_text=_("Place in the frame, from 0.")
    )
    key = models.SlugField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=120)
    quantity = models.CharField(_("quantity"), max_length=24, choices=Quantity)
    unit = models.CharField(_("unit"), max_length=16, blank=True, help_text=_("The unit in which the device speaks."))
    address = models.JSONField(
        _("address"), default=dict, blank=True, help_text=_("Where the device keeps it, as its field language says.")
    )

    objects = models.Manager()

    class Meta:
        ordering = ("profile", "slot")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["profile", "slot"], name="profile_point_slot_unique"),
            models.UniqueConstraint(fields=["profile", "key"], name="profile_point_key_unique"),
        ]

    def __str__(self) -> str:
        return self.name
