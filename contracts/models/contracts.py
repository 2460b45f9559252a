"""Contracts and their dated terms."""

from decimal import Decimal
from functools import cached_property
from typing import ClassVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Func, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts import scoping
from accounts.history import tracked
from contracts.models.parties import LegalEntity, Offtaker
from hosting.models import DeliveryPoint
from hosting.models.sites import validate_time_zone

currency_code = RegexValidator(r"^[A-Z]{3}$", _("A currency is three capital letters, such as EUR."))


class DateRange(Func):
    """The half-open range of days between two columns, as the database sees it."""

    function = "DATERANGE"
    output_field = DateRangeField()


TERM = DateRange("starts_on", "ends_on", RangeBoundary())
VALIDITY = DateRange("valid_from", "valid_until", RangeBoundary())


@tracked()
class Contract(models.Model):
    """The promise of heat to one offtaker at one delivery point."""

    class State(models.TextChoices):
        """How far the contract has come."""

        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("active")
        ENDED = "ended", _("ended")

    number = models.CharField(_("number"), max_length=32, unique=True)
    offtaker = models.ForeignKey(
        Offtaker, verbose_name=_("offtaker"), on_delete=models.PROTECT, related_name="contracts"
    )
    delivery_point = models.ForeignKey(
        DeliveryPoint, verbose_name=_("delivery point"), on_delete=models.PROTECT, related_name="contracts"
    )
    legal_entity = models.ForeignKey(
        LegalEntity, verbose_name=_("seller"), on_delete=models.PROTECT, related_name="contracts"
    )
    currency = models.CharField(_("currency"), max_length=3, default="EUR", validators=[currency_code])
    time_zone = models.CharField(
        _("time zone"),
        max_length=64,
        validators=[validate_time_zone],
        help_text=_("In which its days and months begin."),
    )
    starts_on = models.DateField(_("starts on"))
    ends_on = models.DateField(
        _("ends on"), null=True, blank=True, help_text=_("First day that no longer belongs to it.")
    )
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.DRAFT)
    expected_kwh_per_year = models.DecimalField(
        _("expected heat per year"),
        max_digits=12,
        decimal_places=1,
        null=True,
        blank=True,
        help_text=_("kWh per year"),
        validators=[MinValueValidator(0)],
    )
    notes = models.TextField(_("notes"), blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "", "offtaker": "offtaker"}

    class Meta:
        ordering = ("number",)
        permissions: ClassVar = [("activate_contract", "Can activate and end contracts")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")), name="contract_ends_after_start"
            ),
            models.CheckConstraint(
                condition=~Q(state="ended") | Q(ends_on__isnull=False), name="contract_ended_has_end"
            ),
            models.CheckConstraint(condition=Q(currency__regex="^[A-Z]{3}$"), name="contract_currency_three_letters"),
            ExclusionConstraint(
                name="contract_one_per_delivery_point",
                expressions=[("delivery_point", RangeOperators.EQUAL), (TERM, RangeOperators.OVERLAPS)],
                condition=~Q(state="draft"),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "number"], name="contract_state"),
            models.Index(fields=["starts_on"], name="contract_start"),
            models.Index(fields=["ends_on"], name="contract_end"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        """The address of the contract's page."""
        return reverse("contracts:contract_detail", args=[self.pk])

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which its days and months begin."""
        return ZoneInfo(self.time_zone)


class ContractUserObjectPermission(UserObjectPermissionBase):
    """A permission of one user on one contract; unused by the portal, kept for guardian."""

    content_object = models.ForeignKey(Contract, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        pass


@tracked()
class ContractGroupObjectPermission(GroupObjectPermissionBase):
    """A permission of one group on one contract."""

    content_object = models.ForeignKey(Contract, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        pass


@tracked()
class PriceTerms(models.Model):
    """What heat costs under a contract, for a stretch of days."""

    contract = models.ForeignKey(
        Contract, verbose_name=_("contract"), on_delete=models.PROTECT, related_name="price_terms"
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(
        _("until"), null=True, blank=True, help_text=_("First day on which they no longer hold.")
    )
    energy_per_kwh = models.DecimalField(
        _("energy price"),
        max_digits=12,
        decimal_places=6,
        validators=[MinValueValidator(0)],
        help_text=_("per kWh, without VAT"),
    )
    standing_per_day = models.DecimalField(
        _("standing charge per day"),
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("per local day, without VAT"),
    )
    standing_per_month = models.DecimalField(
        _("standing charge per month"),
        max_digits=12,
        decimal_places=4,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("per calendar month, without VAT; parts of a month by local days"),
    )
    vat_ratio = models.DecimalField(
        _("VAT rate"),
        max_digits=5,
        decimal_places=4,
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of the net amount, 0.19 for 19 %."),
    )
    vat_note = models.CharField(
        _("VAT reference"),
        max_length=120,
        blank=True,
        help_text=_("Such as “Reverse charge”, or the exemption, where no VAT is due."),
    )
    reason = models.CharField(_("reason for the change"), max_length=200, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "contract", "offtaker": "contract__offtaker"}

    class Meta:
        ordering = ("contract", "valid_from")
        verbose_name = _("price terms")
        verbose_name_plural = _("price terms")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="price_terms_end_after_start",
            ),
            models.CheckConstraint(
                condition=Q(standing_per_day__isnull=True) | Q(standing_per_month__isnull=True),
                name="price_terms_one_standing_charge",
            ),
            models.CheckConstraint(condition=Q(vat_ratio__gte=0, vat_ratio__lt=1), name="price_terms_vat_is_share"),
            models.CheckConstraint(condition=Q(energy_per_kwh__gte=0), name="price_terms_energy_not_negative"),
            ExclusionConstraint(
                name="price_terms_do_not_overlap",
                expressions=[("contract", RangeOperators.EQUAL), (VALIDITY, RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract}: {self.valid_from}"


@tracked()
class SlaTerms(models.Model):
    """What service a contract promises, for a stretch of days."""

    contract = models.ForeignKey(
        Contract, verbose_name=_("contract"), on_delete=models.PROTECT, related_name="sla_terms"
    )
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(
        _("until"), null=True, blank=True, help_text=_("First day on which they no longer hold.")
    )
    supply_min_c = models.DecimalField(
        _("lowest supply temperature"), max_digits=5, decimal_places=2, help_text=_("°C")
    )
    supply_max_c = models.DecimalField(
        _("highest supply temperature"), max_digits=5, decimal_places=2, help_text=_("°C")
    )
    target_ratio = models.DecimalField(
        _("availability target"),
        max_digits=6,
        decimal_places=5,
        default=Decimal("0.99"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of the minutes that count, 0.99 for 99 %."),
    )
    credit_ratio = models.DecimalField(
        _("credit"),
        max_digits=6,
        decimal_places=5,
        default=Decimal("0.05"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of the standing charge per started percent below the target."),
    )
    credit_cap_ratio = models.DecimalField(
        _("greatest credit"),
        max_digits=6,
        decimal_places=5,
        default=Decimal("0.25"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text=_("Share of the standing charge of the month."),
    )
    notice_h = models.DecimalField(
        _("notice of planned works"),
        max_digits=6,
        decimal_places=1,
        default=Decimal(48),
        validators=[MinValueValidator(0)],
        help_text=_("Hours before the start; works announced later count as failures."),
    )
    no_data_grace_h = models.DecimalField(
        _("grace for missing data"),
        max_digits=6,
        decimal_places=1,
        default=Decimal(24),
        validators=[MinValueValidator(0)],
        help_text=_("Hours per month; what is missing beyond counts as failed."),
    )
    reason = models.CharField(_("reason for the change"), max_length=200, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "contract", "offtaker": "contract__offtaker"}

    class Meta:
        ordering = ("contract", "valid_from")
        verbose_name = _("SLA terms")
        verbose_name_plural = _("SLA terms")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="sla_terms_end_after_start",
            ),
            models.CheckConstraint(condition=Q(supply_max_c__gt=F("supply_min_c")), name="sla_terms_band_has_width"),
            models.CheckConstraint(
                condition=Q(
                    target_ratio__gte=0,
                    target_ratio__lte=1,
                    credit_ratio__gte=0,
                    credit_ratio__lte=1,
                    credit_cap_ratio__gte=0,
                    credit_cap_ratio__lte=1,
                ),
                name="sla_terms_shares",
            ),
            models.CheckConstraint(
                condition=Q(notice_h__gte=0, no_data_grace_h__gte=0), name="sla_terms_hours_not_negative"
            ),
            ExclusionConstraint(
                name="sla_terms_do_not_overlap",
                expressions=[("contract", RangeOperators.EQUAL), (VALIDITY, RangeOperators.OVERLAPS)],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract}: {self.valid_from}"
