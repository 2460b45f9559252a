"""Decisions to bill although a rule speaks against it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from contracts.models.billing import OF_CONTRACT
from contracts.models.contracts import Contract


@tracked()
class Substitution(models.Model):
    """One person's decision to bill a month although a rule speaks against it."""

    contract = models.ForeignKey(
        Contract, verbose_name=_("contract"), on_delete=models.PROTECT, related_name="substitutions"
    )
    month_on = models.DateField(_("month"), help_text=_("Its first day."))
    code = models.CharField(_("code"), max_length=40)
    facts = models.JSONField(_("facts"), default=dict)
    reason = models.CharField(_("reason"), max_length=300)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("approved by"), on_delete=models.PROTECT, related_name="+"
    )
    approved_at = models.DateTimeField(_("approved"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("revoked by"), on_delete=models.PROTECT, null=True, related_name="+"
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = OF_CONTRACT

    class Meta:
        ordering = ("contract", "month_on", "code")
        verbose_name = _("approved substitution")
        verbose_name_plural = _("approved substitutions")
        permissions: ClassVar = [("approve_substitution", "Can approve billing against a rule")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contract", "month_on", "code"],
                condition=Q(revoked_at__isnull=True),
                name="substitution_one_at_a_time",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="substitution_has_reason"),
            models.CheckConstraint(condition=Q(month_on__day=1), name="substitution_of_a_month"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="substitution_revoked_by_someone",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["month_on", "contract"], name="substitution_month")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.month_on:%Y-%m}: {self.code}"
