"""Polling under random faults, and whether the accounts balance at the end; ends with 1 if they do not.

    python -m benchmarks.soak [--minutes 30] [--controllers 40] [--faults 0.2] [--seed 1]

Two workers poll simulated controllers (Modbus TCP and RTU over TCP, two devices each, some connections kept) into a
real PostgreSQL; every so often one of the workers is killed where it stands and another one started. The controllers
cut connections, send halves, garbage, answers of other units and late ones, or nothing. A trigger in the database
notes each claim on its own, so that what was due is not taken from the accounts that are checked against it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import multiprocessing
import random
import socket
import sys
import tempfile
import time
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from benchmarks import faulty_field, ground

SPAWN = multiprocessing.get_context("spawn")
POINTS = 20
UNITS = (1, 2)
TIMEOUT_MS = 250

# What is due is counted when a controller is claimed, by the same clock; it counts once the claim is given back.
WITNESS = """
CREATE TABLE soak_due (due_count int NOT NULL);
CREATE TABLE soak_open (controller_id bigint, token uuid, due_count int, PRIMARY KEY (controller_id, token));
CREATE FUNCTION soak_witness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.claim_token IS NOT NULL AND NEW.claim_token IS DISTINCT FROM OLD.claim_token THEN
        INSERT INTO soak_open SELECT NEW.id, NEW.claim_token, count(*) FROM hosting_device device
        WHERE device.controller_id = NEW.id AND device.enabled AND (device.retry_at IS NULL OR device.retry_at
            <= NEW.claimed_until - interval '1 second' * (15 + least(greatest(0.75 * NEW.poll_s, 10), 240)));
    ELSIF NEW.claim_token IS NULL AND OLD.claim_token IS NOT NULL THEN
        INSERT INTO soak_due SELECT due_count FROM soak_open
        WHERE controller_id = OLD.id AND token = OLD.claim_token;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER soak_witness AFTER UPDATE ON hosting_controller FOR EACH ROW EXECUTE FUNCTION soak_witness();
"""

# Every value stored must be the one that this register of this unit of this controller holds.
STRAY = """
SELECT count(*) FROM thermal_telemetryframe frame
JOIN hosting_device device ON device.id = frame.device_id
JOIN hosting_controller controller ON controller.id = device.controller_id,
LATERAL unnest(frame.values) WITH ORDINALITY told (value, place)
WHERE told.value IS NOT NULL AND told.value
    <> split_part(controller.host, '.', 4)::int * 1000 + device.unit_address::int * 100 + 2 * (told.place - 1)
"""


def fill(count: int, ports: tuple[int, int], poll_s: int) -> None:
    """Store the controllers, half of them in each language, some of which keep their connections."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    from hosting import models as hosting  # noqa: PLC0415

    site = hosting.Site.objects.create(code="s", name="S", time_zone="UTC", country="DE", installed_it_kw=1)
    profiles = {protocol: profile_of(protocol) for protocol in ("modbus_tcp", "modbus_rtu_tcp")}
    for number in range(1, count + 1):
        protocol, port = (("modbus_tcp", ports[0]), ("modbus_rtu_tcp", ports[1]))[number % 2]
        controller = hosting.Controller.objects.create(
            site=site,
            code=f"c{number}",
            protocol=protocol,
            host=f"127.3.0.{number}",
            port=port,
            poll_s=poll_s,
            timeout_ms=TIMEOUT_MS,
            keep_open_s=30 * (number % 3 > 0),
        )
        for unit in UNITS:
            hosting.Device.objects.create(
                controller=controller, code=f"d{number}-{unit}", unit_address=str(unit), profile=profiles[protocol]
            )
    with connection.cursor() as cursor:
        cursor.execute(WITNESS)


def profile_of(protocol: str) -> Any:
    """Return a profile of whole numbers, which takes two requests to read."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    profile = hosting.DeviceProfile.objects.create(
        key=protocol.replace("_", "-"), name="P", protocol=protocol, options={"max_count": 30}
    )
    hosting.ProfilePoint.objects.bulk_create(
        hosting.ProfilePoint(
            profile=profile,
            slot=slot,
            key=f"p{slot}",
            name=f"Point {slot}",
            quantity="state",
            address={"register": 2 * slot, "type": "int32", "missing": -1},
        )
        for slot in range(POINTS)
    )
    return profile


def work(folder: Path, name: str) -> None:
    """Poll until told to stop, as the tasks of a worker do."""
    import django  # noqa: PLC0415 -- a process of its own

    django.setup()
    from django.utils import timezone  # noqa: PLC0415

    from thermal.services import polling  # noqa: PLC0415

    (folder / name).touch()
    while not (folder / "stop").exists():
        polling.poll_due(clock=timezone.now, for_s=5)
        time.sleep(0.2)


def started_worker(folder: Path, name: str) -> SpawnProcess:
    """Return a worker that is ready to poll.

    What it has to know stands in files: a process that is killed in the middle leaves the locks of an event closed.
    """
    worker = SPAWN.Process(target=work, args=(folder, name))
    worker.start()
    for _each in range(600):
        if (folder / name).exists():
            break
        time.sleep(0.1)
    return worker


def poll_under_faults(minutes: float, randomness: random.Random) -> int:
    """Return how many workers were killed while two of them polled for so long."""
    with tempfile.TemporaryDirectory(prefix="heatledger-soak-") as name:
        folder = Path(name)
        workers = [started_worker(folder, f"worker-{each}") for each in "ab"]
        ends = time.monotonic() + 60 * minutes
        every_s = min(30.0, 60 * minutes / 2)
        killed = 0
        while (left := ends - time.monotonic()) > 0:
            time.sleep(min(left, randomness.uniform(0.5, 1.5) * every_s))
            if time.monotonic() < ends:
                victim = workers.pop(randomness.randrange(2))
                victim.kill()
                victim.join()
                killed += 1
                workers.append(started_worker(folder, f"worker-{killed}"))
        (folder / "stop").touch()
        for worker in workers:
            worker.join(90)
    return killed


def number_of(statement: str) -> int:
    """Return the only number that a statement gives."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute(statement)
        (found,) = cursor.fetchone()
    return int(found or 0)


