"""The devices of the demo, commissioned: what each tells beside what the display of its meter shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from django.db import transaction

from accounts.models import User
from demo.devices.serving import LivePlant
from demo.field import INSTALLATIONS, Installation
from demo.plant.timeline import Snapshot, Timeline, first_state
from demo.seed import people
from demo.seed.channels import Channel, channels_of
from demo.seed.story import Story
from thermal.domain.commissioning import Typed
from thermal.domain.readings import CANONICAL_UNITS, MISSING_TEXTS, Missing
from thermal.queries.commissioning import standing_acceptance
from thermal.services import commissioning
from thermal.services.polling import Probe, ProbedValue

NOTE: Final = "Read at the device with the display beside it; the plant had just been started."
_READ_ALOUD: Final = frozenset({"supply_c", "return_c"})
_TENTH: Final = Decimal("0.1")


def commission_plants(*, story: Story, by: User) -> None:
    """Accepts every device on the day of its installation; what was accepted stays so."""
    for installation in INSTALLATIONS:
        epoch_s = story.epoch.timestamp()
        snapshot = Timeline(installation.plant, first_state(installation.plant, epoch_s)).at(epoch_s)
        _commission(installation, snapshot, epoch=story.epoch, by=by, now=story.epoch)


def commission_moved(*, plants: Iterable[LivePlant], now: dt.datetime) -> None:
    """Accepts the devices again that answer at another address than before, by what the plants show now."""
    by = people.account_of("engineer")
    for plant in plants:
        epoch = dt.datetime.fromtimestamp(plant.epoch_s, dt.UTC)
        _commission(plant.installation, plant.look(), epoch=epoch, by=by, now=now)


@transaction.atomic
def _commission(
    installation: Installation, snapshot: Snapshot, *, epoch: dt.datetime, by: User, now: dt.datetime
) -> None:
    for channel in channels_of(installation, epoch):
        if standing_acceptance(channel.device) is not None:
            continue
        told = _told(channel, snapshot)
        probe = commissioning.record_probe(device=channel.device, told=told, by=by, now=now)
        commissioning.accept_device(probe=probe, typed=_typed(channel, told), note=NOTE, by=by, now=now)


def _told(channel: Channel, snapshot: Snapshot) -> Probe:
    """What the device tells of the plant, registers to their last digit."""
    frame = channel.frame(snapshot)
    reading = channel.reading(snapshot) if channel.reading else None
    values = []
    for point in channel.device.profile.points.order_by("slot"):
        exact = getattr(reading, point.quantity, None)
        number = frame[point.slot] if point.slot < len(frame) else None
        text = f"{exact:f}" if isinstance(exact, Decimal) else None if number is None else f"{number:.7g}"
        if point.quantity == "device_time" and reading is not None and reading.device_at is not None:
            text = f"{reading.device_at:%Y-%m-%d %H:%M:%S}"
        reason = "" if text is not None else MISSING_TEXTS[Missing.NOT_TOLD]
        unit = CANONICAL_UNITS[point.quantity].removesuffix("1")
        values.append(ProbedValue(point.slot, point.key, point.name, text, unit, reason, point.quantity))
    serial = channel.device.meter.serial if channel.device.meter else ""
    return Probe(values, "", serial, 0.0, 1)


def _typed(channel: Channel, told: Probe) -> Typed:
    """What the engineer reads on the display: registers as they stand, temperatures to a tenth."""
    shown: dict[int, Decimal] = {}
    for value in told.values:
        if value.value is None or channel.device.meter is None:
            continue
        if value.quantity in {"energy_kwh", "volume_m3"}:
            shown[value.slot] = Decimal(value.value)
        elif value.quantity in _READ_ALOUD:
            shown[value.slot] = Decimal(value.value).quantize(_TENTH)
    return Typed(shown, serial=channel.device.meter.serial if channel.device.meter else "")
