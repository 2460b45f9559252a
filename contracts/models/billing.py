"""Invoices, credit notes, their numbers, and the runs that make them.

What is issued never changes: triggers in the database refuse it, for whoever connects. A correction is a
credit note and, where the month must be billed again, a new invoice of a higher revision.
"""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.models import Job
from contracts.models.contracts import Contract
from contracts.models.parties import LegalEntity
from contracts.models.sla import SlaResult

OF_CONTRACT: scoping.Anchors = {"contract": "contract", "offtaker": "contract__offtaker"}


def _frozen_with_parent(name: str, parent: str, column: str) -> pgtrigger.Trigger:
    """The trigger that refuses any write of a part once the document it belongs to is issued."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
        func=pgtrigger.Func(  # type: ignore[no-untyped-call]
            f"""
            IF TG_OP <> 'INSERT' AND EXISTS (SELECT 1 FROM {parent} WHERE id = OLD.{column} AND state = 'issued')
            OR TG_OP <> 'DELETE' AND EXISTS (SELECT 1 FROM {parent} WHERE id = NEW.{column} AND state = 'issued') THEN
                RAISE EXCEPTION 'what is issued never changes (%)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END IF;
            IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
            RETURN NEW;
            """  # noqa: S608 - names of our own tables
        ),
    )


def _frozen_when_issued(name: str) -> pgtrigger.Trigger:
    """The trigger that refuses any change of a document once it is issued."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        condition=pgtrigger.Condition("OLD.state = 'issued'"),
        func="RAISE EXCEPTION 'what is issued never changes (%)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';",
    )


class NumberSeries(models.Model):
    """The last number given to a kind of document of one legal entity in one year."""

    class Kind(models.TextChoices):
        """What is numbered."""

        INVOICE = "invoice", _("invoice")
        CREDIT_NOTE = "credit_note", _("credit note")

    legal_entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, related_name="number_series")
    year = models.PositiveSmallIntegerField(_("year"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    last_number = models.PositiveIntegerField(_("last number"), default=0)

    objects = models.Manager()

    class Meta:
        ordering = ("legal_entity", "year", "kind")
        verbose_name_plural = _("number series")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["legal_entity", "year", "kind"], name="number_series_unique"),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="number_series_only_forward",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition(
                    "NEW.last_number <> OLD.last_number + 1 OR NEW.legal_entity_id <> OLD.legal_entity_id"
                    " OR NEW.year <> OLD.year OR NEW.kind <> OLD.kind"
                ),
                func="RAISE EXCEPTION 'a number series moves by one' USING ERRCODE = 'restrict_violation';",
            ),
            pgtrigger.Protect(name="number_series_kept", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.legal_entity} {self.year} {self.get_kind_display()}"


class BillingRun(models.Model):
    """One pass over the contracts of a month."""

    month_on = models.DateField(_("month"), help_text=_("Its first day."))
    job = models.ForeignKey(Job, verbose_name=_("job"), on_delete=models.PROTECT, null=True, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    issues = models.BooleanField(_("issues what is reviewed"), default=False)
    contract_ids = ArrayField(models.BigIntegerField(), default=list, blank=True)
    drafted_count = models.PositiveIntegerField(_("drafted"), default=0)
    issued_count = models.PositiveIntegerField(_("issued"), default=0)
    blocked_count = models.PositiveIntegerField(_("blocked"), default=0)
    skipped_count = models.PositiveIntegerField(_("left as they are"), default=0)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = models.Manager()

    class Meta:
        ordering = ("-started_at",)
        permissions: ClassVar = [("run_billing", "Can run the billing of a month")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(month_on__day=1), name="billing_run_month_starts_on_first"),
        ]
        indexes: ClassVar = [models.Index(fields=["month_on", "-started_at"], name="billing_run_month")]

    def __str__(self) -> str:
        return f"{self.month_on:%Y-%m}"


class BillingBlock(models.Model):
    """Why a contract's month cannot be billed yet, and what helps."""

    contract = models.ForeignKey(Contract, on_delete=models.CASCADE, related_name="billing_blocks")
    month_on = models.DateField(_("month"))
    code = models.CharField(_("code"), max_length=40)
    facts = models.JSONField(_("facts"), default=dict)
    found_at = models.DateTimeField(_("found"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = OF_CONTRACT

    class Meta:
        ordering = ("contract", "code")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "month_on", "code"], name="billing_block_unique"),
        ]
        indexes: ClassVar = [models.Index(fields=["month_on", "contract"], name="billing_block_month")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.month_on:%Y-%m}: {self.code}"


