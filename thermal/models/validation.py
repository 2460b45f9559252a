"""Rules that judge what meters told, and what they found."""

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models import DeliveryPoint, Meter, Site


class Rule(models.TextChoices):
    """The checks, by their numbers."""

    GAP = "V01", _("V01 gap between readings")
    CLOCK = "V02", _("V02 clock of the meter")
    DECREASE = "V03", _("V03 register fell")
    MAXIMUM = "V04", _("V04 more than the meter can count")
    SPIKE = "V05", _("V05 spike")
    FROZEN = "V06", _("V06 register stands still")
    PHYSICS = "V07", _("V07 heat against water and temperatures")
    SIDE = "V08", _("V08 side of the flow sensor")
    POLARITY = "V09", _("V09 return warmer than supply")
    SENSOR = "V10", _("V10 sensor fault")
    DIFFERENCE = "V11", _("V11 temperature difference")
    ERROR_HOURS = "V12", _("V12 error hours")
    OPERATING_HOURS = "V13", _("V13 operating hours")
    BALANCE = "V14", _("V14 energy balance of the site")
    IT_BALANCE = "V15", _("V15 more heat than IT made")
    ZERO_USE = "V16", _("V16 no use although called for")
    HISTORY = "V17", _("V17 against last year")
    VERIFICATION = "V18", _("V18 verification ran out")
    SMALL_DIFFERENCE = "V19", _("V19 small temperature differences")
    OVERLAP = "V20", _("V20 contradicting exports")
    GLYCOL = "V21", _("V21 not legal for trade")


class Severity(models.IntegerChoices):
    """What a finding calls for."""

    WARN = 1, _("warning")
    REVIEW = 2, _("review")
    BLOCK = 3, _("blocks billing")


class DateRange(Func):
    """The half-open range from ``valid_from`` to ``valid_until``, as the database sees it."""

    function = "DATERANGE"
    output_field = DateRangeField()


