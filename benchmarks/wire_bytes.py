"""How many bytes a value costs on the wire: merged reads beside one request for each register.

    python -m benchmarks.wire_bytes [--points 40] [--polls 20]

A Modbus TCP server on loopback counts what comes and goes. With each chunk of bytes are counted the 40 bytes of TCP and
IP heads that carry it, and the seven segments that open and close a connection; acknowledgements of their own are not.
"""

from __future__ import annotations

import argparse
import asyncio
import struct
from dataclasses import dataclass

from thermal.domain.readings import PointSpec
from thermal.protocols.base import Endpoint, Target, Timing
from thermal.protocols.modbus import ModbusTcp

HEADS = 40
OPEN_AND_CLOSE = 7


@dataclass
class Meter:
    """A device that answers at once and counts."""

    data_bytes: int = 0
    chunks: int = 0
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer every read with zeros."""
        self.connections += 1
        try:
            while True:
                question = await reader.readexactly(12)
                (count,) = struct.unpack(">H", question[10:])
                answer = question[:4] + struct.pack(">HBBB", 3 + 2 * count, question[6], question[7], 2 * count)
                writer.write(answer + bytes(2 * count))
                self.data_bytes += len(question) + len(answer) + 2 * count
                self.chunks += 2
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()

    @property
    def wire_bytes(self) -> int:
        """All bytes, heads included."""
        return self.data_bytes + HEADS * (self.chunks + OPEN_AND_CLOSE * self.connections)


async def measure(points: int, polls: int, *, merged: bool, keep: bool) -> Meter:
    """Return what so many polls of so many points cost."""
    meter = Meter()
    server = await asyncio.start_server(meter.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    language = ModbusTcp()
    specs = [
        PointSpec(slot, f"p{slot}", "", "state", "", {"register": 2 * slot, "type": "float32"})
        for slot in range(points)
    ]
    together = [specs] if merged else [[spec] for spec in specs]
    targets = [Target(1, "1", part, {}, language.plan(part, {})) for part in together]
    for _poll in range(polls):
        async for _target, answer in language.read(
            Endpoint("127.0.0.1", port, Timing(keep_open_s=60 if keep else 0)), targets
        ):
            assert answer.told
    server.close()
    return meter


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--polls", type=int, default=20)
    arguments = parser.parse_args()
    values = arguments.points * arguments.polls
    for name, merged, keep in (
        ("merged reads, connection kept", True, True),
        ("merged reads, a connection for each poll", True, False),
        ("one request per register, connection kept", False, True),
        ("one request per register, a connection for each poll", False, False),
    ):
        meter = asyncio.run(measure(arguments.points, arguments.polls, merged=merged, keep=keep))
        print(
            f"{name:<54} {meter.data_bytes / values:>6.1f} bytes of Modbus and {meter.wire_bytes / values:>6.1f} bytes"
            f" on the wire per value, {meter.chunks / 2 / arguments.polls:>4.0f} requests a poll"
        )


if __name__ == "__main__":
    main()
