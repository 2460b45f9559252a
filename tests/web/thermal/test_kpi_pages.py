"""Pages of key figures and disclosure: right numbers, by grant and role, with a constant count of queries."""

import datetime as dt
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from hosting.models import EquipmentModel, Site
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting
from thermal.domain.kpis import figures, sums
from thermal.models import (
    EmissionFactor,
    EquipmentInterval,
    KpiSum,
    LegalQuota,
    SiteFact,
    SiteInterval,
    WeatherDay,
)
from thermal.queries import kpi_facts, kpi_ledger, kpi_words, regulation

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 2, 1, tzinfo=dt.UTC)
YEAR = dt.date(2025, 1, 1)
SPAN = kpi_ledger.year_span(2025)


def put(site: Site, month: int, known: int = 2976, **values: float) -> None:
    KpiSum.objects.bulk_create(
        KpiSum(
            site=site,
            month_on=dt.date(2025, month, 1),
            input=name,
            value=value,
            known_count=known,
            expected_count=2976,
            computed_at=NOW,
        )
        for name, value in values.items()
    )


def state(site: Site, kind: SiteFact.Kind, value: float | str, until: dt.date | None = None) -> SiteFact:
    said = {"words": value} if isinstance(value, str) else {"value": value}
    return SiteFact.objects.create(
        site=site, kind=kind, valid_from=YEAR, valid_until=until, source="bill of the utility", **said
    )


@pytest.fixture
def site() -> Site:
    made = hosting.make_site(name="Lindenufer", live_since_on=dt.date(2024, 5, 1), installed_it_kw=400.0)
    put(made, 1, it_kwh=100_000.0, total_kwh=112_500.0, delivered_kwh=80_000.0)
    put(made, 2, it_kwh=75_000.0, total_kwh=80_000.0, delivered_kwh=47_181.0)
    return made


def pages(site: Site) -> list[str]:
    return [
        reverse("thermal:kpi_site", args=[site.pk]) + "?year=2025",
        reverse("thermal:regulation", args=[site.pk]) + "?year=2025",
        reverse("thermal:regulation", args=[site.pk]) + "?year=2025&export=csv",
        f"/api/v1/disclosures/{site.pk}/?year=2025",
    ]


def lists() -> list[str]:
    return [
        reverse("thermal:kpi_comparison") + "?year=2025&figure=erf",
        reverse("thermal:kpi_comparison") + "?year=2025&figure=erf&export=csv",
        "/api/v1/kpi-comparison/?figure=erf&year=2025",
        "/api/v1/kpi-sums/",
    ]


def test_key_figures_are_the_providers_and_the_auditors(site: Site) -> None:
    other = hosting.make_site(name="Elsewhere")
    put(other, 1, it_kwh=1.0, total_kwh=1.0, delivered_kwh=1.0)
    cast = people.cast(granted=(site,), neighbors=(other,))
    seen = {cast.operator: 200, cast.auditor: 200, cast.offtaker: 403, cast.neighbor: 404, cast.stranger: 404}
    for user, status in seen.items():
        client = client_of(user)
        for url in pages(site):
            expected = 403 if status == 404 and url.startswith("/api/") else status
            assert client.get(url).status_code == expected, (user.email, url)
    for user, expected in {cast.operator: 200, cast.auditor: 200, cast.offtaker: 403, cast.stranger: 403}.items():
        for url in lists():
            assert client_of(user).get(url).status_code == expected, (user.email, url)
    audited = [body(client_of(cast.auditor).get(url)) for url in lists()[:3]]
    assert all("Elsewhere" not in page for page in audited)
    assert "Elsewhere" in body(client_of(cast.operator).get(lists()[0]))


