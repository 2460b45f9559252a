"""What sources sent by themselves: one row for each batch."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from hosting.models import Controller


class PushReceipt(models.Model):
    """What became of one batch that a source pushed, and the answer it got."""

    controller = models.ForeignKey(
        Controller, verbose_name=_("controller"), on_delete=models.PROTECT, related_name="push_receipts"
    )
    sequence_number = models.BigIntegerField(_("sequence number"))
    received_at = models.DateTimeField(_("received"))
    sent_at = models.DateTimeField(_("sent"))
    body_sha256 = models.BinaryField(max_length=32)
    item_count = models.PositiveIntegerField(_("items"))
    stored_count = models.PositiveIntegerField(_("stored"))
    known_count = models.PositiveIntegerField(_("known already"))
    refused_count = models.PositiveIntegerField(_("refused"))
    answer = models.JSONField()

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "controller__site"}

    class Meta:
        ordering = ("controller", "-sequence_number")
        verbose_name = _("pushed batch")
        verbose_name_plural = _("pushed batches")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["controller", "sequence_number"], name="push_receipt_sequence_unique"),
            models.CheckConstraint(condition=Q(sequence_number__gte=0), name="push_receipt_sequence_not_negative"),
            models.CheckConstraint(
                condition=Q(item_count=F("stored_count") + F("known_count") + F("refused_count")),
                name="push_receipt_items_balance",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["controller", "-received_at"], name="push_receipt_received")]

    def __str__(self) -> str:
        return f"{self.controller_id} {self.sequence_number}"
