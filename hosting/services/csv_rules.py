"""What a row of a file must agree with beyond its own cells: rules over several tables, asked batch by batch.

Each rule takes the rows of one batch that would be written and answers with the problem of each that may not be;
it asks the database as often for one row as for a batch.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from accounts import refusals
from hosting import signals
from hosting.domain.addresses import reads
from hosting.domain.profiles import PointSpec, ProfileDraft
from hosting.models import Controller, DeliveryPoint, Device, DeviceProfile, Measurement, ProfilePoint
from hosting.queries import profiles as stored
from hosting.services import profiles
from kernel.errors import Refusal

Problems = dict[int, str]
"""By the position of a row in its batch, why it may not be written."""


def objections(table: str, rows: Sequence[Any]) -> Problems:
    """The problems of the rows of one batch."""
    rule = _RULES.get(table)
    return rule(rows) if rule and rows else {}


def _profile_problems(rows: Sequence[DeviceProfile]) -> Problems:
    """A version in use stays as it is; options and protocol must fit the points that are stored."""
    drafts = _stored_drafts([row.pk for row in rows if row.pk])
    used = stored.used_among(drafts)
    problems: Problems = {}
    for place, row in enumerate(rows):
        draft = drafts.get(row.pk) or ProfileDraft(row.key, row.name, row.protocol, ())
        changed = dataclasses.replace(draft, protocol=row.protocol, options=row.options)
        if row.pk in used:
            problems[place] = _("This version is in use; make a new version and change that one.")
        elif (refusal := _refusal(changed)) is not None:
            problems[place] = refusals.words_of(refusal)
    return problems


def _point_problems(rows: Sequence[ProfilePoint]) -> Problems:
    """A version in use stays as it is; the points of a batch must be readable together with those stored."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[row.profile_id].append(place)
    drafts = _stored_drafts(places)
    used = stored.used_among(drafts)
    problems: Problems = {}
    for profile_id, mine in places.items():
        draft = drafts[profile_id]
        if profile_id in used:
            words = _("This version is in use; make a new version and change that one.")
            problems |= dict.fromkeys(mine, words)
            continue
        merged = {point.key: point for point in draft.points} | {rows[at].key: _spec(rows[at]) for at in mine}
        refusal = _refusal(dataclasses.replace(draft, points=tuple(merged.values())))
        if refusal is not None:
            named = [at for at in mine if rows[at].key == refusal.facts.get("point")]
            problems |= dict.fromkeys(named or mine, refusals.words_of(refusal))
    return problems


def _device_problems(rows: Sequence[Device]) -> Problems:
    """A profile is written for what the controller speaks."""
    spoken = dict(Controller.objects.filter(pk__in={row.controller_id for row in rows}).values_list("pk", "protocol"))
    written = dict(DeviceProfile.objects.filter(pk__in={row.profile_id for row in rows}).values_list("pk", "protocol"))
    words = _("This profile is written for another protocol than the controller speaks.")
    return {
        place: words for place, row in enumerate(rows) if not reads(written[row.profile_id], spoken[row.controller_id])
    }


def _measurement_problems(rows: Sequence[Measurement]) -> Problems:
    """A meaning belongs to the site of its device, to a slot of its profile and to places of that site."""
    devices = {
        device.pk: device
        for device in Device.objects.filter(pk__in={row.device_id for row in rows})
        .select_related("controller", "profile")
        .prefetch_related(Prefetch("profile__points", ProfilePoint.objects.only("profile", "slot")))
    }
    point_sites = dict(
        DeliveryPoint.objects.filter(pk__in={row.delivery_point_id for row in rows}).values_list("pk", "site")
    )
    problems: Problems = {}
    for place, row in enumerate(rows):
        device = devices[row.device_id]
        if row.site_id != device.controller.site_id:
            problems[place] = _("The device stands at another site.")
        elif row.slot not in {point.slot for point in device.profile.points.all()}:
            problems[place] = _("The profile of the device has no slot %(slot)s.") % {"slot": row.slot}
        elif row.delivery_point_id and point_sites[row.delivery_point_id] != row.site_id:
            problems[place] = _("The delivery point belongs to another site.")
    return problems


def _stored_drafts(ids: Iterable[int]) -> dict[int, ProfileDraft]:
    found = DeviceProfile.objects.filter(pk__in=list(ids)).prefetch_related("points")
    return {profile.pk: stored.draft_of(profile) for profile in found}


def _spec(row: ProfilePoint) -> PointSpec:
    return PointSpec(row.slot, row.key, row.name, row.quantity, row.unit, dict(row.address))


def _refusal(draft: ProfileDraft) -> Refusal | None:
    """Why the draft could not be read."""
    points = list(draft.points)
    try:
        profiles.check_shape(protocol=draft.protocol, options=draft.options, points=points)
        signals.profile_proposed.send(DeviceProfile, protocol=draft.protocol, options=draft.options, points=points)
    except Refusal as refusal:
        return refusal
    return None


_RULES: Final[Mapping[str, Callable[[Sequence[Any]], Problems]]] = {
    "device-profiles": _profile_problems,
    "profile-points": _point_problems,
    "devices": _device_problems,
    "measurements": _measurement_problems,
}
