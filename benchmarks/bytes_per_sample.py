"""How many bytes a sample takes, and how many are stored in a second: frames beside one row per sample.

    python -m benchmarks.bytes_per_sample [--devices 100] [--minutes 600] [--points 40]

Frames go through the same service that polling and imports use, marks for settlement included. Beside it stands the
naive table with one row for each sample (device, point, time, value), filled by COPY with a tenth of the samples.
Sizes are those of the tables with their indexes, as PostgreSQL tells them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

from benchmarks import ground

START = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
ROUND_MINUTES = 60


def fill(count: int) -> list[int]:
    """Return the ids of the devices, which are stored with one measurement each."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    site = hosting.Site.objects.create(code="s", name="S", time_zone="UTC", country="DE", installed_it_kw=1)
    profile = hosting.DeviceProfile.objects.create(key="p", name="P", protocol="modbus_tcp")
    controller = hosting.Controller.objects.create(
        site=site, code="c", protocol="modbus_tcp", host="127.0.0.1", port=502
    )
    devices = hosting.Device.objects.bulk_create(
        hosting.Device(controller=controller, code=f"d{n}", unit_address=str(n), profile=profile) for n in range(count)
    )
    hosting.Measurement.objects.bulk_create(
        hosting.Measurement(device=device, slot=0, role="supply_temperature", site=site) for device in devices
    )
    return [device.pk for device in devices]


def values_at(device: int, minute: int, points: int) -> list[float | None]:
    """Return what the sensors of a device say; one in fifty is missing."""
    return [
        None if (device + minute + point) % 50 == 0 else 20 + ((device * 31 + minute * 7 + point * 3) % 6000) / 97
        for point in range(points)
    ]


def frames(devices: list[int], minutes: range, points: int) -> Iterator[Any]:
    """Yield the frames of all devices, minute by minute, as polling stores them."""
    from thermal.services.recording import NewFrame  # noqa: PLC0415 -- Django is set up by now

    for minute in minutes:
        at = START + minute * MINUTE
        for device in devices:
            yield NewFrame(device, at, 1, values_at(device, minute, points))


def record_frames(devices: list[int], minutes: int, points: int) -> tuple[int, float]:
    """Return the samples stored as frames and the seconds that took."""
    from thermal.services import recording  # noqa: PLC0415 -- Django is set up by now

    now = START + minutes * MINUTE
    seconds = 0.0
    stored = 0
    for first in range(0, minutes, ROUND_MINUTES):
        batch = list(frames(devices, range(first, min(first + ROUND_MINUTES, minutes)), points))
        started = time.perf_counter()
        stored += recording.record_frames(frames=batch, now=now)
        seconds += time.perf_counter() - started
    return stored * points, seconds


def record_rows(devices: list[int], minutes: int, points: int) -> tuple[int, float]:
    """Return the samples stored one per row and the seconds that took."""
    from django.db import connection, transaction  # noqa: PLC0415 -- Django is set up by now

    rows = [
        f"{device}\t{point}\t{(START + minute * MINUTE).isoformat()}\t{value}\n"
        for minute in range(minutes)
        for device in devices
        for point, value in enumerate(values_at(device, minute, points))
        if value is not None
    ]
    started = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE sample (device_id bigint, point int, at timestamptz, value float8, "
            "PRIMARY KEY (device_id, point, at))"
        )
        with cursor.copy("COPY sample FROM STDIN") as copy:
            for position in range(0, len(rows), 5000):
                copy.write("".join(rows[position : position + 5000]))
    return len(rows), time.perf_counter() - started


def size_bytes(table: str) -> int:
    """Return the bytes of a table, its partitions and indexes."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(inhrelid)), pg_total_relation_size(%(table)s)) "
            "FROM pg_inherits WHERE inhparent = %(table)s::regclass",
            {"table": table},
        )
        (found,) = cursor.fetchone()
    return int(found)


def report(name: str, table: str, samples: int, seconds: float) -> None:
    """Print one line of figures."""
    each = size_bytes(table) / samples
    print(f"{name:<28} {samples:>12,} samples {samples / seconds:>12,.0f} samples/s {each:>8.1f} bytes/sample")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=100)
    parser.add_argument("--minutes", type=int, default=600)
    parser.add_argument("--points", type=int, default=40)
    arguments = parser.parse_args()
    with ground.throw_away_portal():
        devices = fill(arguments.devices)
        report("frames", "thermal_telemetryframe", *record_frames(devices, arguments.minutes, arguments.points))
        report("one row per sample", "sample", *record_rows(devices, arguments.minutes // 10, arguments.points))


if __name__ == "__main__":
    main()
