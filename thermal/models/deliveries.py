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


class DropReceipt(models.Model):
    """What became of one file of a drop folder."""

    controller = models.ForeignKey(
        Controller, verbose_name=_("controller"), on_delete=models.PROTECT, related_name="drop_receipts"
    )
    claim_name = models.CharField(_("kept as"), max_length=200)
    file_name = models.CharField(_("file"), max_length=120)
    handled_at = models.DateTimeField(_("read"))
    row_count = models.PositiveIntegerField(_("rows"), default=0)
    stored_count = models.PositiveIntegerField(_("stored"), default=0)
    known_count = models.PositiveIntegerField(_("known already"), default=0)
    refused_count = models.PositiveIntegerField(_("refused"), default=0)
    refusal = models.CharField(_("refusal"), max_length=300, blank=True, default="")
    problems = models.JSONField(default=list)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "controller__site"}

    class Meta:
        ordering = ("controller", "-handled_at")
        verbose_name = _("dropped file")
        verbose_name_plural = _("dropped files")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["controller", "claim_name"], name="drop_receipt_claim_unique"),
            models.CheckConstraint(
                condition=Q(row_count=F("stored_count") + F("known_count") + F("refused_count")),
                name="drop_receipt_rows_balance",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["controller", "-handled_at"], name="drop_receipt_handled")]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_good(self) -> bool:
        """True if every row was taken."""
        return not self.refusal and not self.refused_count
