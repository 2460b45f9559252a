"""What people may see, and how they come in."""

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from accounts.models.users import User


@tracked()
class Audience(models.Model):
    """People who see the same sites, offtakers and contracts, such as the staff of one pool."""

    # Who came and went, and what was granted and taken back.
    history_parts: ClassVar = {
        "accounts.Membership": ("group_id", "group_id"),
        **{f"{anchor}GroupObjectPermission": ("group_id", "group_id") for anchor in scoping.ANCHOR_MODELS.values()},
    }

    group = models.OneToOneField(Group, verbose_name=_("group"), on_delete=models.PROTECT, editable=False)
    name = models.CharField(_("name"), max_length=120, unique=True)
    note = models.TextField(_("note"), blank=True)

    class Meta:
        ordering = ("name",)
        verbose_name = _("audience")
        verbose_name_plural = _("audiences")
        constraints: ClassVar = [
            models.CheckConstraint(condition=~models.Q(name=""), name="audience_name_given"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the audience's page."""
        return reverse("accounts:audience_update", args=[self.pk])


@tracked(exclude=["token_hash"])
class Invitation(models.Model):
    """A one-time link by which a person joins with given roles and audiences."""

    email = models.EmailField(_("e-mail address"), blank=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    roles = models.ManyToManyField(Group, verbose_name=_("roles"), related_name="+")
    audiences = models.ManyToManyField(Audience, verbose_name=_("audiences"), blank=True, related_name="invitations")
    access_until = models.DateTimeField(_("access until"), null=True, blank=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("invited by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="invitations_sent",
    )
    created_at = models.DateTimeField(_("invited"), default=timezone.now)
    expires_at = models.DateTimeField(_("link expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("accepted by"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations_accepted",
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~models.Q(email="") | models.Q(invited_by__isnull=True),
                name="invitation_to_an_address_unless_first",
            ),
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="invitation_expires_after_it_is_made"
            ),
            models.CheckConstraint(
                condition=models.Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | models.Q(accepted_at__isnull=False, accepted_by__isnull=False, revoked_at__isnull=True),
                name="invitation_accepted_by_someone_or_revoked",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["accepted_at", "expires_at"], name="invitation_open")]

    def __str__(self) -> str:
        return self.email or str(_("the first administrator"))

    def get_absolute_url(self) -> str:
        """The address of the list that holds the invitation."""
        return reverse("accounts:invitation_list")

    def is_open_at(self, now: datetime) -> bool:
        """Whether the link still works."""
        return self.accepted_at is None and self.revoked_at is None and self.expires_at > now


@tracked(obj_field=None)
class Membership(User.groups.through):  # type: ignore[name-defined]
    """That a person belongs to a group: a role or an audience. Only here to have a history."""

    class Meta:
        proxy = True
        verbose_name = _("membership")


class ApiToken(models.Model):
    """A key with which a program acts for a person; only its hash is kept."""

    class Scope(models.TextChoices):
        """How far the key goes."""

        READ = "read", _("read")
        WRITE = "write", _("read and write")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("person"), on_delete=models.PROTECT, related_name="api_tokens"
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("What the key is for."))
    scope = models.CharField(_("scope"), max_length=8, choices=Scope, default=Scope.READ)
    prefix = models.CharField(_("begins with"), max_length=8, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    last_used_on = models.DateField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ("-created_at",)
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(expires_at__gt=models.F("created_at")), name="api_token_expires_after_it_is_made"
            ),
            models.CheckConstraint(condition=models.Q(scope__in=["read", "write"]), name="api_token_scope_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def get_absolute_url(self) -> str:
        """The address of the page that lists the person's keys."""
        return reverse("accounts:profile")

    def works_at(self, now: datetime) -> bool:
        """Whether the key opens anything at the instant."""
        return self.revoked_at is None and self.expires_at > now and self.user.has_access_at(now)


class DemoMark(models.Model):
    """Says that this database holds demo data and nothing else."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    marked_at = models.DateTimeField(_("marked"))

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="demo_mark_single")]

    def __str__(self) -> str:
        return str(_("demo data"))
