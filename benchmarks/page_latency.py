"""How fast lists are at 10,000 sites: milliseconds and queries of a page, its fragment, its export.

    python -m benchmarks.page_latency [--sites 10000] [--rounds 20]

Beside the lists stands the naive way: the same rows on one page, every related row asked for
by itself, as a template that loops over ``Model.objects.all()`` does it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from benchmarks import ground

NOW = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
LISTS = ["/sites/", "/inventory/equipment/", "/inventory/meters/", "/inventory/devices/", "/alarms/", "/api/v1/sites/"]


def store(rows: list[Any]) -> list[Any]:
    """The rows, stored in batches."""
    stored: list[Any] = type(rows[0])._base_manager.bulk_create(rows, batch_size=2000)
    return stored


def fill(site_count: int) -> None:
    """Store ``site_count`` sites, each with equipment, a delivery point, a meter, a device and an alarm."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now

    sites = store([hosting.Site(**site_fields(n)) for n in range(site_count)])
    model = hosting.EquipmentModel.objects.create(manufacturer="Acme", name="Rack", kind="rack")
    store([hosting.Equipment(site=site, model=model, tag="R-1") for site in sites])
    design = {"name": "Pool", "design_supply_c": 45, "design_return_c": 35, "design_kw": 50}
    points = store([hosting.DeliveryPoint(site=site, code=f"dp-{site.code}", **design) for site in sites])
    meters = store([hosting.Meter(serial=f"M-{p.code}", kind="heat", sensor_side="return") for p in points])
    there = {"role": "delivered_heat", "valid_from": NOW, "first_register": 0}
    pairs = zip(meters, points, strict=True)
    store([hosting.MeterPlacement(meter=m, site=p.site, delivery_point=p, **there) for m, p in pairs])
    fill_field(sites, meters)


def site_fields(number: int) -> dict[str, Any]:
    """What one of the sites is like."""
    name = {"code": f"site-{number:05d}", "name": f"Site {number}"}
    return name | {"lifecycle": "live", "time_zone": "Europe/Berlin", "country": "DE", "installed_it_kw": number % 500}


def fill_field(sites: list[Any], meters: list[Any]) -> None:
    """Store a controller, a device and an open alarm for each site."""
    from hosting import models as hosting  # noqa: PLC0415 -- Django is set up by now
    from thermal import models as thermal  # noqa: PLC0415

    profile = hosting.DeviceProfile.objects.create(key="plain", name="Plain", protocol="modbus_tcp")
    controllers = store(
        [
            hosting.Controller(
                site=site, code=f"c-{site.code}", protocol="modbus_tcp", host=f"10.{n >> 8}.{n & 255}.1", port=502
            )
            for n, site in enumerate(sites)
        ]
    )
    behind = zip(controllers, meters, strict=True)
    devices = store(
        [
            hosting.Device(controller=c, code=f"d-{c.code}", unit_address="1", profile=profile, meter=m)
            for c, m in behind
        ]
    )
    watch = {"key": "silent", "name": "Silent", "kind": "no_data", "action": "Look at the controller"}
    rules = store([thermal.AlarmRule(site=d.controller.site, device=d, **watch) for d in devices])
    store(
        [
            thermal.Alarm(
                rule=r, site=r.site, priority=n % 3 + 1, raised_at=NOW - dt.timedelta(minutes=n), message="No data"
            )
            for n, r in enumerate(rules)
        ]
    )


def measure(act: Callable[[], Any], rounds: int) -> tuple[list[float], int]:
    """The milliseconds of each round, and the queries of the last."""
    from django.db import connection, reset_queries  # noqa: PLC0415 -- Django is set up by now

    act()
    times = []
    for _ in range(rounds):
        reset_queries()
        begun = time.perf_counter()
        act()
        times.append((time.perf_counter() - begun) * 1000)
    return times, len(connection.queries)


def naive(model: Any, relations: list[str]) -> Callable[[], Any]:
    """Every row on one page, each relation fetched when the row is shown."""
    # Django keeps no more than 9,000 queries to count.
    return lambda: [[getattr(row, name) for name in relations] for row in model.objects.all()[:4000]]


def show(label: str, times: list[float], query_count: int) -> None:
    """Print one line of figures."""
    middle, high = ground.percentile(times, 0.5), ground.percentile(times, 0.95)
    print(f"{label:44} p50 {middle:9.1f} ms   p95 {high:9.1f} ms   {query_count:5d} queries")


def main() -> None:
    """Fill, measure, print."""
    arguments = argparse.ArgumentParser(description="Latency of list pages.")
    arguments.add_argument("--sites", type=int, default=10_000)
    arguments.add_argument("--rounds", type=int, default=20)
    given = arguments.parse_args()
    with ground.throw_away_portal():
        fill(given.sites)
        run(given.sites, given.rounds)


def run(site_count: int, rounds: int) -> None:
    """Measure every list of the portal that grows with the number of sites."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now
    from django.test import Client, override_settings  # noqa: PLC0415

    from hosting import models as hosting  # noqa: PLC0415
    from tests.makers import accounts as people  # noqa: PLC0415
    from thermal import models as thermal  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    client = Client()
    client.force_login(people.operator())
    print(f"{site_count:,} sites; {rounds} rounds each")
    plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    connection.force_debug_cursor = True
    with override_settings(STORAGES=plain, ALLOWED_HOSTS=["*"]):
        for url in LISTS:
            measure_list(client, url, rounds)
        for model, relations in ((hosting.Device, ["controller", "profile"]), (thermal.Alarm, ["site", "rule"])):
            times, queries = measure(naive(model, relations), 1)
            show(f"naive: 4,000 of {model.__name__}, one by one", times, queries)


def measure_list(client: Any, url: str, rounds: int) -> None:
    """Measure a list as a page, as the table that filtering replaces, and as a file."""

    def fetch(address: str, **headers: str) -> Callable[[], Any]:
        def act() -> Any:
            response = client.get(address, headers=headers)
            if response.status_code != 200:
                raise RuntimeError(f"{address} answered {response.status_code}")
            return response.getvalue()

        return act

    show(url, *measure(fetch(url), rounds))
    if not url.startswith("/api/"):
        fragment = {"HX-Request": "true", "HX-Target": "list_table"}
        show(f"{url} page 100, table only", *measure(fetch(f"{url}?page=100", **fragment), rounds))
        show(f"{url} as CSV", *measure(fetch(f"{url}?export=csv"), 2))


if __name__ == "__main__":
    main()