@tracked()
class ValidationRule(models.Model):
    """The thresholds of one rule, where they hold and since when."""

    rule = models.CharField(_("rule"), max_length=3, choices=Rule)
    country = models.CharField(
        _("country"), max_length=2, blank=True, help_text=_("ISO 3166-1 code; empty for all countries.")
    )
    accuracy_class = models.CharField(
        _("accuracy class"), max_length=8, blank=True, help_text=_("Of the meter; empty for all classes.")
    )
    site = models.ForeignKey(
        Site, verbose_name=_("site"), on_delete=models.PROTECT, null=True, blank=True, related_name="validation_rules"
    )
    thresholds = models.JSONField(_("thresholds"), default=dict, blank=True)
    severity = models.SmallIntegerField(_("a finding"), choices=Severity, default=Severity.REVIEW)
    grave_severity = models.SmallIntegerField(_("a grave finding"), choices=Severity, default=Severity.REVIEW)
    enabled = models.BooleanField(_("in use"), default=True)
    is_verified = models.BooleanField(
        _("checked by a person"), default=False, help_text=_("Defaults that ship are proposals until someone has.")
    )
    source = models.CharField(_("source"), max_length=200, blank=True)
    valid_from = models.DateField(_("from"))
    valid_until = models.DateField(_("until"), null=True, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("changed by"),
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
    )

    objects = models.Manager()

    class Meta:
        ordering = ("rule", "country", "accuracy_class", "site", "-valid_from")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="validation_rule_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(grave_severity__gte=F("severity")), name="validation_rule_grave_not_milder"
            ),
            models.CheckConstraint(
                condition=Q(country="", accuracy_class="")
                | Q(country="", site__isnull=True)
                | Q(accuracy_class="", site__isnull=True),
                name="validation_rule_one_scope",
                violation_error_message=_("Choose one of country, accuracy class and site, or none of them."),
            ),
            ExclusionConstraint(
                name="validation_rule_no_overlap",
                expressions=[
                    ("rule", RangeOperators.EQUAL),
                    ("country", RangeOperators.EQUAL),
                    ("accuracy_class", RangeOperators.EQUAL),
                    (Coalesce("site", 0), RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_until", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_rule_display())

    def get_absolute_url(self) -> str:
        """The address of the rule's page."""
        return reverse("thermal:validationrule_detail", args=[self.pk])


class ValidationFinding(models.Model):
    """What a rule found at a meter, a delivery point or a site; kept when its cause is gone."""

    class State(models.TextChoices):
        """What became of it."""

        OPEN = "open", _("open")
        ACCEPTED = "accepted", _("accepted")
        ESTIMATED = "estimated", _("estimated")
        EDITED = "edited", _("edited")
        CLOSED = "closed", _("cause gone")

    class Kind(models.TextChoices):
        """What the register difference was, with rules that look at one."""

        NONE = "", _("none")
        NORMAL = "normal", _("normal")
        GAP = "gap", _("gap")
        ROLLOVER = "rollover", _("rollover")
        SWAP = "swap", _("meter exchanged")
        CLOCK_JUMP = "clock_jump", _("clock jumped")
        UNIT_CHANGE = "unit_change", _("told in another unit")
        SPIKE = "spike", _("lone reading out of line")
        RESET = "reset", _("counts from zero again")
        DECREASE = "decrease", _("fell")
        JUMP = "jump", _("leapt")
        OVERLAP = "overlap", _("told twice")

    rule = models.CharField(_("rule"), max_length=3, choices=Rule)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, blank=True, default="")
    severity = models.SmallIntegerField(_("severity"), choices=Severity)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.OPEN)
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="findings")
    meter = models.ForeignKey(
        Meter, verbose_name=_("meter"), on_delete=models.PROTECT, null=True, related_name="findings"
    )
    delivery_point = models.ForeignKey(
        DeliveryPoint,
        verbose_name=_("delivery point"),
        on_delete=models.PROTECT,
        null=True,
        related_name="findings",
    )
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    values = models.JSONField(_("values"), default=dict)
    before_at = models.DateTimeField(_("reading before"), null=True)
    before_version = models.SmallIntegerField(_("its version"), null=True)
    after_at = models.DateTimeField(_("reading after"), null=True)
    after_version = models.SmallIntegerField(_("its version"), null=True)
    judged_by = models.ForeignKey(
        ValidationRule, verbose_name=_("thresholds"), on_delete=models.PROTECT, null=True, related_name="findings"
    )
    is_told = models.BooleanField(default=False, help_text=_("Seen in a file: no later run can see it again."))
    found_at = models.DateTimeField(_("found"))
    seen_at = models.DateTimeField(_("last seen"))
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("resolved by"), on_delete=models.PROTECT, null=True, related_name="+"
    )
    note = models.CharField(_("reason"), max_length=300, blank=True, default="")

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("-severity", "-starts_at")
        permissions: ClassVar = [
            ("review_validationfinding", "Can read the review queue"),
            ("correct_validationfinding", "Can accept, estimate or edit what calls for a review"),
            ("approve_validationfinding", "Can accept what blocks billing"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["rule", "meter", "delivery_point", "site", "starts_at", "kind"],
                nulls_distinct=False,
                name="validation_finding_once",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="validation_finding_has_period"),
            models.CheckConstraint(
                condition=Q(state="open", resolved_at__isnull=True) | (~Q(state="open") & Q(resolved_at__isnull=False)),
                name="validation_finding_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["open", "closed"]) | (Q(resolved_by__isnull=False) & ~Q(note="")),
                name="validation_finding_decision_has_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-severity", "-starts_at"], name="validation_finding_queue"),
            models.Index(fields=["site", "-starts_at"], name="validation_finding_site"),
            models.Index(fields=["meter", "starts_at"], name="validation_finding_meter"),
            models.Index(fields=["delivery_point", "starts_at"], name="validation_finding_point"),
            models.Index(fields=["-starts_at"], name="validation_finding_start"),
            models.Index(fields=["rule", "-starts_at"], name="validation_finding_rule"),
        ]

    def __str__(self) -> str:
        return f"{self.get_rule_display()}: {self.subject}"

    def get_absolute_url(self) -> str:
        """The address of the finding's page."""
        return reverse("thermal:finding_detail", args=[self.pk])

    @property
    def subject(self) -> Any:
        """What it was found at."""
        return self.meter or self.delivery_point or self.site

    @property
    def is_open(self) -> bool:
        """Whether nobody has dealt with it yet."""
        return self.state == self.State.OPEN


class FindingTransition(models.Model):
    """One change of a finding's state, by whom and why."""

    finding = models.ForeignKey(ValidationFinding, on_delete=models.PROTECT, related_name="transitions")
    at = models.DateTimeField(_("at"))
    from_state = models.CharField(_("from"), max_length=10, blank=True)
    to_state = models.CharField(_("to"), max_length=10, choices=ValidationFinding.State)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "finding__site"}

    class Meta:
        ordering = ("finding", "at")
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(from_state=F("to_state")), name="finding_transition_changes_state")
        ]

    def __str__(self) -> str:
        return f"{self.finding_id}: {self.to_state}"


class ValidationMark(models.Model):
    """A stretch of time of a meter or a site that was recorded or settled and is not judged yet.

    Rows are only added and taken away, several for one meter if need be: whoever records never waits for a judge.
    """

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    site = models.ForeignKey(Site, on_delete=models.CASCADE, null=True, related_name="+", db_index=False)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    marked_at = models.DateTimeField()

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(meter__isnull=False, site__isnull=True) | Q(meter__isnull=True, site__isnull=False),
                name="validation_mark_of_one_thing",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["marked_at"], name="validation_mark_age")]

    def __str__(self) -> str:
        return f"{self.meter_id or self.site_id}: {self.first_at:%Y-%m-%d %H:%M}"
