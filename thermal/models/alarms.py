"""Rules that watch values, and what they found."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models import DeliveryPoint, Device, Equipment, Measurement, PlannedOutage, Site


class Priority(models.IntegerChoices):
    """How soon a person must act."""

    HIGH = 1, _("high")
    MEDIUM = 2, _("medium")
    LOW = 3, _("low")


@tracked(exclude=["condition_since", "clear_since", "evaluated_at"])
class AlarmRule(models.Model):
    """What is watched, its limit and delays, and what to do when it trips."""

    class Kind(models.TextChoices):
        """When the condition is true."""

        HIGH = "high", _("value at or above the limit")
        LOW = "low", _("value at or below the limit")
        NO_DATA = "no_data", _("no data")
        BALANCE = "balance", _("closing error of the balance at or above the limit")
        DRIFT = "drift", _("equipment worse than at its commissioning by the limit")
        CARNOT = "carnot", _("quarter hours of a day with a COP at or above Carnot")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="alarm_rules")
    key = models.SlugField(_("key"), max_length=60)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    measurement = models.ForeignKey(
        Measurement,
        verbose_name=_("measurement"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alarm_rules",
    )
    device = models.ForeignKey(
        Device, verbose_name=_("device"), on_delete=models.PROTECT, null=True, blank=True, related_name="alarm_rules"
    )
    delivery_point = models.ForeignKey(
        DeliveryPoint,
        verbose_name=_("delivery point"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alarm_rules",
    )
    equipment = models.ForeignKey(
        Equipment,
        verbose_name=_("equipment"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="alarm_rules",
    )
    limit_value = models.FloatField(
        _("limit"), null=True, blank=True, help_text=_("In the unit of the measurement; seconds for “no data”.")
    )
    deadband_value = models.FloatField(_("deadband"), default=0, validators=[MinValueValidator(0)])
    on_delay_s = models.PositiveIntegerField(_("on-delay"), default=60, help_text=_("seconds"))
    off_delay_s = models.PositiveIntegerField(_("off-delay"), default=60, help_text=_("seconds"))
    priority = models.SmallIntegerField(_("priority"), choices=Priority, default=Priority.MEDIUM)
    consequence = models.CharField(_("consequence"), max_length=300, blank=True)
    action = models.CharField(_("what to do"), max_length=300)
    only_on_demand = models.BooleanField(_("only while heat is called for"), default=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    condition_since = models.DateTimeField(null=True, blank=True, editable=False)
    clear_since = models.DateTimeField(null=True, blank=True, editable=False)
    evaluated_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "key")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "key"], name="alarm_rule_key_unique_at_site"),
            models.CheckConstraint(condition=Q(deadband_value__gte=0), name="alarm_rule_deadband_not_negative"),
            models.CheckConstraint(
                condition=Q(kind="no_data", device__isnull=False)
                | Q(kind="balance", limit_value__isnull=False)
                | Q(kind__in=["drift", "carnot"], equipment__isnull=False, limit_value__isnull=False)
                | (
                    ~Q(kind__in=["no_data", "balance", "drift", "carnot"])
                    & Q(measurement__isnull=False, limit_value__isnull=False)
                ),
                name="alarm_rule_watches_something",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the rule's page."""
        return reverse("thermal:alarmrule_detail", args=[self.pk])


class Alarm(models.Model):
    """One occurrence of a rule's condition; never deleted."""

    class State(models.TextChoices):
        """ISA-18.2 states that stay open, and the closed one."""

        UNACKNOWLEDGED = "unack", _("unacknowledged")
        ACKNOWLEDGED = "ack", _("acknowledged")
        RETURNED = "rtn", _("returned, unacknowledged")
        CLOSED = "closed", _("closed")

    rule = models.ForeignKey(AlarmRule, verbose_name=_("rule"), on_delete=models.PROTECT, related_name="alarms")
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="alarms")
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.UNACKNOWLEDGED)
    priority = models.SmallIntegerField(_("priority"), choices=Priority)
    raised_at = models.DateTimeField(_("raised"))
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    returned_at = models.DateTimeField(_("returned"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    value = models.FloatField(_("value"), null=True, blank=True)
    limit_value = models.FloatField(_("limit"), null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=16, blank=True)
    message = models.CharField(_("what happened"), max_length=300)
    occurrence_count = models.PositiveIntegerField(_("occurrences"), default=1)
    suppressed_by = models.ForeignKey(
        PlannedOutage,
        verbose_name=_("kept quiet by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The announced work during which nobody is called."),
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("priority", "-raised_at")
        permissions: ClassVar = [("acknowledge_alarm", "Can acknowledge alarms")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule"], condition=~Q(state="closed"), name="alarm_one_open_per_rule"),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False) | (~Q(state="closed") & Q(closed_at__isnull=True)),
                name="alarm_closed_has_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "priority", "-raised_at"], name="alarm_open"),
            models.Index(fields=["site", "-raised_at"], name="alarm_site"),
            models.Index(fields=["-raised_at"], name="alarm_raised"),
        ]

    def __str__(self) -> str:
        return self.message

    def get_absolute_url(self) -> str:
        """The address of the alarm's page."""
        return reverse("thermal:alarm_detail", args=[self.pk])


class AlarmTransition(models.Model):
    """One change of an alarm's state, by whom and why."""

    alarm = models.ForeignKey(Alarm, on_delete=models.PROTECT, related_name="transitions")
    at = models.DateTimeField(_("at"))
    from_state = models.CharField(_("from"), max_length=8, blank=True)
    to_state = models.CharField(_("to"), max_length=8, choices=Alarm.State)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.CharField(_("note"), max_length=300, blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "alarm__site"}

    class Meta:
        ordering = ("alarm", "at")

    def __str__(self) -> str:
        return f"{self.alarm_id}: {self.to_state}"
