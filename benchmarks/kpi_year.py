"""How fast a year of a key figure of many sites is shown on one page, and what summing quarter hours would take.

    python -m benchmarks.kpi_year [--sites 1000] [--naive-sites 20]

Every site has twelve months of sums of every input. The page ranks all sites, computes the portfolio and draws the map
of months. The naive way sums a year of quarter hours of a few sites in SQL, as a page without the KPI ledger would; its
time is stated for those sites and scaled to all of them. Of one of those sites, with one delivery point, the year is
also drawn by day and hour, which needs its quarter hours.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from benchmarks import ground

YEAR = 2025
PAGES = ("erf", "pue", "supply_vw", "avoided_co2", "curtailment")
MAPS = ("heat_delivered", "pue", "difference_vw", "curtailment")
RUNS = 5

_SITES = """
INSERT INTO hosting_site (code, name, lifecycle, time_zone, country, address, installed_it_kw, notes)
SELECT 'bench-' || n, 'Site ' || n, 'live', 'Europe/Berlin', 'DE', '', 100, '' FROM generate_series(1, %s) n
"""
_SUMS = """
INSERT INTO thermal_kpisum (site_id, month_on, input, value, known_count, expected_count, version, computed_at)
SELECT site.id, month::date, input, 1000 + (site.id * 37 + extract(month FROM month) * 11)::int %% 997, 2900, 2976,
       1, now()
FROM hosting_site site,
     generate_series(make_date(%s, 1, 1), make_date(%s, 12, 1), interval '1 month') month, unnest(%s::text[]) input
"""
_QUARTERS = """
INSERT INTO thermal_siteinterval (site_id, start, it_kwh, total_kwh, delivered_kwh, export_cause, export_basis,
    curtailed_s, measured_s, it_quality, inputs, rule_version, version, settled_at)
SELECT site.id, start, 5, 6, 3, 0, 0, 0, 900, 0, ARRAY[]::bigint[], 2, 1, now()
FROM (SELECT id FROM hosting_site ORDER BY id LIMIT %s) site,
     generate_series(make_timestamptz(%s, 1, 1, 0, 0, 0), make_timestamptz(%s, 12, 31, 23, 45, 0), '15 minutes') start
"""
_POINTS = """
INSERT INTO hosting_deliverypoint (site_id, code, name, medium, design_supply_c, design_return_c, design_kw, notes)
SELECT id, code, name, 'water', 55, 35, 50, '' FROM hosting_site ORDER BY id LIMIT %s
"""
_WATER = """
INSERT INTO thermal_heatinterval (delivery_point_id, start, heat_kwh, volume_m3, supply_vw_c, return_vw_c, measured_s,
    quality, reason, rule_version, version, settled_at)
SELECT point.id, start, 3, 0.2, 52, 38, 900, 0, 0, 2, 1, now()
FROM hosting_deliverypoint point,
     generate_series(make_timestamptz(%s, 1, 1, 0, 0, 0), make_timestamptz(%s, 12, 31, 23, 45, 0), '15 minutes') start
"""


def fill(sites: int, naive_sites: int) -> None:
    """Sites with a year of sums, a few of them with a year of quarter hours as well."""
    from django.db import connection  # noqa: PLC0415 -- Django is set up by now

    from thermal.domain.kpis import sums  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(_SITES, [sites])
        cursor.execute(_SUMS, [YEAR, YEAR, list(sums.INPUTS)])
        cursor.execute(_QUARTERS, [naive_sites, YEAR, YEAR])
        cursor.execute(_POINTS, [naive_sites])
        cursor.execute(_WATER, [YEAR, YEAR])
        cursor.execute("ANALYZE")


def show_pages() -> None:
    """Print for each figure how long its page takes, its map of one site's year, and how many queries they ask."""
    from django.test import Client  # noqa: PLC0415
    from django.urls import reverse  # noqa: PLC0415

    from accounts import roles  # noqa: PLC0415
    from hosting.models import Site  # noqa: PLC0415
    from tests.makers import accounts  # noqa: PLC0415

    roles.sync()
    client = Client()
    client.force_login(accounts.administrator())
    for figure in PAGES:
        _show(client, f"page of {figure}", reverse("thermal:kpi_comparison") + f"?figure={figure}&year={YEAR}")
    site = Site.objects.earliest("pk").pk
    for figure in MAPS:
        _show(client, f"year by hour of {figure}", reverse("thermal:kpi_map", args=[site, figure]) + f"?year={YEAR}")
    _show(client, "all figures of a site", reverse("thermal:kpi_site", args=[site]) + f"?year={YEAR}")


def _show(client: Any, label: str, url: str) -> None:
    from django.db import connection  # noqa: PLC0415

    client.get(url)
    asked: list[str] = []
    with connection.execute_wrapper(_counter(asked)):
        client.get(url)
    seconds = [_timed(client, url) for _run in range(RUNS)]
    print(f"{label}: {ground.percentile(seconds, 0.5) * 1000:.0f} ms, {len(asked)} queries")


def _counter(asked: list[str]) -> Any:
    """A wrapper around every query that keeps its words."""

    def count(execute: Any, sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    return count


def _timed(client: Any, url: str) -> float:
    began = time.perf_counter()
    assert client.get(url).status_code == 200
    return time.perf_counter() - began


def sum_naively(sites: int, naive_sites: int) -> None:
    """Print how long summing the quarter hours themselves takes."""
    from django.utils import timezone  # noqa: PLC0415

    from hosting.models import Site  # noqa: PLC0415
    from kernel.periods import local_year  # noqa: PLC0415
    from thermal.domain.kpis import sums  # noqa: PLC0415
    from thermal.queries import kpis  # noqa: PLC0415

    chosen = list(Site.objects.order_by("pk")[:naive_sites])
    period = local_year(YEAR, chosen[0].zone)
    began = time.perf_counter()
    for site in chosen:
        kpis.sums_of_quarters(site=site, period=period, inputs=sums.OF_SITES, now=timezone.now())
    seconds = time.perf_counter() - began
    scaled = seconds / naive_sites * sites
    print(f"naive: quarter hours of {naive_sites} sites in {seconds:.2f} s, {scaled:.0f} s for {sites} sites (scaled)")


def main() -> None:
    """Fill, show and compare."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sites", type=int, default=1000)
    options.add_argument("--naive-sites", type=int, default=20)
    chosen = options.parse_args()
    with ground.throw_away_portal():
        from django.test import override_settings  # noqa: PLC0415 -- Django is set up by now

        fill(chosen.sites, chosen.naive_sites)
        plain = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
        with override_settings(STORAGES=plain, ALLOWED_HOSTS=["*"]):
            show_pages()
        sum_naively(chosen.sites, chosen.naive_sites)


if __name__ == "__main__":
    main()
