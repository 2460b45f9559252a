"""The heat ledger: what happened in every quarter of an hour."""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from hosting.models import DeliveryPoint, Meter, Site


class Quality(models.IntegerChoices):
    """How a ledger value was obtained, from best to worst."""

    MEASURED = 0, _("measured")
    SPREAD = 1, _("register difference spread over time")
    INTEGRATED = 2, _("integrated from power")
    ESTIMATED = 3, _("estimated")
    MISSING = 4, _("no data")


class Reason(models.IntegerChoices):
    """Why a ledger value is missing or less than measured."""

    NONE = 0, _("nothing to remark")
    NO_METER = 1, _("no meter stood there")
    NO_READING = 2, _("no reading on both sides yet")
    REGISTER_DECREASED = 3, _("the register went down without rolling over")
    IMPLAUSIBLE = 4, _("the register rose faster than the meter can count")
    SENSOR_FAULT = 5, _("the meter reported a sensor fault")
    LONG_GAP = 6, _("readings lie too far apart to know when")
    METER_CHANGED = 7, _("no meter for part of the quarter hour")
    SHORT_DATA = 8, _("telemetry for part of the quarter hour")
    CORRECTED = 9, _("heat added by a correction")


class ExportMode(models.IntegerChoices):
    """Where the captured heat goes."""

    EXPORT = 0, _("export")
    PARTIAL = 1, _("partial export")
    BUFFER = 2, _("charging the buffer")
    DUMP = 3, _("rejected to the outside")
    EMERGENCY = 4, _("emergency")
    MAINTENANCE = 5, _("maintenance")


class ExportCause(models.IntegerChoices):
    """Why heat is not exported in full."""

    NONE = 0, _("none")
    OFFTAKER = 1, _("offtaker")
    PROVIDER = 2, _("provider")
    SAFETY = 3, _("safety")
    TEMPERATURE = 4, _("temperature")
    PLANNED = 5, _("planned work")


class ExportBasis(models.IntegerChoices):
    """Where the export mode of a quarter hour is known from."""

    NONE = 0, _("not known")
    TOLD = 1, _("told by the controller")
    DERIVED = 2, _("derived from energies")


