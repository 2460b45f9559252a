"""Taking over due controllers, so that every one of them is polled by one worker only."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from hosting.models import Controller, Device, DeviceProfile, ProfilePoint
from hosting.services import secrets
from kernel.errors import Refusal
from thermal.domain import pacing
from thermal.domain.readings import PointSpec
from thermal.protocols import PROTOCOLS
from thermal.protocols.base import Endpoint, Target, Timing
from thermal.protocols.told import NOT_ASKED

BATCH_SIZE: Final = 250
NEW_LIMIT: Final = 50
"""Controllers never polled before that one claim takes: after an import, thousands do not start in one second."""

CONTROLLER_FIELDS: Final = (
    "id",
    "protocol",
    "host",
    "port",
    "poll_s",
    "timeout_ms",
    "connect_pause_ms",
    "request_pause_ms",
    "keep_open_s",
    "next_poll_at",
)

# Chosen once: a subquery may be run anew for every row it is compared with, and would then claim more than its limit.
# A claim holds a little longer than the devices behind the address may be asked; that of a killed worker then returns.
_CLAIM = f"""
WITH overdue AS MATERIALIZED (
    SELECT id FROM hosting_controller
    WHERE enabled AND port IS NOT NULL AND next_poll_at <= %(now)s
      AND (claimed_until IS NULL OR claimed_until <= %(now)s)
    ORDER BY next_poll_at
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), new AS MATERIALIZED (
    SELECT id FROM hosting_controller
    WHERE enabled AND port IS NOT NULL AND next_poll_at IS NULL
      AND (claimed_until IS NULL OR claimed_until <= %(now)s)
    ORDER BY id
    LIMIT least(%(new_limit)s, %(limit)s - (SELECT count(*) FROM overdue))
    FOR UPDATE SKIP LOCKED
)
UPDATE hosting_controller controller
SET claim_token = %(token)s, claimed_until = %(now)s + interval '1 second' * (
    {pacing.LEASE_MARGIN_S}
    + least(greatest({pacing.CYCLE_SHARE} * poll_s, {pacing.SHORTEST_CYCLE_S}), {pacing.LONGEST_CYCLE_S})
)
FROM (SELECT id FROM overdue UNION ALL SELECT id FROM new) due WHERE controller.id = due.id
RETURNING {", ".join(f"controller.{name}" for name in CONTROLLER_FIELDS)},
    EXISTS (SELECT FROM hosting_controllersecret secret WHERE secret.controller_id = controller.id) AS has_secret
"""  # noqa: S608 -- our own constants

# Devices that did not answer last time come last, so that they cannot keep the others waiting.
_DEVICES = """
SELECT device.id, device.controller_id, device.unit_address, device.profile_id, device.reading_s,
       device.failure_count, device.circuit, device.refusals, meter.id AS meter_id, meter.serial AS meter_serial,
       site.time_zone, latest.at AS last_reading_at, latest.device_at AS last_device_at
FROM hosting_device device
JOIN hosting_controller controller ON controller.id = device.controller_id
JOIN hosting_site site ON site.id = controller.site_id
LEFT JOIN hosting_meter meter ON meter.id = device.meter_id
LEFT JOIN LATERAL (
    SELECT at, device_at FROM thermal_meterreading
    WHERE meter_id = device.meter_id AND at > %(now)s - interval '31 days' ORDER BY at DESC, version DESC LIMIT 1
) latest ON true
WHERE device.controller_id = ANY(%(controllers)s)
  AND (%(all)s OR device.enabled AND (device.retry_at IS NULL OR device.retry_at <= %(now)s))
ORDER BY device.failure_count, device.last_polled_at NULLS FIRST, device.id
"""


@dataclass(frozen=True, slots=True)
class DueDevice:
    """One device to ask, with what is needed to judge its answer."""

    id: int
    controller_id: int
    unit_address: str
    profile_id: int
    reading_s: int
    failure_count: int
    circuit: str
    refusals: dict[str, Any]
    """What its profile says that it tells and it does not; empty if nothing is known of the profile that it has now."""
    meter_id: int | None
    meter_serial: str | None
    time_zone: str
    last_reading_at: dt.datetime | None
    last_device_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class PlannedProfile:
    """A device profile with the plan that its language made of it, or the reason why it cannot be read."""

    id: int
    points: tuple[PointSpec, ...]
    options: dict[str, Any]
    plan: Any
    problem: str = ""
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class DueController:
    """One address to connect to, and the devices behind it."""

    id: int
    protocol: str
    endpoint: Endpoint
    poll_s: int
    due_at: dt.datetime | None = None
    """When it should have been asked; none for one that is new."""
    devices: list[DueDevice] = field(default_factory=list)
    problem: str = ""
    """Why it cannot be asked: its credentials do not open."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one worker has claimed."""

    token: uuid.UUID
    controllers: tuple[DueController, ...]
    profiles: dict[int, PlannedProfile]
    is_full: bool = False
    """True if there may be more to claim."""
    with_raw: bool = False
    """True if somebody wants to see what stands on the wire."""
    own_plans: dict[int, Any] = field(default_factory=dict)
    """The plan of each device that refuses something of its profile, by the device's id."""

    def target(self, device: DueDevice) -> Target:
        """Return what the field language needs to know about a device."""
        profile = self.profiles[device.profile_id]
        return Target(
            device.id,
            device.unit_address,
            profile.points,
            profile.options,
            self.own_plans.get(device.id, profile.plan),
            on_trial=device.circuit != "closed",
            with_raw=self.with_raw,
        )


