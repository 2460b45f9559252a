"""The places where compute makes heat."""

from functools import cached_property
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from accounts import scoping
from accounts.history import tracked


def validate_time_zone(name: str) -> None:
    """Refuse a name that the IANA time-zone database does not know."""
    if name not in available_timezones():
        raise ValidationError(_("“%(name)s” is no IANA time zone; an example is Europe/Berlin."), params={"name": name})


@tracked()
class Site(models.Model):
    """A place where a micro data centre makes heat."""

    class Lifecycle(models.TextChoices):
        """How far the site has come."""

        PROSPECT = "prospect", _("prospect")
        BUILDING = "building", _("building")
        COMMISSIONING = "commissioning", _("commissioning")
        LIVE = "live", _("live")
        SUSPENDED = "suspended", _("suspended")
        RETIRED = "retired", _("retired")

    code = models.SlugField(
        _("code"), max_length=32, unique=True, help_text=_("Short name used in files and addresses.")
    )
    name = models.CharField(_("name"), max_length=120)
    lifecycle = models.CharField(_("lifecycle"), max_length=16, choices=Lifecycle, default=Lifecycle.PROSPECT)
    time_zone = models.CharField(
        _("time zone"), max_length=64, validators=[validate_time_zone], help_text=_("IANA name, such as Europe/Berlin.")
    )
    country = models.CharField(_("country"), max_length=2, help_text=_("ISO 3166-1 code of two letters."))
    address = models.TextField(_("address"), blank=True)
    latitude_deg = models.DecimalField(
        _("latitude"),
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude_deg = models.DecimalField(
        _("longitude"),
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )
    installed_it_kw = models.FloatField(_("installed IT power"), validators=[MinValueValidator(0)], help_text=_("kW"))
    live_since_on = models.DateField(_("live since"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True)

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": ""}

    class Meta:
        ordering = ("code",)
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(installed_it_kw__gte=0), name="site_installed_it_not_negative"),
            models.CheckConstraint(condition=models.Q(country__regex="^[A-Z]{2}$"), name="site_country_two_letters"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["lifecycle", "code"], name="site_lifecycle"),
            models.Index(fields=["country", "code"], name="site_country"),
            models.Index(fields=["name"], name="site_name"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The address of the site's page."""
        return reverse("hosting:site_detail", args=[self.pk])

    @cached_property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.time_zone)


class SiteUserObjectPermission(UserObjectPermissionBase):
    """A permission of one user on one site; unused by the portal, kept for guardian."""

    content_object = models.ForeignKey(Site, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        pass


@tracked()
class SiteGroupObjectPermission(GroupObjectPermissionBase):
    """A permission of one group on one site."""

    content_object = models.ForeignKey(Site, on_delete=models.CASCADE)

    class Meta(GroupObjectPermissionBase.Meta):
        pass
