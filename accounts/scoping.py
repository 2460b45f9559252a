"""Who may see which rows: everything hangs on a site, an offtaker or a contract.

A model names the way from its rows to those anchors::

    anchors: ClassVar[scoping.Anchors] = {"site": "equipment__site"}

and ``Model.objects.visible_to(user)`` keeps the rows of which at least one anchor is
granted. The path of an anchor to itself is the empty string.

Anchors keep their grants in django-guardian tables with a plain foreign key, declared beside them::

    class SiteGroupObjectPermission(GroupObjectPermissionBase):
        content_object = models.ForeignKey(Site, on_delete=models.CASCADE)

The portal grants to groups only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from accounts.models import User

Anchors = Mapping[str, str]
_M = TypeVar("_M", bound=models.Model)

ANCHOR_MODELS = {
    "site": "hosting.Site",
    "offtaker": "contracts.Offtaker",
    "contract": "contracts.Contract",
}


def has_access(user: User | AnonymousUser) -> bool:
    """Whether the user may see anything at all now: known, active and not expired."""
    return user.is_authenticated and user.has_access


def anchor_model(anchor: str) -> type[models.Model]:
    """The model of an anchor, by its name."""
    return apps.get_model(ANCHOR_MODELS[anchor])


def grant_model(anchor: str) -> type[models.Model]:
    """The table that says which group may see which of the anchors."""
    model = anchor_model(anchor)
    return apps.get_model(model._meta.app_label, f"{model.__name__}GroupObjectPermission")


def view_permission(anchor: str) -> tuple[str, str]:
    """App label and codename of the permission to see the anchor."""
    model = anchor_model(anchor)
    return model._meta.app_label, f"view_{model._meta.model_name}"


def _granted(anchor: str, path: str, user: User) -> Q:
    """The condition that the anchor at the end of ``path`` is granted to one of the user's groups."""
    _label, codename = view_permission(anchor)
    grants = grant_model(anchor)._default_manager.filter(permission__codename=codename, group__user=user)
    return Q(**{f"{path}__in" if path else "pk__in": grants.values("content_object_id")})


def _fans_out(model: type[models.Model], path: str) -> bool:
    """Whether following ``path`` can meet several anchors, which would repeat the row."""
    for name in path.split("__") if path else ():
        field = model._meta.get_field(name)
        if field.one_to_many or field.many_to_many:
            return True
        model = field.related_model  # type: ignore[assignment]
    return False


class ScopedQuerySet(models.QuerySet[_M]):
    """Rows that know who may see them."""

    def visible_to(self, user: User | AnonymousUser) -> ScopedQuerySet[_M]:
        """The rows of which ``user`` may see at least one anchor."""
        if not has_access(user):
            return self.none()
        anchors: Anchors = self.model.anchors  # type: ignore[attr-defined]
        condition = Q(pk__in=[])  # a model that names no anchor shows nothing
        for anchor, path in anchors.items():
            if user.has_perm(".".join(view_permission(anchor))):
                return self
            granted = _granted(anchor, path, user)  # type: ignore[arg-type]
            if _fans_out(self.model, path):
                granted = Q(pk__in=self.model._default_manager.filter(granted).values("pk"))
            condition |= granted
        return self.filter(condition)


def scoped_manager() -> Any:
    """A default manager whose querysets can be narrowed by ``visible_to``."""
    return models.Manager.from_queryset(ScopedQuerySet)()
