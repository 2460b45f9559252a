"""Stored profiles as plain values, who uses them, and what ships in the library."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from hosting.domain import profile_files
from hosting.domain.profiles import Difference, PointSpec, ProfileDraft, differences
from hosting.models import Device, DeviceKind, DeviceProfile, ProfilePoint, Protocol

LIBRARY: Final = Path(__file__).resolve().parents[1] / "library"
WORDS: Final = profile_files.Vocabulary(Protocol.values, DeviceKind.values, ProfilePoint.Quantity.values)


def draft_of(profile: DeviceProfile) -> ProfileDraft:
    """The content of a stored version."""
    return ProfileDraft(
        key=profile.key,
        name=profile.name,
        protocol=profile.protocol,
        device_kind=profile.device_kind,
        source=profile.source,
        verified_against=profile.verified_against,
        options=dict(profile.options),
        points=tuple(map(_spec, profile.points.all())),
    ).tidied()


def _spec(point: ProfilePoint) -> PointSpec:
    return PointSpec(point.slot, point.key, point.name, point.quantity, point.unit, dict(point.address))


def yaml_of(profile: DeviceProfile) -> str:
    """The YAML file of a stored version."""
    return profile_files.write(draft_of(profile), version=profile.version)


def used_among(ids: Iterable[int]) -> set[int]:
    """Which of these versions devices are read by, or were once; two queries for any number."""
    wanted = set(ids)
    now = Device.objects.filter(profile__in=wanted).values_list("profile", flat=True)
    return {*now, *_uses().filter(profile_id__in=wanted).values_list("profile_id", flat=True)}


def times_used(profile: DeviceProfile) -> int:
    """How many devices are read by this version or were once: it explains their frames."""
    once = _uses().filter(profile_id=profile.pk).values_list("pgh_obj_id", flat=True)
    return len({*Device.objects.filter(profile=profile).values_list("pk", flat=True), *once})


def _uses() -> Any:
    """Every state that a device ever had, from the change history."""
    events: Any = Device.pgh_event_models["created"]  # type: ignore[attr-defined]
    return events.objects.exclude(pgh_label="deleted")


def changes_between(before: DeviceProfile, after: DeviceProfile) -> list[Difference]:
    """What changed from one version to another."""
    return differences(draft_of(before), draft_of(after))


@dataclass(frozen=True, slots=True)
class LibraryEntry:
    """One profile of the library."""

    file_name: str
    draft: ProfileDraft


@dataclass(frozen=True, slots=True)
class Offer:
    """One profile of the library beside what is stored under its key."""

    entry: LibraryEntry
    state: Literal["new", "stored", "update"]
    stored: DeviceProfile | None
    """The version that equals the entry, or else the latest one under the key."""

    @property
    def kind_label(self) -> Any:
        """What sort of device it reads, in words."""
        return DeviceKind(self.entry.draft.device_kind).label

    @property
    def protocol_label(self) -> Any:
        """Its field language, in words."""
        return Protocol(self.entry.draft.protocol).label


class LibraryIsBroken(Exception):
    """A file that ships with the product cannot be read: a bug of ours."""


@functools.cache
def library() -> tuple[LibraryEntry, ...]:
    """Every profile that ships with the product, by key."""
    return tuple(sorted(map(_entry, LIBRARY.glob("*.yaml")), key=lambda entry: entry.draft.key))


def _entry(path: Path) -> LibraryEntry:
    file = profile_files.read(path.read_bytes(), WORDS)
    if file.draft is None:
        raise LibraryIsBroken(f"{path.name}: {'; '.join(map(str, file.problems))}")
    return LibraryEntry(path.name, file.draft.tidied())


def offers(entries: Iterable[LibraryEntry]) -> list[Offer]:
    """Each entry with what is stored under its key; two queries for any number of entries."""
    wanted = list(entries)
    keys = {entry.draft.key for entry in wanted}
    stored: dict[str, list[DeviceProfile]] = {}
    for profile in DeviceProfile.objects.filter(key__in=keys).prefetch_related("points"):
        stored.setdefault(profile.key, []).append(profile)
    return [_offer(entry, stored.get(entry.draft.key, [])) for entry in wanted]


def _offer(entry: LibraryEntry, versions: list[DeviceProfile]) -> Offer:
    equal = same_as(entry.draft, versions)
    if equal is not None:
        return Offer(entry, "stored", equal)
    latest = max(versions, key=lambda profile: profile.version, default=None)
    return Offer(entry, "update" if latest else "new", latest)


def same_as(draft: ProfileDraft, versions: Iterable[DeviceProfile]) -> DeviceProfile | None:
    """The latest of the versions that says exactly what the draft says."""
    tidy = draft.tidied()
    equal = [profile for profile in versions if draft_of(profile) == tidy]
    return max(equal, key=lambda profile: profile.version, default=None)
