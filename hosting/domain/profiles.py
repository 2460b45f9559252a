"""A device profile as plain values: what people, files and the library give, and how two of them differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from hosting.domain import address_checks
from hosting.domain.addresses import LANGUAGES

PROFILE_FIELDS: Final = ("name", "device_kind", "protocol", "source", "verified_against")
POINT_FIELDS: Final = ("slot", "name", "quantity", "unit")


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One point of a profile as a person or a file gives it."""

    slot: int
    key: str
    name: str
    quantity: str
    unit: str
    address: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ProfileDraft:
    """The whole content of one version, without its number."""

    key: str
    name: str
    protocol: str
    points: tuple[PointSpec, ...]
    device_kind: str = "other"
    source: str = ""
    verified_against: str = ""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def tidied(self) -> ProfileDraft:
        """The same content in the one way in which equal contents are equal."""
        language = LANGUAGES.get(self.protocol)
        if language is None:
            return dataclasses.replace(self, points=tuple(sorted(self.points, key=lambda point: point.slot)))
        points = [
            dataclasses.replace(
                point, quantity=str(point.quantity), address=address_checks.tidied(language.point, point.address)
            )
            for point in sorted(self.points, key=lambda point: point.slot)
        ]
        options = address_checks.tidied(language.options, self.options)
        return dataclasses.replace(self, points=tuple(points), options=options)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs between two versions; `point` is empty where it concerns the profile itself."""

    point: str
    field: str
    before: Any
    after: Any


def differences(before: ProfileDraft, after: ProfileDraft) -> list[Difference]:
    """What changed from one version to the other: the profile's own fields, its options, then point by point.

    A point is the same as long as its key is, whatever slot it moved to. The field is empty where a whole point
    was added or removed, and then its name stands for it.

    >>> power = PointSpec(0, "power", "Power", "power_kw", "W", {"register": 52})
    >>> old = ProfileDraft("sdm", "SDM", "modbus_tcp", (power,))
    >>> new = ProfileDraft("sdm", "SDM", "modbus_tcp", (dataclasses.replace(power, address={"register": 54}),))
    >>> differences(old, new)
    [Difference(point='power', field='register', before=52, after=54)]
    """
    old, new = before.tidied(), after.tidied()
    found = [
        Difference("", name, getattr(old, name), getattr(new, name))
        for name in PROFILE_FIELDS
        if getattr(old, name) != getattr(new, name)
    ]
    found += [Difference("", *pair) for pair in _differing(old.options, new.options)]
    old_points = {point.key: point for point in old.points}
    new_points = {point.key: point for point in new.points}
    for key in dict.fromkeys((*old_points, *new_points)):
        found += _point_differences(key, old_points.get(key), new_points.get(key))
    return found


def _point_differences(key: str, old: PointSpec | None, new: PointSpec | None) -> Iterator[Difference]:
    if old is None or new is None:
        yield Difference(key, "", old.name if old else None, new.name if new else None)
        return
    for name in POINT_FIELDS:
        if getattr(old, name) != getattr(new, name):
            yield Difference(key, name, getattr(old, name), getattr(new, name))
    for name, before, after in _differing(old.address, new.address):
        yield Difference(key, name, before, after)


def _differing(old: dict[str, Any], new: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for name in dict.fromkeys((*old, *new)):
        if old.get(name) != new.get(name):
            yield name, old.get(name), new.get(name)
