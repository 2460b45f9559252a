"""Duties that come back, and the tasks that they make."""

from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from compliance.domain.recurrence import Interval
from hosting.models import Equipment, Meter, Site


class Subject(models.TextChoices):
    """What a duty is about: one column of the overview."""

    MAINTENANCE = "maintenance", _("maintenance")
    WATER = "water", _("water")
    REFRIGERANT = "refrigerant", _("refrigerant")
    PRESSURE = "pressure", _("pressure")
    METERS = "meters", _("meters")
    PERMITS = "permits", _("permits")
    TESTS = "tests", _("tests")
    ACCESS = "access", _("access")
    SAFETY = "safety", _("safety")


@tracked()
class MaintenancePlan(models.Model):
    """A duty of a site that comes back by the calendar."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="maintenance_plans")
    subject = models.CharField(_("subject"), max_length=16, choices=Subject, default=Subject.MAINTENANCE)
    title = models.CharField(_("title"), max_length=160)
    equipment = models.ForeignKey(
        Equipment,
        verbose_name=_("equipment"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="maintenance_plans",
    )
    circuit = models.ForeignKey(
        "compliance.WaterCircuit",
        verbose_name=_("water circuit"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="plans",
    )
    interval_months = models.PositiveSmallIntegerField(
        _("every so many months"), default=0, validators=[MaxValueValidator(240)]
    )
    interval_days = models.PositiveSmallIntegerField(
        _("or so many days"), default=0, validators=[MaxValueValidator(3660)]
    )
    starts_on = models.DateField(_("first due on"))
    ends_on = models.DateField(_("ends on"), null=True, blank=True, help_text=_("First day without the duty."))
    lead_days = models.PositiveSmallIntegerField(
        _("shown as due"), default=14, validators=[MaxValueValidator(366)], help_text=_("days before the due day")
    )
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("responsible"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    instructions = models.TextField(_("what to do"), blank=True, help_text=_("Copied into every task."))
    source = models.CharField(
        _("source"), max_length=200, blank=True, help_text=_("The law, standard or manual that asks for it.")
    )
    needs_document = models.BooleanField(_("needs a document as evidence"), default=False)
    active = models.BooleanField(_("active"), default=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("site", "title")
        verbose_name = _("maintenance plan")
        verbose_name_plural = _("maintenance plans")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(interval_months__gt=0, interval_days=0) | Q(interval_months=0, interval_days__gt=0),
                name="plan_interval_months_or_days",
                violation_error_message=_("Give the interval in months or in days, one of the two."),
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=models.F("starts_on")),
                name="plan_ends_after_start",
                violation_error_message=_("The plan must end after it starts."),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["active", "starts_on"], name="plan_active"),
            models.Index(fields=["subject", "site"], name="plan_subject"),
            models.Index(fields=["title"], name="plan_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The address of the plan's page."""
        return reverse("compliance:plan_detail", args=[self.pk])

    @property
    def interval(self) -> Interval:
        """How long it is from one due day to the next."""
        return Interval(months=self.interval_months, days=self.interval_days)


@tracked()
class Task(models.Model):
    """One thing that somebody has to do at a site by a day, and the proof that it was done."""

    class State(models.TextChoices):
        """Whether it still has to be done."""

        OPEN = "open", _("open")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    class Outcome(models.TextChoices):
        """What came out of it."""

        PASSED = "passed", _("passed")
        REMARKS = "remarks", _("passed with remarks")
        FAILED = "failed", _("failed")

    class Origin(models.TextChoices):
        """Why the task exists."""

        PLAN = "plan", _("plan")
        PERMIT = "permit", _("permit renewal")
        METER = "meter", _("meter verification")
        WATER = "water", _("water out of limit")
        INCIDENT = "incident", _("incident")
        MANUAL = "manual", _("entered by a person")

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="tasks")
    subject = models.CharField(_("subject"), max_length=16, choices=Subject, default=Subject.MAINTENANCE)
    origin = models.CharField(_("reason"), max_length=12, choices=Origin, default=Origin.MANUAL)
    title = models.CharField(_("title"), max_length=200)
    instructions = models.TextField(_("what to do"), blank=True)
    due_on = models.DateField(_("due on"))
    lead_days = models.PositiveSmallIntegerField(
        _("shown as due"), default=14, validators=[MaxValueValidator(366)], help_text=_("days before the due day")
    )
    alert_on = models.GeneratedField(
        expression=models.F("due_on") - models.F("lead_days"),
        output_field=models.DateField(_("shown as due from")),
        db_persist=True,
    )
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("responsible"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    needs_document = models.BooleanField(_("needs a document as evidence"), default=False)
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.OPEN)
    outcome = models.CharField(_("result"), max_length=12, choices=Outcome, blank=True)
    note = models.TextField(_("note"), blank=True)
    done_on = models.DateField(_("done on"), null=True, blank=True)
    done_at = models.DateTimeField(_("closed"), null=True, blank=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("closed by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created"))

    plan = models.ForeignKey(
        MaintenancePlan, verbose_name=_("plan"), on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    equipment = models.ForeignKey(
        Equipment, verbose_name=_("equipment"), on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    circuit = models.ForeignKey(
        "compliance.WaterCircuit",
        verbose_name=_("water circuit"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
    )
    meter = models.ForeignKey(
        Meter, verbose_name=_("meter"), on_delete=models.PROTECT, null=True, blank=True, related_name="tasks"
    )
    permit = models.ForeignKey(
        "compliance.Permit",
        verbose_name=_("permit"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
    )
    sample = models.ForeignKey(
        "compliance.WaterSample",
        verbose_name=_("water sample"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
    )
    incident = models.ForeignKey(
        "compliance.Incident",
        verbose_name=_("incident"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
    )

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "site"}

    class Meta:
        ordering = ("due_on", "pk")
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        permissions: ClassVar = [("complete_task", "Can complete tasks with evidence")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["plan", "due_on"], condition=Q(plan__isnull=False), name="task_once_per_plan_and_day"
            ),
            models.UniqueConstraint(
                fields=["permit", "due_on"], condition=Q(origin="permit"), name="task_once_per_permit_and_expiry"
            ),
            models.UniqueConstraint(
                fields=["meter", "site", "due_on"], condition=Q(origin="meter"), name="task_once_per_meter_and_expiry"
            ),
            models.UniqueConstraint(fields=["sample"], condition=Q(origin="water"), name="task_once_per_bad_sample"),
            models.CheckConstraint(
                condition=Q(state="open", done_at__isnull=True) | (~Q(state="open") & Q(done_at__isnull=False)),
                name="task_closed_has_time",
            ),
            models.CheckConstraint(
                condition=(Q(state="done", done_on__isnull=False) & ~Q(outcome=""))
                | (~Q(state="done") & Q(outcome="")),
                name="task_done_has_result",
            ),
            models.CheckConstraint(
                condition=(
                    (Q(origin="plan", plan__isnull=False) | (~Q(origin="plan") & Q(plan__isnull=True)))
                    & (~Q(origin="permit") | Q(permit__isnull=False))
                    & (~Q(origin="meter") | Q(meter__isnull=False))
                    & (~Q(origin="water") | Q(sample__isnull=False))
                    & (~Q(origin="incident") | Q(incident__isnull=False))
                ),
                name="task_names_its_reason",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "due_on"], name="task_state_due"),
            models.Index(fields=["site", "state", "due_on"], name="task_site_due"),
            models.Index(fields=["subject", "state", "due_on"], name="task_subject_due"),
            models.Index(fields=["title"], name="task_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The address of the task's page."""
        return reverse("compliance:task_detail", args=[self.pk])
