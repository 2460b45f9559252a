"""What went wrong, and what was done about it."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from contracts.models import FaultReport
from hosting.models import Site
from thermal.models import Alarm


@tracked()
class Incident(models.Model):
    """Something that harmed people, heat, data or the environment, or nearly did."""

    class Kind(models.TextChoices):
        """What was harmed, which decides who must be told."""

        SAFETY = "safety", _("safety")
        AVAILABILITY = "availability", _("cyber or availability")
        ENVIRONMENT = "environment", _("environment")
        HEALTH = "health", _("public health")
        METERING = "metering", _("metering")
        PERSONAL_DATA = "personal_data", _("personal data")
        SUPPLY = "supply", _("heat supply")

    class Severity(models.TextChoices):
        """How bad it is."""

        MINOR = "minor", _("minor")
        MAJOR = "major", _("major")
        CRITICAL = "critical", _("critical")

    class State(models.TextChoices):
        """How far it has come."""

        OPEN = "open", _("open")
        CONTAINED = "contained", _("contained")
        RESOLVED = "resolved", _("resolved, cause being found")
        CLOSED = "closed", _("closed")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="incidents")
    title = models.CharField(_("title"), max_length=200)
    kind = models.CharField(_("class"), max_length=16, choices=Kind, default=Kind.SUPPLY)
    severity = models.CharField(_("severity"), max_length=12, choices=Severity, default=Severity.MINOR)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.OPEN)
    detected_at = models.DateTimeField(_("detected"))
    aware_at = models.DateTimeField(
        _("aware"), null=True, blank=True, help_text=_("When it was reasonably certain; reporting clocks start here.")
    )
    classified_at = models.DateTimeField(_("classified"), null=True, blank=True)
    report_due_at = models.DateTimeField(_("report due"), null=True, blank=True)
    reported_at = models.DateTimeField(_("reported"), null=True, blank=True)
    report_receipt = models.CharField(
        _("receipt of the report"), max_length=120, blank=True, help_text=_("What the authority answered, and to whom.")
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    cause = models.TextField(_("cause"), blank=True)
    alarm = models.OneToOneField(
        Alarm, verbose_name=_("alarm"), on_delete=models.PROTECT, null=True, blank=True, related_name="incident"
    )
    fault_report = models.OneToOneField(
        FaultReport,
        verbose_name=_("fault report"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="incident",
    )
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(_("recorded"), editable=False)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("-detected_at", "-pk")
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        permissions: ClassVar = [("close_incident", "Can close incidents")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=(Q(state="closed", closed_at__isnull=False) & ~Q(cause=""))
                | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="incident_closed_has_time_and_cause",
            ),
            models.CheckConstraint(
                condition=Q(aware_at__isnull=True) | Q(aware_at__gte=F("detected_at")),
                name="incident_aware_after_detected",
                violation_error_message=_("Nobody was aware before it was detected."),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-detected_at"], name="incident_state"),
            models.Index(fields=["site", "state"], name="incident_site"),
            models.Index(fields=["-detected_at"], name="incident_detected"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The address of the incident's page."""
        return reverse("compliance:incident_detail", args=[self.pk])


class IncidentEntry(models.Model):
    """One line of an incident's time line; written once, never changed."""

    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="entries")
    at = models.DateTimeField(_("at"))
    recorded_at = models.DateTimeField(_("written"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(_("state from then on"), max_length=12, choices=Incident.State, blank=True)
    text = models.TextField(_("what happened"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "incident__site"}

    class Meta:
        ordering = ("incident", "at", "pk")
        triggers: ClassVar = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(text=""), name="incident_entry_says_something"),
            models.CheckConstraint(condition=Q(recorded_at__gte=F("at")), name="incident_entry_not_ahead"),
        ]
        indexes: ClassVar = [models.Index(fields=["incident", "at"], name="incident_entry_time")]

    def __str__(self) -> str:
        return self.text[:80]
