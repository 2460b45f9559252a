"""Work that takes longer than a page."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.models.users import User


class JobQuerySet(scoping.ScopedQuerySet["Job"]):
    """Jobs that know who may see them."""

    def visible_to(self, user: User | AnonymousUser) -> "JobQuerySet":
        """The jobs that the person asked for; administrators see all."""
        if not scoping.has_access(user):
            return self.none()
        return self if user.has_perm("accounts.view_job") else self.filter(asked_by=user.pk)

    def unfinished(self) -> "JobQuerySet":
        """The jobs that wait or run."""
        return self.filter(state__in=[Job.State.QUEUED, Job.State.RUNNING])


class Job(models.Model):
    """Work that runs in the background and tells how far it is."""

    class State(models.TextChoices):
        """How far the work has come."""

        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    kind = models.CharField(_("kind"), max_length=64)
    title = models.CharField(_("title"), max_length=200)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="jobs",
    )
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.QUEUED)
    done_count = models.PositiveIntegerField(_("done"), default=0)
    total_count = models.PositiveIntegerField(_("of"), null=True, blank=True)
    message = models.CharField(_("message"), max_length=300, blank=True)
    result_url = models.CharField(_("result"), max_length=300, blank=True)
    error = models.TextField(_("error"), blank=True)
    created_at = models.DateTimeField(_("asked"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    heartbeat_at = models.DateTimeField(_("last sign of life"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(total_count__isnull=True) | models.Q(done_count__lte=models.F("total_count")),
                name="job_done_within_total",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["queued", "running"], finished_at__isnull=True)
                | models.Q(state__in=["done", "failed", "cancelled"], finished_at__isnull=False),
                name="job_finished_when_over",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["asked_by", "-created_at"], name="job_asked_by"),
            models.Index(fields=["state", "heartbeat_at"], name="job_state"),
        ]

    def __str__(self) -> str:
        return self.title or self.kind

    def get_absolute_url(self) -> str:
        """The address of the job's page."""
        return reverse("accounts:job_detail", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state not in {self.State.QUEUED, self.State.RUNNING}

    @property
    def share_percent(self) -> int | None:
        """How much is done, in whole percent for the progress bar, or None while the total is unknown."""
        if self.state == self.State.DONE:
            return 100
        return None if not self.total_count else self.done_count * 100 // self.total_count
