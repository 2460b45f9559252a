"""Key figures by hour, by month, by mode and cause: right at both clock changes, honest about what is not known."""

import csv
import datetime as dt
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hosting.models import DeliveryPoint, Site
from kernel.periods import QUARTER_HOUR, Period, local_day, local_month, local_year
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting
from thermal.domain.kpis import figures, sums
from thermal.models import HeatInterval, KpiSum, SiteFact, SiteInterval
from thermal.queries import kpi_ledger, kpi_maps, kpi_panels, kpis
from thermal.services import kpi_ledger as summing
from thermal.views import kpi_tiles

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 10, 10, 20, tzinfo=dt.UTC)
BERLIN = ZoneInfo("Europe/Berlin")
SPAN = kpi_ledger.year_span(2026)


def settle(site: Site, period: Period, **fields: Any) -> None:
    """The same quarter hour over and over, as settlement would have written it."""
    every = {"it_kwh": 4.0, "total_kwh": 5.0, "delivered_kwh": 3.0, "it_quality": 0} | fields
    count = period.duration // QUARTER_HOUR
    SiteInterval.objects.bulk_create(
        SiteInterval(site=site, start=period.start + n * QUARTER_HOUR, rule_version=2, settled_at=NOW, **every)
        for n in range(count)
    )


def flow(point: DeliveryPoint, period: Period, **fields: Any) -> None:
    every = {"heat_kwh": 3, "volume_m3": 1, "supply_vw_c": 50.0, "return_vw_c": 40.0, "quality": 0} | fields
    count = period.duration // QUARTER_HOUR
    HeatInterval.objects.bulk_create(
        HeatInterval(
            delivery_point=point, start=period.start + n * QUARTER_HOUR, rule_version=2, settled_at=NOW, **every
        )
        for n in range(count)
    )


def by_hour(site: Site, key: str) -> dict[tuple[dt.date, int], kpi_maps.Cell]:
    made = kpi_maps.hour_map(site=site, figure=figures.BY_KEY[key], span=SPAN, now=NOW)
    return {(cell.day, cell.hour): cell for cell in made.cells()}


def test_days_of_23_and_25_hours_have_as_many_and_the_hour_that_comes_twice_holds_both() -> None:
    site = hosting.make_site()
    short, long = dt.date(2026, 3, 29), dt.date(2026, 10, 25)
    for day in (short, long):
        settle(site, local_day(day, BERLIN))
    cells = by_hour(site, "heat_delivered")
    assert sorted(hour for day, hour in cells if day == short) == [hour for hour in range(24) if hour != 2]
    assert [cells[long, hour].value for hour in (1, 2, 3)] == [12.0, 24.0, 12.0]
    assert cells[long, 2].quarters == 8
    assert not cells[long, 2].is_estimated
    assert sum(cell.value or 0 for (day, _hour), cell in cells.items() if day == long) == 25 * 12.0
    assert by_hour(site, "pue")[long, 2].value == pytest.approx(1.25)


def test_an_hour_partly_known_or_estimated_says_so_and_one_without_rows_is_missing() -> None:
    site = hosting.make_site()
    point = hosting.make_delivery_point(site)
    at = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
    settle(site, Period(at, at + 3 * QUARTER_HOUR))
    settle(site, Period(at + 4 * QUARTER_HOUR, at + 8 * QUARTER_HOUR))
    flow(point, Period(at + 4 * QUARTER_HOUR, at + 8 * QUARTER_HOUR), quality=3)
    settle(site, Period(at + 8 * QUARTER_HOUR, at + 12 * QUARTER_HOUR), it_quality=3)
    heat, power = by_hour(site, "heat_delivered"), by_hour(site, "it_energy")
    day = dt.date(2026, 6, 1)
    assert [heat[day, hour].is_estimated for hour in (12, 13, 14)] == [True, True, False]
    assert [power[day, hour].is_estimated for hour in (12, 13, 14)] == [True, False, True]
    assert (heat[day, 12].quarters_known, heat[day, 12].quarters) == (3, 4)
    assert heat[day, 15].value is None


