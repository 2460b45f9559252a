"""The pages in a real browser: drawings, charts, filters and themes work, and axe finds nothing to complain about."""

import datetime as dt
from collections.abc import Iterator

import pytest
import time_machine
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from hosting.models import Connection, EquipmentModel, Measurement, Site
from kernel.periods import quarter_start
from tests.makers import accounts as people
from tests.makers import hosting as makers
from tests.makers.commissioning import make_meter_device, make_probe
from thermal.models import SiteInterval

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

Kind = EquipmentModel.Kind
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1440, "height": 900}
# Not close to any midnight: the site's chart shows today, and what was settled lately must be of today.
NOON = dt.datetime(2026, 11, 3, 11, 7, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=True):
        yield


def enter(page: Page, live_server: LiveServer, user: User) -> None:
    """Carry a session into the browser; logging in has tests of its own."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])


def plant() -> Site:
    """A small site with a heat path and a settled day."""
    site = makers.make_site(name="Lido", latitude_deg="52.5", longitude_deg="13.4")
    kinds = (Kind.RACK, Kind.PLATE_EXCHANGER, Kind.HEAT_SINK)
    rack, exchanger, sink = (makers.make_equipment(site, kind, tag=kind.value) for kind in kinds)
    for source, target in ((rack, exchanger), (exchanger, sink)):
        makers.make_connection(source, target)
        makers.make_connection(target, source, leg=Connection.Leg.RETURN)
    makers.make_delivery_point(site, equipment=sink)
    makers.make_measurement(makers.make_device(makers.make_controller(site)), Measurement.Role.IT_POWER, equipment=rack)
    newest = quarter_start(timezone.now())
    SiteInterval.objects.bulk_create(
        SiteInterval(
            pk=(site.pk, newest - dt.timedelta(minutes=15 * index)),
            it_kwh=10 + index % 7,
            delivered_kwh=6,
            rejected_kwh=1,
            rule_version=1,
            settled_at=newest,
        )
        for index in range(1, 97)
    )
    return site


@pytest.mark.parametrize(("size", "theme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_main_pages_are_accessible(page: Page, live_server: LiveServer, size: dict[str, int], theme: str) -> None:
    site = plant()
    device = make_meter_device()
    make_probe(device, now=timezone.now())
    enter(page, live_server, people.engineer())
    page.set_viewport_size(size)  # type: ignore[arg-type]
    page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    paths = [
        "/",
        site.get_absolute_url(),
        "/sites/",
        "/sites/?q=nothing",
        "/sites/new/",
        "/inventory/devices/",
        f"/inventory/devices/{device.pk}/commissioning/",
        "/heat/health/",
        "/search/?q=lido",
    ]
    for path in paths:
        page.goto(live_server.url + path)
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        assert [(path, one["id"], one["nodes"][0]["html"]) for one in found] == []
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, path


def test_a_component_opens_its_record_beside_the_drawing(page: Page, live_server: LiveServer) -> None:
    site = plant()
    enter(page, live_server, people.operator())
    page.goto(live_server.url + site.get_absolute_url())
    page.locator("a.part:visible", has_text="plate_exchanger").click()
    expect(page.locator("aside#equipment_card")).to_contain_text("If plate_exchanger is isolated")
    expect(page).to_have_url(live_server.url + site.get_absolute_url())


def test_filtering_replaces_the_table_and_back_brings_the_rest_again(page: Page, live_server: LiveServer) -> None:
    makers.make_site(name="Lido")
    makers.make_site(name="Greenhouse")
    enter(page, live_server, people.operator())
    page.goto(live_server.url + "/sites/")
    page.get_by_label("Search", exact=True).fill("lido")
    expect(page.get_by_role("cell", name="Greenhouse")).to_have_count(0)
    expect(page).to_have_url(live_server.url + "/sites/?q=lido")
    page.go_back()
    expect(page.get_by_role("cell", name="Greenhouse")).to_have_count(1)


def test_slash_goes_to_the_search(page: Page, live_server: LiveServer) -> None:
    makers.make_site(name="Lido")
    enter(page, live_server, people.operator())
    page.goto(live_server.url + "/sites/")
    page.keyboard.press("/")
    page.keyboard.type("lido")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Lido")).to_be_visible()


def test_the_chosen_theme_stays(page: Page, live_server: LiveServer) -> None:
    makers.make_site()
    enter(page, live_server, people.operator())
    page.goto(live_server.url + "/sites/")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.get_by_role("button", name="As the system").click()
    page.reload()
    expect(page.locator("html")).not_to_have_attribute("data-bs-theme", "dark")


def test_a_chart_reads_values_by_keyboard_and_as_a_table(page: Page, live_server: LiveServer) -> None:
    site = plant()
    enter(page, live_server, people.operator())
    page.goto(live_server.url + site.get_absolute_url())
    chart = page.locator("figure.chart").first
    expect(chart.locator("canvas").first).to_be_visible()
    chart.locator(".chart-plot").focus()
    page.keyboard.press("End")
    expect(chart.locator(".chart-reading")).to_contain_text("kW")
    chart.get_by_text("Show as table").click()
    expect(chart.locator(".chart-table tr").nth(1)).to_be_visible()
