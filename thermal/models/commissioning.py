"""Looks at devices, and the record of a person who compared one with its display."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import scoping
from accounts.models import Job
from hosting.models import Controller, Device, DeviceProfile, Meter, MeterPlacement


class DeviceProbe(models.Model):
    """One look at a device that a person asked for: what it told, and how it was asked."""

    device = models.ForeignKey(Device, verbose_name=_("device"), on_delete=models.CASCADE, related_name="probes")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_at = models.DateTimeField(_("asked"))
    told_at = models.DateTimeField(_("answered"), null=True)
    wiring = models.JSONField(default=dict)
    told = models.JSONField(default=list)
    identification = models.CharField(_("serial number told"), max_length=60, blank=True)
    error = models.CharField(_("error"), max_length=300, blank=True)
    latency_ms = models.FloatField(_("answer time"), null=True)
    request_count = models.PositiveIntegerField(default=0)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "device__controller__site"}

    class Meta:
        ordering = ("-asked_at",)
        permissions: ClassVar = [("probe_device", "Can look at a device now")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(told_at__isnull=True) | Q(told_at__gte=F("asked_at")), name="device_probe_told_after_asked"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["device", "-asked_at"], name="device_probe_latest")]

    def __str__(self) -> str:
        return f"{self.device} {self.asked_at:%Y-%m-%d %H:%M}"

    @property
    def answered(self) -> bool:
        """Whether at least one value came."""
        return any(row["value"] is not None for row in self.told)


class DeviceAcceptance(models.Model):
    """A person's verdict on a device: what it told, what the display showed, what spoke against it."""

    class Verdict(models.TextChoices):
        """Whether the device's values may be used."""

        ACCEPTED = "accepted", pgettext_lazy("verdict on a device", "accepted")
        REJECTED = "rejected", pgettext_lazy("verdict on a device", "rejected")

    device = models.ForeignKey(Device, verbose_name=_("device"), on_delete=models.PROTECT, related_name="acceptances")
    profile = models.ForeignKey(DeviceProfile, verbose_name=_("profile"), on_delete=models.PROTECT, related_name="+")
    meter = models.ForeignKey(
        Meter, verbose_name=_("meter"), on_delete=models.PROTECT, null=True, related_name="acceptances"
    )
    placement = models.ForeignKey(
        MeterPlacement, verbose_name=_("placement"), on_delete=models.PROTECT, null=True, related_name="acceptances"
    )
    register_map = models.CharField(
        _("register map"),
        max_length=64,
        blank=True,
        default="",
        help_text=_("SHA-256 of the profile's points and options; empty where the verdict is older than this field."),
    )
    controller = models.ForeignKey(Controller, verbose_name=_("controller"), on_delete=models.PROTECT, related_name="+")
    host = models.CharField(_("host"), max_length=253, blank=True)
    port = models.PositiveIntegerField(_("port"), null=True)
    unit_address = models.CharField(_("unit address"), max_length=200, blank=True)
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    at = models.DateTimeField(_("at"))
    told_at = models.DateTimeField(_("values of"))
    told = models.JSONField(_("told"))
    typed = models.JSONField(_("typed"), encoder=DjangoJSONEncoder)
    findings = models.JSONField(_("findings"), encoder=DjangoJSONEncoder)
    finding_codes = ArrayField(models.CharField(max_length=40), default=list)
    note = models.CharField(_("note"), max_length=500, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "device__controller__site"}

    class Meta:
        ordering = ("-at", "-pk")
        verbose_name = _("acceptance")
        verbose_name_plural = _("acceptances")
        permissions: ClassVar = [("accept_device", "Can accept or reject what a device tells")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(note="") | Q(verdict="accepted", finding_codes=[]), name="acceptance_explains_differences"
            ),
            models.CheckConstraint(condition=Q(at__gte=F("told_at")), name="acceptance_after_the_look"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["device", "-at"], name="acceptance_device"),
            models.Index(fields=["meter", "-at"], name="acceptance_meter"),
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.get_verdict_display()} ({self.at:%Y-%m-%d})"

    def get_absolute_url(self) -> str:
        """The address of the device's commissioning page, where it is listed."""
        return reverse("thermal:device_commissioning", args=[self.device_id])
