"""Which share of polls keeps its time: 10,000 controllers once a minute, two workers; and one dead device in ten.

    python -m benchmarks.poll_punctuality [--controllers 10000] [--minutes 2] [--dead 0.1] [--answer-ms 20]

Each run lets two worker processes poll everything by the clock and then reads from the accounts what was polled, how
much of it began more than five seconds late, and how long the answers took. The second run has as many living
controllers and, beside them, dead ones: half of these refuse the connection, the other half accept it and never answer.
Aim: no difference for the living. The naive way beside it claims a batch and waits for all of it before the next, as
a worker does that runs one batch at a time; it polls the same field.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import multiprocessing
import random
import resource
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from benchmarks import ground, soak
from benchmarks.poll_throughput import SimulatedController

SPAWN = multiprocessing.get_context("spawn")
POINTS = 10
PERIOD_S = 60


def serve(port: int, hole: int, answer_s: float, ready: Event) -> None:
    """Answer on one port after a while, and on the other one never; for ever."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    asyncio.run(_serve(port, hole, answer_s, ready))


async def _serve(port: int, hole: int, answer_s: float, ready: Event) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SimulatedController(loop, answer_s), "0.0.0.0", port, backlog=2048)
    await loop.create_server(asyncio.Protocol, "0.0.0.0", hole, backlog=2048)
    ready.set()
    await server.serve_forever()


def fill(living: int, dead: int, ports: tuple[int, int, int]) -> None:
    """Store the controllers, already running in their own rhythm; `ports` are those of the living and the dead."""
    from django.utils import timezone  # noqa: PLC0415 -- Django is set up by now

    from hosting import models as hosting  # noqa: PLC0415

    now = timezone.now()
    randomness = random.Random(1)
    site, _new = hosting.Site.objects.get_or_create(
        code="s", defaults={"name": "S", "time_zone": "UTC", "country": "DE", "installed_it_kw": 1}
    )
    profile, new = hosting.DeviceProfile.objects.get_or_create(
        key="p", defaults={"name": "P", "protocol": "modbus_tcp"}
    )
    if new:
        add_points(profile)
    controllers = hosting.Controller.objects.bulk_create(
        hosting.Controller(
            site=site,
            code=f"{'dead' if number >= living else 'c'}-{number}",
            protocol="modbus_tcp",
            host=f"127.4.{number >> 8}.{number & 255}",
            port=ports[0] if number < living else ports[1 + number % 2],
            poll_s=PERIOD_S,
            next_poll_at=now + dt.timedelta(seconds=randomness.uniform(0, PERIOD_S)),
        )
        for number in range(living + dead)
    )
    hosting.Device.objects.bulk_create(
        hosting.Device(controller=c, code=f"d-{c.code}", unit_address="1", profile=profile) for c in controllers
    )