def test_temperatures_by_hour_are_weighted_by_the_water_of_all_delivery_points() -> None:
    site = hosting.make_site(time_zone="Asia/Kolkata", country="IN")
    at = dt.datetime(2026, 6, 1, 10, tzinfo=dt.UTC)
    for volume, supply_c in ((3, 50.0), (1, 70.0)):
        flow(
            hosting.make_delivery_point(site),
            Period(at, at + 2 * QUARTER_HOUR),
            volume_m3=volume,
            supply_vw_c=supply_c,
        )
    cell = by_hour(site, "supply_vw")[dt.date(2026, 6, 1), 15]
    assert (cell.value, cell.quarters_known) == (55.0, 4)


def test_the_map_is_drawn_and_kept_as_it_is_shown() -> None:
    site = hosting.make_site()
    settle(site, local_day(dt.date(2026, 10, 25), BERLIN))
    client = client_of(people.operator())
    with time_machine.travel(NOW, tick=False):
        chart = client.get(reverse("thermal:kpi_map", args=[site.pk, "capture_ratio"]) + "?year=2026").json()
        assert (chart["unit"], chart["least"]) == ("%", None)
        chart = client.get(reverse("thermal:kpi_map", args=[site.pk, "usable_ratio"]) + "?year=2026").json()
        lines = list(
            csv.reader(
                StringIO(
                    body(client.get(reverse("thermal:kpi_map_csv", args=[site.pk, "usable_ratio"]) + "?year=2026"))
                )
            )
        )
    autumn = chart["days"].index("2026-10-25")
    assert chart["values"][autumn] == [75.0] * 24
    assert [chart["days"].index("2026-03-29"), 2] in chart["absent"]
    assert [chart["days"].index("2026-11-10"), 12] in chart["absent"]
    hours_over = (NOW - local_year(2026, BERLIN).start) // dt.timedelta(hours=1) + 1
    # The hour that came twice is one line, of eight quarter hours.
    assert len(lines) - 1 == hours_over - 1
    assert ["2026-10-25", "2", "0.75", "1", "0", "8", "8"] in lines


def test_a_map_asks_the_same_count_of_queries_for_a_day_and_for_months() -> None:
    site = hosting.make_site()
    hosting.make_delivery_point(site)
    client = client_of(people.operator())
    url = reverse("thermal:kpi_map", args=[site.pk, "erf"]) + "?year=2026"
    counts = []
    first = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    for days in (1, 40):
        settle(site, Period(first, first + dt.timedelta(days=days)))
        client.get(url)
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        counts.append(len(asked))
        SiteInterval.objects.filter(site=site).delete()
    assert counts[0] == counts[1]


def test_maps_and_panels_are_the_providers_and_the_auditors() -> None:
    site, other = hosting.make_site(), hosting.make_site()
    cast = people.cast(granted=(site,), neighbors=(other,))
    urls = [
        reverse("thermal:kpi_map", args=[site.pk, "pue"]),
        reverse("thermal:kpi_map_csv", args=[site.pk, "pue"]),
        reverse("thermal:kpi_site", args=[site.pk]) + "?export=modes",
    ]
    seen = {cast.operator: 200, cast.auditor: 200, cast.offtaker: 403, cast.neighbor: 404, cast.stranger: 404}
    for user, status in seen.items():
        for url in urls:
            assert client_of(user).get(url).status_code == status, (user.email, url)
    assert client_of(cast.operator).get(reverse("thermal:kpi_map", args=[site.pk, "cue"])).status_code == 404


def kept(site: Site, month: dt.date, known: int, expected: int, **values: float) -> None:
    KpiSum.objects.bulk_create(
        KpiSum(site=site, month_on=month, input=name, value=value, known_count=known, expected_count=expected,
               computed_at=NOW)
        for name, value in values.items()
    )  # fmt: skip


def test_two_months_are_not_a_year_whatever_their_rows_say() -> None:
    site = hosting.make_site()
    for month in (9, 10):
        quarters = local_month(2026, month, BERLIN).duration // QUARTER_HOUR
        kept(site, dt.date(2026, month, 1), quarters, quarters, it_kwh=10.0, total_kwh=12.0)
        kept(site, dt.date(2026, month, 1), 2 * quarters, 2 * quarters, volume_m3=1.0, supply_m3c=50.0, return_m3c=40.0)
    over = (NOW.replace(minute=15) - local_year(2026, BERLIN).start) // QUARTER_HOUR
    made = {one.figure.key: one for one in kpi_ledger.figures_of_site(site=site, span=SPAN, now=NOW)}
    two_months = (30 * 24 + 31 * 24 + 1) * 4
    assert made["pue"].known_ratio == pytest.approx(two_months / over)
    assert made["supply_vw"].known_ratio == pytest.approx(two_months / over, rel=1e-3)
    assert made["pue"].is_estimated
    [row] = kpi_ledger.comparison(figure=figures.BY_KEY["pue"], sites=[site], span=SPAN, now=NOW).rows
    assert row.known_ratio == pytest.approx(two_months / over)
    october = kpi_ledger.figures_of_site(site=site, span=kpi_ledger.month_span(2026, 10), now=NOW)
    assert {one.figure.key: one for one in october}["pue"].known_ratio == 1.0


