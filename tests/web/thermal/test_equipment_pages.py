"""Pages of single heat pumps, exchangers and buffers: figures as the functions say, verdicts, baselines, by role."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hosting.models import Equipment, EquipmentModel, Site
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting
from thermal.domain.kpis import heat_pump
from thermal.domain.kpis.drift import Standing
from thermal.models import EquipmentFact, EquipmentInterval, KpiSum, MonthMark, SiteFact
from thermal.queries import equipment_facts, equipment_figures, equipment_words, kpi_ledger
from thermal.services import equipment_facts as facts_service
from thermal.services import kpi_ledger as summing

pytestmark = pytest.mark.django_db

Kind = EquipmentFact.Kind
NOW = dt.datetime(2026, 4, 10, tzinfo=dt.UTC)
QUARTER = dt.timedelta(minutes=15)
JANUARY = dt.datetime(2025, 12, 31, 23, tzinfo=dt.UTC)  # midnight in Berlin
IN_JANUARY = 31 * 96
LORENZ = heat_pump.lorenz_cop((40.0, 70.0), (35.0, 25.0))
CARNOT = heat_pump.carnot_cop(70.0, 25.0)


def tell(piece: Equipment, start: dt.datetime, count: int, **fields: Any) -> None:
    EquipmentInterval.objects.bulk_create(
        EquipmentInterval(
            equipment=piece,
            start=start + n * QUARTER,
            **{"is_loaded": True, "measured_s": 900, "rule_version": 1, "settled_at": NOW} | fields,
        )
        for n in range(count)
    )


def run(pump: Equipment, start: dt.datetime, count: int, cop: float = 5.0, heat_kwh: float = 5.0) -> None:
    """Quarter hours with sink 40 to 70 °C and source 35 to 25 °C at a COP."""
    tell(
        pump, start, count, hot_in_c=35.0, hot_out_c=25.0, cold_in_c=40.0, cold_out_c=70.0, heat_kwh=heat_kwh,
        electricity_kwh=heat_kwh / cop, lorenz_kwh=heat_kwh / LORENZ, carnot_kwh=heat_kwh / CARNOT,
    )  # fmt: skip


def state(piece: Equipment, kind: Kind, value: float, **fields: Any) -> EquipmentFact:
    given = {"equipment": piece, "kind": kind, "value": value, "valid_from": dt.date(2025, 1, 1), "source": "Protocol"}
    return EquipmentFact.objects.create(**given | fields)


@pytest.fixture
def site() -> Site:
    return hosting.make_site(name="Lindenufer")


@pytest.fixture
def pump(site: Site) -> Equipment:
    return hosting.make_equipment(site, EquipmentModel.Kind.HEAT_PUMP, tag="HP-1")


@pytest.fixture
def exchanger(site: Site) -> Equipment:
    return hosting.make_equipment(site, EquipmentModel.Kind.PLATE_EXCHANGER, tag="HX-1")


def made_of(piece: Equipment, month: int = 1) -> equipment_figures.EquipmentFigures:
    found = Equipment.objects.select_related("site", "model").get(pk=piece.pk)
    return equipment_figures.figures_of(equipment=found, span=kpi_ledger.month_span(2026, month), now=NOW)


def test_an_efficiency_is_that_of_the_functions_weighted_by_work(pump: Equipment) -> None:
    run(pump, JANUARY, 10, cop=5.0)
    run(pump, JANUARY + 10 * QUARTER, 10, cop=4.0, heat_kwh=2.0)
    found = {one.figure.key: one for one in made_of(pump).shown}
    good = heat_pump.second_law(5.0, (40.0, 70.0), (35.0, 25.0)).efficiency_ratio
    poor = heat_pump.second_law(4.0, (40.0, 70.0), (35.0, 25.0)).efficiency_ratio
    assert found["second_law"].value == pytest.approx((good * 10 + poor * 5) / 15)
    assert found["cop_h1"].value == pytest.approx(heat_pump.seasonal_cop([50.0, 20.0], [10.0, 5.0]))
    assert found["cop_impossible"].value == 0


def test_boundaries_of_the_only_heat_pump_take_pumps_of_the_site_and_the_stated_lack_of_a_backup(
    site: Site, pump: Equipment
) -> None:
    run(pump, JANUARY, 20)
    for name, value in (("source_pump_kwh", 1.0), ("sink_pump_kwh", 0.5)):
        KpiSum.objects.create(
            site=site, month_on=dt.date(2026, 1, 1), input=name, value=value, known_count=9, expected_count=9,
            computed_at=NOW,
        )  # fmt: skip
    found = {one.figure.key: one for one in made_of(pump).shown}
    assert found["cop_h2"].value == pytest.approx(100 / 21)
    assert found["cop_h3"].missing == ["backup_heat_kwh", "backup_kwh"]
    SiteFact.objects.create(
        site=site, kind=SiteFact.Kind.BACKUP, value=0.0, valid_from=dt.date(2025, 1, 1), source="Drawing"
    )
    found = {one.figure.key: one for one in made_of(pump).shown}
    assert found["cop_h3"].value == pytest.approx(100 / 21)
    assert found["cop_h4"].value == pytest.approx(100 / 21.5)


def test_a_drop_below_the_baseline_is_told_with_what_to_do(pump: Equipment) -> None:
    run(pump, JANUARY, 20, cop=4.0)
    state(pump, Kind.EFFICIENCY, 0.4)
    judged = made_of(pump).judged
    assert judged is not None
    assert judged.judgement.standing is Standing.DRIFTED
    assert judged.judgement.change == pytest.approx(1 - 4.0 / LORENZ / 0.4)
    assert (judged.limit.value, judged.limit.is_verified) == (0.15, False)
    assert "refrigerant" in equipment_words.action(judged)
    state(pump, Kind.EFFICIENCY_DROP, 0.3)
    judged = made_of(pump).judged
    assert judged is not None
    assert judged.judgement.standing is Standing.STEADY
    assert judged.limit.is_verified


def test_a_cop_that_no_heat_pump_reaches_is_a_fault_of_metering(pump: Equipment) -> None:
    run(pump, JANUARY, 10)
    run(pump, JANUARY + 10 * QUARTER, 3, cop=CARNOT)
    made = made_of(pump)
    found = {one.figure.key: one for one in made.shown}
    assert made.judged is not None
    assert (made.judged.judgement.standing, made.judged.impossible_count) == (Standing.IMPOSSIBLE, 3)
    assert found["cop_impossible"].value == 0.75
    assert found["second_law"].value == pytest.approx(5.0 / LORENZ)
    page = body(client_of(people.operator()).get(url_of(pump) + "?year=2026&month=1"))
    assert "In 3 quarter hours the COP was at or above the limit of Carnot" in page
    rows = reverse("thermal:equipment_intervals", args=[pump.pk])
    listed = body(client_of(people.operator()).get(f"{rows}?impossible=true&export=csv"))
    assert len(listed.splitlines()) == 4


def test_the_first_full_month_stands_for_a_commissioning_that_nobody_recorded(exchanger: Equipment) -> None:
    tell(exchanger, JANUARY - 96 * QUARTER, 96, approach_k=1.0)
    tell(exchanger, JANUARY, IN_JANUARY, approach_k=2.0)
    tell(exchanger, JANUARY + IN_JANUARY * QUARTER, 40, approach_k=4.5)
    made = made_of(exchanger, 2)
    assert made.judged is not None
    assert made.judged.baseline is not None
    assert (made.judged.baseline.value, made.judged.is_derived) == (2.0, True)
    assert "2026-01" in made.judged.baseline.source
    assert (made.judged.judgement.standing, made.judged.judgement.change) == (Standing.DRIFTED, 2.5)
    assert [(month.month, one.value) for month, one in made.months] == [(12, 1.0), (1, 2.0), (2, 4.5)]
    state(exchanger, Kind.APPROACH, 3.0)
    made = made_of(exchanger, 2)
    assert made.judged is not None
    assert (made.judged.judgement.standing, made.judged.is_derived) == (Standing.STEADY, False)
    page = body(client_of(people.operator()).get(url_of(exchanger) + "?year=2026&month=2"))
    assert "unverified default" in page
    assert "Protocol" in page


def test_an_approach_without_load_is_not_counted(exchanger: Equipment) -> None:
    tell(exchanger, JANUARY, 10, approach_k=2.0)
    tell(exchanger, JANUARY + 10 * QUARTER, 10, approach_k=9.0, is_loaded=False)
    [shown] = made_of(exchanger).shown
    assert shown.value == 2.0


def test_a_buffer_is_charged_between_its_stated_temperatures(site: Site) -> None:
    buffer = hosting.make_equipment(site, EquipmentModel.Kind.BUFFER_TANK)
    tell(buffer, JANUARY, 4, mean_c=45.0, is_loaded=None)
    made = made_of(buffer)
    assert (made.shown[0].value, made.judged) == (None, None)
    for kind, value in ((Kind.EMPTY, 40.0), (Kind.FULL, 60.0)):
        fact = EquipmentFact(kind=kind, value=value, valid_from=dt.date(2025, 12, 1), source="Protocol")
        facts_service.record_fact(fact=fact, equipment=buffer, by=None, now=NOW)
    assert made_of(buffer).shown[0].value == 0.25
    assert MonthMark.objects.filter(site=site, month_on=dt.date(2026, 1, 1)).exists()
    summing.sum_marked(now=NOW)
    sums = kpi_ledger.sums_of_sites(
        sites=[site.pk], inputs=["charge_ratio", "charge_count"], span=kpi_ledger.month_span(2026, 1)
    )
    assert (sums[site.pk]["charge_ratio"].value, sums[site.pk]["charge_count"].value) == (1.0, 4.0)


def test_the_cop_of_a_heating_season_is_its_scop_and_a_limit_can_be_set_for_all(pump: Equipment, settings: Any) -> None:
    run(pump, JANUARY, 8)
    page = body(client_of(people.operator()).get(url_of(pump) + "?year=2025&month=season"))
    assert "SCOP of the season, boundary H1" in page
    settings.THERMAL_APPROACH_RISE_K = 3.5
    assert equipment_facts.limit([], Kind.APPROACH_RISE, NOW.date()).value == 3.5


# ---- pages, files and the API by role --------------------------------------------------------------------------------


def url_of(piece: Equipment, name: str = "figures") -> str:
    return reverse(f"thermal:equipment_{name}", args=[piece.pk])


def pages(piece: Equipment) -> list[str]:
    return [
        url_of(piece) + "?year=2026&month=1",
        url_of(piece, "fragment") + "?year=2026&month=1",
        url_of(piece, "intervals"),
        url_of(piece, "intervals") + "?export=csv",
        f"/api/v1/equipment-figures/{piece.pk}/?year=2026&month=1",
    ]


def test_figures_are_the_providers_and_the_auditors(site: Site, pump: Equipment, exchanger: Equipment) -> None:
    other = hosting.make_site(name="Elsewhere")
    far = hosting.make_equipment(other, EquipmentModel.Kind.HEAT_PUMP, tag="HP-FAR")
    run(pump, JANUARY, 2)
    run(far, JANUARY, 2)
    state(far, Kind.EFFICIENCY, 0.4)
    cast = people.cast(granted=(site,), neighbors=(other,))
    seen = {cast.operator: 200, cast.auditor: 200, cast.offtaker: 403, cast.neighbor: 404, cast.stranger: 404}
    for user, status in seen.items():
        client = client_of(user)
        for url in pages(pump):
            # Lists and the API ask for the right before they look for the row.
            asks_first = url.startswith("/api/") or "/intervals/" in url
            expected = 403 if status == 404 and asks_first else status
            assert client.get(url).status_code == expected, (user.email, url)
    elsewhere = client_of(people.auditor(other))
    assert {elsewhere.get(url).status_code for url in pages(pump)} == {404}
    for url in ("/api/v1/equipment-intervals/", "/api/v1/equipment-facts/"):
        for user, expected in {cast.operator: 200, cast.auditor: 200, cast.offtaker: 403, cast.stranger: 403}.items():
            assert client_of(user).get(url).status_code == expected, (user.email, url)
    told = client_of(cast.auditor).get("/api/v1/equipment-intervals/").json()["results"]
    assert {row["equipment"] for row in told} == {pump.pk}
    assert client_of(cast.auditor).get("/api/v1/equipment-facts/").json()["results"] == []
    one = client_of(cast.operator).get(pages(pump)[-1]).json()
    assert {row["key"]: row["value"] for row in one["figures"]}["cop_h1"] == 5.0
    assert one["judged"]["standing"] == "no_baseline"
    assert client_of(cast.operator).get(f"/api/v1/equipment-figures/{pump.pk}/").status_code == 409
    rack = hosting.make_equipment(site)
    assert client_of(cast.operator).get(url_of(rack)).status_code == 404
    heat = body(client_of(cast.operator).get(reverse("thermal:site_heat", args=[site.pk])))
    assert url_of(pump) in heat
    assert url_of(pump) not in body(client_of(cast.offtaker).get(reverse("thermal:site_heat", args=[site.pk])))
    record = reverse("hosting:equipment_detail", args=[exchanger.pk])
    assert url_of(exchanger, "fragment") in body(client_of(cast.operator).get(record))
    assert url_of(exchanger, "fragment") not in body(client_of(cast.offtaker).get(record))


def test_a_baseline_is_entered_by_those_who_may(site: Site, pump: Equipment) -> None:
    other = hosting.make_site()
    cast = people.cast(granted=(site,), neighbors=(other,))
    url = reverse("thermal:equipmentfact_create", args=[pump.pk])
    entry = {"kind": "efficiency_ratio", "value": "0.41", "valid_from": "2025-09-15", "source": "Protocol 7"}
    for user, status in {cast.operator: 403, cast.auditor: 403, cast.offtaker: 403, cast.neighbor: 404}.items():
        assert client_of(user).post(url, entry).status_code == status, user.email
    assert not EquipmentFact.objects.exists()
    client = client_of(cast.engineer)
    assert client.get(url).status_code == 200
    assert "Enter a share of one" in body(client.post(url, entry | {"value": "41"}))
    assert "Select a valid choice" in body(client.post(url, entry | {"kind": "approach_k"}))
    assert client.post(url, entry).status_code == 302
    fact = EquipmentFact.objects.get()
    assert (fact.equipment, fact.value, fact.recorded_by) == (pump, 0.41, cast.engineer)
    again = client.post(url, entry | {"valid_from": "2026-02-01", "value": "0.39"})
    assert again.status_code == 302
    fact.refresh_from_db()
    assert fact.valid_until == dt.date(2026, 2, 1)
    assert "end that entry first" in body(client.post(url, entry | {"valid_from": "2026-01-01"}))


def test_a_page_asks_the_same_number_of_questions_for_any_number_of_rows(pump: Equipment) -> None:
    counts = []
    for start, count in ((JANUARY, 2), (JANUARY + 2 * QUARTER, 20)):
        run(pump, start, count)
        client = client_of(people.operator())
        for url in (pages(pump)[0], pages(pump)[2]):
            client.get(url)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            counts.append(len(queries))
    assert counts[:2] == counts[2:]
    assert max(counts) < 30
