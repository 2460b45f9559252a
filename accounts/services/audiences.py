"""Which sites, offtakers and contracts a group of people sees."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import Group, Permission
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from accounts import scoping
from accounts.models import Audience, User
from kernel.errors import Refusal

GROUP_PREFIX = "audience: "


class AudienceExists(Refusal):
    """Two audiences of one name cannot be told apart."""


class NotAnAnchor(Refusal):
    """Grants are given on sites, offtakers and contracts; everything else follows."""


@transaction.atomic
def create_audience(*, name: str, by: User | None, now: datetime, note: str = "") -> Audience:
    """The new audience, which sees nothing yet."""
    name = name.strip()
    if Audience.objects.filter(name__iexact=name).exists():
        raise AudienceExists(_("There is already an audience called “%(name)s”.") % {"name": name})
    group = Group.objects.create(name=f"{GROUP_PREFIX}{name}")
    return Audience.objects.create(group=group, name=name, note=note)


@transaction.atomic
def describe(*, audience: Audience, name: str, note: str, by: User | None, now: datetime) -> None:
    """Call the audience something else."""
    name = name.strip()
    if Audience.objects.filter(name__iexact=name).exclude(pk=audience.pk).exists():
        raise AudienceExists(_("There is already an audience called “%(name)s”.") % {"name": name})
    audience.name, audience.note = name, note
    audience.save(update_fields=["name", "note"])
    Group.objects.filter(pk=audience.group_id).update(name=f"{GROUP_PREFIX}{name}")


@transaction.atomic
def grant(*, audience: Audience, anchors: Iterable[models.Model], by: User | None, now: datetime) -> None:
    """Let the audience see these sites, offtakers or contracts as well."""
    for anchor in anchors:
        table = scoping.grant_model(_kind_of(anchor))._default_manager
        table.get_or_create(group=audience.group, permission=_view_of(_kind_of(anchor)), content_object=anchor)


@transaction.atomic
def replace_grants(
    *, audience: Audience, kind: str, anchors: Iterable[models.Model], by: User | None, now: datetime
) -> None:
    """Let the audience see exactly these anchors of one kind: `site`, `offtaker` or `contract`."""
    wanted = list(anchors)
    table = scoping.grant_model(kind)._default_manager.filter(group=audience.group, permission=_view_of(kind))
    table.exclude(content_object__in=[anchor.pk for anchor in wanted]).delete()
    grant(audience=audience, anchors=wanted, by=by, now=now)


@transaction.atomic
def replace_audiences(*, person: User, audiences: Iterable[Audience], by: User | None, now: datetime) -> None:
    """Make the person a member of exactly these audiences."""
    wanted = {audience.group_id for audience in audiences}
    held = set(person.groups.filter(audience__isnull=False).values_list("pk", flat=True))
    person.groups.remove(*held - wanted)
    person.groups.add(*wanted - held)


def _kind_of(anchor: models.Model) -> str:
    for kind in scoping.ANCHOR_MODELS:
        if isinstance(anchor, scoping.anchor_model(kind)):
            return kind
    raise NotAnAnchor(_("Access is granted to sites, offtakers and contracts; the rest follows from them."))


def _view_of(kind: str) -> Permission:
    label, codename = scoping.view_permission(kind)
    return Permission.objects.get(content_type__app_label=label, codename=codename)
