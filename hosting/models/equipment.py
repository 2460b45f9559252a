"""Equipment of a site and the pipes between it."""

from typing import ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models.sites import Site


@tracked()
class EquipmentModel(models.Model):
    """A product that equipment is an instance of."""

    class Kind(models.TextChoices):
        """What a piece of equipment does in the heat path."""

        RACK = "rack", _("rack")
        CDU = "cdu", _("coolant distribution unit")
        REAR_DOOR = "rear_door", _("rear-door exchanger")
        PLATE_EXCHANGER = "plate_exchanger", _("plate heat exchanger")
        BUFFER_TANK = "buffer_tank", _("buffer tank")
        HEAT_PUMP = "heat_pump", _("heat pump")
        PUMP = "pump", _("pump")
        VALVE = "valve", _("valve")
        DRY_COOLER = "dry_cooler", _("dry cooler")
        EXPANSION_VESSEL = "expansion_vessel", _("expansion vessel")
        LEAK_SENSOR = "leak_sensor", _("leak sensor")
        HEAT_SINK = "heat_sink", _("offtaker's installation")
        UPS = "ups", _("UPS")
        OTHER = "other", _("other")

    manufacturer = models.CharField(_("manufacturer"), max_length=80)
    name = models.CharField(_("model"), max_length=80)
    kind = models.CharField(_("kind"), max_length=24, choices=Kind)
    rated_kw = models.FloatField(
        _("rated power"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("kW")
    )
    volume_l = models.FloatField(
        _("volume"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("litres")
    )
    max_bar = models.FloatField(_("maximum pressure"), null=True, blank=True, help_text=_("bar"))
    notes = models.TextField(_("notes"), blank=True)

    objects = models.Manager()

    class Meta:
        ordering = ("manufacturer", "name")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["manufacturer", "name"], name="equipment_model_unique"),
            models.CheckConstraint(
                condition=Q(rated_kw__isnull=True) | Q(rated_kw__gte=0), name="equipment_model_rated_not_negative"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "manufacturer"], name="equipment_model_kind")]

    def __str__(self) -> str:
        return f"{self.manufacturer} {self.name}"

    def get_absolute_url(self) -> str:
        """The address of the model's page."""
        return reverse("hosting:equipmentmodel_detail", args=[self.pk])


@tracked()
class Equipment(models.Model):
    """One piece of equipment that stands at a site."""

    class Owner(models.TextChoices):
        """Whose property it is, or who looks after it."""

        PROVIDER = "provider", _("provider")
        OFFTAKER = "offtaker", _("offtaker")
        SHARED = "shared", _("shared")

    class State(models.TextChoices):
        """Whether it can be used."""

        PLANNED = "planned", _("planned")
        IN_SERVICE = "in_service", _("in service")
        ISOLATED = "isolated", _("isolated")
        RETIRED = "retired", _("retired")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="equipment")
    model = models.ForeignKey(
        EquipmentModel, verbose_name=_("model"), on_delete=models.PROTECT, related_name="equipment"
    )
    parent = models.ForeignKey(
        "self", verbose_name=_("part of"), on_delete=models.PROTECT, null=True, blank=True, related_name="parts"
    )
    tag = models.CharField(_("tag"), max_length=32, help_text=_("Its name on the drawing, such as HX-1."))
    serial = models.CharField(_("serial number"), max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.IN_SERVICE)
    owner = models.CharField(_("owner"), max_length=16, choices=Owner, default=Owner.PROVIDER)
    maintainer = models.CharField(_("maintained by"), max_length=16, choices=Owner, default=Owner.PROVIDER)
    installed_on = models.DateField(_("installed on"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "tag")
        verbose_name_plural = _("equipment")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "tag"], name="equipment_tag_unique_at_site"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="equipment_not_its_own_part"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "site"], name="equipment_state"),
            models.Index(fields=["owner", "site"], name="equipment_owner"),
            models.Index(fields=["tag"], name="equipment_tag"),
        ]

    def __str__(self) -> str:
        return self.tag

    def get_absolute_url(self) -> str:
        """The address of the equipment's page."""
        return reverse("hosting:equipment_detail", args=[self.pk])


@tracked()
class Connection(models.Model):
    """A pipe from one piece of equipment to another, in the direction of flow."""

    class Leg(models.TextChoices):
        """Which side of the circuit it is."""

        SUPPLY = "supply", _("supply")
        RETURN = "return", _("return")

    source = models.ForeignKey(Equipment, verbose_name=_("from"), on_delete=models.PROTECT, related_name="outlets")
    target = models.ForeignKey(Equipment, verbose_name=_("to"), on_delete=models.PROTECT, related_name="inlets")
    leg = models.CharField(_("leg"), max_length=8, choices=Leg)
    is_bypass = models.BooleanField(_("bypass"), default=False, help_text=_("Normally closed."))
    fluid = models.CharField(_("fluid"), max_length=40, blank=True, help_text=_("Such as water or MPG 25 %."))
    nominal_mm = models.PositiveSmallIntegerField(_("nominal diameter"), null=True, blank=True, help_text=_("DN, mm"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "source__site"}

    class Meta:
        ordering = ("source", "target", "leg")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "target", "leg"], name="connection_unique"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="connection_joins_two"),
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.target} ({self.get_leg_display()})"

    def get_absolute_url(self) -> str:
        """The address of the connection's page."""
        return reverse("hosting:connection_detail", args=[self.pk])