def add_points(profile: Any) -> None:
    """Give the profile its points, side by side."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    hosting.ProfilePoint.objects.bulk_create(
        hosting.ProfilePoint(
            profile=profile,
            slot=slot,
            key=f"p{slot}",
            name=f"Point {slot}",
            quantity="temperature_c",
            unit="°C",
            address={"register": 2 * slot, "type": "float32"},
        )
        for slot in range(POINTS)
    )


def work(folder: Path, name: str, seconds: float, *, one_batch_at_a_time: bool) -> None:
    """Poll what is due for so long, as the tasks of a worker do."""
    import django  # noqa: PLC0415 -- a process of its own

    django.setup()
    from django.utils import timezone  # noqa: PLC0415

    from thermal.services import polling  # noqa: PLC0415

    (folder / name).touch()
    while not (folder / "go").exists():
        time.sleep(0.05)
    started = time.process_time()
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        if one_batch_at_a_time:
            now = timezone.now()
            polling.poll_batch(batch=polling.claim_due(now=now), now=now)
        else:
            polling.poll_due(clock=timezone.now, for_s=min(left, 60))
        time.sleep(0.5)
    (folder / name).write_text(str(time.process_time() - started))


@dataclass(frozen=True, slots=True)
class Figures:
    """What the accounts say of the living."""

    polls: int
    due: float
    on_time: int
    mean_ms: float
    longest_ms: int
    busy_s: float


def run(minutes: float, living: int, *, one_batch_at_a_time: bool = False) -> Figures:
    """Return what two workers made of so many minutes."""
    from django.db import connections  # noqa: PLC0415 -- Django is set up by now
    from django.db.models import Max, Sum  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from hosting import models as hosting  # noqa: PLC0415
    from thermal.models import DeviceDay  # noqa: PLC0415

    with tempfile.TemporaryDirectory(prefix="heatledger-punctual-") as name:
        folder = Path(name)
        arguments = {"one_batch_at_a_time": one_batch_at_a_time}
        names = ("a", "b")
        workers = [SPAWN.Process(target=work, args=(folder, each, minutes * 60), kwargs=arguments) for each in names]
        for worker in workers:
            worker.start()
        while not all((folder / each).exists() for each in names):
            time.sleep(0.1)
        spread(hosting.Controller, timezone.now())
        DeviceDay.objects.all().delete()
        connections.close_all()
        (folder / "go").touch()
        for worker in workers:
            worker.join()
        busy_s = sum(float((folder / each).read_text()) for each in names)
    days = DeviceDay.objects.filter(device__code__startswith="d-c-")
    told = days.aggregate(Sum("poll_count"), Sum("late_count"), Sum("latency_sum_ms"), Max("latency_max_ms"))
    polls, late = told["poll_count__sum"] or 0, told["late_count__sum"] or 0
    return Figures(
        polls=polls,
        due=living * minutes * 60 / PERIOD_S,
        on_time=polls - late,
        mean_ms=(told["latency_sum_ms__sum"] or 0) / max(1, polls),
        longest_ms=told["latency_max_ms__max"] or 0,
        busy_s=busy_s,
    )


def spread(controllers: Any, now: dt.datetime) -> None:
    """Make every controller due at its own time of the coming period, and every device as good as new."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE hosting_controller SET claim_token = NULL, claimed_until = NULL, next_poll_at = to_timestamp("
            "(floor((extract(epoch FROM %(now)s::timestamptz) - phase) / %(period)s) + 1) * %(period)s + phase)"
            " FROM (SELECT id AS same, id * 7919 %% %(period)s AS phase FROM hosting_controller) own WHERE id = same",
            {"now": now, "period": PERIOD_S},
        )
        cursor.execute("UPDATE hosting_device SET circuit = 'closed', failure_count = 0, retry_at = NULL")
        cursor.execute("TRUNCATE thermal_telemetryframe")
    assert controllers.objects.exists()


def report(name: str, found: Figures) -> None:
    """Print one line of figures."""
    print(
        f"{name:<44} {found.polls:>8,} of {found.due:>8,.0f} polls  on time {found.on_time / found.due:>7.2%}"
        f"  answers {found.mean_ms:>5.0f} ms, longest {found.longest_ms:>5,} ms  {found.busy_s:>6.1f} s of processor"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--controllers", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--dead", type=float, default=0.1)
    parser.add_argument("--answer-ms", type=float, default=20)
    parser.add_argument("--few", type=int, default=2000, help="living controllers of the runs with dead ones")
    arguments = parser.parse_args()
    port, hole = soak.free_ports()
    nobody, _other = soak.free_ports()
    ready = SPAWN.Event()
    served = SPAWN.Process(target=serve, args=(port, hole, arguments.answer_ms / 1000, ready), daemon=True)
    served.start()
    ready.wait(60)
    try:
        with ground.throw_away_portal():
            measure(arguments, (port, hole, nobody))
    finally:
        served.kill()
        served.join()


def measure(arguments: argparse.Namespace, ports: tuple[int, int, int]) -> None:
    """Run each of the ways and print what came of it."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    print(f"two workers, one poll a minute, {arguments.answer_ms:g} ms to answer, {dt.datetime.now(dt.UTC):%Y-%m-%d}")
    if arguments.controllers:
        fill(arguments.controllers, 0, ports)
        report(f"{arguments.controllers:,} controllers", run(arguments.minutes, arguments.controllers))
        hosting.Controller.objects.update(enabled=False)
        empty(hosting)
    if not arguments.few:
        return
    dead = round(arguments.few * arguments.dead / (1 - arguments.dead))
    fill(arguments.few, 0, ports)
    report(f"{arguments.few:,} controllers, none dead", run(arguments.minutes, arguments.few))
    empty(hosting)
    fill(arguments.few, dead, ports)
    report(f"{arguments.few:,} beside {dead:,} dead ones", run(arguments.minutes, arguments.few))
    naive = run(arguments.minutes, arguments.few, one_batch_at_a_time=True)
    report(f"{arguments.few:,} beside {dead:,} dead ones, batch by batch", naive)


def empty(hosting: Any) -> None:
    """Take the controllers away again."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE hosting_device, hosting_controller CASCADE")
    assert not hosting.Controller.objects.exists()


if __name__ == "__main__":
    main()
