"""All field devices of the demo in one asyncio loop."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from demo.devices.controller import ModbusController, ModbusUnit
from demo.devices.gateway import Gateway, Slave
from demo.devices.meters import HeatMeter, HeatTap, PowerMeter, show_heat, show_power
from demo.devices.registers import controller_points, power_points
from demo.devices.telegrams import (
    MEDIUM_ELECTRICITY,
    MEDIUM_HEAT_RETURN,
    heat_telegram,
    power_telegram,
    secondary_address,
)
from demo.field import CONTROLLER_UNIT, Installation
from demo.plant.faults import Fault
from demo.plant.timeline import Snapshot, Timeline
from demo.record import PlantRecord

HOST: Final = "127.0.0.1"
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the devices of one site answer."""

    modbus: int
    mbus: int


class LivePlant:
    """The plant of one site as it is now."""

    def __init__(self, installation: Installation, timeline: Timeline, *, epoch_s: float, clock: Clock) -> None:
        self.installation = installation
        self.timeline = timeline
        self.epoch_s = epoch_s
        self._clock = clock
        self._latest_s = 0.0

    def look(self) -> Snapshot:
        """The plant at this moment; a clock that is set back stands still until it catches up."""
        self._latest_s = max(self._latest_s, self._clock(), self.timeline.checkpoint.at_s)
        return self.timeline.at(self._latest_s)


class Field:
    """Serves every site; follows the switches on disk."""

    def __init__(self, installations: Iterable[Installation], record: PlantRecord, *, clock: Clock) -> None:
        history = record.history()
        self._record = record
        self._seen = record.changed_at
        self.plants = [
            LivePlant(
                installation,
                record.timeline(installation.plant, not_after_s=clock()),
                epoch_s=history.epoch_s,
                clock=clock,
            )
            for installation in installations
        ]
        self._servers: list[ModbusController | Gateway] = []

    async def start(self, first_port: int) -> dict[str, Ports]:
        """The ports of each site: from the first port on, or free ones where that is 0 or taken."""
        ports: dict[str, Ports] = {}
        for index, plant in enumerate(self.plants):
            wanted = first_port + 2 * index if first_port else 0
            ports[plant.installation.code] = Ports(
                modbus=await self._serve(_controller(plant), wanted),
                mbus=await self._serve(_gateway(plant), wanted + 1 if wanted else 0),
            )
        return ports

    async def stop(self) -> None:
        """Stops every server and keeps where the plants have got to."""
        for server in self._servers:
            await server.stop()
        self.save()

    def save(self) -> None:
        """Keeps where the plants have got to."""
        states = {p.installation.code: p.timeline.checkpoint for p in self.plants}
        self._record.save_checkpoints(states)

    def follow_switches(self) -> None:
        """Takes over faults that were switched since the last call."""
        if (changed_at := self._record.changed_at) == self._seen:
            return
        self._seen = changed_at
        faults = self._record.history().faults
        for plant in self.plants:
            plant.look()
            plant.timeline.set_faults(faults)

    async def keep_going(self, *, save_every_s: int = 60) -> None:
        """Follows the switches each second and keeps a checkpoint now and then, for ever."""
        while True:
            for _ in range(save_every_s):
                await asyncio.sleep(1.0)
                self.follow_switches()
            for plant in self.plants:
                plant.look()
            self.save()

    async def _serve(self, server: ModbusController | Gateway, port: int) -> int:
        try:
            bound = await server.start(HOST, port)
        except (OSError, RuntimeError):
            # Somebody else has the port: any other does as well, the portal is told which.
            if port == 0:
                raise
            bound = await server.start(HOST, 0)
        self._servers.append(server)
        return bound


def _controller(plant: LivePlant) -> ModbusController:
    installation = plant.installation
    has_heat_pump = installation.plant.heat_pump is not None
    units = [
        ModbusUnit(
            unit=CONTROLLER_UNIT,
            points=controller_points(has_heat_pump=has_heat_pump),
            low_word_first=installation.low_word_first,
        ),
        *(ModbusUnit(unit=meter.address, points=power_points(meter)) for meter in installation.modbus_power_meters),
    ]
    return ModbusController(units, plant.look)


def _gateway(plant: LivePlant) -> Gateway:
    installation = plant.installation
    return Gateway(
        [_heat_slave(plant, meter) for meter in installation.heat_meters]
        + [_power_slave(plant, meter) for meter in installation.mbus_power_meters]
    )


def _heat_slave(plant: LivePlant, meter: HeatMeter) -> Slave:
    def telegram(access: int) -> bytes | None:
        snapshot = plant.look()
        if meter.tap is HeatTap.DELIVERED and Fault.METER_SILENT in snapshot.faults:
            return None
        display = show_heat(meter, snapshot, plant.epoch_s)
        return heat_telegram(display, serial=meter.serial, address=meter.address, access=access)

    return Slave(meter.address, secondary_address(meter.serial, MEDIUM_HEAT_RETURN), telegram)


def _power_slave(plant: LivePlant, meter: PowerMeter) -> Slave:
    def telegram(access: int) -> bytes | None:
        display = show_power(meter, plant.look())
        return power_telegram(display, serial=meter.serial, address=meter.address, access=access)

    return Slave(meter.address, secondary_address(meter.serial, MEDIUM_ELECTRICITY), telegram)
