"""Water circuits, their samples and the limits that these are judged by."""

from datetime import date
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from compliance.domain import water
from hosting.models import Equipment, Site


class DateRange(Func):
    """The half-open range of days from ``valid_from`` to ``valid_until``, as the database sees it."""

    function = "DATERANGE"
    output_field = DateRangeField()


class Treatment(models.TextChoices):
    """How the water of a circuit is conditioned, which decides its limits."""

    LOW_SALT = "low_salt", _("closed, low-salt")
    SALINE = "saline", _("closed, saline")
    ALUMINIUM = "aluminium", _("closed, low-salt with aluminium")
    GLYCOL = "glycol", _("closed, glycol")
    BRAZED = "brazed", _("brazed copper exchanger")
    EVAPORATIVE = "evaporative", _("evaporative cooling")
    HOT_WATER = "hot_water", _("drinking water, hot and cold")


class Parameter(models.TextChoices):
    """What a laboratory reports, in the one unit that is kept."""

    CONDUCTIVITY = "conductivity_us_cm", _("conductivity, µS/cm")
    OXYGEN = "oxygen_mg_l", _("dissolved oxygen, mg/l")
    PH = "acidity_ph", _("pH at 25 °C")
    HARDNESS = "hardness_mmol_l", _("hardness, mmol/l")
    SOLIDS = "solids_mg_l", _("filterable solids, mg/l")
    IRON = "iron_mg_l", _("iron, mg/l")
    COPPER = "copper_mg_l", _("copper, mg/l")
    ALUMINIUM = "aluminium_mg_l", _("aluminium, mg/l")
    MANGANESE = "manganese_mg_l", _("manganese, mg/l")
    CHLORIDE = "chloride_mg_l", _("chloride, mg/l")
    SULPHATE = "sulphate_mg_l", _("sulphate, mg/l")
    NITRATE = "nitrate_mg_l", _("nitrate, mg/l")
    NITRITE = "nitrite_mg_l", _("nitrite, mg/l")
    MOLYBDATE = "molybdate_mg_l", _("molybdate, mg/l")
    AMMONIA = "ammonia_mg_l", _("ammonia, mg/l")
    GLYCOL = "glycol_ratio", _("glycol, share of volume (0 to 1)")
    GERMS = "germs_22c_cfu_ml", _("germ count at 22 °C, CFU/ml")
    PSEUDOMONAS = "pseudomonas_cfu_ml", _("Pseudomonas, CFU/ml")
    LEGIONELLA = "legionella_cfu_l", _("Legionella, CFU/l")
    TURBIDITY = "turbidity_ntu", _("turbidity, NTU")


class Sign(models.TextChoices):
    """What stands before a laboratory's figure."""

    EXACT = "", "="
    BELOW = "<", "<"
    ABOVE = ">", ">"


class Verdict(models.TextChoices):
    """What a result or a sample says."""

    IN_LIMIT = "in_limit", _("in limit")
    WARNING = "warning", _("warning")
    OUT = "out", _("out of limit")
    UNDECIDED = "undecided", _("undecided")
    NOT_JUDGED = "not_judged", _("no limit set")


@tracked()
class WaterCircuit(models.Model):
    """A body of water at a site that is treated and sampled as one."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="water_circuits")
    code = models.SlugField(_("code"), max_length=40)
    name = models.CharField(_("name"), max_length=120)
    treatment = models.CharField(_("treatment"), max_length=16, choices=Treatment, default=Treatment.LOW_SALT)
    equipment = models.ManyToManyField(
        Equipment, verbose_name=_("equipment"), blank=True, related_name="water_circuits"
    )
    volume_l = models.FloatField(
        _("water content"), null=True, blank=True, validators=[MinValueValidator(0)], help_text=_("litres")
    )
    materials = models.CharField(_("materials"), max_length=120, blank=True, help_text=_("Such as steel, copper."))
    notes = models.TextField(_("notes"), blank=True)
    retired = models.BooleanField(_("retired"), default=False)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "code")
        verbose_name = _("water circuit")
        verbose_name_plural = _("water circuits")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "code"], name="water_circuit_code_unique_at_site"),
            models.CheckConstraint(
                condition=Q(volume_l__isnull=True) | Q(volume_l__gt=0), name="water_circuit_volume_positive"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["treatment", "site"], name="water_circuit_treatment"),
            models.Index(fields=["name"], name="water_circuit_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the circuit's page."""
        return reverse("compliance:circuit_detail", args=[self.pk])