class HeatInterval(models.Model):
    """The heat that passed one delivery point in one quarter of an hour."""

    pk = models.CompositePrimaryKey("delivery_point_id", "start")
    delivery_point = models.ForeignKey(
        DeliveryPoint, on_delete=models.PROTECT, related_name="intervals", db_index=False
    )
    start = models.DateTimeField(_("start"))
    heat_kwh = models.DecimalField(_("heat"), max_digits=14, decimal_places=4, null=True)
    volume_m3 = models.DecimalField(_("volume"), max_digits=14, decimal_places=4, null=True)
    supply_vw_c = models.FloatField(_("volume-weighted supply temperature"), null=True)
    return_vw_c = models.FloatField(_("volume-weighted return temperature"), null=True)
    supply_mean_c = models.FloatField(_("mean supply temperature"), null=True)
    supply_min_c = models.FloatField(_("lowest supply temperature"), null=True)
    demand = models.BooleanField(_("heat called for"), null=True)
    measured_s = models.SmallIntegerField(_("seconds measured"), default=0)
    quality = models.SmallIntegerField(_("quality"), choices=Quality, default=Quality.MISSING)
    reason = models.SmallIntegerField(_("reason"), choices=Reason, default=Reason.NONE)
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    first_reading_at = models.DateTimeField(null=True)
    last_reading_at = models.DateTimeField(null=True)
    rule_version = models.SmallIntegerField(_("version of the settlement rule"))
    version = models.IntegerField(_("version"), default=1)
    settled_at = models.DateTimeField(_("settled"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "delivery_point__site"}

    class Meta:
        ordering = ("delivery_point", "start")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(measured_s__gte=0, measured_s__lte=900), name="heat_interval_seconds_in_quarter"
            ),
            models.CheckConstraint(
                condition=Q(heat_kwh__isnull=True) | Q(heat_kwh__gte=0), name="heat_interval_heat_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(quality=4) | Q(heat_kwh__isnull=True), name="heat_interval_missing_has_no_heat"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["start"], name="heat_interval_start")]

    def __str__(self) -> str:
        return f"{self.delivery_point_id} {self.start:%Y-%m-%d %H:%M}"


class SiteInterval(models.Model):
    """The energy that one site took, made and passed on in one quarter of an hour."""

    pk = models.CompositePrimaryKey("site_id", "start")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="intervals", db_index=False)
    start = models.DateTimeField(_("start"))
    it_kwh = models.FloatField(_("IT energy"), null=True)
    total_kwh = models.FloatField(_("energy of the whole site"), null=True)
    heat_pump_kwh = models.FloatField(_("electricity of heat pumps"), null=True)
    heat_pump_heat_kwh = models.FloatField(_("heat made by heat pumps"), null=True)
    source_pump_kwh = models.FloatField(_("electricity of pumps before the heat pump"), null=True)
    sink_pump_kwh = models.FloatField(_("electricity of pumps behind the heat pump"), null=True)
    backup_kwh = models.FloatField(_("electricity of a backup heater"), null=True)
    backup_heat_kwh = models.FloatField(_("heat made by a backup heater"), null=True)
    water_m3 = models.FloatField(_("water taken in"), null=True)
    captured_kwh = models.FloatField(_("heat captured"), null=True)
    delivered_kwh = models.FloatField(_("heat delivered"), null=True)
    rejected_kwh = models.FloatField(_("heat rejected"), null=True)
    buffer_change_kwh = models.FloatField(_("change of the buffer"), null=True)
    closing_error_kwh = models.FloatField(
        _("closing error"),
        null=True,
        help_text=_("IT heat and work of heat pumps that is found neither delivered, rejected nor in the buffer."),
    )
    available_kwh = models.FloatField(_("heat that could go out"), null=True)
    demand_kwh = models.FloatField(_("heat called for, at design power"), null=True)
    utilisation_ratio = models.FloatField(_("compute utilisation"), null=True)
    export_mode = models.SmallIntegerField(_("export mode"), choices=ExportMode, null=True)
    export_cause = models.SmallIntegerField(_("cause"), choices=ExportCause, default=ExportCause.NONE)
    export_basis = models.SmallIntegerField(_("export mode known from"), choices=ExportBasis, default=ExportBasis.NONE)
    curtailed_s = models.SmallIntegerField(_("seconds curtailed"), default=0)
    curtailed_kwh = models.FloatField(_("heat curtailed"), null=True)
    measured_s = models.SmallIntegerField(_("seconds measured"), default=0)
    it_quality = models.SmallIntegerField(_("quality of the IT energy"), choices=Quality, default=Quality.MISSING)
    inputs = ArrayField(models.BigIntegerField(), default=list, help_text=_("Ids of the meter placements used."))
    rule_version = models.SmallIntegerField(_("version of the settlement rule"))
    version = models.IntegerField(_("version"), default=1)
    settled_at = models.DateTimeField(_("settled"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "start")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(curtailed_s__gte=0, curtailed_s__lte=900), name="site_interval_curtailed_in_quarter"
            ),
            models.CheckConstraint(
                condition=Q(measured_s__gte=0, measured_s__lte=900), name="site_interval_seconds_in_quarter"
            ),
            models.CheckConstraint(
                condition=Q(curtailed_kwh__isnull=True) | Q(curtailed_kwh__gte=0),
                name="site_interval_curtailed_not_negative",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["start"], name="site_interval_start")]

    def __str__(self) -> str:
        return f"{self.site_id} {self.start:%Y-%m-%d %H:%M}"


class DirtyMark(models.Model):
    """A quarter of an hour of a site whose ledger rows no longer match what was recorded."""

    pk = models.CompositePrimaryKey("site_id", "start")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+", db_index=False)
    start = models.DateTimeField()
    marked_at = models.DateTimeField()

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["marked_at"], name="dirty_mark_age"),
            models.Index(fields=["start"], name="dirty_mark_start"),
        ]

    def __str__(self) -> str:
        return f"{self.site_id} {self.start:%Y-%m-%d %H:%M}"