class Invoice(models.Model):
    """The bill of one contract for one month; once issued it never changes."""

    class State(models.TextChoices):
        """How far the invoice has come."""

        DRAFT = "draft", _("draft")
        REVIEWED = "reviewed", _("reviewed")
        ISSUED = "issued", _("issued")

    contract = models.ForeignKey(
        Contract, verbose_name=_("contract"), on_delete=models.PROTECT, related_name="invoices"
    )
    month_on = models.DateField(_("month"), help_text=_("Its first day."))
    revision = models.PositiveSmallIntegerField(_("revision"), default=1)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    series = models.ForeignKey(NumberSeries, on_delete=models.PROTECT, null=True, related_name="invoices")
    sequence_number = models.PositiveIntegerField(null=True)
    number = models.CharField(_("number"), max_length=40, null=True, unique=True)  # noqa: DJ001 - NULL until issued
    issued_on = models.DateField(_("date"), null=True)
    due_on = models.DateField(_("due"), null=True)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("day after the last"))
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    currency = models.CharField(_("currency"), max_length=3)
    heat_kwh = models.DecimalField(_("heat"), max_digits=16, decimal_places=4)
    actual_ratio = models.DecimalField(_("share from registers"), max_digits=6, decimal_places=5)
    net_amount = models.DecimalField(_("net"), max_digits=14, decimal_places=3)
    vat_amount = models.DecimalField(_("VAT"), max_digits=14, decimal_places=3)
    gross_amount = models.DecimalField(_("total"), max_digits=14, decimal_places=3)
    vat_summary = models.JSONField(_("VAT per rate"))
    facts = models.JSONField(_("facts"), help_text=_("Copies of everything the document says beside its lines."))
    sla_result = models.ForeignKey(SlaResult, on_delete=models.PROTECT, null=True, related_name="invoices")
    replaces = models.ForeignKey(
        "self", verbose_name=_("replaces"), on_delete=models.PROTECT, null=True, related_name="replaced_by"
    )
    drafted_at = models.DateTimeField(_("drafted"))
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True)
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    issued_at = models.DateTimeField(_("issued at"), null=True)
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = OF_CONTRACT

    class Meta:
        ordering = ("-month_on", "contract")
        permissions: ClassVar = [
            ("review_invoice", "Can review invoices"),
            ("issue_invoice", "Can issue invoices"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "month_on", "revision"], name="invoice_once_per_month"),
            models.UniqueConstraint(fields=["series", "sequence_number"], name="invoice_number_unique_in_series"),
            models.CheckConstraint(
                condition=Q(
                    state="issued",
                    number__isnull=False,
                    series__isnull=False,
                    sequence_number__isnull=False,
                    issued_at__isnull=False,
                    issued_on__isnull=False,
                )
                | (
                    ~Q(state="issued")
                    & Q(number__isnull=True, series__isnull=True, sequence_number__isnull=True, issued_at__isnull=True)
                ),
                name="invoice_number_with_issue",
            ),
            models.CheckConstraint(
                condition=Q(gross_amount=F("net_amount") + F("vat_amount")), name="invoice_total_is_net_plus_vat"
            ),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="invoice_ends_after_start"),
            models.CheckConstraint(condition=Q(month_on__day=1), name="invoice_month_starts_on_first"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["month_on", "state"], name="invoice_month_state"),
            models.Index(fields=["issued_on"], name="invoice_issued_on"),
        ]
        triggers: ClassVar = [_frozen_when_issued("invoice_frozen_when_issued")]

    def __str__(self) -> str:
        return self.number or f"{self.contract} {self.month_on:%Y-%m}"

    def get_absolute_url(self) -> str:
        """The address of the invoice's page."""
        return reverse("contracts:invoice_detail", args=[self.pk])


class LineKind(models.TextChoices):
    """What a line of a document is for."""

    ENERGY = "energy", _("energy")
    STANDING = "standing", _("standing charge")
    SLA_CREDIT = "sla_credit", _("service credit")
    CORRECTION = "correction", _("correction")


