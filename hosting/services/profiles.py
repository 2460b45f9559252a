"""Device profiles: a version in use never changes, so a change is a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext

from accounts.models import User
from hosting import signals
from hosting.domain import address_checks
from hosting.domain.addresses import LANGUAGES
from hosting.domain.profiles import PROFILE_FIELDS, PointSpec, ProfileDraft
from hosting.models import DeviceProfile, ProfilePoint
from hosting.queries import profiles as stored
from kernel.errors import Refusal


class ProfileInUse(Refusal):
    """Devices are read by this version, or were, and their frames are explained by it."""

    sentence = "%(profile)s is in use by %(count)s devices; make a new version instead."


class KeyIsTaken(Refusal):
    """A profile with this key exists; a change of it is a new version."""

    sentence = "There is a profile “%(key)s” already; make a new version of it."


class SlotsRepeat(Refusal):
    """Two points want the same slot or the same key."""

    sentence = "Point “%(key)s” repeats the slot or the key of another one."


class PointRefused(Refusal):
    """The address of a point does not have the shape that its field language gives it."""

    sentence = "Point “%(point)s”: %(problem)s"


class ProfileRefused(Refusal):
    """A field of the profile itself with a value that it cannot have."""

    sentence = "%(field)s: %(problem)s"


class OptionRefused(Refusal):
    """An option that the field language does not have, or with a value that it cannot have."""

    sentence = "Options: %(problem)s"


@dataclass(frozen=True, slots=True)
class Saved:
    """The version that holds a draft's content, and whether it was written for that."""

    profile: DeviceProfile
    outcome: Literal["created", "new version", "unchanged"]


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
    draft = ProfileDraft(key, name, protocol, tuple(points), source=source, options=options or {})
    return _write(draft, by=by)


@transaction.atomic
def save_draft(*, draft: ProfileDraft, by: User | None) -> Saved:
    """The version that says what the draft says: one that exists, or else the next one of its key."""
    versions = DeviceProfile.objects.select_for_update().filter(key=draft.key).prefetch_related("points")
    equal = stored.same_as(draft, versions)
    if equal is not None:
        return Saved(equal, "unchanged")
    return Saved(_write(draft, by=by), "new version" if versions else "created")


@transaction.atomic
def create_draft(*, draft: ProfileDraft, by: User) -> DeviceProfile:
    """The first version of a profile whose key nobody has taken."""
    if DeviceProfile.objects.filter(key=draft.key).exists():
        raise KeyIsTaken(key=draft.key)
    return _write(draft, by=by)


@transaction.atomic
def change_profile(*, profile: DeviceProfile, draft: ProfileDraft, by: User) -> DeviceProfile:
    """The version with other content under its own key and number; refused once a device was read by it."""
    locked = DeviceProfile.objects.select_for_update().get(pk=profile.pk)
    refuse_change_of_used(locked)
    tidy = draft.tidied()
    for name in PROFILE_FIELDS:
        setattr(locked, name, getattr(tidy, name))
    locked.options, locked.created_by = tidy.options, by
    _clean(locked)
    locked.save()
    locked.points.all().delete()
    _write_points(locked, tidy.points)
    return locked


@transaction.atomic
def replace_points(*, profile: DeviceProfile, points: Sequence[PointSpec], by: User) -> DeviceProfile:
    """The profile with other points; refused once a device was read by it."""
    return change_profile(profile=profile, draft=replace(stored.draft_of(profile), points=tuple(points)), by=by)


@transaction.atomic
def next_version(*, profile: DeviceProfile, by: User) -> DeviceProfile:
    """A copy of the profile under the next version number, free to be changed."""
    return _write(stored.draft_of(profile), by=by)


def refuse_change_of_used(profile: DeviceProfile) -> None:
    """Refuse to touch a version by which devices are read, or once were."""
    count = stored.times_used(profile)
    if count:
        raise ProfileInUse(profile=profile, count=count)


def _write(draft: ProfileDraft, *, by: User | None) -> DeviceProfile:
    """The draft as the next version of its key."""
    tidy = draft.tidied()
    latest = DeviceProfile.objects.filter(key=tidy.key).aggregate(version=Max("version"))["version"] or 0
    profile = DeviceProfile(
        key=tidy.key,
        version=latest + 1,
        options=tidy.options,
        created_by=by,
        **{name: getattr(tidy, name) for name in PROFILE_FIELDS},
    )
    _clean(profile)
    profile.save()
    _write_points(profile, tidy.points)
    return profile


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
        _clean_point(row)
    ProfilePoint.objects.bulk_create(rows)


def _clean(profile: DeviceProfile) -> None:
    try:
        profile.full_clean(validate_unique=False)
    except ValidationError as error:
        name, words = next(iter(error.message_dict.items()))
        raise ProfileRefused(field=name, problem=" ".join(words)) from error


def _clean_point(row: ProfilePoint) -> None:
    try:
        row.full_clean(exclude=["profile"], validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        name, words = next(iter(error.message_dict.items()))
        raise PointRefused(point=row.key, field=name, problem=f"{name}: {' '.join(words)}") from error
