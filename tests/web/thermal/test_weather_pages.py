"""Weather of sites and emission factors: listed, imported and entered by those who may, seen by nobody else."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from hosting.models import Site
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting
from thermal.models import EmissionFactor, SiteFact, WeatherDay, WeatherDependence
from thermal.queries import kpi_facts, kpi_ledger

pytestmark = pytest.mark.django_db

FIRST = dt.date(2026, 1, 1)


@pytest.fixture
def site() -> Site:
    made = hosting.make_site(name="Lindenufer", code="lindenufer")
    hosting.make_delivery_point(made, name="School")
    return made


def days(site: Site, count: int, mean_c: float = 5.0) -> None:
    WeatherDay.objects.bulk_create(
        WeatherDay(site=site, day_on=FIRST + dt.timedelta(days=n), mean_c=mean_c, source="service")
        for n in range(count)
    )


def page(site: Site) -> str:
    return reverse("thermal:weather_site", args=[site.pk])


def send(client: Client, site: Site, text: str) -> Any:
    file = SimpleUploadedFile("weather.csv", text.encode())
    url = reverse("thermal:weather_site_import", args=[site.pk])
    return client.post(url, {"file": file, "source": "weather service"})


def test_weather_is_read_by_the_provider_and_its_auditors(site: Site) -> None:
    days(site, 2)
    other = hosting.make_site(name="Elsewhere")
    cast = people.cast(granted=(site,), neighbors=(other,))
    shut = {403, 404}
    seen = {cast.operator: {200}, cast.auditor: {200}, cast.offtaker: {403}, cast.neighbor: shut, cast.stranger: shut}
    for user, allowed in seen.items():
        for url in (page(site), page(site) + "?export=csv"):
            assert client_of(user).get(url).status_code in allowed, (user.email, url)
    assert client_of(cast.auditor).get(page(other)).status_code == 404


def test_an_empty_page_says_what_to_do_and_who_may_import_finds_the_form(site: Site) -> None:
    form = reverse("thermal:weather_site_import", args=[site.pk])
    engineer = body(client_of(people.engineer()).get(page(site)))
    assert "No weather known" in engineer
    assert form in engineer
    assert form not in body(client_of(people.operator()).get(page(site)))
    for name in ("kpi_site", "regulation"):
        assert page(site) in body(client_of(people.operator()).get(reverse(f"thermal:{name}", args=[site.pk])))


def test_the_days_carry_the_degree_days_that_count(site: Site) -> None:
    days(site, 1, mean_c=24.5)
    WeatherDay.objects.create(site=site, day_on=FIRST + dt.timedelta(days=1), heating_kd=12.3, source="agency")
    SiteFact.objects.create(site=site, kind=SiteFact.Kind.BASE_LOAD, value=26.0, valid_from=FIRST, source="design")
    shown = body(client_of(people.operator()).get(page(site)))
    assert "stated" in shown
    assert "computed" in shown
    lines = body(client_of(people.operator()).get(page(site) + "?export=csv")).replace("\ufeff", "").splitlines()
    separator = ";" if ";" in lines[0] else ","
    assert [line.split(separator) for line in lines] == [
        ["site", "day", "mean_c", "heating_kd", "heating_degree_days_kd", "cooling_kd", "source"],
        ["lindenufer", "2026-01-02", "", "12.3", "12.3", "", "agency"],
        ["lindenufer", "2026-01-01", "24.5", "", "1.5", "3.5", "service"],
    ]


def test_what_was_exported_can_be_imported_again(site: Site) -> None:
    days(site, 3)
    operator, engineer = client_of(people.operator()), client_of(people.engineer())
    exported = body(operator.get(page(site) + "?export=csv"))
    WeatherDay.objects.all().delete()
    assert send(engineer, site, exported).status_code == 302
    assert set(WeatherDay.objects.values_list("mean_c", "heating_kd")) == {(5.0, None)}


def test_a_file_of_one_site_needs_no_site_and_names_the_cell_that_is_wrong(site: Site) -> None:
    engineer = client_of(people.engineer())
    assert send(engineer, site, "day;mean_c\n2026-01-01;-3,5\n2026-01-02;0\n").status_code == 302
    assert WeatherDay.objects.get(day_on=FIRST).mean_c == -3.5
    for text, sentence in [
        ("day,mean_c\n2026-01-03,4\n2026-01-04,warm\n", "Line 3, column mean_c: a number like 3.5"),
        ("day,mean_c\nyesterday,4\n", "Line 2, column day: a day like"),
        ("day,heating_kd\n2026-01-03,-1\n", "Line 2, column heating_kd: no weather on earth"),
        ("day,mean_c,site\n2026-01-03,4,elsewhere\n", "column site: this is “elsewhere”"),
        ("day,mean_c\n2026-01-03,\n", "neither mean_c nor heating_kd"),
        ("date,mean_c\n2026-01-03,4\n", "the columns day and mean_c"),
    ]:
        assert sentence in body(send(engineer, site, text)), text
    assert WeatherDay.objects.count() == 2


@pytest.mark.parametrize(
    ("maker", "status"),
    [(people.engineer, 302), (people.administrator, 302), (people.compliance_officer, 302), (people.operator, 403)],
)
def test_who_imports_weather_has_the_permission(site: Site, maker: Callable[[], User], status: int) -> None:
    assert send(client_of(maker()), site, "day,mean_c\n2026-01-01,4\n").status_code == status
    url = reverse("thermal:weather_import")
    assert client_of(maker()).get(url).status_code == (200 if status == 302 else 403)
    assert send(client_of(people.stranger()), site, "day,mean_c\n2026-01-01,4\n").status_code in {403, 404}


def test_the_list_of_days_asks_the_same_however_many_there_are(site: Site) -> None:
    client = client_of(people.operator())
    client.get(page(site))
    counts = []
    for count in (2, 20):
        WeatherDay.objects.all().delete()
        days(site, count)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page(site)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_engineer_says_which_demand_follows_the_weather_and_from_when_no_longer(site: Site) -> None:
    [point] = site.delivery_points.all()
    engineer = client_of(people.engineer())
    url = reverse("thermal:weatherdependence_create", args=[point.pk])
    assert url in body(engineer.get(page(site)))
    fields = {"base_load_kw": "2.5", "valid_from": "2026-01-01", "source": "load in July"}
    assert engineer.post(url, fields).status_code == 302
    stated = WeatherDependence.objects.get()
    assert "load in July" in body(engineer.get(page(site)))
    assert engineer.post(url, fields | {"base_load_kw": "-1"}).status_code == 200
    end = reverse("thermal:weatherdependence_end", args=[stated.pk])
    assert engineer.post(end, {"on": "2026-01-01"}).status_code == 200
    assert engineer.post(end, {"on": "2026-03-01"}).status_code == 302
    stated.refresh_from_db()
    assert stated.valid_until == dt.date(2026, 3, 1)
    for user in (people.operator(), people.auditor(site), people.stranger()):
        assert client_of(user).post(url, fields).status_code in {403, 404}
        assert client_of(user).post(end, {"on": "2026-04-01"}).status_code in {403, 404}


# ---- emission factors ------------------------------------------------------------------------------------------------

FACTOR = {
    "country": "at", "carrier": "grid", "calorific": "", "emission_g_per_kwh": "110", "valid_from": "2026-01-01",
    "valid_until": "", "source": "Umweltbundesamt", "is_verified": "on",
}  # fmt: skip


def test_factors_are_listed_with_source_and_whether_they_were_checked() -> None:
    operator = client_of(people.operator())
    listed = body(operator.get(reverse("thermal:emissionfactor_list") + "?country=gb&carrier=natural_gas"))
    assert "published pages disagree" in listed
    gas = EmissionFactor.objects.get(country="GB", carrier="natural_gas", valid_from=dt.date(2025, 1, 1))
    assert not gas.is_verified
    assert "An unverified default" in body(operator.get(gas.get_absolute_url()))
    backed = EmissionFactor.objects.filter(is_verified=True)
    assert {(one.country, one.carrier, one.valid_from.year) for one in backed} == {
        ("GB", "grid", 2025), *((country, "grid", 2021) for country in ("EU", "DE", "PL", "FR", "SE")),
    }  # fmt: skip
    assert client_of(people.offtaker_viewer()).get(reverse("thermal:emissionfactor_list")).status_code == 403
    assert client_of(people.stranger()).get(gas.get_absolute_url()).status_code in {403, 404}


def test_a_factor_is_entered_checked_and_counts() -> None:
    engineer = client_of(people.engineer())
    url = reverse("thermal:emissionfactor_create")
    assert engineer.post(url, FACTOR).status_code == 302
    first = EmissionFactor.objects.get(country="AT")
    site = hosting.make_site(country="AT")
    found = kpi_facts.facts_of_sites(sites=[site], span=kpi_ledger.year_span(2026))[site.pk]["grid_g_per_kwh"]
    assert (found.value, found.is_verified) == (110.0, True)
    assert engineer.post(url, FACTOR | {"valid_from": "2027-01-01", "emission_g_per_kwh": "100"}).status_code == 302
    first.refresh_from_db()
    assert first.valid_until == dt.date(2027, 1, 1)
    for wrong, sentence in [
        ({"country": "Austria"}, "at most 2"),
        ({"country": "1A"}, "two letters"),
        ({"valid_from": "2026-06-01"}, "holds for some of these days"),
        ({"carrier": "lpg"}, "calorific value"),
        ({"calorific": "net"}, "no calorific value"),
        ({"source": ""}, "required"),
        ({"valid_from": "2028-01-01", "valid_until": "2027-06-01"}, "ends before it begins"),
    ]:
        assert sentence in body(engineer.post(url, FACTOR | wrong)), wrong
    change = reverse("thermal:emissionfactor_change", args=[first.pk])
    kept = FACTOR | {"valid_until": "2027-01-01", "emission_g_per_kwh": "111"}
    assert engineer.post(change, kept).status_code == 302
    first.refresh_from_db()
    assert first.emission_g_per_kwh == 111
    for user in (people.operator(), people.auditor(), people.stranger()):
        assert client_of(user).post(url, FACTOR | {"country": "CH"}).status_code == 403
        assert client_of(user).post(change, kept).status_code in {403, 404}


def test_the_list_of_factors_asks_the_same_however_many_there_are() -> None:
    client = client_of(people.operator())
    url = reverse("thermal:emissionfactor_list")
    client.get(url)
    counts = []
    for wanted in ("?country=pl", ""):
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url + wanted).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