def test_tiles_of_the_provider_are_not_the_offtakers(site: Site) -> None:
    cast = people.cast(granted=(site,))
    url = reverse("thermal:site_heat_fragment", args=[site.pk])
    assert 'id="kpi-erf"' in body(client_of(cast.operator).get(url))
    offtakers = body(client_of(cast.offtaker).get(url))
    assert 'id="kpi-heat_delivered"' in offtakers
    assert 'id="kpi-erf"' not in offtakers
    period = "?start=2025-01-01T00:00Z&end=2025-02-01T00:00Z"
    told = client_of(cast.offtaker).get(f"/api/v1/kpis/{site.pk}/{period}").json()
    assert "cop" not in {figure["key"] for figure in told}


def test_a_year_is_computed_from_its_sums_and_not_from_its_months(site: Site) -> None:
    found = {one.figure.key: one for one in kpi_ledger.figures_of_site(site=site, span=SPAN, now=NOW)}
    assert found["pue"].value == pytest.approx(1.10)
    assert found["erf"].value == pytest.approx(0.6607, abs=5e-5)
    assert found["ere"].value == pytest.approx(0.3733, abs=5e-5)
    assert found["cop_h1"].value is None
    assert found["cop_h1"].missing == ["heat_pump_heat_kwh", "heat_pump_kwh"]
    page = body(client_of(people.operator()).get(pages(site)[0]))
    assert 'id="kpi-erf"' in page
    assert "E_reuse ÷ E_DC" in page
    assert "heat made by heat pumps" in page


def test_inputs_known_for_different_times_are_said_to_be(site: Site) -> None:
    put(site, 3, known=1488, it_kwh=50_000.0)
    found = {one.figure.key: one for one in kpi_ledger.figures_of_site(site=site, span=SPAN, now=NOW)}
    assert found["pue"].is_uneven
    assert found["pue"].is_estimated
    assert not found["erf"].is_uneven


def test_sites_are_ranked_with_the_unknown_last_and_the_portfolio_is_a_ratio_of_sums(site: Site) -> None:
    poor, blank = hosting.make_site(name="Poor"), hosting.make_site(name="Blank")
    put(poor, 1, total_kwh=100_000.0, delivered_kwh=10_000.0)
    sites = [poor, blank, site]
    made = kpi_ledger.comparison(figure=figures.BY_KEY["erf"], sites=sites, span=SPAN, now=NOW)
    assert [(row.site.name, row.rank) for row in made.rows] == [("Lindenufer", 1), ("Poor", 2), ("Blank", None)]
    assert made.portfolio.value == pytest.approx((127_181 + 10_000) / (192_500 + 100_000))
    pue = kpi_ledger.comparison(figure=figures.BY_KEY["pue"], sites=[site, poor], span=SPAN, now=NOW)
    assert [row.rank for row in pue.rows] == [1, None]
    text = body(client_of(people.operator()).get(lists()[1]))
    assert text.splitlines()[1].startswith(f"1,{site.code},Lindenufer,erf,0.66")
    assert "delivered_kwh total_kwh" in text
    for sort in ("name", "-name", "known", "-rank", "nonsense"):
        assert client_of(people.operator()).get(lists()[0] + f"&sort={sort}").status_code == 200


def test_a_month_is_chosen_in_the_address(site: Site) -> None:
    page = body(client_of(people.operator()).get(reverse("thermal:kpi_site", args=[site.pk]) + "?year=2025&month=1"))
    assert "2025-01-01 – 2025-01-31" in page
    for odd in ("?year=abc&month=77", "?year=²&month=³", "?year=99999"):
        assert client_of(people.operator()).get(reverse("thermal:kpi_site", args=[site.pk]) + odd).status_code == 200


@pytest.mark.parametrize("figure", ["erf", "avoided_co2", "wue"])
def test_the_comparison_asks_the_same_count_of_queries_for_2_and_20_sites(figure: str) -> None:
    client = client_of(people.operator())
    url = reverse("thermal:kpi_comparison") + f"?year=2025&figure={figure}"
    counts = []
    for number in (2, 18):
        for _each in range(number):
            made = hosting.make_site()
            put(made, 1, it_kwh=10.0, total_kwh=12.0, delivered_kwh=8.0, heat_pump_kwh=2.0)
            state(made, SiteFact.Kind.BOILER, 0.9)
            state(made, SiteFact.Kind.FUEL, "natural_gas")
        client.get(url)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(url).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 16


