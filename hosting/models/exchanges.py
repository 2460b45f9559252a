"""Exchanges of meters: what was entered step by step, and the photos that show it."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models.metering import MeterPlacement


@tracked()
class MeterSwap(models.Model):
    """One exchange of a meter, from the first entry to the confirmed fact."""

    placement = models.ForeignKey(
        MeterPlacement, verbose_name=_("placement that ends"), on_delete=models.PROTECT, related_name="swaps"
    )
    entered = models.JSONField(
        _("entered"), default=dict, encoder=DjangoJSONEncoder, help_text=_("What was entered so far, step by step.")
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("begun by"), on_delete=models.PROTECT, related_name="+"
    )
    started_at = models.DateTimeField(_("begun"))
    fitted = models.ForeignKey(
        MeterPlacement, verbose_name=_("placement that begins"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("confirmed by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(_("confirmed"), null=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "placement__site"}

    class Meta:
        ordering = ("-started_at", "-pk")
        verbose_name = _("meter exchange")
        verbose_name_plural = _("meter exchanges")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["placement"], name="meter_swap_once"),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by__isnull=True, fitted__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False, fitted__isnull=False),
                name="meter_swap_confirmed_as_a_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.placement)


class MeterPhoto(models.Model):
    """A photo of a meter's display and seal at its exchange; its pixels kept as they came."""

    class Moment(models.TextChoices):
        """Which of the two meters it shows."""

        OLD = "old", _("old meter, when it was removed")
        NEW = "new", _("new meter, when it was fitted")

    swap = models.ForeignKey(MeterSwap, on_delete=models.PROTECT, related_name="photos")
    moment = models.CharField(_("shows"), max_length=4, choices=Moment)
    storage_name = models.CharField(max_length=100)
    media_type = models.CharField(_("type"), max_length=20)
    size_bytes = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("uploaded by"), on_delete=models.PROTECT, related_name="+"
    )
    uploaded_at = models.DateTimeField(_("uploaded"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "swap__placement__site"}

    class Meta:
        ordering = ("uploaded_at", "pk")
        verbose_name = _("photo of a meter")
        verbose_name_plural = _("photos of meters")
        triggers: ClassVar = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(size_bytes__gt=0), name="meter_photo_not_empty"),
            models.CheckConstraint(condition=Q(sha256__regex=r"^[0-9a-f]{64}$"), name="meter_photo_has_fingerprint"),
        ]

    def __str__(self) -> str:
        return f"{self.get_moment_display()}, {self.uploaded_at:%Y-%m-%d}"

    def get_absolute_url(self) -> str:
        """The address of the photo itself."""
        return reverse("hosting:meter_photo", args=[self.pk])
