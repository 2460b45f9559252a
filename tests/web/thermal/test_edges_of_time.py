"""Pages of heat open at the edges of days, months, years and clock changes, for sites on both sides of UTC."""

import datetime as dt

import pytest
import time_machine
from django.urls import reverse

from hosting.models import EquipmentModel, Site
from kernel.periods import quarter_start
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting
from thermal.models import EquipmentInterval, SiteInterval
from thermal.services import kpi_ledger

pytestmark = pytest.mark.django_db

QUARTER = dt.timedelta(minutes=15)
MOMENTS = [
    "2026-11-01T00:00:30",
    "2026-11-02T09:00:00",
    "2027-01-01T00:05:00",
    "2027-01-02T10:00:00",
    "2026-03-29T01:30:00",
    "2026-10-25T02:30:00",
    "2028-02-29T23:59:00",
]
PERIODS = ["", "?year=2026", "?year=2027&month=1", "?year=2026&month=season", "?season=2027", "?year=2026&month=11"]


def furnished(zone: str, now: dt.datetime) -> list[str]:
    """The addresses of a site with two days of quarter hours until now."""
    site: Site = hosting.make_site(time_zone=zone)
    exchanger = hosting.make_equipment(site, EquipmentModel.Kind.PLATE_EXCHANGER)
    starts = [quarter_start(now) - number * QUARTER for number in range(1, 193)]
    facts = {"rule_version": 1, "settled_at": now, "measured_s": 900}
    SiteInterval.objects.bulk_create(
        SiteInterval(site=site, start=start, it_kwh=5, total_kwh=6, delivered_kwh=4, **facts) for start in starts
    )
    EquipmentInterval.objects.bulk_create(
        EquipmentInterval(equipment=exchanger, start=start, approach_k=1.5, is_loaded=True, **facts) for start in starts
    )
    kpi_ledger.rebuild(now=now)
    heat = reverse("thermal:site_heat", args=[site.pk])
    pages = [heat + f"?kind={kind}" for kind in ("day", "month", "year")]
    for name, args in (
        ("kpi_site", [site.pk]),
        ("kpi_comparison", []),
        ("equipment_figures", [exchanger.pk]),
        ("regulation", [site.pk]),
    ):
        pages += [reverse(f"thermal:{name}", args=args) + period for period in PERIODS]
    return [*pages, site.get_absolute_url(), reverse("thermal:weather_site", args=[site.pk])]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Los_Angeles"])
def test_every_page_of_heat_opens_at_the_edges_of_time(zone: str, moment: str) -> None:
    now = dt.datetime.fromisoformat(f"{moment}+00:00")
    with time_machine.travel(now, tick=False):
        client = client_of(people.engineer())
        found = {path: client.get(path).status_code for path in furnished(zone, now)}
    assert {path: code for path, code in found.items() if code != 200} == {}
