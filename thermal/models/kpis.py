"""The KPI ledger: what the inputs of key figures add up to, month by month."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from hosting.models import Site


class KpiSum(models.Model):
    """What one input of the key figures adds up to in one local month of a site."""

    pk = models.CompositePrimaryKey("site_id", "month_on", "input")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="kpi_sums", db_index=False)
    month_on = models.DateField(_("month"))
    input = models.CharField(_("input"), max_length=40)
    value = models.FloatField(_("sum"), null=True, help_text=_("In the unit that ends the name of the input."))
    known_count = models.IntegerField(_("quarter hours known"), default=0)
    expected_count = models.IntegerField(_("quarter hours of the month"), default=0)
    settled_at = models.DateTimeField(_("settled"), null=True)
    version = models.IntegerField(_("version"), default=1)
    computed_at = models.DateTimeField(_("computed"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "month_on", "input")
        permissions: ClassVar = [("read_kpis", "Can read key figures of the provider")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(month_on__day=1), name="kpi_sum_month_starts_on_first"),
            models.CheckConstraint(
                condition=Q(known_count__gte=0, known_count__lte=F("expected_count")), name="kpi_sum_known_of_expected"
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=True, known_count=0) | Q(value__isnull=False, known_count__gt=0),
                name="kpi_sum_value_where_known",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["input", "month_on"], name="kpi_sum_input")]

    def __str__(self) -> str:
        return f"{self.site_id} {self.month_on:%Y-%m} {self.input}"


class MonthMark(models.Model):
    """A local month of a site whose sums no longer match the heat ledger."""

    pk = models.CompositePrimaryKey("site_id", "month_on")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+", db_index=False)
    month_on = models.DateField()
    marked_at = models.DateTimeField()

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        indexes: ClassVar = [models.Index(fields=["marked_at"], name="month_mark_age")]

    def __str__(self) -> str:
        return f"{self.site_id} {self.month_on:%Y-%m}"
