"""What the ledger and people say of single heat pumps, exchangers and buffers."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models import Equipment, EquipmentModel
from thermal.models.site_facts import DAYS

# The kinds whose quarter hours are kept.
KINDS = (
    EquipmentModel.Kind.HEAT_PUMP.value,
    EquipmentModel.Kind.PLATE_EXCHANGER.value,
    EquipmentModel.Kind.BUFFER_TANK.value,
)


class EnergyBasis(models.IntegerChoices):
    """Where heat and electricity of a quarter hour of equipment are known from."""

    NONE = 0, _("not known")
    OWN = 1, _("measured at the equipment")
    SITE = 2, _("of the site, whose only heat pump it is")


class EquipmentInterval(models.Model):
    """Temperatures and energies of one heat pump, exchanger or buffer in one quarter of an hour.

    The hot side gives heat (source of a heat pump, primary of an exchanger), the cold side takes it.
    """

    pk = models.CompositePrimaryKey("equipment_id", "start")
    equipment = models.ForeignKey(
        Equipment, verbose_name=_("equipment"), on_delete=models.PROTECT, related_name="intervals", db_index=False
    )
    start = models.DateTimeField(_("start"))
    hot_in_c = models.FloatField(_("hot side, in"), null=True)
    hot_out_c = models.FloatField(_("hot side, out"), null=True)
    cold_in_c = models.FloatField(_("cold side, in"), null=True)
    cold_out_c = models.FloatField(_("cold side, out"), null=True)
    mean_c = models.FloatField(_("mean temperature"), null=True)
    charge_ratio = models.FloatField(_("charge that the controller told"), null=True)
    heat_kwh = models.FloatField(_("heat"), null=True)
    electricity_kwh = models.FloatField(_("electricity"), null=True)
    energy_basis = models.SmallIntegerField(_("energies known from"), choices=EnergyBasis, default=EnergyBasis.NONE)
    carnot_kwh = models.FloatField(
        _("least work, Carnot"), null=True, help_text=_("Electricity below which no heat pump can make this heat.")
    )
    lorenz_kwh = models.FloatField(
        _("least work, Lorenz"), null=True, help_text=_("The same with gliding temperatures on both sides.")
    )
    approach_k = models.FloatField(_("approach"), null=True, help_text=_("Hot side in minus cold side out."))
    is_loaded = models.BooleanField(_("under load"), null=True)
    measured_s = models.SmallIntegerField(
        _("seconds measured"), default=0, help_text=_("For which every temperature named here is known.")
    )
    inputs = ArrayField(models.BigIntegerField(), default=list, help_text=_("Ids of the measurements used."))
    rule_version = models.SmallIntegerField(_("version of the settlement rule"))
    version = models.IntegerField(_("version"), default=1)
    settled_at = models.DateTimeField(_("settled"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "equipment__site"}

    class Meta:
        ordering = ("equipment", "start")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(measured_s__gte=0, measured_s__lte=900), name="equipment_interval_seconds_in_quarter"
            ),
            models.CheckConstraint(
                condition=(Q(heat_kwh__isnull=True) | Q(heat_kwh__gte=0))
                & (Q(electricity_kwh__isnull=True) | Q(electricity_kwh__gte=0)),
                name="equipment_interval_energy_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(carnot_kwh__isnull=True, lorenz_kwh__isnull=True)
                | Q(heat_kwh__isnull=False, carnot_kwh__isnull=False, lorenz_kwh__isnull=False),
                name="equipment_interval_limits_of_heat",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["start"], name="equipment_interval_start")]

    def __str__(self) -> str:
        return f"{self.equipment_id} {self.start:%Y-%m-%d %H:%M}"


@tracked()
class EquipmentFact(models.Model):
    """A dated statement about a piece of equipment: a baseline of its commissioning, or a limit of its own."""

    class Kind(models.TextChoices):
        """What is stated."""

        EFFICIENCY = "efficiency_ratio", _("second-law efficiency at commissioning, share of one")
        APPROACH = "approach_k", _("approach under load at commissioning, K")
        EFFICIENCY_DROP = "drop_ratio", _("drop of the efficiency that is tolerated, share of one")
        APPROACH_RISE = "rise_k", _("rise of the approach that is tolerated, K")
        USUAL_LOW = "usual_low_ratio", _("usual efficiency, from, share of one")
        USUAL_HIGH = "usual_high_ratio", _("usual efficiency, up to, share of one")
        EMPTY = "empty_c", _("mean temperature of the empty buffer, °C")
        FULL = "full_c", _("mean temperature of the full buffer, °C")

    equipment = models.ForeignKey(
        Equipment, verbose_name=_("equipment"), on_delete=models.PROTECT, related_name="facts"
    )
    kind = models.CharField(_("fact"), max_length=24, choices=Kind)
    value = models.FloatField(_("value"), help_text=_("In the unit that the fact names."))
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True, help_text=_("First day on which it is not so."))
    source = models.CharField(
        _("source"), max_length=200, help_text=_("Record of the commissioning, data sheet, person.")
    )
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("recorded by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "equipment__site"}

    class Meta:
        ordering = ("equipment", "kind", "-valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="equipment_fact_ends_after_start",
            ),
            models.CheckConstraint(
                condition=~Q(kind__endswith="_ratio") | Q(value__gt=0, value__lt=1),
                name="equipment_fact_share_of_one",
                violation_error_message=_("Enter a share of one: 0.42 for 42 %."),
            ),
            ExclusionConstraint(
                name="equipment_fact_no_overlap",
                expressions=[
                    ("equipment", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    (DAYS, RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("Another entry says something for some of these days; end it first."),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["kind", "valid_from"], name="equipment_fact_kind")]

    def __str__(self) -> str:
        return f"{self.equipment}: {self.get_kind_display()}"

    def get_absolute_url(self) -> str:
        """The address of the equipment's figures, where its facts stand."""
        return reverse("thermal:equipment_figures", args=[self.equipment_id])
