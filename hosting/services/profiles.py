"""Device profiles: a version in use never changes, so a change is a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from accounts.models import User
from hosting import signals
from hosting.domain import address_checks
from hosting.domain.addresses import LANGUAGES
from hosting.models import Device, DeviceProfile, ProfilePoint
from kernel.errors import Refusal


class ProfileInUse(Refusal):
    """Devices are read by this version, and old frames are explained by it."""

    sentence = "%(profile)s is in use by %(count)s devices; make a new version instead."


class SlotsRepeat(Refusal):
    """Two points want the same slot or the same key."""

    sentence = "Point “%(key)s” repeats the slot or the key of another one."


class PointRefused(Refusal):
    """The address of a point does not have the shape that its field language gives it."""

    sentence = "Point “%(point)s”: %(problem)s"


class OptionRefused(Refusal):
    """An option that the field language does not have, or with a value that it cannot have."""

    sentence = "Options: %(problem)s"


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One point of a profile as a person or a file gives it."""

    slot: int
    key: str
    name: str
    quantity: ProfilePoint.Quantity
    unit: str
    address: dict[str, Any]


@transaction.atomic
def create_profile(
    *,
    key: str,
    name: str,
    protocol: str,
    points: Sequence[PointSpec],
    source: str = "",
    options: dict[str, Any] | None = None,
    by: User | None,
) -> DeviceProfile:
    """The first version of a profile, or the next one if the key exists already."""
    latest = DeviceProfile.objects.filter(key=key).aggregate(version=Max("version"))["version"] or 0
    profile = DeviceProfile.objects.create(
        key=key, version=latest + 1, name=name, protocol=protocol, source=source, options=options or {}, created_by=by
    )
    _write_points(profile, points)
    return profile


@transaction.atomic
def replace_points(*, profile: DeviceProfile, points: Sequence[PointSpec], by: User) -> DeviceProfile:
    """The profile with other points; refused once a device uses it."""
    count = Device.objects.filter(profile=profile).count()
    if count:
        raise ProfileInUse(profile=profile, count=count)
    profile.points.all().delete()
    DeviceProfile.objects.filter(pk=profile.pk).update(created_by=by)
    _write_points(profile, points)
    return profile


@transaction.atomic
def next_version(*, profile: DeviceProfile, by: User) -> DeviceProfile:
    """A copy of the profile under the next version number, free to be changed."""
    points = [
        PointSpec(
            point.slot, point.key, point.name, ProfilePoint.Quantity(point.quantity), point.unit, dict(point.address)
        )
        for point in profile.points.all()
    ]
    return create_profile(
        key=profile.key,
        name=profile.name,
        protocol=profile.protocol,
        points=points,
        source=profile.source,
        options=dict(profile.options),
        by=by,
    )


def check_shape(*, protocol: str, options: dict[str, Any], points: Sequence[PointSpec]) -> None:
    """Refuse options and addresses that the field language does not know, naming the point."""
    language = LANGUAGES.get(protocol)
    if language is None:
        return
    for problem in address_checks.problems(language.options, options):
        raise OptionRefused(field=problem.field, problem=gettext(problem.sentence) % problem.facts)
    for point in points:
        for problem in address_checks.problems(language.point, point.address):
            words = gettext(problem.sentence) % problem.facts
            raise PointRefused(point=point.key, field=problem.field, problem=words)


def _write_points(profile: DeviceProfile, points: Sequence[PointSpec]) -> None:
    slots: set[int] = set()
    keys: set[str] = set()
    for point in points:
        if point.slot in slots or point.key in keys:
            raise SlotsRepeat(key=point.key)
        slots.add(point.slot)
        keys.add(point.key)
    rows = [
        ProfilePoint(
            profile=profile,
            slot=point.slot,
            key=point.key,
            name=point.name,
            quantity=point.quantity,
            unit=point.unit,
            address=point.address,
        )
        for point in points
    ]
    check_shape(protocol=profile.protocol, options=profile.options, points=points)
    signals.profile_proposed.send(
        DeviceProfile, protocol=profile.protocol, options=profile.options, points=list(points)
    )
    for row in rows:
        row.full_clean(exclude=["profile"], validate_unique=False, validate_constraints=False)
    ProfilePoint.objects.bulk_create(rows)
