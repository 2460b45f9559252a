"""Issued bills that the records no longer bear out, and what became of each."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import scoping
from accounts.history import tracked
from contracts.models.billing import OF_CONTRACT, CreditNote, Invoice
from contracts.models.contracts import Contract


def _now_less_billed(name: str) -> Q:
    """The condition that a difference is what is now less what was billed, or that neither is known."""
    now, delta = f"now_{name}", f"delta_{name}"
    unknown = Q(**{f"{now}__isnull": True, f"{delta}__isnull": True})
    known = Q(**{f"{now}__isnull": False, f"{delta}__isnull": False, delta: F(now) - F(f"billed_{name}")})
    return unknown | known


class BilledMark(models.Model):
    """A billed month of a contract whose records changed, and which nobody has looked at since.

    Rows are only added and taken away, several for one month if need be: whoever settles the ledger waits for nobody.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+")
    month_on = models.DateField(_("month"))
    marked_at = models.DateTimeField(_("marked"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = OF_CONTRACT

    class Meta:
        ordering = ("pk",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(month_on__day=1), name="billed_mark_of_a_month"),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.month_on:%Y-%m}"


@tracked()
class TrueUp(models.Model):
    """The difference between an issued invoice and what the records say now, and how it was settled."""

    class State(models.TextChoices):
        """How far it has come."""

        OPEN = "open", pgettext_lazy("true-up", "open")
        PROPOSED = "proposed", _("new bill waits for a second person")
        WAIVING = "waiving", _("waiver waits for a second person")
        SETTLED = "settled", _("credited and billed again")
        WAIVED = "waived", _("waived")
        MINOR = "minor", _("below what is proposed")
        AGREES = "agrees", _("the bill stands")

    LIVE: ClassVar = (State.OPEN, State.PROPOSED, State.WAIVING)

    invoice = models.ForeignKey(Invoice, verbose_name=_("invoice"), on_delete=models.PROTECT, related_name="true_ups")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.OPEN)
    reasons = models.JSONField(_("reasons"), default=list)
    problems = models.JSONField(_("what forbids a new bill"), default=list)
    billed_kwh = models.DecimalField(_("billed"), max_digits=16, decimal_places=4)
    estimated_kwh = models.DecimalField(_("of it estimated"), max_digits=16, decimal_places=4)
    now_kwh = models.DecimalField(_("now"), max_digits=16, decimal_places=4, null=True)
    delta_kwh = models.DecimalField(_("difference"), max_digits=16, decimal_places=4, null=True)
    billed_net_amount = models.DecimalField(_("billed net"), max_digits=14, decimal_places=3)
    billed_gross_amount = models.DecimalField(_("billed with VAT"), max_digits=14, decimal_places=3)
    now_net_amount = models.DecimalField(_("net now"), max_digits=14, decimal_places=3, null=True)
    now_gross_amount = models.DecimalField(_("with VAT now"), max_digits=14, decimal_places=3, null=True)
    delta_net_amount = models.DecimalField(_("difference net"), max_digits=14, decimal_places=3, null=True)
    delta_gross_amount = models.DecimalField(_("difference with VAT"), max_digits=14, decimal_places=3, null=True)
    lines = models.JSONField(_("lines now"), default=list)
    found_at = models.DateTimeField(_("found"))
    computed_at = models.DateTimeField(_("computed"))
    note = models.CharField(_("reason given"), max_length=300, blank=True, default="")
    proposed_at = models.DateTimeField(_("proposed at"), null=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("proposed by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    needs_second_person = models.BooleanField(_("needs a second person"), default=True)
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("decided by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    credit_note = models.ForeignKey(
        CreditNote, verbose_name=_("credit note"), on_delete=models.PROTECT, null=True, related_name="true_ups"
    )
    replacement = models.ForeignKey(
        Invoice, verbose_name=_("new invoice"), on_delete=models.PROTECT, null=True, related_name="settles"
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "invoice__contract", "offtaker": "invoice__contract__offtaker"}

    class Meta:
        ordering = ("-found_at", "-pk")
        verbose_name = _("true-up")
        verbose_name_plural = _("true-ups")
        permissions: ClassVar = [
            ("propose_trueup", "Can propose new bills and waivers for true-ups"),
            ("approve_trueup", "Can approve new bills and waivers of true-ups"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["invoice"],
                condition=Q(state__in=["open", "proposed", "waiving"]),
                name="true_up_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=_now_less_billed("kwh"),
                name="true_up_heat_is_now_less_billed",
            ),
            models.CheckConstraint(
                condition=_now_less_billed("net_amount"),
                name="true_up_net_is_now_less_billed",
            ),
            models.CheckConstraint(
                condition=_now_less_billed("gross_amount"),
                name="true_up_gross_is_now_less_billed",
            ),
            models.CheckConstraint(condition=~Q(reasons=[]), name="true_up_is_explained"),
            models.CheckConstraint(
                condition=~Q(state__in=["proposed", "waiving", "waived"])
                | Q(proposed_by__isnull=False, proposed_at__isnull=False) & ~Q(note=""),
                name="true_up_proposed_with_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state="settled") | Q(credit_note__isnull=False, replacement__isnull=False),
                name="true_up_settled_by_two_documents",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True)
                | Q(proposed_by__isnull=True)
                | Q(needs_second_person=False)
                | ~Q(decided_by=F("proposed_by")),
                name="true_up_decided_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="waived") | Q(needs_second_person=False) | Q(decided_by__isnull=False),
                name="true_up_waived_after_approval",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-found_at"], name="true_up_state"),
        ]

    def __str__(self) -> str:
        return _("True-up of %(invoice)s") % {"invoice": self.invoice}

    def get_absolute_url(self) -> str:
        """The address of the true-up's page."""
        return reverse("contracts:trueup_detail", args=[self.pk])

    @property
    def currency(self) -> str:
        """The currency of its amounts."""
        return self.invoice.currency

    @property
    def is_live(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in self.LIVE