@tracked()
class WaterLimit(models.Model):
    """What one parameter may be in one kind of water, from one day to another."""

    jurisdiction = models.CharField(
        _("jurisdiction"), max_length=8, blank=True, help_text=_("Country code such as DE; empty: everywhere.")
    )
    treatment = models.CharField(_("treatment"), max_length=16, choices=Treatment)
    parameter = models.CharField(_("parameter"), max_length=24, choices=Parameter)
    lowest_value = models.DecimalField(_("lowest"), max_digits=14, decimal_places=4, null=True, blank=True)
    highest_value = models.DecimalField(_("highest"), max_digits=14, decimal_places=4, null=True, blank=True)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True, help_text=_("First day without it."))
    source = models.CharField(_("source"), max_length=200)
    verified = models.BooleanField(
        _("verified"), default=False, help_text=_("Somebody compared it with the text of the source.")
    )

    objects = models.Manager()

    class Meta:
        ordering = ("treatment", "parameter", "jurisdiction", "-valid_from")
        verbose_name = _("water limit")
        verbose_name_plural = _("water limits")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(lowest_value__isnull=False) | Q(highest_value__isnull=False),
                name="water_limit_has_a_limit",
                violation_error_message=_("Give the lowest or the highest value, or both."),
            ),
            models.CheckConstraint(
                condition=Q(lowest_value__isnull=True)
                | Q(highest_value__isnull=True)
                | Q(lowest_value__lt=F("highest_value")),
                name="water_limit_lowest_below_highest",
                violation_error_message=_("The lowest value must lie below the highest."),
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="water_limit_ends_after_start",
                violation_error_message=_("The limit must end after it starts."),
            ),
            models.CheckConstraint(condition=Q(jurisdiction__regex="^([A-Z]{2})?$"), name="water_limit_jurisdiction"),
            ExclusionConstraint(
                name="water_limit_one_at_a_time",
                expressions=[
                    ("jurisdiction", RangeOperators.EQUAL),
                    ("treatment", RangeOperators.EQUAL),
                    ("parameter", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_until", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("Another limit for this water and parameter holds on some of these days."),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["parameter", "treatment"], name="water_limit_parameter")]

    def __str__(self) -> str:
        return f"{self.get_parameter_display()} – {self.get_treatment_display()}"

    def get_absolute_url(self) -> str:
        """The address of the limit's page."""
        return reverse("compliance:limit_detail", args=[self.pk])

    @property
    def limits(self) -> water.Limits:
        """The limit as the judgement wants it."""
        return water.Limits(self.lowest_value, self.highest_value)


@tracked()
class WaterSample(models.Model):
    """Water that was taken from a circuit and examined."""

    circuit = models.ForeignKey(
        WaterCircuit, verbose_name=_("circuit"), on_delete=models.PROTECT, related_name="samples"
    )
    taken_at = models.DateTimeField(_("taken"))
    taken_by = models.CharField(_("taken by"), max_length=120, blank=True)
    laboratory = models.CharField(_("laboratory"), max_length=120, blank=True)
    report_number = models.CharField(_("number of the report"), max_length=60, blank=True)
    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict, default=Verdict.NOT_JUDGED, editable=False)
    note = models.TextField(_("note"), blank=True)
    recorded_at = models.DateTimeField(_("recorded"), editable=False)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "circuit__site"}

    class Meta:
        ordering = ("-taken_at", "-pk")
        verbose_name = _("water sample")
        verbose_name_plural = _("water samples")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["circuit", "taken_at"],
                name="water_sample_once",
                violation_error_message=_("A sample of this circuit at this time is already recorded."),
            ),
            models.CheckConstraint(
                condition=Q(recorded_at__gte=F("taken_at")), name="water_sample_recorded_after_taken"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["verdict", "-taken_at"], name="water_sample_verdict"),
            models.Index(fields=["-taken_at"], name="water_sample_taken"),
        ]

    def __str__(self) -> str:
        return f"{self.circuit}, {self.taken_on:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        """The address of the sample's page."""
        return reverse("compliance:sample_detail", args=[self.pk])

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the sample was taken."""
        return self.circuit.site.zone

    @property
    def taken_on(self) -> date:
        """The local day on which the sample was taken; that day's limits judge it."""
        return self.taken_at.astimezone(self.zone).date()


class WaterResult(models.Model):
    """One figure of a sample, with the limit it was judged by."""

    sample = models.ForeignKey(WaterSample, verbose_name=_("sample"), on_delete=models.PROTECT, related_name="results")
    parameter = models.CharField(_("parameter"), max_length=24, choices=Parameter)
    sign = models.CharField(_("sign"), max_length=1, choices=Sign, blank=True, default=Sign.EXACT)
    value = models.DecimalField(_("value"), max_digits=14, decimal_places=4)
    limit = models.ForeignKey(
        WaterLimit, verbose_name=_("limit"), on_delete=models.PROTECT, null=True, related_name="results"
    )
    lowest_value = models.DecimalField(_("lowest"), max_digits=14, decimal_places=4, null=True)
    highest_value = models.DecimalField(_("highest"), max_digits=14, decimal_places=4, null=True)
    verdict = models.CharField(_("verdict"), max_length=12, choices=Verdict)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "sample__circuit__site"}

    class Meta:
        ordering = ("sample", "parameter")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["sample", "parameter"], name="water_result_once_per_sample"),
            models.CheckConstraint(condition=Q(value__gte=0), name="water_result_not_negative"),
            models.CheckConstraint(
                condition=Q(limit__isnull=True, verdict="not_judged")
                | (Q(limit__isnull=False) & ~Q(verdict="not_judged")),
                name="water_result_judged_by_a_limit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_parameter_display()}: {self.sign}{self.value.normalize():f}"
