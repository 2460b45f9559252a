"""Files that people brought in, and what became of every line."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.models import Job, User


class ImportBatchQuerySet(scoping.ScopedQuerySet["ImportBatch"]):
    """Imports that know who may see them."""

    def visible_to(self, user: User | AnonymousUser) -> "ImportBatchQuerySet":
        """The person's own imports; whoever may change sites sees all."""
        if not scoping.has_access(user):
            return self.none()
        return self if user.has_perm("hosting.change_importbatch") else self.filter(asked_by=user.pk)


class ImportBatch(models.Model):
    """A CSV file on its way into an inventory table: first tried, then stored."""

    class State(models.TextChoices):
        """How far the file has come."""

        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked, not stored")
        STORING = "storing", _("being stored")
        STORED = "stored", _("stored")
        REFUSED = "refused", _("refused")

    table_name = models.CharField(_("table"), max_length=40)
    file_name = models.CharField(_("file"), max_length=200)
    content = models.BinaryField()
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.CHECKING)
    sound_rows_only = models.BooleanField(_("store the sound lines beside refused ones"), default=False)
    report = models.JSONField(default=dict)
    refusal = models.TextField(_("refusal"), blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="import_batches"
    )
    asked_at = models.DateTimeField(_("asked"))
    job = models.ForeignKey(Job, verbose_name=_("job"), on_delete=models.PROTECT, related_name="+")

    objects = ImportBatchQuerySet.as_manager()

    class Meta:
        ordering = ("-asked_at",)
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(state="refused") | models.Q(refusal=""), name="import_refusal_only_when_refused"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["asked_by", "-asked_at"], name="import_batch_asked_by")]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        """The address of the import's page."""
        return reverse("hosting:import_detail", args=[self.pk])
