"""What controllers ask for before they answer, sealed."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.history import tracked
from hosting.models.field import Controller


# The history keeps who and when; the sealed bytes stand in one row only, so that removing them removes them.
@tracked(exclude=["sealed"])
class ControllerSecret(models.Model):
    """The credentials of one controller, which only a key from the environment opens."""

    controller = models.OneToOneField(
        Controller, verbose_name=_("controller"), on_delete=models.CASCADE, related_name="secret"
    )
    sealed = models.BinaryField()
    kept_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("set by"),
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
    )
    kept_at = models.DateTimeField(_("set"))

    objects = scoping.scoped_manager()
    anchors: ClassVar[scoping.Anchors] = {"site": "controller__site"}

    class Meta:
        ordering = ("controller",)
        verbose_name = _("credentials of a controller")
        verbose_name_plural = _("credentials of controllers")
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(sealed=b""), name="controller_secret_not_empty"),
        ]

    def __str__(self) -> str:
        return str(self.controller)
