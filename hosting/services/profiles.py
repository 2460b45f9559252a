"""Device profiles: a version in use never changes, so a change is a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.models import User
from hosting.models import Device, DeviceProfile, ProfilePoint
from kernel.errors import Refusal


class ProfileInUse(Refusal):
    """Devices are read by this version, and old frames are explained by it."""

    sentence = "%(profile)s is in use by %(count)s devices; make a new version instead."


class SlotsRepeat(Refusal):
    """Two points want the same slot or the same key."""

    sentence = "Point “%(key)s” repeats the slot or the key of another one."


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
    for row in rows:
        row.full_clean(exclude=["profile"], validate_unique=False, validate_constraints=False)
    ProfilePoint.objects.bulk_create(rows)
