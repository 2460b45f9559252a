"""How every quarter of an hour was judged, and what the months came to."""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from contracts.domain import sla
from contracts.models.contracts import Contract, SlaTerms


class SlaDay(models.Model):
    """The class of every quarter hour of one local day of a contract, one letter each, in order.

    The letters are those of `contracts.domain.sla.Class`. One text holds a day: a quarter hour cannot have two
    classes or none, and a year of a contract is 35 kB.
    """

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="sla_days")
    day_on = models.DateField(_("day"))
    starts_at = models.DateTimeField(_("starts"))
    classes = models.CharField(_("classes"), max_length=sla.MOST_QUARTERS_PER_DAY)
    terms = models.ForeignKey(SlaTerms, on_delete=models.PROTECT, related_name="+", null=True)
    ledger_version = models.BigIntegerField(_("sum of the ledger's row versions"))
    outages = models.JSONField(_("planned outages"), default=list)
    version = models.IntegerField(_("version"), default=1)
    judged_at = models.DateTimeField(_("judged"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "contract", "offtaker": "contract__offtaker"}

    class Meta:
        ordering = ("contract", "day_on")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "day_on"], name="sla_day_once_per_contract"),
            models.CheckConstraint(condition=Q(classes__regex=f"^[{sla.LETTERS}]+$"), name="sla_day_known_classes"),
        ]
        indexes: ClassVar = [BrinIndex(fields=["day_on"], name="sla_day_on")]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.day_on}"


class SlaResult(models.Model):
    """The service level of one contract in one month; judging anew with another outcome adds a version."""

    contract = models.ForeignKey(
        Contract, verbose_name=_("contract"), on_delete=models.PROTECT, related_name="sla_results"
    )
    month_on = models.DateField(_("month"), help_text=_("Its first day."))
    version = models.IntegerField(_("version"), default=1)
    is_latest = models.BooleanField(default=True)
    starts_at = models.DateTimeField(_("starts"))
    ends_at = models.DateTimeField(_("ends"))
    terms = models.ForeignKey(SlaTerms, verbose_name=_("terms"), on_delete=models.PROTECT, related_name="results")
    total_minutes = models.IntegerField(_("minutes"))
    met_minutes = models.IntegerField(_("met"), default=0)
    failed_minutes = models.IntegerField(_("failed"), default=0)
    planned_minutes = models.IntegerField(_("planned works"), default=0)
    no_demand_minutes = models.IntegerField(_("no demand"), default=0)
    no_data_minutes = models.IntegerField(_("no data"), default=0)
    offtaker_minutes = models.IntegerField(_("caused by the offtaker"), default=0)
    force_majeure_minutes = models.IntegerField(_("force majeure"), default=0)
    availability_ratio = models.DecimalField(_("availability"), max_digits=9, decimal_places=8, null=True)
    target_ratio = models.DecimalField(_("target"), max_digits=6, decimal_places=5)
    credit_ratio = models.DecimalField(
        _("credit"), max_digits=6, decimal_places=5, help_text=_("Share of the standing charge.")
    )
    inputs = models.JSONField(_("inputs"), default=dict)
    judged_at = models.DateTimeField(_("judged"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"contract": "contract", "offtaker": "contract__offtaker"}

    class Meta:
        ordering = ("contract", "-month_on", "-version")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["contract", "month_on", "version"], name="sla_result_version_unique"),
            models.UniqueConstraint(
                fields=["contract", "month_on"], condition=Q(is_latest=True), name="sla_result_one_latest"
            ),
            models.CheckConstraint(
                condition=Q(
                    total_minutes=F("met_minutes")
                    + F("failed_minutes")
                    + F("planned_minutes")
                    + F("no_demand_minutes")
                    + F("no_data_minutes")
                    + F("offtaker_minutes")
                    + F("force_majeure_minutes")
                ),
                name="sla_result_minutes_add_up",
            ),
            models.CheckConstraint(condition=Q(month_on__day=1), name="sla_result_month_starts_on_first"),
        ]
        indexes: ClassVar = [models.Index(fields=["month_on", "contract"], name="sla_result_month")]

    def __str__(self) -> str:
        return f"{self.contract} {self.month_on:%Y-%m}"

    @property
    def excluded_minutes(self) -> int:
        """The minutes that count on neither side, but for missing data beyond the grace."""
        return self.total_minutes - self.met_minutes - self.failed_minutes