def test_facts_and_factors_make_the_figures_that_meters_cannot(site: Site) -> None:
    put(site, 4, heat_pump_kwh=25_000.0)
    end = dt.date(2026, 1, 1)
    state(site, SiteFact.Kind.BOILER, 0.85)
    state(site, SiteFact.Kind.FUEL, "natural_gas")
    state(site, SiteFact.Kind.REN_PPA, 96_250.0, end)
    state(site, SiteFact.Kind.WATER, 35.0, end)
    found = {one.figure.key: one for one in kpi_ledger.figures_of_site(site=site, span=SPAN, now=NOW)}
    assert found["ref"].value == pytest.approx(0.5)
    assert found["wue"].value == pytest.approx(0.2)
    assert found["cue"].value is not None
    assert not found["cue"].facts["grid_g_per_kwh"].is_verified
    fuel_kg = 127_181 / 0.85 * 0.20196
    assert found["avoided_co2"].value == pytest.approx(fuel_kg - 25_000 * 0.363, rel=1e-6)
    page = body(client_of(people.operator()).get(pages(site)[0]))
    assert "a factor in it is an unverified default" in page


def test_an_amount_is_cut_to_the_year_by_days(site: Site) -> None:
    SiteFact.objects.create(
        site=site,
        kind=SiteFact.Kind.WATER,
        value=730.0,
        valid_from=dt.date(2024, 7, 1),
        valid_until=dt.date(2026, 7, 1),
        source="bill",
    )
    found = kpi_facts.facts_of_sites(sites=[site], span=kpi_ledger.year_span(2025))[site.pk]
    assert found["water_m3"].value == pytest.approx(365.0)
    assert "cut by days" in found["water_m3"].source


def test_the_disclosure_gives_codes_and_names_what_is_missing(site: Site) -> None:
    state(site, SiteFact.Kind.FLOOR_AREA, 85.0)
    state(site, SiteFact.Kind.REFRIGERANTS, "R513A")
    WeatherDay.objects.create(site=site, day_on=dt.date(2025, 7, 1), mean_c=25.0)
    operator = client_of(people.operator())
    told = json.loads(body(operator.get(reverse("thermal:regulation", args=[site.pk]) + "?year=2025&export=json")))
    by_code = {item["code"]: item for item in told["items"] if item["code"]}
    assert by_code["EIT"]["value"] == 175_000.0
    assert by_code["EREUSE"]["value"] == 127_181.0
    assert by_code["SDC"]["value"] == 85.0
    assert by_code["CDD"]["value"] == 4.0
    assert by_code["PUE"]["value"] == pytest.approx(1.1)
    assert by_code["PDIT"]["value"] == 400.0
    assert (by_code["CSERV"]["value"], by_code["CSERV"]["missing"]) == (None, "a fact of the site")
    assert {"EDC", "EDC-BG", "SCR", "CBtG", "WIN", "WIN-POT", "TWH", "TIN", "ERES-TOT", "ERES-GOO", "ERES-PPA",
            "ERES-OS", "CSTOR", "BIN", "BOUT", "WUE", "ERF", "REF"} <= set(by_code)  # fmt: skip
    assert (told["is_required"], told["size_class"]) == (False, "very_small")
    page = body(operator.get(pages(site)[1]))
    assert "voluntary" in page
    assert "R513A" in page
    standings = {(one["figure"], one["limit_ratio"]): one["standing"] for one in told["quotas"]}
    assert standings["ref", 0.5] == "unknown"
    assert standings["pue", 1.5] == "not_yet"
    later = regulation.disclosure_of(site=site, year=2028)
    assert {str(one.standing) for one in later.quotas if one.quota.figure == "erf"} == {"not_bound"}


