"""Values as the field devices said them; both tables are partitioned by month of ``at``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from hosting.models import Device, DeviceProfile, Meter, MeterPlacement

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User


class RealField(models.FloatField):  # type: ignore[type-arg]
    """A number of about seven digits in four bytes: enough for a sensor, never for a register."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 -- Django calls it so
        """PostgreSQL's single-precision type."""
        return "real"


class TelemetryFrame(models.Model):
    """All values of one read of one device, in the slots of its profile.

    The database does not check the foreign keys: that would cost more than the insert,
    and devices and profiles with frames are protected from deletion by the application.
    """

    pk = models.CompositePrimaryKey("device_id", "at")
    device = models.ForeignKey(
        Device, on_delete=models.PROTECT, related_name="frames", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    profile = models.ForeignKey(
        DeviceProfile, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    values = ArrayField(RealField(null=True))
    quality = models.BinaryField(null=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "device__controller__site"}

    class Meta:
        ordering = ("device", "at")

    def __str__(self) -> str:
        return f"{self.device_id} {self.at:%Y-%m-%d %H:%M:%S}"


class ReadingQuerySet(scoping.ScopedQuerySet["MeterReading"]):
    """Readings that know who may see them: not who may see the meter, but who may see the place where it stood then."""

    def visible_to(self, user: User | AnonymousUser) -> ReadingQuerySet:
        """The readings that the meter took while it stood at a place that ``user`` may see.

        The register at which it left one place for another belongs to both: each bill ends or begins with it.
        """
        if not scoping.has_access(user):
            return self.none()
        if user.has_perm(".".join(scoping.view_permission("site"))):
            return self
        stays = MeterPlacement.objects.visible_to(user).filter(meter=OuterRef("meter"), valid_from__lte=OuterRef("at"))
        return self.filter(Exists(stays.filter(Q(valid_until=None) | Q(valid_until__gte=OuterRef("at")))))


class MeterReading(models.Model):
    """The registers of one meter at one instant; append-only, corrected by a new version."""

    class Source(models.TextChoices):
        """How the reading came in."""

        POLL = "poll", _("read from the device")
        IMPORT = "import", _("imported from a file")
        MANUAL = "manual", _("read by a person")
        CORRECTION = "correction", _("correction")
        DISTRIBUTED = "distributed", _("register difference divided over time")

    pk = models.CompositePrimaryKey("meter_id", "at", "version")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="readings", db_index=False)
    at = models.DateTimeField(_("at"))
    version = models.SmallIntegerField(_("version"), default=1)
    energy_kwh = models.DecimalField(_("energy"), max_digits=16, decimal_places=4, null=True)
    volume_m3 = models.DecimalField(_("volume"), max_digits=16, decimal_places=4, null=True)
    supply_energy_m3c = models.DecimalField(_("E8"), max_digits=18, decimal_places=4, null=True)
    return_energy_m3c = models.DecimalField(_("E9"), max_digits=18, decimal_places=4, null=True)
    power_kw = models.DecimalField(_("power"), max_digits=12, decimal_places=4, null=True)
    flow_m3h = models.DecimalField(_("flow"), max_digits=12, decimal_places=4, null=True)
    supply_c = models.DecimalField(_("supply temperature"), max_digits=7, decimal_places=3, null=True)
    return_c = models.DecimalField(_("return temperature"), max_digits=7, decimal_places=3, null=True)
    operating_h = models.DecimalField(_("operating hours"), max_digits=12, decimal_places=2, null=True)
    error_h = models.DecimalField(_("error hours"), max_digits=12, decimal_places=2, null=True)
    info_code = models.BigIntegerField(_("information code"), null=True)
    device_at = models.DateTimeField(_("clock of the device"), null=True)
    received_at = models.DateTimeField(_("received"))
    source = models.CharField(_("source"), max_length=12, choices=Source, default=Source.POLL)
    payload_hash = models.BinaryField(null=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")

    objects: ClassVar[Any] = models.Manager.from_queryset(ReadingQuerySet)()
    anchors: ClassVar[scoping.Anchors] = {"site": "meter__placements__site"}

    class Meta:
        ordering = ("meter", "at", "version")
        permissions: ClassVar = [("import_meterreading", "Can import readings from files")]

    def __str__(self) -> str:
        return f"{self.meter_id} {self.at:%Y-%m-%d %H:%M:%S} v{self.version}"
