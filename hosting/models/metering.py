"""Delivery points and the meters that stand there."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models.sites import Site


class TsTzRange(Func):
    """The half-open range from ``valid_from`` to ``valid_until``, as the database sees it."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


VALIDITY = TsTzRange("valid_from", "valid_until", RangeBoundary())


@tracked()
class DeliveryPoint(models.Model):
    """Where heat passes from the provider to one offtaker."""

    class Medium(models.TextChoices):
        """What carries the heat."""

        WATER = "water", _("water")
        GLYCOL = "glycol", _("water and glycol")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="delivery_points")
    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=120)
    medium = models.CharField(_("medium"), max_length=8, choices=Medium, default=Medium.WATER)
    design_supply_c = models.FloatField(_("design supply temperature"), help_text=_("°C"))
    design_return_c = models.FloatField(_("design return temperature"), help_text=_("°C"))
    design_kw = models.FloatField(_("design power"), validators=[MinValueValidator(0)], help_text=_("kW"))
    equipment = models.ForeignKey(
        "hosting.Equipment",
        verbose_name=_("offtaker's installation"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="delivery_points",
        help_text=_("The equipment that stands for the offtaker in the heat path."),
    )
    notes = models.TextField(_("notes"), blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(design_kw__gt=0), name="delivery_point_design_positive"),
            models.CheckConstraint(
                condition=Q(design_supply_c__gt=F("design_return_c")), name="delivery_point_supply_above_return"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["name"], name="delivery_point_name")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the delivery point's page."""
        return reverse("hosting:deliverypoint_detail", args=[self.pk])


@tracked()
class Meter(models.Model):
    """One heat, electricity or water meter, known by its serial number."""

    class Kind(models.TextChoices):
        """What it measures."""

        HEAT = "heat", _("heat")
        ELECTRICITY = "electricity", _("electricity")
        WATER = "water", _("water")

    class SensorSide(models.TextChoices):
        """In which pipe the flow sensor of a heat meter sits."""

        RETURN = "return", _("return")
        SUPPLY = "supply", _("supply")

    serial = models.CharField(_("serial number"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    manufacturer = models.CharField(_("manufacturer"), max_length=80, blank=True)
    model_name = models.CharField(_("model"), max_length=80, blank=True)
    accuracy_class = models.CharField(
        _("accuracy class"), max_length=8, blank=True, help_text=_("EN 1434 class 1, 2 or 3; MID A, B or C.")
    )
    qp_m3h = models.FloatField(
        _("permanent flow qp"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("m³/h")
    )
    min_difference_k = models.FloatField(_("smallest temperature difference"), null=True, blank=True, help_text=_("K"))
    sensor_side = models.CharField(_("flow sensor in"), max_length=8, choices=SensorSide, blank=True)
    register_digits = models.PositiveSmallIntegerField(
        _("register digits"),
        default=8,
        validators=[MinValueValidator(4), MaxValueValidator(14)],
        help_text=_("Digits of the register before it rolls over, counted in steps of the resolution."),
    )
    register_step = models.DecimalField(
        _("register resolution"),
        max_digits=10,
        decimal_places=4,
        default=1,
        help_text=_("kWh, or m³ for water"),
    )
    max_kw = models.FloatField(
        _("greatest power"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("kW, for plausibility"),
    )
    seal_number = models.CharField(_("seal"), max_length=40, blank=True)
    verified_until_on = models.DateField(
        _("verified until"), null=True, blank=True, help_text=_("First day on which it may no longer be billed.")
    )
    notes = models.TextField(_("notes"), blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "placements__site"}

    class Meta:
        ordering = ("serial",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(register_step__gt=0), name="meter_register_step_positive"),
            models.CheckConstraint(condition=~Q(kind="heat") | ~Q(sensor_side=""), name="heat_meter_names_sensor_side"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["kind", "serial"], name="meter_kind"),
            models.Index(fields=["verified_until_on"], name="meter_verified_until"),
        ]

    def __str__(self) -> str:
        return self.serial

    def get_absolute_url(self) -> str:
        """The address of the meter's page."""
        return reverse("hosting:meter_detail", args=[self.pk])


@tracked()
class MeterPlacement(models.Model):
    """A meter's stay at one place, from its first register to its final one."""

    class Role(models.TextChoices):
        """What the meter's register stands for at the site."""

        DELIVERED_HEAT = "delivered_heat", _("heat delivered to an offtaker")
        CAPTURED_HEAT = "captured_heat", _("heat captured from IT")
        REJECTED_HEAT = "rejected_heat", _("heat rejected to the outside")
        IT_ELECTRICITY = "it_electricity", _("electricity of the IT")
        TOTAL_ELECTRICITY = "total_electricity", _("electricity of the whole site")
        HEAT_PUMP_ELECTRICITY = "heat_pump_electricity", _("electricity of heat pumps")
        HEAT_PUMP_HEAT = "heat_pump_heat", _("heat made by heat pumps")
        SOURCE_PUMP_ELECTRICITY = "source_pump_electricity", _("electricity of pumps and fans before the heat pump")
        SINK_PUMP_ELECTRICITY = "sink_pump_electricity", _("electricity of pumps behind the heat pump")
        BACKUP_HEAT = "backup_heat", _("heat made by a backup heater")
        BACKUP_ELECTRICITY = "backup_electricity", _("electricity of a backup heater")
        WATER_INPUT = "water_input", _("water taken in by the site")
        TOP_UP_WATER = "top_up_water", _("top-up water")

    meter = models.ForeignKey(Meter, verbose_name=_("meter"), on_delete=models.PROTECT, related_name="placements")
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="placements")
    delivery_point = models.ForeignKey(
        DeliveryPoint,
        verbose_name=_("delivery point"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="placements",
    )
    role = models.CharField(_("role"), max_length=24, choices=Role)
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"), null=True, blank=True)
    first_register = models.DecimalField(
        _("first register"), max_digits=16, decimal_places=4, help_text=_("kWh, or m³ for water")
    )
    final_register = models.DecimalField(
        _("final register"), max_digits=16, decimal_places=4, null=True, blank=True, help_text=_("kWh, or m³ for water")
    )
    first_volume_m3 = models.DecimalField(
        _("first volume"), max_digits=16, decimal_places=4, null=True, blank=True, help_text=_("m³")
    )
    final_volume_m3 = models.DecimalField(
        _("final volume"), max_digits=16, decimal_places=4, null=True, blank=True, help_text=_("m³")
    )
    reason = models.CharField(_("reason for the change"), max_length=200, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "role", "valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(role="delivered_heat", delivery_point__isnull=False)
                | (~Q(role="delivered_heat") & Q(delivery_point__isnull=True)),
                name="placement_delivery_point_by_role",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="placement_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True, final_register__isnull=True)
                | Q(valid_until__isnull=False, final_register__isnull=False),
                name="placement_final_register_with_end",
            ),
            ExclusionConstraint(
                name="placement_meter_in_one_place",
                expressions=[("meter", RangeOperators.EQUAL), (VALIDITY, RangeOperators.OVERLAPS)],
            ),
            ExclusionConstraint(
                name="placement_one_meter_at_delivery_point",
                expressions=[("delivery_point", RangeOperators.EQUAL), (VALIDITY, RangeOperators.OVERLAPS)],
                condition=Q(delivery_point__isnull=False),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["site", "role", "valid_from"], name="placement_site_role")]

    def __str__(self) -> str:
        return f"{self.meter} – {self.get_role_display()}"