def test_the_waste_heat_is_as_warm_as_the_fluid_that_enters_the_exchanger(site: Site) -> None:
    def lines() -> dict[str, regulation.Line]:
        made = regulation.disclosure_of(site=site, year=2025)
        return {line.code: line for line in made.lines if line.code.startswith("TWH")}

    assert lines()["TWH"].waits_for == "temperature sensors where the fluid enters the recovery exchanger"
    put(site, 3, volume_m3=100.0, supply_m3c=4_500.0, return_m3c=3_500.0)
    stands_in = lines()["TWH"]
    assert (stands_in.value, stands_in.is_partly_known) == (45.0, True)
    assert "not measured at the recovery exchanger" in stands_in.origin
    exchanger = hosting.make_equipment(site, kind=EquipmentModel.Kind.PLATE_EXCHANGER)
    start = dt.datetime(2025, 6, 1, tzinfo=dt.UTC)
    for number, (hot_c, captured_kwh) in enumerate([(40.0, 10.0), (50.0, 30.0)]):
        at = start + number * dt.timedelta(minutes=15)
        common = {"start": at, "rule_version": 1, "settled_at": NOW}
        EquipmentInterval.objects.create(equipment=exchanger, hot_in_c=hot_c, **common)
        SiteInterval.objects.create(site=site, captured_kwh=captured_kwh, **common)
    found = lines()
    assert (found["TWH"].value, found["TWH (weighted)"].value) == (45.0, 47.5)
    assert exchanger.tag in found["TWH"].origin
    assert found["TWH"].is_partly_known


def test_a_fact_is_entered_once_and_ends_the_one_before(site: Site) -> None:
    first = state(site, SiteFact.Kind.BOILER, 0.85)
    url = reverse("thermal:sitefact_create", args=[site.pk])
    fields = {"kind": "boiler_ratio", "value": "0.92", "valid_from": "2025-06-01", "source": "new boiler"}
    engineer = client_of(people.engineer())
    assert engineer.post(url, fields).status_code == 302
    first.refresh_from_db()
    assert first.valid_until == dt.date(2025, 6, 1)
    latest = SiteFact.objects.latest("pk")
    assert (latest.value, latest.recorded_by) == (0.92, User.objects.get(email=latest.recorded_by.email))  # type: ignore[union-attr]
    wrong: list[dict[str, str]] = [
        {"value": "", "words": "high"},
        {"kind": "fuel", "words": "coal", "value": ""},
        {"kind": "amount_water_m3"},
        {"valid_from": "2025-06-01"},
    ]
    for change in wrong:
        answer = engineer.post(url, fields | change)
        assert answer.status_code == 200, change
        assert SiteFact.objects.count() == 2
    assert client_of(people.auditor(site)).post(url, fields).status_code == 403
    assert client_of(people.stranger()).post(url, fields).status_code in {403, 404}


def test_weather_comes_from_a_file_or_not_at_all(site: Site) -> None:
    url = reverse("thermal:weather_import")
    engineer = client_of(people.engineer())

    def send(text: str, client: Client = engineer) -> Any:
        file = SimpleUploadedFile("weather.csv", text.encode())
        return client.post(url, {"file": file, "source": "weather service"})

    rows = "".join(f"{site.code};2025-01-{day:02};{mean}\n" for day, mean in ((1, "5,0"), (2, "20"), (3, "-3.5")))
    assert send("site;day;mean_c\n" + rows).status_code == 302
    assert send(f"site,day,heating_kd\n{site.code},2025-01-03,19\n").status_code == 302
    found = kpi_facts.facts_of_sites(sites=[site], span=kpi_ledger.month_span(2025, 1))[site.pk]["heating_kd"]
    assert found.value == pytest.approx(10.0 + 0.0 + 19.0)
    assert (found.is_verified, "3 of 31 days" in found.source) == (False, True)
    for text, sentence in [
        ("site,day,mean_c\nnowhere,2025-01-01,5\n", "no site"),
        (f"site,day,mean_c\n{site.code},first,5\n", "a day like"),
        (f"site,day,mean_c\n{site.code},2025-01-01,99\n", "no weather"),
        (f"site,day,mean_c\n{site.code},2025-01-01,\n", "neither"),
        ("site,day\n", "columns"),
    ]:
        assert sentence in body(send(text))
    assert WeatherDay.objects.count() == 3
    assert send("site,day,mean_c\n", client_of(people.operator())).status_code == 403


