"""Corrections: registers that a person set right, and heat that no register told."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models import DeliveryPoint, Meter, Site
from thermal.models.validation import ValidationFinding


class EstimationMethod(models.TextChoices):
    """How missing heat was found, best first."""

    CHECK_METER = "check_meter", _("told by the other meters of the site")
    REGISTERS = "registers", _("register difference, divided over its hours")
    LINEAR = "linear", _("straight line over a short gap")
    FROM_VOLUME = "from_volume", _("volume times temperature difference")
    HISTORY = "history", _("same hours of earlier weeks")
    AVERAGE = "average", _("average of the periods before and after")


@tracked()
class Correction(models.Model):
    """A change to what meters told: proposed with a reason, applied by its author or by a second person."""

    class Kind(models.TextChoices):
        """What it does."""

        EDIT = "edit", _("registers set right")
        DISTRIBUTE = "distribute", _("register difference divided over time")
        ADD = "add", _("estimated heat added")

    class State(models.TextChoices):
        """How far it has come."""

        PROPOSED = "proposed", _("waits for a second person")
        APPLIED = "applied", _("applied")
        REJECTED = "rejected", _("rejected")
        WITHDRAWN = "withdrawn", _("withdrawn")

    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.PROPOSED)
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="corrections")
    meter = models.ForeignKey(
        Meter, verbose_name=_("meter"), on_delete=models.PROTECT, null=True, related_name="corrections"
    )
    delivery_point = models.ForeignKey(
        DeliveryPoint, verbose_name=_("delivery point"), on_delete=models.PROTECT, null=True, related_name="corrections"
    )
    finding = models.ForeignKey(
        ValidationFinding, verbose_name=_("finding"), on_delete=models.PROTECT, null=True, related_name="corrections"
    )
    method = models.CharField(_("method"), max_length=12, choices=EstimationMethod, blank=True, default="")
    passed_over = models.JSONField(
        _("methods passed over"), default=list, help_text=_("Better methods whose facts were not known.")
    )
    weather_ratio = models.FloatField(
        _("ratio of degree days"),
        null=True,
        help_text=_("By which earlier weeks were adjusted; empty if they were not."),
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    heat_kwh = models.DecimalField(
        _("change of heat"), max_digits=14, decimal_places=4, help_text=_("kWh; how much more heat counts.")
    )
    bill_ratio = models.FloatField(
        _("share of the month"), null=True, help_text=_("Of the month's heat, as a share of one; empty if unknown.")
    )
    needs_approval = models.BooleanField(_("needs a second person"), default=True)
    reason = models.CharField(_("reason"), max_length=300)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("proposed by"), on_delete=models.PROTECT, related_name="+"
    )
    proposed_at = models.DateTimeField(_("proposed"))
    approver = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("decided by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("withdrawn by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.CharField(_("note"), max_length=300, blank=True, default="")

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("-proposed_at", "-pk")
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        permissions: ClassVar = [
            ("propose_correction", "Can propose corrections of what meters told"),
            ("approve_correction", "Can approve or reject corrections of others"),
            ("review_correction", "Can read corrections of what meters told"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gte=F("starts_at")), name="correction_ends_after_start"),
            models.CheckConstraint(condition=~Q(reason=""), name="correction_has_reason"),
            models.CheckConstraint(
                condition=Q(approver__isnull=True) | ~Q(approver=F("author")), name="correction_by_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state="applied") | Q(needs_approval=False) | Q(approver__isnull=False),
                name="correction_applied_after_approval",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_by__isnull=True) | Q(state="withdrawn"), name="correction_withdrawn_by_somebody"
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_at__isnull=True)
                | (~Q(state="proposed") & Q(decided_at__isnull=False)),
                name="correction_decided_has_time",
            ),
            models.CheckConstraint(
                condition=Q(kind="edit", method="", meter__isnull=False)
                | Q(kind="distribute", meter__isnull=False) & ~Q(method="")
                | Q(kind="add", delivery_point__isnull=False, heat_kwh__gte=0) & ~Q(method=""),
                name="correction_has_what_its_kind_needs",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-proposed_at"], name="correction_state"),
            models.Index(fields=["site", "-proposed_at"], name="correction_site"),
            models.Index(fields=["meter", "starts_at"], name="correction_meter"),
            models.Index(fields=["delivery_point", "starts_at"], name="correction_point"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.meter or self.delivery_point}"

    def get_absolute_url(self) -> str:
        """The address of the correction's page."""
        return reverse("thermal:correction_detail", args=[self.pk])


class CorrectedReading(models.Model):
    """One register that a correction sets: what stood there, and what counts instead."""

    correction = models.ForeignKey(Correction, on_delete=models.PROTECT, related_name="readings")
    at = models.DateTimeField(_("at"))
    before_version = models.SmallIntegerField(_("version before"), null=True)
    energy_before_kwh = models.DecimalField(_("register before"), max_digits=16, decimal_places=4, null=True)
    energy_kwh = models.DecimalField(
        _("register"), max_digits=16, decimal_places=4, null=True, help_text=_("Empty: the reading no longer counts.")
    )
    told_at = models.DateTimeField(
        _("told at"), null=True, help_text=_("Where its volume and temperatures were told; empty: at the same instant.")
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "correction__site"}

    class Meta:
        ordering = ("correction", "at")
        triggers: ClassVar = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["correction", "at"], name="corrected_reading_once"),
            models.CheckConstraint(
                condition=Q(energy_kwh__isnull=True) | Q(energy_kwh__gte=0), name="corrected_reading_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.correction_id}: {self.at:%Y-%m-%d %H:%M:%S}"


class EstimatedHeat(models.Model):
    """Heat of one quarter hour that no register told; it counts while its correction is applied."""

    correction = models.ForeignKey(Correction, on_delete=models.PROTECT, related_name="quarters")
    delivery_point = models.ForeignKey(DeliveryPoint, on_delete=models.PROTECT, related_name="+", db_index=False)
    start = models.DateTimeField(_("start"))
    heat_kwh = models.DecimalField(_("heat"), max_digits=14, decimal_places=4)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "correction__site"}

    class Meta:
        ordering = ("delivery_point", "start")
        triggers: ClassVar = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["correction", "start"], name="estimated_heat_once"),
            models.CheckConstraint(condition=Q(heat_kwh__gte=0), name="estimated_heat_not_negative"),
        ]
        indexes: ClassVar = [models.Index(fields=["delivery_point", "start"], name="estimated_heat_point")]

    def __str__(self) -> str:
        return f"{self.delivery_point_id} {self.start:%Y-%m-%d %H:%M}"
