"""What authorities and owners allow, and on which conditions."""

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from compliance.models.maintenance import MaintenancePlan
from hosting.models import Site


@tracked()
class Permit(models.Model):
    """A consent, licence, certificate or policy without which a site may not be run as it is."""

    class Kind(models.TextChoices):
        """What is allowed."""

        PLANNING = "planning", _("planning consent")
        BUILDING = "building", _("building control")
        NOISE = "noise", _("noise condition")
        ENVIRONMENT = "environment", _("environmental permit or notice")
        F_GAS = "f_gas", _("F-gas company certificate")
        PRESSURE = "pressure", _("written scheme of examination")
        WATER = "water", _("water abstraction or discharge")
        GRID = "grid", _("grid connection")
        HEAT_NETWORK = "heat_network", _("heat network registration")
        WAYLEAVE = "wayleave", _("road opening or wayleave")
        INSURANCE = "insurance", _("insurance")
        FIRE = "fire", _("fire risk assessment")
        GENERATOR = "generator", _("generator emissions")
        LANDLORD = "landlord", _("heritage or landlord licence")
        OTHER = "other", _("other")

    class Status(models.TextChoices):
        """How far the paper work is."""

        APPLIED = "applied", _("applied for")
        GRANTED = "granted", _("granted")
        REPLACED = "replaced", _("replaced by a renewal")
        ENDED = "ended", _("given up or withdrawn")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="permits")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    authority = models.CharField(_("authority"), max_length=160)
    reference = models.CharField(_("reference"), max_length=120)
    scope = models.TextField(_("what it allows"), blank=True)
    issued_on = models.DateField(_("issued on"), null=True, blank=True)
    expires_on = models.DateField(
        _("expires on"), null=True, blank=True, help_text=_("First day without it; empty: unlimited.")
    )
    renewal_lead_days = models.PositiveSmallIntegerField(
        _("start renewal"),
        default=90,
        validators=[MaxValueValidator(1100)],
        help_text=_("days before it expires"),
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.GRANTED)
    replaces = models.OneToOneField(
        "self",
        verbose_name=_("renewal of"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="replaced_by",
    )
    created_at = models.DateTimeField(_("recorded"), editable=False)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "kind", "-issued_on")
        verbose_name = _("permit")
        verbose_name_plural = _("permits")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "authority", "reference"],
                name="permit_reference_unique",
                violation_error_message=_("This reference of the authority is already recorded for the site."),
            ),
            models.CheckConstraint(
                condition=Q(expires_on__isnull=True) | Q(issued_on__isnull=True) | Q(expires_on__gt=F("issued_on")),
                name="permit_expires_after_issue",
                violation_error_message=_("The permit must expire after it was issued."),
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["granted", "replaced"]) | Q(issued_on__isnull=False),
                name="permit_granted_has_day",
                violation_error_message=_("A granted permit needs the day on which it was issued."),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "expires_on"], name="permit_expiry"),
            models.Index(fields=["kind", "site"], name="permit_kind"),
            models.Index(fields=["reference"], name="permit_reference"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.reference}"

    def get_absolute_url(self) -> str:
        """The address of the permit's page."""
        return reverse("compliance:permit_detail", args=[self.pk])


@tracked()
class PermitCondition(models.Model):
    """One thing that a permit asks for, with the check that shows it is kept."""

    permit = models.ForeignKey(Permit, verbose_name=_("permit"), on_delete=models.CASCADE, related_name="conditions")
    number = models.CharField(_("number"), max_length=20)
    text = models.TextField(_("condition"))
    plan = models.OneToOneField(
        MaintenancePlan,
        verbose_name=_("check"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="permit_condition",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "permit__site"}

    class Meta:
        ordering = ("permit", "number")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["permit", "number"], name="permit_condition_number_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.text[:80]}"

    def get_absolute_url(self) -> str:
        """The address of the permit's page, where its conditions stand."""
        return reverse("compliance:permit_detail", args=[self.permit_id])
