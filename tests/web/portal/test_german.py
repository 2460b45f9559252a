"""The portal in German: who chose it sees nothing else."""

import datetime as dt
import re
from html.parser import HTMLParser

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts import refusals
from hosting.models import EquipmentModel, Site
from kernel.periods import quarter_start
from kernel.units import UnknownUnit
from tests.makers import accounts as people
from tests.makers import hosting as makers
from thermal.models import SiteInterval

pytestmark = pytest.mark.django_db

NAVIGATION = {
    "Übersicht": "Overview",
    "Standorte": "Sites",
    "Wärme": "Heat",
    "Alarme": "Alarms",
    "Verträge": "Contracts",
    "Abrechnung": "Billing",
    "Pflichten": "Compliance",
    "Prüfpakete": "Packs",
}
GEOMETRY = {"d", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "points", "width", "height", "viewbox", "transform"}
# What browsers and scripts read, whatever the person reads.
FOR_MACHINES = GEOMETRY | {"style", "datetime", "stroke-width", "min", "max", "step", "offset", "colspan"}
TYPED = {"number", "date", "datetime-local", "month", "time", "hidden"}
Attributes = list[tuple[str, str | None]]


class MachineValues(HTMLParser):
    """Collects the values of a page that no language may change."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        typed = tag == "input" and dict(attrs).get("type") in TYPED and dict(attrs).get("name") != "csrfmiddlewaretoken"
        for name, value in attrs:
            numeric = name.startswith("data-") and re.fullmatch(r"[\d.,\s-]+", value or "")
            if name in FOR_MACHINES or numeric or (typed and name == "value"):
                self.found.append((tag, name, value))


def values_for_machines(page: str) -> list[tuple[str, str, str | None]]:
    parser = MachineValues()
    parser.feed(page)
    return parser.found


def text_of(path: str, locale: str = "de") -> str:
    client = Client()
    client.force_login(people.person("administrator", "engineer", locale=locale))
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Language"] == locale
    return answer.content.decode()


def navigation_of(page: str) -> list[str]:
    frame = re.search(r'<ul class="side-list">(.*?)</ul>', page, re.DOTALL)
    assert frame is not None
    return re.findall(r"<span>([^<]+)</span>", frame.group(1))


def plant(it_kwh: float = 412.6) -> Site:
    """A site with two parts, a pipe between them, and a day of heat in figures that need every sign."""
    site = makers.make_site(latitude_deg="52.52", longitude_deg="13.405")
    makers.make_connection(
        makers.make_equipment(site, EquipmentModel.Kind.RACK, tag="R-1"),
        makers.make_equipment(site, EquipmentModel.Kind.HEAT_SINK, tag="HS-1"),
    )
    newest = quarter_start(timezone.now())
    SiteInterval.objects.bulk_create(
        SiteInterval(
            pk=(site.pk, newest - dt.timedelta(minutes=15 * index)),
            rule_version=1, settled_at=newest, measured_s=900, it_kwh=it_kwh, delivered_kwh=10.3, rejected_kwh=1.1,
        )
        for index in range(1, 97)
    )  # fmt: skip
    return site


def test_the_navigation_is_german_and_nothing_else() -> None:
    plant()
    shown = navigation_of(text_of("/"))
    assert shown == list(NAVIGATION)
    assert not set(shown) & set(NAVIGATION.values())


@pytest.mark.parametrize(("it_kwh", "shown"), [(412.6, "1.650"), (10.3, "41,2")])
def test_numbers_are_written_the_german_way(it_kwh: float, shown: str) -> None:
    plant(it_kwh)
    assert f'{shown} <span class="unit">kW</span>' in text_of("/")


OF_A_SITE = ["hosting:site_detail", "hosting:site_update", "thermal:site_heat"]


@pytest.mark.parametrize("name", ["portal:overview", "hosting:site_list", "compliance:task_create", *OF_A_SITE])
def test_drawings_and_inputs_are_the_same_in_both_languages(name: str) -> None:
    with time_machine.travel(dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC), tick=False):
        site = plant()
        path = reverse(name, args=[site.pk] if name in OF_A_SITE else [])
        assert values_for_machines(text_of(path)) == values_for_machines(text_of(path, "en"))


def test_a_refusal_of_the_kernel_is_german() -> None:
    with translation.override("de"):
        assert refusals.words_of(UnknownUnit(symbol="furlong")) == "furlong ist keine bekannte Einheit."


def test_a_borrowed_page_says_sie_too() -> None:
    page = Client(headers={"accept-language": "de"}).get(reverse("account_reset_password")).content.decode()
    assert "Geben Sie Ihre E-Mail-Adresse ein" in page
    assert "deine" not in page