def test_a_heating_season_runs_over_the_turn_of_the_year() -> None:
    site = hosting.make_site()
    for month in (dt.date(2025, 9, 1), dt.date(2025, 12, 1), dt.date(2026, 4, 1), dt.date(2026, 5, 1)):
        kept(site, month, 100, 100, delivered_kwh=1.0)
    client = client_of(people.operator())
    [row] = client.get("/api/v1/kpi-comparison/?season=2025&figure=heat_delivered").json()
    assert row["value"] == 2.0
    for state in ("?season=2025", "?year=2025&month=season"):
        page = body(client.get(reverse("thermal:kpi_site", args=[site.pk]) + state))
        assert "2025-10-01 – 2026-04-30" in page
        assert "heating season 2025/2026" in page


def test_each_month_of_the_map_has_its_own_facts() -> None:
    site = hosting.make_site()
    for month in (5, 6):
        kept(site, dt.date(2026, month, 1), 100, 100, delivered_kwh=90.0)
    for efficiency, first, until in (
        (0.9, dt.date(2026, 1, 1), dt.date(2026, 6, 1)),
        (0.75, dt.date(2026, 6, 1), None),
    ):
        SiteFact.objects.create(
            site=site, kind=SiteFact.Kind.BOILER, value=efficiency, valid_from=first, valid_until=until, source="plate"
        )
    figure = figures.BY_KEY["avoided_fuel"]
    made = kpi_maps.month_map(sites=[site], figure=figure, span=SPAN, now=NOW)
    assert [shown.value for shown in made.shown[site.pk]][4:7] == [pytest.approx(100.0), pytest.approx(120.0), None]
    page = body(client_of(people.operator()).get(reverse("thermal:kpi_comparison") + "?figure=avoided_fuel&year=2026"))
    assert "kpi-map" in page