class InvoiceLine(models.Model):
    """One line of an invoice, with the evidence to compute it again."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=12, choices=LineKind)
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("day after the last"))
    quantity = models.DecimalField(_("quantity"), max_digits=16, decimal_places=6)
    unit = models.CharField(_("unit"), max_length=8)
    unit_price = models.DecimalField(_("price"), max_digits=16, decimal_places=6)
    net_amount = models.DecimalField(_("net"), max_digits=14, decimal_places=3)
    vat_ratio = models.DecimalField(_("VAT rate"), max_digits=5, decimal_places=4)
    evidence = models.JSONField(_("evidence"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "invoice__contract", "offtaker": "invoice__contract__offtaker"}

    class Meta:
        ordering = ("invoice", "position")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position_unique"),
            models.CheckConstraint(condition=Q(ends_on__gt=F("starts_on")), name="invoice_line_ends_after_start"),
            models.CheckConstraint(
                condition=Q(kind="sla_credit", net_amount__lte=0) | (~Q(kind="sla_credit") & Q(net_amount__gte=0)),
                name="invoice_line_only_credits_are_negative",
            ),
        ]
        triggers: ClassVar = [_frozen_with_parent("invoice_line_frozen", "contracts_invoice", "invoice_id")]

    def __str__(self) -> str:
        return f"{self.invoice} {self.position}"


class InvoiceDocument(models.Model):
    """The PDF of an issued invoice, as it was sent."""

    invoice = models.OneToOneField(Invoice, on_delete=models.PROTECT, related_name="document")
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "invoice__contract", "offtaker": "invoice__contract__offtaker"}

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(sha256__regex="^[0-9a-f]{64}$"), name="invoice_document_hash"),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="invoice_document_frozen", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.invoice}.pdf"


class CreditNote(models.Model):
    """The correction of an issued invoice, in whole or in part; issued by another person than the invoice."""

    class State(models.TextChoices):
        """How far the credit note has come."""

        REQUESTED = "requested", _("requested")
        REFUSED = "refused", _("refused")
        ISSUED = "issued", _("issued")

    invoice = models.ForeignKey(
        Invoice, verbose_name=_("invoice"), on_delete=models.PROTECT, related_name="credit_notes"
    )
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.REQUESTED)
    series = models.ForeignKey(NumberSeries, on_delete=models.PROTECT, null=True, related_name="credit_notes")
    sequence_number = models.PositiveIntegerField(null=True)
    number = models.CharField(_("number"), max_length=40, null=True, unique=True)  # noqa: DJ001 - NULL until issued
    reason = models.CharField(_("reason"), max_length=300)
    is_whole = models.BooleanField(_("whole invoice"), default=False)
    currency = models.CharField(_("currency"), max_length=3)
    net_amount = models.DecimalField(_("net"), max_digits=14, decimal_places=3)
    vat_amount = models.DecimalField(_("VAT"), max_digits=14, decimal_places=3)
    gross_amount = models.DecimalField(_("total"), max_digits=14, decimal_places=3)
    vat_summary = models.JSONField(_("VAT per rate"))
    facts = models.JSONField(_("facts"))
    requested_at = models.DateTimeField(_("requested at"))
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    issued_on = models.DateField(_("date"), null=True)
    pdf = models.BinaryField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "invoice__contract", "offtaker": "invoice__contract__offtaker"}

    class Meta:
        ordering = ("-requested_at",)
        permissions: ClassVar = [
            ("propose_creditnote", "Can propose credit notes"),
            ("approve_creditnote", "Can approve credit notes"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["series", "sequence_number"], name="credit_note_number_unique_in_series"),
            models.CheckConstraint(
                condition=Q(
                    state="issued",
                    number__isnull=False,
                    series__isnull=False,
                    sequence_number__isnull=False,
                    pdf__isnull=False,
                    issued_on__isnull=False,
                )
                | (~Q(state="issued") & Q(number__isnull=True, series__isnull=True, sequence_number__isnull=True)),
                name="credit_note_number_with_issue",
            ),
            # An invoice of nothing is cancelled by a credit of nothing.
            models.CheckConstraint(
                condition=Q(net_amount__gt=0) | Q(net_amount=0, is_whole=True), name="credit_note_positive"
            ),
            models.CheckConstraint(
                condition=Q(gross_amount=F("net_amount") + F("vat_amount")), name="credit_note_total_is_net_plus_vat"
            ),
            models.CheckConstraint(
                condition=~Q(state="issued") | ~Q(requested_by=F("decided_by")), name="credit_note_decided_by_another"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["state", "-requested_at"], name="credit_note_state")]
        triggers: ClassVar = [_frozen_when_issued("credit_note_frozen_when_issued")]

    def __str__(self) -> str:
        return self.number or f"{self.invoice} ({self.get_state_display()})"

    def get_absolute_url(self) -> str:
        """The address of the credit note's page."""
        return reverse("contracts:creditnote_detail", args=[self.pk])
