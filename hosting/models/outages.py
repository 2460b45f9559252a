"""Works that were announced and during which heat may be missing."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models.sites import Site


@tracked()
class PlannedOutage(models.Model):
    """A dated stretch of announced work at a site."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="planned_outages")
    delivery_point = models.ForeignKey(
        "hosting.DeliveryPoint",
        verbose_name=_("delivery point"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="planned_outages",
        help_text=_("Empty: the whole site."),
    )
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    announced_at = models.DateTimeField(_("announced"))
    reason = models.CharField(_("reason"), max_length=200)
    cancelled_at = models.DateTimeField(_("cancelled"), null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("cancelled by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("entered by"), on_delete=models.PROTECT, null=True, editable=False
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("-starts_at",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="planned_outage_ends_after_start"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["site", "starts_at"], name="planned_outage_site"),
            models.Index(fields=["ends_at"], name="planned_outage_end"),
        ]

    def __str__(self) -> str:
        return f"{self.site}: {self.reason}"

    def get_absolute_url(self) -> str:
        """The address of the outage's page."""
        return reverse("hosting:plannedoutage_detail", args=[self.pk])