def test_the_api_refuses_what_it_does_not_know(site: Site) -> None:
    operator = client_of(people.operator())
    assert operator.get("/api/v1/kpi-comparison/?figure=joy&year=2025").status_code == 409
    assert operator.get("/api/v1/kpi-comparison/?figure=erf").status_code == 409
    rows = operator.get(f"/api/v1/kpi-sums/?site={site.pk}&input=it_kwh").json()
    assert [row["value"] for row in rows.get("results", rows)] == [100_000.0, 75_000.0]
    [ranked] = operator.get("/api/v1/kpi-comparison/?figure=erf&year=2025&month=2").json()
    assert ranked["value"] == pytest.approx(47_181 / 80_000)


def test_every_figure_input_and_fact_has_words() -> None:
    assert set(kpi_words.FIGURES) == set(figures.BY_KEY)
    for figure in figures.FIGURES:
        assert set(figure.inputs) <= set(kpi_words.INPUTS)
        assert set(figure.facts) <= set(kpi_words.FACTS)
        assert figure.boundary in kpi_words.BOUNDARIES
    assert set(kpi_words.INPUTS) <= set(sums.INPUTS)


FACT: dict[str, Any] = {"kind": "boiler_ratio", "value": 0.9, "valid_from": YEAR, "source": "x"}
WRONG_FACTS: list[dict[str, Any]] = [
    {"valid_until": YEAR},
    {"value": None},
    {"words": "much"},
    {"kind": "amount_water_m3"},
]


@pytest.mark.parametrize("wrong", WRONG_FACTS)
def test_facts_that_contradict_themselves_are_refused(site: Site, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        SiteFact.objects.create(site=site, **FACT | wrong)


def test_facts_factors_weather_and_quotas_keep_their_constraints(site: Site) -> None:
    SiteFact.objects.create(site=site, **FACT)
    shared: dict[str, Any] = {"country": "XX", "carrier": "grid", "valid_from": YEAR, "source": "x"}
    EmissionFactor.objects.create(**shared, emission_g_per_kwh=1)
    quota: dict[str, Any] = {"country": "XX", "law": "x", "figure": "pue", "is_upper": True, "least_kw": 1}
    broken: list[Any] = [
        lambda: SiteFact.objects.create(site=site, **FACT),
        lambda: EmissionFactor.objects.create(**shared, emission_g_per_kwh=2),
        lambda: EmissionFactor.objects.create(**shared | {"country": "YY"}, emission_g_per_kwh=-1),
        lambda: EmissionFactor.objects.create(**shared | {"country": "YY", "valid_until": YEAR}, emission_g_per_kwh=1),
        lambda: LegalQuota.objects.create(**quota, limit_ratio=0, valid_from=YEAR),
        lambda: LegalQuota.objects.create(**quota, limit_ratio=1, valid_from=YEAR, valid_until=YEAR),
        lambda: WeatherDay.objects.create(site=site, day_on=YEAR),
        lambda: WeatherDay.objects.create(site=site, day_on=YEAR, mean_c=99),
        lambda: WeatherDay.objects.create(site=site, day_on=YEAR, heating_kd=-1),
    ]
    for breaking in broken:
        with pytest.raises(IntegrityError), transaction.atomic():
            breaking()
