"""What speaks on the network: controllers, the devices behind them, and what their points mean."""

from typing import ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting import network
from hosting.domain.field_network import AddressNotAllowed
from hosting.models.metering import Meter
from hosting.models.sites import Site


class Protocol(models.TextChoices):
    """The language that a controller speaks."""

    MODBUS_TCP = "modbus_tcp", _("Modbus TCP")
    MODBUS_RTU_TCP = "modbus_rtu_tcp", _("Modbus RTU over TCP")
    MBUS_TCP = "mbus_tcp", _("M-Bus over TCP")
    SNMP = "snmp", _("SNMP")
    BACNET_IP = "bacnet_ip", _("BACnet/IP")
    OPC_UA = "opc_ua", _("OPC UA")
    MQTT = "mqtt", _("MQTT")
    HTTP_PUSH = "http_push", _("pushed by HTTP")
    CSV_DROP = "csv_drop", _("CSV files in a folder")


TOLD_PROTOCOLS = (Protocol.HTTP_PUSH, Protocol.CSV_DROP)
"""Those in which the field speaks first: nobody is asked, so there is no address to ask at."""


class CircuitState(models.TextChoices):
    """Whether a device is worth asking."""

    CLOSED = "closed", _("answering")
    HALF_OPEN = "half_open", _("being tried again")
    OPEN = "open", _("not answering")


# What polling writes every few seconds is no change of configuration.
@tracked(exclude=["next_poll_at", "claimed_until", "claim_token"])
class Controller(models.Model):
    """An address on the field network, behind which one or more devices answer."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="controllers")
    code = models.SlugField(_("code"), max_length=60, unique=True)
    protocol = models.CharField(_("protocol"), max_length=16, choices=Protocol)
    host = models.CharField(
        _("host"), max_length=253, blank=True, default="", help_text=_("Empty where the field sends by itself.")
    )
    port = models.PositiveIntegerField(
        _("port"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    enabled = models.BooleanField(_("polled"), default=True)
    poll_s = models.PositiveIntegerField(
        _("poll every"), default=60, validators=[MinValueValidator(1)], help_text=_("seconds")
    )
    timeout_ms = models.PositiveIntegerField(_("time-out of a request"), default=3000, help_text=_("milliseconds"))
    connect_pause_ms = models.PositiveIntegerField(_("pause after connecting"), default=0, help_text=_("milliseconds"))
    request_pause_ms = models.PositiveIntegerField(_("pause between requests"), default=0, help_text=_("milliseconds"))
    keep_open_s = models.PositiveIntegerField(
        _("keep the connection open"),
        default=0,
        validators=[MaxValueValidator(3600)],
        help_text=_(
            "seconds after a poll; 0 closes it at once. Only for controllers that allow several connections: "
            "each poll process keeps one of its own."
        ),
    )
    next_poll_at = models.DateTimeField(_("next poll"), null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(protocol__in=TOLD_PROTOCOLS, host="", port__isnull=True)
                | (~Q(protocol__in=TOLD_PROTOCOLS) & ~Q(host="") & Q(port__gte=1, port__lte=65535)),
                name="controller_has_address_to_ask_at",
                violation_error_message=_(
                    "A controller that is asked needs host and port; one that sends by itself has neither."
                ),
            ),
            models.CheckConstraint(condition=Q(poll_s__gte=1), name="controller_poll_positive"),
            models.CheckConstraint(
                condition=Q(keep_open_s__lte=3600), name="controller_keeps_connection_an_hour_at_most"
            ),
            models.UniqueConstraint(fields=["host", "port"], name="controller_address_unique"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_poll_at"], condition=Q(enabled=True), name="controller_due"),
            models.Index(fields=["protocol", "code"], name="controller_protocol"),
        ]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        """The address of the controller's page."""
        return reverse("hosting:controller_detail", args=[self.pk])

    def clean(self) -> None:
        """Say at once what polling would refuse; a name is looked up only there, when it is connected to."""
        super().clean()
        if self.host and self.port:
            try:
                network.field_network().check_typed(self.host, self.port)
            except AddressNotAllowed as refusal:
                raise ValidationError({"host": gettext(refusal.sentence) % refusal.facts}) from None

    @property
    def is_asked(self) -> bool:
        """True if the portal speaks first; False if the field sends by itself."""
        return self.protocol not in TOLD_PROTOCOLS


