"""What an audience was granted."""

from typing import Any

from django.db.models import Model

from accounts import scoping
from accounts.models import Audience


def granted(audience: Audience, kind: str) -> list[Model]:
    """The sites, offtakers or contracts that the audience sees, in their usual order."""
    label, codename = scoping.view_permission(kind)
    table = scoping.grant_model(kind)._default_manager
    keys = table.filter(group=audience.group, permission__codename=codename, permission__content_type__app_label=label)
    rows: Any = scoping.anchor_model(kind)._default_manager.filter(pk__in=keys.values("content_object_id"))
    return list(rows)


def all_granted(audience: Audience) -> list[Model]:
    """Everything that the audience sees, kind by kind."""
    return [anchor for kind in scoping.ANCHOR_MODELS for anchor in granted(audience, kind)]
