"""Files that prove something."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from compliance.models.incidents import Incident
from compliance.models.maintenance import MaintenancePlan, Task
from compliance.models.permits import Permit
from compliance.models.water import WaterCircuit, WaterSample
from hosting.models import Equipment, Meter, Site

RECORDS = ("task", "plan", "sample", "circuit", "permit", "incident", "equipment", "meter")


def _at_most_one_record() -> Q:
    """The condition that no two of the record fields are set."""
    none = Q(**{f"{name}__isnull": True for name in RECORDS})
    for name in RECORDS:
        none |= Q(**{f"{other}__isnull": other != name for other in RECORDS})
    return none


class Document(models.Model):
    """One version of a file, known by its SHA-256, kept as it came."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="documents")
    title = models.CharField(_("title"), max_length=160)
    evidence_on = models.DateField(_("evidence date"), help_text=_("The day the paper speaks of, not today's."))
    file_name = models.CharField(_("file name"), max_length=160)
    storage_name = models.CharField(max_length=200, editable=False)
    media_type = models.CharField(_("type"), max_length=100)
    size_bytes = models.PositiveBigIntegerField(_("size"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    replaces = models.OneToOneField(
        "self", verbose_name=_("replaces"), on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by"
    )
    uploaded_at = models.DateTimeField(_("uploaded"))
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("uploaded by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    task = models.ForeignKey(Task, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    plan = models.ForeignKey(MaintenancePlan, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    sample = models.ForeignKey(WaterSample, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    circuit = models.ForeignKey(WaterCircuit, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    permit = models.ForeignKey(Permit, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, null=True, blank=True, related_name="documents")

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("-evidence_on", "-pk")
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        triggers: ClassVar = [pgtrigger.Protect(name="kept_as_it_came", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="document_sha256_in_hexadecimal"),
            models.CheckConstraint(condition=_at_most_one_record(), name="document_at_most_one_record"),
            models.CheckConstraint(
                condition=Q(version=1, replaces__isnull=True) | Q(version__gt=1, replaces__isnull=False),
                name="document_later_version_replaces",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["site", "-evidence_on"], name="document_site"),
            models.Index(fields=["-evidence_on"], name="document_evidence"),
            models.Index(fields=["sha256"], name="document_sha256"),
            models.Index(fields=["title"], name="document_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The address of the document's page."""
        return reverse("compliance:document_detail", args=[self.pk])
