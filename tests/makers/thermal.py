"""Small factories of recorded values, rules and alarms."""

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from hosting.models import Device, Measurement, Meter, Site
from tests.makers import hosting
from thermal.models import Alarm, AlarmRule, MeterReading, TelemetryFrame, ValidationFinding
from thermal.services import partitions

NOW = dt.datetime(2026, 10, 2, tzinfo=dt.UTC)
_number = itertools.count(1)


def make_partitions(first: dt.datetime, years: int = 1, months: int | None = None) -> None:
    """Partitions from the month before the instant on, for tests that store values without recording them."""
    month = partitions.months_back(partitions.first_of_month(first), 1)
    wanted = [month]
    while len(wanted) < (months or 12 * years + 2):
        wanted.append(partitions.next_month(wanted[-1]))
    for table in (partitions.READINGS, partitions.FRAMES):
        partitions.ensure(table=table, months=wanted)


def make_reading(meter: Meter, at: dt.datetime, energy_kwh: Any = None, **fields: Any) -> MeterReading:
    energy = None if energy_kwh is None else Decimal(str(energy_kwh))
    defaults: dict[str, Any] = {"meter": meter, "at": at, "energy_kwh": energy, "received_at": at}
    return MeterReading.objects.create(**defaults | fields)


def make_readings(meter: Meter, rows: Iterable[tuple[dt.datetime, Any]]) -> None:
    MeterReading.objects.bulk_create(
        MeterReading(meter=meter, at=at, energy_kwh=Decimal(str(kwh)), received_at=at) for at, kwh in rows
    )


def make_frame(device: Device, at: dt.datetime, values: Sequence[float | None]) -> TelemetryFrame:
    return TelemetryFrame.objects.create(device=device, at=at, profile=device.profile, values=list(values))


def make_frames(device: Device, rows: Iterable[tuple[dt.datetime, Sequence[float | None]]]) -> None:
    TelemetryFrame.objects.bulk_create(
        TelemetryFrame(device=device, at=at, profile=device.profile, values=list(values)) for at, values in rows
    )


def make_plant_device(site: Site, roles: Sequence[Measurement.Role], **anchors: Any) -> Device:
    """A device whose slots 0, 1, 2, ... mean the given roles at the site."""
    points = [{"key": f"{role.value}-{slot}", "quantity": "ratio"} for slot, role in enumerate(roles)]
    device = hosting.make_device(hosting.make_controller(site), profile=hosting.make_profile(points))
    for slot, role in enumerate(roles):
        hosting.make_measurement(device, role, slot, **anchors)
    return device


def make_rule(site: Site | None = None, **fields: Any) -> AlarmRule:
    number = next(_number)
    defaults: dict[str, Any] = {
        "site": site or hosting.make_site(),
        "key": f"rule-{number}",
        "name": f"Rule {number}",
        "kind": AlarmRule.Kind.HIGH,
        "limit_value": 50.0,
        "deadband_value": 2.0,
        "on_delay_s": 60,
        "off_delay_s": 60,
        "action": "Look at the pump.",
    }
    if fields.get("kind") == AlarmRule.Kind.NO_DATA:
        defaults["device"] = fields.get("device") or hosting.make_device(hosting.make_controller(defaults["site"]))
    elif "measurement" not in fields:
        device = make_plant_device(defaults["site"], [Measurement.Role.SUPPLY_TEMPERATURE])
        defaults["measurement"] = device.measurements.get()
    return AlarmRule.objects.create(**defaults | fields)


def make_alarm(rule: AlarmRule | None = None, **fields: Any) -> Alarm:
    rule = rule or make_rule()
    defaults: dict[str, Any] = {
        "rule": rule,
        "site": rule.site,
        "priority": rule.priority,
        "raised_at": NOW,
        "message": "Supply temperature is 51.0 °C.",
        "value": 51.0,
        "limit_value": rule.limit_value,
        "unit": "°C",
    }
    return Alarm.objects.create(**defaults | fields)


def make_finding(**fields: Any) -> ValidationFinding:
    meter = fields.pop("meter", None) or hosting.make_placement(delivery_point=hosting.make_delivery_point()).meter
    defaults: dict[str, Any] = {
        "rule": "V03",
        "severity": 3,
        "meter": meter,
        "site": meter.placements.get().site,
        "starts_at": NOW,
        "ends_at": NOW + dt.timedelta(hours=1),
        "found_at": NOW,
        "seen_at": NOW,
    }
    return ValidationFinding.objects.create(**defaults | fields)
