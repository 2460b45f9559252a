"""Whether what a device tells was compared with its meter, as it is read now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from django.db.models import Q

from hosting.models import Device, DeviceProfile, MeterPlacement
from kernel.periods import Period
from thermal.models import DeviceAcceptance, DeviceProbe, MeterReading


@dataclass(frozen=True, slots=True)
class Wiring:
    """The facts for which an acceptance holds: change one of them, and somebody has to look again."""

    profile_id: int
    meter_id: int | None
    controller_id: int
    host: str
    port: int | None
    unit_address: str

    def as_json(self) -> dict[str, object]:
        """The facts as they are kept with a look at the device."""
        return asdict(self)


def wiring_of(device: Device) -> Wiring:
    """How the device is read now."""
    controller = device.controller
    return Wiring(
        device.profile_id, device.meter_id, controller.pk, controller.host, controller.port, device.unit_address
    )


def wiring_accepted(acceptance: DeviceAcceptance) -> Wiring:
    """How the device was read when the verdict was given."""
    return Wiring(
        acceptance.profile_id,
        acceptance.meter_id,
        acceptance.controller_id,
        acceptance.host,
        acceptance.port,
        acceptance.unit_address,
    )


def register_map_of(profile: DeviceProfile) -> str:
    """The SHA-256 of all that says how a profile's values are read: its language, options and points."""
    points = profile.points.order_by("slot").values_list("slot", "key", "quantity", "unit", "address")
    said = [profile.protocol, profile.options, [list(point) for point in points]]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outdated:
    """A device whose last verdict is an acceptance of values that are read otherwise now."""

    device: Device
    acceptance: DeviceAcceptance
    is_same_profile: bool
    """Whether the version is the same, and what it says was changed nevertheless."""


def outdated() -> list[Outdated]:
    """The enabled devices that were accepted with another version of their profile, or with another register map."""
    rows = DeviceAcceptance.objects.filter(device__enabled=True, device__meter__isnull=False).order_by(
        "device_id", "-at", "-pk"
    )
    maps: dict[int, str] = {}
    found = []
    for row in rows.distinct("device_id").select_related("device__profile", "profile"):
        if row.verdict != DeviceAcceptance.Verdict.ACCEPTED:
            continue
        profile = row.device.profile
        if profile.pk != row.profile_id:
            found.append(Outdated(row.device, row, is_same_profile=False))
            continue
        if profile.pk not in maps:
            maps[profile.pk] = register_map_of(profile)
        if row.register_map and row.register_map != maps[profile.pk]:
            found.append(Outdated(row.device, row, is_same_profile=True))
    return found


def latest_probe(device: Device) -> DeviceProbe | None:
    """The last look at the device that somebody asked for."""
    return device.probes.select_related("job", "asked_by").order_by("-asked_at", "-pk").first()


def acceptances_of(device: Device) -> list[DeviceAcceptance]:
    """Every verdict on the device, the latest first."""
    rows = device.acceptances.select_related("by", "profile", "meter", "placement", "controller")
    return list(rows.order_by("-at", "-pk"))


def holds(acceptance: DeviceAcceptance, device: Device) -> bool:
    """Whether the verdict is for the device as it is read now, its meter still where it stood."""
    moved = acceptance.placement is not None and acceptance.placement.valid_until is not None
    return not moved and wiring_accepted(acceptance) == wiring_of(device)


def standing_acceptance(device: Device) -> DeviceAcceptance | None:
    """The acceptance of the device as it is read now; None if the last verdict was another or for other facts."""
    latest = device.acceptances.select_related("placement").order_by("-at", "-pk").first()
    if latest is None or latest.verdict != DeviceAcceptance.Verdict.ACCEPTED:
        return None
    return latest if holds(latest, device) else None


@dataclass(frozen=True, slots=True)
class Unaccepted:
    """A meter whose polled registers nobody compared with its display, and the device that reads it, if one does."""

    placement: MeterPlacement
    device: Device | None


def unaccepted(placements: Iterable[MeterPlacement], period: Period) -> list[Unaccepted]:
    """The placements with registers polled in the period whose device has no acceptance for how it is read.

    Registers that came from files or persons need none: nobody's wiring stands behind them. A meter that was taken
    away can no longer be looked at, so what counts is the last verdict given while it stood there.
    """
    found = []
    for placement in placements:
        if not _was_polled(placement, period):
            continue
        device = _device_of(placement)
        if device is None and not _was_accepted(placement):
            found.append(Unaccepted(placement, None))
        elif device is not None and standing_acceptance(device) is None:
            found.append(Unaccepted(placement, device))
    return found


def _was_polled(placement: MeterPlacement, period: Period) -> bool:
    rows = MeterReading.objects.filter(meter=placement.meter_id, at__gte=period.start, at__lt=period.end)
    return rows.filter(source=MeterReading.Source.POLL).exists()


def _device_of(placement: MeterPlacement) -> Device | None:
    """The device that reads the meter where it still stands."""
    if placement.valid_until is not None:
        return None
    rows = Device.objects.filter(meter=placement.meter_id).select_related("controller")
    return rows.order_by("-enabled", "pk").first()


def _was_accepted(placement: MeterPlacement) -> bool:
    """Whether the last verdict on the meter at this place was an acceptance."""
    here = Q(placement=placement.pk) | Q(placement=None)
    rows = DeviceAcceptance.objects.filter(here, meter=placement.meter_id)
    if placement.valid_until is not None:
        rows = rows.filter(at__lt=placement.valid_until)
    latest = rows.order_by("-at", "-pk").first()
    return latest is not None and latest.verdict == DeviceAcceptance.Verdict.ACCEPTED