def test_hours_by_mode_add_up_to_the_year_and_causes_to_the_curtailment() -> None:
    site = hosting.make_site()
    at = dt.datetime(2026, 10, 5, tzinfo=dt.UTC)
    blocked = {"curtailed_s": 900, "curtailed_kwh": 2.0, "export_basis": 2}
    settle(site, Period(at, at + 8 * QUARTER_HOUR), export_mode=0, export_basis=2, curtailed_kwh=0.0)
    settle(site, Period(at + 8 * QUARTER_HOUR, at + 12 * QUARTER_HOUR), export_mode=3, export_cause=1, **blocked)
    settle(site, Period(at + 12 * QUARTER_HOUR, at + 14 * QUARTER_HOUR), export_mode=4, export_cause=3, **blocked)
    settle(site, Period(at + 14 * QUARTER_HOUR, at + 16 * QUARTER_HOUR), export_mode=None, export_basis=0)
    summing.mark_all(now=NOW)
    summing.sum_marked(now=NOW)
    known = kpi_ledger.known_of_site(site=site, span=SPAN, now=NOW)
    modes, causes = kpi_panels.modes_of(known), kpi_panels.causes_of(known)
    assert {row.key: row.hours for row in modes.rows if row.hours} == {"export": 2.0, "dump": 1.0, "emergency": 0.5}
    idle, unknown = modes.others
    over_h = ((NOW.replace(minute=15) - local_year(2026, BERLIN).start) // QUARTER_HOUR) / 4
    assert idle.hours == 0.5
    assert (modes.hours or 0) + idle.hours + (unknown.hours or 0) == pytest.approx(over_h)
    by_cause = {row.key: (row.hours, row.heat_kwh, row.share_ratio) for row in causes.rows if row.hours}
    assert by_cause == {"offtaker": pytest.approx((1.0, 8.0, 2 / 3)), "safety": pytest.approx((0.5, 4.0, 1 / 3))}
    client = client_of(people.operator())
    text = body(client.get(reverse("thermal:kpi_site", args=[site.pk]) + "?year=2026&export=modes"))
    assert f"{site.code},{site.name},2026-01-01,2027-01-01,cause,offtaker,1.0,8.0" in text
    every = body(client.get(reverse("thermal:kpi_comparison") + "?figure=curtailment&year=2026&export=modes"))
    assert every.splitlines() == text.splitlines()
    rows = reverse("thermal:site_intervals", args=[site.pk])
    counted = [body(client.get(f"{rows}?export_cause={cause}&curtailed=true")).count("<tr") for cause in (1, 3, 2)]
    assert counted == [5, 3, 0]
    page = body(client.get(reverse("thermal:kpi_site", args=[site.pk]) + "?year=2026"))
    assert "export_cause=1&amp;curtailed=true" in page
    together = kpi_ledger.sums_together(sites=[site], inputs=kpi_panels.INPUTS, span=SPAN, now=NOW)
    assert kpi_panels.causes_of(together).hours == causes.hours


def test_a_month_is_the_same_from_its_sums_and_from_its_quarter_hours() -> None:
    site = hosting.make_site()
    point = hosting.make_delivery_point(site)
    october = local_month(2026, 10, BERLIN)
    settle(site, Period(october.start, october.start + 300 * QUARTER_HOUR), utilisation_ratio=0.5)
    flow(point, Period(october.start, october.start + 300 * QUARTER_HOUR))
    summing.mark_all(now=NOW)
    summing.sum_marked(now=NOW)
    kept_ones = kpis.figures_of_period(site=site, period=october, now=NOW).figures
    known, standing = kpis.sums_of_quarters(site=site, period=october, inputs=sums.INPUTS, now=NOW)
    for one in kept_ones:
        again = kpi_ledger.shown(one.figure, known, {})
        if not one.facts:
            assert again.value == (None if one.value is None else pytest.approx(one.value)), one.figure.key
            assert again.known_ratio == pytest.approx(one.known_ratio, rel=1e-3), one.figure.key
    assert standing.settled_at == NOW


def shown_of(key: str, value: float | None, known_ratio: float = 1.0) -> kpi_ledger.Shown:
    return kpi_ledger.Shown(figures.BY_KEY[key], value, [], known_ratio, is_uneven=False, inputs={}, facts={})


@pytest.mark.parametrize(
    ("key", "before", "now", "expected"),
    [
        ("heat_delivered", 100.0, 110.0, ("up", "+10.0 %", True)),
        ("pue", 1.25, 1.0, ("down", "−20.0 %", True)),
        ("capture_ratio", 0.80, 0.75, ("down", "−5.0 points", False)),
        ("supply_vw", 44.0, 45.5, ("up", "+1.5 K", None)),
        ("curtailment", 0.0, 0.0, ("flat", "", None)),
    ],
)
def test_a_trend_names_its_direction_and_whether_it_is_good(key: str, before: float, now: float, expected: Any) -> None:
    found = kpi_tiles.trend(shown_of(key, now), shown_of(key, before), "against last month")
    assert found is not None
    assert (found.direction, found.text, found.is_good) == expected


def test_no_trend_is_made_of_what_is_hardly_known_or_of_nothing() -> None:
    whole, patchy = shown_of("heat_delivered", 10.0), shown_of("heat_delivered", 10.0, known_ratio=0.5)
    for one, other in ((whole, patchy), (patchy, whole), (shown_of("heat_delivered", None), whole)):
        assert kpi_tiles.trend(one, other, "") is None
    assert kpi_tiles.trend(whole, shown_of("heat_delivered", 0.0), "") is None


def test_the_site_page_sets_the_running_month_against_the_same_days_of_the_last() -> None:
    site = hosting.make_site()
    october, november = local_month(2026, 10, BERLIN), local_month(2026, 11, BERLIN)
    settle(site, october, delivered_kwh=2.0)
    settle(site, Period(november.start, NOW.replace(minute=15)), delivered_kwh=3.0)
    with time_machine.travel(NOW, tick=False):
        page = body(client_of(people.operator()).get(reverse("thermal:site_heat_fragment", args=[site.pk])))
    assert "+50.0 %" in page
    assert "against the same days of last month" in page