# What polling writes every few seconds is no change of configuration.
@tracked(
    exclude=[
        "circuit",
        "failure_count",
        "retry_at",
        "last_polled_at",
        "last_success_at",
        "last_error",
        "last_latency_ms",
        "clock_offset_s",
        "refusals",
    ]
)
class Device(models.Model):
    """One unit behind a controller: a meter, a plant controller, a rack power unit."""

    controller = models.ForeignKey(
        Controller, verbose_name=_("controller"), on_delete=models.PROTECT, related_name="devices"
    )
    code = models.SlugField(_("code"), max_length=60, unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    unit_address = models.CharField(
        _("unit"),
        max_length=40,
        help_text=_(
            "Modbus unit id; M-Bus primary or secondary address; BACnet device, such as 1201 or 1201@2001:7 behind a "
            "router; in SNMP, MQTT and OPC UA what {unit} stands for in the profile, or a context of SNMP 3."
        ),
    )
    profile = models.ForeignKey(
        "hosting.DeviceProfile", verbose_name=_("profile"), on_delete=models.PROTECT, related_name="devices"
    )
    meter = models.ForeignKey(
        Meter,
        verbose_name=_("meter"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="devices",
        help_text=_("The meter whose registers this device reads."),
    )
    enabled = models.BooleanField(_("polled"), default=True)
    reading_s = models.PositiveIntegerField(
        _("store a register reading every"), default=900, help_text=_("seconds; frames are stored at every poll")
    )
    circuit = models.CharField(
        _("circuit"), max_length=12, choices=CircuitState, default=CircuitState.CLOSED, editable=False
    )
    failure_count = models.PositiveIntegerField(default=0, editable=False)
    retry_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_polled_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(_("last answer"), null=True, blank=True, editable=False)
    last_error = models.CharField(_("last error"), max_length=300, blank=True, editable=False)
    last_latency_ms = models.FloatField(null=True, blank=True, editable=False)
    clock_offset_s = models.FloatField(null=True, blank=True, editable=False)
    refusals = models.JSONField(
        _("learned refusals"),
        default=dict,
        blank=True,
        editable=False,
        help_text=_("What polling has learned that the device refuses; it counts for the profile named in it."),
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "controller__site"}

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["controller", "unit_address"], name="device_unit_unique_at_controller"),
            models.UniqueConstraint(fields=["meter"], condition=Q(enabled=True), name="device_one_enabled_per_meter"),
        ]
        # None on what every poll writes: the row could then not be updated in place, and each poll cost eight indexes.
        indexes: ClassVar = [models.Index(fields=["circuit", "code"], name="device_circuit")]

    def __str__(self) -> str:
        return self.code

    def get_absolute_url(self) -> str:
        """The address of the device's page."""
        return reverse("hosting:device_detail", args=[self.pk])


@tracked()
class Measurement(models.Model):
    """What one point of a device tells about the site: its meaning and its place."""

    class Role(models.TextChoices):
        """What the value stands for."""

        IT_POWER = "it_power", _("IT power, kW")
        TOTAL_POWER = "total_power", _("power of the whole site, kW")
        HEAT_PUMP_POWER = "heat_pump_power", _("power of a heat pump, kW")
        HEAT_PUMP_HEAT_POWER = "heat_pump_heat_power", _("heat made by a heat pump, kW")
        SOURCE_PUMP_POWER = "source_pump_power", _("power of pumps and fans before the heat pump, kW")
        SINK_PUMP_POWER = "sink_pump_power", _("power of pumps behind the heat pump, kW")
        BACKUP_HEAT_POWER = "backup_heat_power", _("heat made by a backup heater, kW")
        BACKUP_POWER = "backup_power", _("power of a backup heater, kW")
        CAPTURED_POWER = "captured_power", _("heat captured from IT, kW")
        DELIVERED_POWER = "delivered_power", _("heat delivered, kW")
        REJECTED_POWER = "rejected_power", _("heat rejected, kW")
        REJECTION_CAPACITY = "rejection_capacity", _("rejection capacity ready, kW")
        UTILISATION = "utilisation", _("compute utilisation, share of one")
        BUFFER_CHARGE = "buffer_charge", _("state of charge of a buffer, share of one")
        BUFFER_TEMPERATURE = "buffer_temperature", _("mean temperature of a buffer, °C")
        SUPPLY_TEMPERATURE = "supply_temperature", _("supply temperature, °C")
        RETURN_TEMPERATURE = "return_temperature", _("return temperature, °C")
        FLOW = "flow", _("flow, m³/h")
        PRESSURE = "pressure", _("pressure, bar")
        AMBIENT_TEMPERATURE = "ambient_temperature", _("outdoor temperature, °C")
        COP = "cop", _("coefficient of performance")
        DEMAND = "demand", _("offtaker calls for heat, yes or no")
        EXPORT_MODE = "export_mode", _("export mode number")
        EXPORT_CAUSE = "export_cause", _("cause of the export mode, number")
        EQUIPMENT_STATE = "equipment_state", _("state of equipment, number")
        LEAK = "leak", _("leak detected, yes or no")

    device = models.ForeignKey(Device, verbose_name=_("device"), on_delete=models.CASCADE, related_name="measurements")
    slot = models.PositiveSmallIntegerField(_("slot"), help_text=_("Slot of the device's profile."))
    role = models.CharField(_("role"), max_length=24, choices=Role)
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="measurements")
    delivery_point = models.ForeignKey(
        "hosting.DeliveryPoint",
        verbose_name=_("delivery point"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="measurements",
    )
    equipment = models.ForeignKey(
        "hosting.Equipment",
        verbose_name=_("equipment"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="measurements",
    )
    connection = models.ForeignKey(
        "hosting.Connection",
        verbose_name=_("connection"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="measurements",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "role", "device", "slot")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["device", "slot", "role", "equipment", "connection", "delivery_point"],
                nulls_distinct=False,
                name="measurement_unique",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["site", "role"], name="measurement_site_role")]

    def __str__(self) -> str:
        return f"{self.device}[{self.slot}] – {self.get_role_display()}"
