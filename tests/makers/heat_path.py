"""A heat path whose temperatures are measured: racks, exchanger, buffer, heat pump, offtaker."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from hosting.models import Connection, Device, Equipment, EquipmentModel, Measurement, Site
from tests.makers import hosting, thermal
from thermal.services import recording
from thermal.services.recording import NewFrame

Kind = EquipmentModel.Kind
Leg = Connection.Leg
Role = Measurement.Role
# The slots of the device, in this order.
SLOTS = (
    "hx_hot_in", "hx_hot_out", "hx_cold_in", "hx_cold_out", "hp_hot_in", "hp_hot_out", "hp_cold_in", "hp_cold_out",
    "buffer", "heat", "work",
)  # fmt: skip


@dataclass(frozen=True)
class HeatPath:
    """The pieces of a site, and the device that tells their temperatures and powers."""

    site: Site
    exchanger: Equipment
    buffer: Equipment
    pump: Equipment
    pipes: dict[str, Connection]
    device: Device

    def tell(self, rows: Sequence[tuple[dt.datetime, Sequence[float | None]]], now: dt.datetime) -> None:
        """Record frames as polling does; they mark what they touch."""
        frames = [NewFrame(self.device.pk, at, self.device.profile_id, list(values)) for at, values in rows]
        recording.record_frames(frames=frames, now=now)


def make_heat_path(site: Site | None = None, *, rated_kw: float | None = 40.0) -> HeatPath:
    site = site or hosting.make_site(installed_it_kw=40.0)
    racks, cooler = hosting.make_equipment(site), hosting.make_equipment(site, Kind.DRY_COOLER)
    exchanger = hosting.make_equipment(
        site, model=hosting.make_equipment_model(Kind.PLATE_EXCHANGER, rated_kw=rated_kw)
    )
    buffer = hosting.make_equipment(site, model=hosting.make_equipment_model(Kind.BUFFER_TANK, volume_l=2000.0))
    pump = hosting.make_equipment(site, model=hosting.make_equipment_model(Kind.HEAT_PUMP, rated_kw=rated_kw))
    sink = hosting.make_equipment(site, Kind.HEAT_SINK)
    pipes = {
        "hx_hot_in": hosting.make_connection(racks, exchanger),
        "hx_hot_out": hosting.make_connection(exchanger, racks, Leg.RETURN),
        "hx_cold_out": hosting.make_connection(exchanger, buffer),
        "hx_cold_in": hosting.make_connection(buffer, exchanger, Leg.RETURN),
        "hp_hot_in": hosting.make_connection(buffer, pump),
        "hp_hot_out": hosting.make_connection(pump, buffer, Leg.RETURN),
        "hp_cold_out": hosting.make_connection(pump, sink),
        "hp_cold_in": hosting.make_connection(sink, pump, Leg.RETURN),
        "bypass": hosting.make_connection(exchanger, cooler, is_bypass=True),
    }
    points = [{"key": name.replace("_", "-"), "quantity": "ratio"} for name in SLOTS]
    device = hosting.make_device(hosting.make_controller(site), profile=hosting.make_profile(points))
    for slot, name in enumerate(SLOTS[:8]):
        role = Role.RETURN_TEMPERATURE if pipes[name].leg == Leg.RETURN else Role.SUPPLY_TEMPERATURE
        hosting.make_measurement(device, role, slot, connection=pipes[name])
    hosting.make_measurement(device, Role.BUFFER_TEMPERATURE, 8, equipment=buffer)
    hosting.make_measurement(device, Role.HEAT_PUMP_HEAT_POWER, 9, equipment=pump)
    hosting.make_measurement(device, Role.HEAT_PUMP_POWER, 10, equipment=pump)
    return HeatPath(site, exchanger, buffer, pump, pipes, device)


def steady(path: HeatPath, values: Sequence[float | None], start: dt.datetime, until: dt.datetime) -> None:
    """The same values every five minutes from `start` to `until`, inclusive."""
    count = (until - start) // dt.timedelta(minutes=5) + 1
    thermal.make_frames(path.device, [(start + n * dt.timedelta(minutes=5), values) for n in range(count)])