def claim_due(*, now: dt.datetime, limit: int = BATCH_SIZE) -> Batch:
    """Return the due controllers that nobody else polls, claimed until the lease ends."""
    token = uuid.uuid4()
    with transaction.atomic():
        rows = _rows(_CLAIM, {"now": now, "token": token, "limit": limit, "new_limit": NEW_LIMIT})
        controllers = _controllers(rows)
        devices = _due_devices(controllers, now=now)
        Device.objects.filter(pk__in=[device.id for device in devices if device.circuit == "open"]).update(
            circuit="half_open"
        )
    for device in devices:
        controllers[device.controller_id].devices.append(device)
    profiles = load_profiles({device.profile_id for device in devices})
    own_plans = _own_plans(devices, profiles)
    return Batch(token, tuple(controllers.values()), profiles, is_full=len(rows) == limit, own_plans=own_plans)


def batch_of(*, device: Device, now: dt.datetime) -> Batch:
    """Return a batch of this one device, claimed by nobody; for a look at it that stores nothing."""
    rows = Controller.objects.filter(pk=device.controller_id).values(*CONTROLLER_FIELDS)
    due = _controllers(rows)[device.controller_id]
    due = replace(due, endpoint=replace(due.endpoint, timing=replace(due.endpoint.timing, keep_open_s=0)))
    found = _due_devices([device.controller_id], now=now, everyone=True)
    due.devices.extend(row for row in found if row.id == device.pk)
    profiles = load_profiles({device.profile_id})
    return Batch(uuid.uuid4(), (due,), profiles, with_raw=True, own_plans=_own_plans(due.devices, profiles))


def told_batch(*, controller: Controller, now: dt.datetime) -> Batch:
    """Return a batch of the polled devices of a controller that sends by itself, claimed by nobody."""
    due = _controllers(Controller.objects.filter(pk=controller.pk).values(*CONTROLLER_FIELDS))[controller.pk]
    enabled = set(Device.objects.filter(controller=controller, enabled=True).values_list("pk", flat=True))
    due.devices.extend(row for row in _due_devices([controller.pk], now=now, everyone=True) if row.id in enabled)
    return Batch(uuid.uuid4(), (due,), load_profiles({device.profile_id for device in due.devices}))


def _controllers(rows: Iterable[dict[str, Any]]) -> dict[int, DueController]:
    """Return the controllers by id, without their devices, with their credentials opened."""
    found = list(rows)
    with_secret = [row["id"] for row in found if row.pop("has_secret", True)]
    opened = secrets.open_secrets(controllers=with_secret) if with_secret else {}
    return {row["id"]: _controller(row, opened.get(row["id"], secrets.Opened())) for row in found}


def _controller(row: dict[str, Any], opened: secrets.Opened) -> DueController:
    """Return a controller without its devices."""
    timing = Timing(
        timeout_s=row["timeout_ms"] / 1000,
        connect_pause_s=row["connect_pause_ms"] / 1000,
        request_pause_s=row["request_pause_ms"] / 1000,
        keep_open_s=row["keep_open_s"],
    )
    client_name = settings.THERMAL_MQTT_CLIENT
    endpoint = Endpoint(row["host"], row["port"], timing, opened.fields, row["host"], client_name)
    problem = opened.problem or ("" if row["port"] else NOT_ASKED)
    return DueController(row["id"], row["protocol"], endpoint, row["poll_s"], row["next_poll_at"], problem=problem)


def _due_devices(controllers: Iterable[int], *, now: dt.datetime, everyone: bool = False) -> list[DueDevice]:
    """Return the devices to ask behind the controllers, in the order in which to ask; or all, whether due or not."""
    rows = _rows(_DEVICES, {"controllers": list(controllers), "now": now, "all": everyone})
    return [DueDevice(**(row | {"refusals": _refusals(row)})) for row in rows]


def _refusals(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is known that a device refuses of the profile that it has now."""
    stored = row["refusals"]
    learned: dict[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return learned if learned.get("profile") == row["profile_id"] else {}


def _own_plans(devices: Iterable[DueDevice], profiles: dict[int, PlannedProfile]) -> dict[int, Any]:
    """Return the plans of the devices that refuse something, made once for those that refuse the same."""
    plans: dict[tuple[int, str], Any] = {}
    own: dict[int, Any] = {}
    for device in devices:
        profile = profiles[device.profile_id]
        if device.refusals and not profile.problem:
            key = (profile.id, json.dumps(device.refusals, sort_keys=True))
            if key not in plans:
                options = profile.options | {"refusals": device.refusals}
                plans[key] = PROTOCOLS[profile.protocol].plan(profile.points, options)
            own[device.id] = plans[key]
    return own


def load_profiles(ids: set[int]) -> dict[int, PlannedProfile]:
    """Return the planned profiles by id."""
    points: dict[int, list[PointSpec]] = {profile_id: [] for profile_id in ids}
    found = ProfilePoint.objects.filter(profile__in=ids).order_by("slot")
    for profile_id, *told in found.values_list("profile_id", "slot", "key", "name", "quantity", "unit", "address"):
        points[profile_id].append(PointSpec(*told))
    return {
        profile.pk: _planned(profile, tuple(points[profile.pk])) for profile in DeviceProfile.objects.filter(pk__in=ids)
    }


def _planned(profile: DeviceProfile, points: tuple[PointSpec, ...]) -> PlannedProfile:
    """Return the profile with its plan, or with what is wrong with it."""
    plan, problem = None, ""
    try:
        plan = PROTOCOLS[profile.protocol].plan(points, profile.options)
    except Refusal as refusal:
        problem = f"Profile {profile}: {refusal.detail}"
    return PlannedProfile(profile.pk, points, profile.options, plan, problem, profile.protocol)


def _rows(statement: str, facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a statement by column name."""
    with connection.cursor() as cursor:
        cursor.execute(statement, facts)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