def accounts() -> dict[str, tuple[int, int]]:
    """Return the pairs of figures that must be equal, each found in two ways."""
    from django.db.models import Sum  # noqa: PLC0415 -- Django is set up by now

    from thermal.models import DeviceDay  # noqa: PLC0415

    names = (
        *("poll_count", "answered_count", "failed_count", "frame_count"),
        *("expected_value_count", "told_value_count", "missing_value_count"),
    )
    told = {name: value or 0 for name, value in DeviceDay.objects.aggregate(**{n: Sum(n) for n in names}).items()}
    due = number_of("SELECT sum(due_count) FROM soak_due")
    frames = number_of("SELECT count(*) FROM thermal_telemetryframe")
    values = number_of("SELECT sum(cardinality(values) - cardinality(array_positions(values, NULL)))"
                       " FROM thermal_telemetryframe")  # fmt: skip
    return {
        "polls due = answered + failed": (due, told["answered_count"] + told["failed_count"]),
        "polls due = polls counted": (due, told["poll_count"]),
        "polls answered = frames stored": (told["answered_count"], frames),
        "frames counted = frames stored": (told["frame_count"], frames),
        "values told = values stored": (told["told_value_count"], values),
        "values expected = told + missing": (
            told["poll_count"] * POINTS,
            told["told_value_count"] + told["missing_value_count"],
        ),
        "values of another register, unit or controller = 0": (number_of(STRAY), 0),
    }


def report(minutes: float, killed: int, counts: dict[str, int]) -> bool:
    """Print what happened and whether the accounts balance; return that."""
    from django.db.models import Max, Sum  # noqa: PLC0415 -- Django is set up by now

    from thermal.models import DeviceDay  # noqa: PLC0415

    found = DeviceDay.objects.aggregate(Sum("failed_count"), Sum("late_count"), Max("latency_max_ms"))
    print(f"{minutes:g} minutes, {killed} workers killed, {dt.datetime.now(dt.UTC):%Y-%m-%d}")
    print("requests:", ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())))
    failed, late = found["failed_count__sum"] or 0, found["late_count__sum"] or 0
    print(f"polls failed {failed:,}, begun late {late:,}, longest answer {found['latency_max_ms__max'] or 0:,} ms")
    balanced = True
    for name, (one, other) in accounts().items():
        balanced &= one == other
        print(f"{'ok   ' if one == other else 'WRONG'} {name:<52} {one:>12,} {other:>12,}")
    missed = [fault for fault in faulty_field.FAULTS if not counts.get(fault)]
    if missed:
        print("never happened:", ", ".join(missed))
    return balanced and number_of("SELECT count(*) FROM thermal_telemetryframe") > 0


def free_ports() -> tuple[int, int]:
    """Return two ports that nobody listens on."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("0.0.0.0", 0))
        other.bind(("0.0.0.0", 0))
        return one.getsockname()[1], other.getsockname()[1]


def main() -> None:
    """Soak, print, and end with 1 if something does not balance."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--controllers", type=int, default=40)
    parser.add_argument("--poll-s", type=int, default=2)
    parser.add_argument("--faults", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    ports, ready = free_ports(), SPAWN.Event()
    with SPAWN.Manager() as manager:
        counts = manager.dict()
        field = faulty_field.Field(arguments.seed, arguments.faults, TIMEOUT_MS / 1000)
        served = SPAWN.Process(target=faulty_field.serve, args=(ports, field, ready, counts), daemon=True)
        served.start()
        ready.wait(30)
        try:
            with ground.throw_away_portal():
                fill(arguments.controllers, ports, arguments.poll_s)
                killed = poll_under_faults(arguments.minutes, random.Random(arguments.seed))
                balanced = report(arguments.minutes, killed, dict(counts))
        finally:
            served.kill()
            served.join()
    sys.exit(0 if balanced else 1)


if __name__ == "__main__":
    main()
