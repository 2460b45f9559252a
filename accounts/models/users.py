"""The people who log in."""

from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.apps import apps
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.history import tracked


def validate_zone(name: str) -> None:
    """Refuse a name that the IANA time-zone database does not know."""
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is no IANA time zone; an example is Europe/Berlin."), params={"name": name})


class PeopleManager(BaseUserManager["User"]):
    """Makes users that are known by their e-mail address."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with the address, however it is capitalised."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A stored user who logs in with the address, which counts as verified.

        Nobody registers alone: the address was typed by an administrator or opened a link sent to it.
        """
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        addresses = apps.get_model("account", "EmailAddress")._default_manager
        addresses.create(user=user, email=user.email, verified=True, primary=True)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """A stored user who may do everything: for emergencies, not for daily work."""
        return self.create_user(email, password, is_superuser=True, **fields)


@tracked(exclude=["password", "last_login"])
class User(AbstractBaseUser, PermissionsMixin):
    """A person who logs in with an e-mail address."""

    class Theme(models.TextChoices):
        """How the pages look."""

        AUTO = "auto", _("as the device")
        LIGHT = "light", _("light")
        DARK = "dark", _("dark")

    email = models.EmailField(_("e-mail address"), unique=True)
    full_name = models.CharField(_("full name"), max_length=150, blank=True)
    locale = models.CharField(_("language"), max_length=16, default="en")
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_zone], help_text=_("Such as Europe/Berlin.")
    )
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.AUTO)
    is_active = models.BooleanField(_("active"), default=True)
    access_until = models.DateTimeField(_("access until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    # Roles and audiences come and go in the person's history.
    history_parts: ClassVar = {"accounts.Membership": ("user_id", "pk")}

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[PeopleManager] = PeopleManager()

    class Meta:
        ordering = ("full_name", "email")
        verbose_name = _("person")
        verbose_name_plural = _("people")
        permissions: ClassVar = [
            ("change_roles", "Can change what roles a person has"),
            ("change_grants", "Can change what a person may see"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lower_case"),
            models.CheckConstraint(condition=~models.Q(email=""), name="user_email_given"),
            models.CheckConstraint(condition=models.Q(theme__in=["auto", "light", "dark"]), name="user_theme_known"),
        ]
        indexes: ClassVar = [models.Index(fields=["full_name", "email"], name="user_name")]

    def __str__(self) -> str:
        return self.full_name or self.email

    def get_absolute_url(self) -> str:
        """The address of the person's page."""
        return reverse("accounts:person_detail", args=[self.pk])

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which the person reads times."""
        return ZoneInfo(self.time_zone)

    def has_access_at(self, now: datetime) -> bool:
        """Whether the person may do anything at all: active and not past the end of access."""
        return self.is_active and (self.access_until is None or self.access_until > now)

    @property
    def has_access(self) -> bool:
        """Whether the person may do anything now.

        The one rule below the views that reads the clock, so that no caller can forget the end of access.
        """
        return self.has_access_at(timezone.now())

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Whether the person may do it, which nobody may whose access has ended."""
        return self.has_access and super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the person may do anything in the app."""
        return self.has_access and super().has_module_perms(app_label)

    @property
    def is_staff(self) -> bool:
        """Whether Django's own administration is open, which knows no scope: emergencies only."""
        return self.has_access and self.is_superuser

    @property
    def is_staff_member(self) -> bool:
        """Whether the person works for the provider, so that a second factor is mandatory."""
        return self.is_superuser or any(roles.BY_KEY[key].staff for key in self.role_keys)

    @property
    def role_keys(self) -> list[str]:
        """The keys of the person's roles, in the order of the table of roles."""
        names = {group.name for group in self.groups.all()}
        return [role.key for role in roles.ROLES if role.key in names]
