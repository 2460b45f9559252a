"""The last value of every measurement: what a site or a delivery point looks like now."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from hosting.models import DeliveryPoint, Measurement, Site

UNITS: dict[str, str] = {
    Measurement.Role.IT_POWER: "kW",
    Measurement.Role.TOTAL_POWER: "kW",
    Measurement.Role.HEAT_PUMP_POWER: "kW",
    Measurement.Role.CAPTURED_POWER: "kW",
    Measurement.Role.DELIVERED_POWER: "kW",
    Measurement.Role.REJECTED_POWER: "kW",
    Measurement.Role.REJECTION_CAPACITY: "kW",
    Measurement.Role.BUFFER_TEMPERATURE: "°C",
    Measurement.Role.SUPPLY_TEMPERATURE: "°C",
    Measurement.Role.RETURN_TEMPERATURE: "°C",
    Measurement.Role.AMBIENT_TEMPERATURE: "°C",
    Measurement.Role.FLOW: "m³/h",
    Measurement.Role.PRESSURE: "bar",
}

# The profile of an old frame may keep the point in another slot than today's: points are found by key.
_LATEST = """
SELECT m.id, m.role, m.site_id, m.delivery_point_id, m.equipment_id, m.connection_id, m.device_id,
       frame.at, frame."values"[then_point.slot + 1]::float8
FROM hosting_measurement m
JOIN hosting_device d ON d.id = m.device_id
LEFT JOIN LATERAL (
    SELECT f.at, f."values", f.profile_id FROM thermal_telemetryframe f
    WHERE f.device_id = m.device_id AND f.at <= %(now)s AND f.at > %(oldest)s
    ORDER BY f.at DESC LIMIT 1
) frame ON true
LEFT JOIN hosting_profilepoint now_point ON now_point.profile_id = d.profile_id AND now_point.slot = m.slot
LEFT JOIN hosting_profilepoint then_point
       ON then_point.profile_id = frame.profile_id AND then_point.key = now_point.key
WHERE {condition}
ORDER BY m.site_id, m.role, m.id
"""

# Older values are history, not "now"; the bound also keeps the search out of old partitions.
REACH = dt.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class LiveValue:
    """The last value of one measurement, in its canonical unit; both are None where nothing came for two days."""

    measurement_id: int
    role: str
    site_id: int
    delivery_point_id: int | None
    equipment_id: int | None
    connection_id: int | None
    device_id: int
    at: dt.datetime | None
    value: float | None

    @property
    def unit(self) -> str:
        """The unit symbol of the role, empty for shares, states and flags."""
        return UNITS.get(self.role, "")


def latest_of_site(*, site: Site, now: dt.datetime) -> list[LiveValue]:
    """The last value of each measurement of a site, at ``now``."""
    return _latest("m.site_id = ANY(%(ids)s)", [site.pk], now)


def latest_of_sites(*, sites: Iterable[Site], now: dt.datetime) -> list[LiveValue]:
    """The last value of each measurement of several sites in one query."""
    return _latest("m.site_id = ANY(%(ids)s)", [site.pk for site in sites], now)


def latest_of_delivery_point(*, delivery_point: DeliveryPoint, now: dt.datetime) -> dict[str, LiveValue]:
    """The last values of a delivery point by role, such as ``supply_temperature`` or ``delivered_power``."""
    values = _latest("m.delivery_point_id = ANY(%(ids)s)", [delivery_point.pk], now)
    return {value.role: value for value in values}


def latest_of_delivery_points(*, delivery_points: Iterable[DeliveryPoint], now: dt.datetime) -> list[LiveValue]:
    """The last values of several delivery points in one query."""
    return _latest("m.delivery_point_id = ANY(%(ids)s)", [point.pk for point in delivery_points], now)


def _latest(condition: str, ids: list[int], now: dt.datetime) -> list[LiveValue]:
    with connection.cursor() as cursor:
        cursor.execute(_LATEST.format(condition=condition), {"ids": ids, "now": now, "oldest": now - REACH})
        return [LiveValue(*row) for row in cursor.fetchall()]
