"""News of issued documents that are on their way to the offtaker's people."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from contracts.models.billing import CreditNote, Invoice


class DocumentNotice(models.Model):
    """An e-mail to one address about one issued document: written with the document, sent afterwards."""

    invoice = models.ForeignKey(Invoice, verbose_name=_("invoice"), on_delete=models.PROTECT, related_name="notices")
    credit_note = models.ForeignKey(
        CreditNote, verbose_name=_("credit note"), on_delete=models.PROTECT, null=True, related_name="notices"
    )
    address = models.EmailField(_("e-mail address"))
    created_at = models.DateTimeField(_("written"))
    claimed_until = models.DateTimeField(_("being sent until"), null=True)
    attempt_count = models.PositiveSmallIntegerField(_("attempts"), default=0)
    sent_at = models.DateTimeField(_("sent"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True, default="")

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {
        "contract": "invoice__contract",
        "offtaker": "invoice__contract__offtaker",
    }

    class Meta:
        ordering = ("-created_at", "-pk")
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice", "address"], condition=Q(credit_note__isnull=True), name="notice_of_invoice_once"
            ),
            models.UniqueConstraint(fields=["credit_note", "address"], name="notice_of_credit_note_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"], condition=Q(sent_at__isnull=True), name="notice_unsent"),
        ]

    def __str__(self) -> str:
        return f"{self.credit_note or self.invoice}: {self.address}"
