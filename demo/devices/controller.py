"""A Modbus TCP controller and the electricity meters behind it, served by pymodbus."""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from demo.devices.registers import RegisterPoint, encode_block
from demo.plant.faults import Fault
from demo.plant.timeline import Snapshot

Look = Callable[[], Snapshot]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModbusUnit:
    """One unit id and its registers."""

    unit: int
    points: Sequence[RegisterPoint]
    low_word_first: bool = False

    @property
    def words(self) -> int:
        """One more than the highest register."""
        last = self.points[-1]
        return last.address + last.words


class ModbusController:
    """Serves the units of one site; each read sees the plant at that instant."""

    def __init__(self, units: Sequence[ModbusUnit], look: Look) -> None:
        self._units = units
        self._look = look
        self._server: ModbusTcpServer | None = None

    async def start(self, host: str, port: int) -> int:
        """The port that is listened on."""
        server = ModbusTcpServer(
            [self._device(unit) for unit in self._units],
            address=(host, port),
            trace_packet=self._maybe_garble,
            ignore_missing_devices=True,
        )
        await server.serve_forever(background=True)
        self._server = server
        # The library types what asyncio hands it too narrowly: it is the listening server.
        listening = cast("asyncio.Server", server.transport)
        bound: int = listening.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Stops listening."""
        if self._server is not None:
            await self._server.shutdown()  # type: ignore[no-untyped-call]

    def _device(self, unit: ModbusUnit) -> SimDevice:
        async def refresh(
            _function: int,
            start: int,
            _address: int,
            _count: int,
            registers: list[int],
            written: list[int] | list[bool] | None,
        ) -> ExcCodes | None:
            if written is not None:
                return ExcCodes.ILLEGAL_FUNCTION
            block = encode_block(unit.points, self._look(), low_word_first=unit.low_word_first)
            for address, word in block.items():
                registers[address - start] = word
            return None

        zeros = SimData(0, values=[0] * unit.words, datatype=DataType.REGISTERS)
        return SimDevice(unit.unit, simdata=[zeros], action=refresh)

    def _maybe_garble(self, sending: bool, packet: bytes) -> bytes:  # noqa: FBT001
        """A broken controller answers the right request with one random register, whatever was asked for."""
        if not sending or Fault.CONTROLLER_GARBAGE not in self._look().faults:
            return packet
        transaction, unit, function = packet[:2], packet[6:7], packet[7:8]
        return transaction + b"\x00\x00\x00\x05" + unit + function + b"\x02" + os.urandom(2)
