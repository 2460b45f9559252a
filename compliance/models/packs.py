"""Everything about chosen sites and a period, frozen in one file for an auditor."""

from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from accounts.models import Job, User
from hosting.models import Site
from kernel.periods import Period


class AuditPackQuerySet(scoping.ScopedQuerySet["AuditPack"]):
    """Packs that know who may open them."""

    def visible_to(self, user: User | AnonymousUser) -> "AuditPackQuerySet":
        """The packs that the person asked for or was given, as long as every site in them is granted.

        A pack holds what its requester was allowed to see, contracts included; so seeing one of its sites, or even
        all of them, does not open it. Those who see every site and every contract see every pack.
        """
        if not scoping.has_access(user):
            return self.none()
        if user.has_perms(["hosting.view_site", "contracts.view_contract", "compliance.view_auditpack"]):
            return self
        hidden = Site.objects.exclude(pk__in=Site.objects.visible_to(user).values("pk"))
        mine = Q(asked_by=user.pk) | Q(
            pk__in=AuditPack.readers.through.objects.filter(user=user.pk).values("auditpack")
        )
        return self.filter(mine).exclude(
            pk__in=AuditPack.sites.through.objects.filter(site__in=hidden).values("auditpack")
        )


@tracked(exclude=["manifest"])
class AuditPack(models.Model):
    """A ZIP of every record of chosen sites in a period, as known at one instant."""

    class State(models.TextChoices):
        """How far the file has come."""

        QUEUED = "queued", _("waiting")
        BUILDING = "building", _("being built")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")

    sites = models.ManyToManyField(Site, verbose_name=_("sites"), related_name="audit_packs")
    title = models.CharField(_("title"), max_length=160)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    as_of = models.DateTimeField(_("as known at"))
    state = models.CharField(_("state"), max_length=12, choices=State, default=State.QUEUED)
    job = models.ForeignKey(Job, verbose_name=_("job"), on_delete=models.SET_NULL, null=True, related_name="+")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("asked by"), on_delete=models.PROTECT, related_name="audit_packs"
    )
    asked_at = models.DateTimeField(_("asked"))
    readers = models.ManyToManyField(
        settings.AUTH_USER_MODEL, verbose_name=_("handed to"), blank=True, related_name="packs_received"
    )
    storage_name = models.CharField(max_length=200, blank=True, editable=False)
    sha256 = models.CharField(_("SHA-256"), max_length=64, blank=True)
    size_bytes = models.PositiveBigIntegerField(_("size"), null=True)
    file_count = models.PositiveIntegerField(_("files"), null=True)
    manifest = models.JSONField(_("manifest"), null=True)
    built_at = models.DateTimeField(_("built"), null=True)
    error = models.CharField(_("error"), max_length=300, blank=True)

    objects = AuditPackQuerySet.as_manager()
    # The sites are the anchor of what a pack holds, but the query set above decides: all of them must be granted.
    anchors: ClassVar[scoping.Anchors] = {"site": "sites"}

    class Meta:
        ordering = ("-asked_at", "-pk")
        verbose_name = _("audit pack")
        verbose_name_plural = _("audit packs")
        permissions: ClassVar = [
            ("build_auditpack", "Can build audit packs"),
            ("release_auditpack", "Can hand audit packs to others"),
            ("verify_auditpack", "Can verify audit packs"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="audit_pack_ends_after_start"),
            models.CheckConstraint(condition=Q(as_of__lte=F("asked_at")), name="audit_pack_as_of_not_ahead"),
            models.CheckConstraint(
                condition=~Q(state="ready")
                | (
                    Q(sha256__regex="^[0-9a-f]{64}$", size_bytes__isnull=False, built_at__isnull=False)
                    & ~Q(storage_name="")
                ),
                name="audit_pack_ready_has_file",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "-asked_at"], name="audit_pack_state"),
            models.Index(fields=["-asked_at"], name="audit_pack_asked"),
            models.Index(fields=["sha256"], name="audit_pack_sha256"),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The address of the pack's page."""
        return reverse("compliance:pack_detail", args=[self.pk])

    @property
    def period(self) -> Period:
        """The stretch of time that the pack tells about."""
        return Period(self.starts_at, self.ends_at)

    @property
    def is_finished(self) -> bool:
        """Whether nobody is building it."""
        return self.state in {self.State.READY, self.State.FAILED}
