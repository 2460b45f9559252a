"""Pages of heat and alarms: by grant, by role, with a constant count of queries."""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from hosting.models import Measurement, Site
from tests.clients import body, client_of
from tests.makers import accounts as people
from tests.makers import hosting, thermal
from thermal.models import Alarm, AlarmRule, HeatInterval, MeterReading
from thermal.services import marking, settlement

pytestmark = pytest.mark.django_db

QUARTER = dt.timedelta(minutes=15)
# Not close to any midnight: pages open on today, and what was made two hours ago must be of today.
NOON = dt.datetime(2026, 11, 3, 11, 7, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with time_machine.travel(NOON, tick=True):
        yield


def now_quarter() -> dt.datetime:
    now = timezone.now()
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


class Furnished:
    """A site with one delivery point, a meter with readings, a device with frames, a rule and an alarm."""

    def __init__(self) -> None:
        now = now_quarter()
        thermal.make_partitions(now, months=3)
        self.site: Site = hosting.make_site()
        self.point = hosting.make_delivery_point(self.site)
        placement = hosting.make_placement(
            delivery_point=self.point, valid_from=now - 8 * QUARTER, first_register=Decimal(100)
        )
        self.meter = placement.meter
        thermal.make_readings(self.meter, [(now - n * QUARTER, 200 - n) for n in range(8)])
        self.device = thermal.make_plant_device(
            self.site, [Measurement.Role.IT_POWER, Measurement.Role.SUPPLY_TEMPERATURE], delivery_point=self.point
        )
        thermal.make_frames(self.device, [(now - n * dt.timedelta(minutes=5), [20.0, 42.0]) for n in range(24)])
        readings: Any = MeterReading.objects.filter(meter=self.meter)
        marking.mark_recorded(
            readings=[(self.meter.pk, at) for at in readings.values_list("at", flat=True)],
            frames=[(self.device.pk, now - n * dt.timedelta(minutes=5)) for n in range(24)],
            now=now,
        )
        settlement.settle_marked(now=timezone.now())
        self.rule = thermal.make_rule(self.site, measurement=self.device.measurements.last())
        self.alarm = thermal.make_alarm(self.rule, raised_at=now)
        self.interval = HeatInterval.objects.filter(delivery_point=self.point).order_by("start")[1]

    def pages(self) -> dict[str, str]:
        site, point = [self.site.pk], [self.point.pk]
        return {
            "site_heat": reverse("thermal:site_heat", args=site),
            "site_heat_month": reverse("thermal:site_heat", args=site) + "?kind=month",
            "site_heat_year": reverse("thermal:site_heat", args=site) + "?kind=year",
            "site_heat_fragment": reverse("thermal:site_heat_fragment", args=site),
            "site_live": reverse("thermal:site_live", args=site),
            "site_chart": reverse("thermal:site_chart", args=[self.site.pk, "power"]),
            "site_series_csv": reverse("thermal:site_series_csv", args=[self.site.pk, "temperature"]),
            "site_intervals": reverse("thermal:site_intervals", args=site),
            "point_intervals": reverse("thermal:point_intervals", args=point),
            "interval_detail": reverse(
                "thermal:interval_detail", args=[self.point.pk, f"{self.interval.start:%Y%m%dT%H%MZ}"]
            ),
            "reading_list": reverse("thermal:reading_list", args=[self.meter.pk]),
            "alarm_detail": self.alarm.get_absolute_url(),
            "alarmrule_detail": self.rule.get_absolute_url(),
        }

    def lists(self) -> dict[str, str]:
        return {
            "heat_list": reverse("thermal:heat_list"),
            "alarm_list": reverse("thermal:alarm_list"),
            "alarmrule_list": reverse("thermal:alarmrule_list"),
            "data_health": reverse("thermal:data_health"),
        }


@pytest.fixture
def furnished() -> Furnished:
    return Furnished()


def test_every_page_opens_for_the_operator(furnished: Furnished) -> None:
    client = client_of(people.operator())
    for name, url in (furnished.pages() | furnished.lists()).items():
        response = client.get(url)
        assert response.status_code == 200, name
        assert body(response)


def test_pages_are_hidden_from_those_without_a_grant(furnished: Furnished) -> None:
    other = hosting.make_site()
    cast = people.cast(granted=(furnished.site,), neighbors=(other,))
    for user, expected in [(cast.auditor, 200), (cast.offtaker, 200), (cast.neighbor, 404), (cast.stranger, 404)]:
        client = client_of(user)
        for name, url in furnished.pages().items():
            assert client.get(url).status_code == expected, (user.email, name)


def test_lists_hold_only_what_is_granted(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    words = {
        "heat_list": furnished.site.name,
        "alarm_list": furnished.alarm.message,
        "alarmrule_list": furnished.rule.name,
        "data_health": furnished.device.code,
    }
    for user, seen in [(cast.auditor, True), (cast.neighbor, False), (cast.stranger, False)]:
        client = client_of(user)
        for name, url in furnished.lists().items():
            for page in (client.get(url), client.get(url, {"export": "csv"})):
                assert page.status_code == 200
                assert (words[name] in body(page)) is seen, (user.email, name)


def test_nobody_sees_anything_without_logging_in(furnished: Furnished) -> None:
    for url in (furnished.pages() | furnished.lists()).values():
        assert Client().get(url).status_code == 302


@pytest.mark.parametrize("name", ["heat_list", "alarm_list", "alarmrule_list", "data_health"])
def test_lists_ask_as_often_for_twenty_rows_as_for_two(name: str) -> None:
    def furnish() -> None:
        rule = thermal.make_rule()
        thermal.make_alarm(rule)

    client = client_of(people.operator())
    counts = [queries(client, furnish, rows, reverse(f"thermal:{name}")) for rows in (2, 18)]
    assert counts[0] == counts[1]
    assert counts[1] <= 12


def queries(client: Client, furnish: Callable[[], None], rows: int, url: str) -> int:
    for _ in range(rows):
        furnish()
    client.get(url)  # the first page of a session also reads the session's own facts
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_key_figures_say_where_they_come_from(furnished: Furnished) -> None:
    page = body(client_of(people.operator()).get(furnished.pages()["site_heat"]))
    assert "EN 50600-4-6" in page
    assert reverse("thermal:site_intervals", args=[furnished.site.pk]) in page


def test_a_quarter_hour_leads_to_its_two_readings(furnished: Furnished) -> None:
    page = body(client_of(people.operator()).get(furnished.pages()["interval_detail"]))
    assert page.count("read from the device") == 2


def test_the_file_holds_what_the_chart_shows(furnished: Furnished) -> None:
    lines = body(client_of(people.operator()).get(furnished.pages()["site_series_csv"])).splitlines()
    assert lines[0].startswith("start_utc,supply (°C)")
    assert any(",42.0," in line for line in lines[1:])


def test_an_operator_acknowledges_and_returns_to_the_list(furnished: Furnished) -> None:
    client = client_of(people.operator())
    url = reverse("thermal:alarm_acknowledge", args=[furnished.alarm.pk])
    response = client.post(url, {"next": "/alarms/?priority=2", "note": "On it."})
    assert (response.status_code, response["Location"]) == (303, "/alarms/?priority=2")
    furnished.alarm.refresh_from_db()
    assert furnished.alarm.state == Alarm.State.ACKNOWLEDGED
    assert client.post(url, {"next": "https://elsewhere.example/"})["Location"] == furnished.alarm.get_absolute_url()


def test_an_auditor_sees_an_alarm_and_cannot_acknowledge_it(furnished: Furnished) -> None:
    client = client_of(people.auditor(furnished.site))
    assert client.post(reverse("thermal:alarm_acknowledge", args=[furnished.alarm.pk])).status_code == 403
    assert "data-acknowledge" not in body(client.get(reverse("thermal:alarm_list")))


def test_closed_alarms_show_only_when_asked_for(furnished: Furnished) -> None:
    Alarm.objects.filter(pk=furnished.alarm.pk).update(state="closed", closed_at=timezone.now())
    client = client_of(people.operator())
    row = f'id="alarm-{furnished.alarm.pk}"'
    assert row not in body(client.get("/alarms/"))
    assert row in body(client.get("/alarms/?shown=all"))


def test_the_console_gives_its_table_alone_to_htmx(furnished: Furnished) -> None:
    headers = {"HX-Request": "true", "HX-Target": "list_table"}
    page = body(client_of(people.operator()).get("/alarms/", headers=headers))
    assert page.lstrip().startswith('<div id="list_table"')
    assert f'id="alarm-{furnished.alarm.pk}"' in page


def rule_form(furnished: Furnished, **fields: Any) -> dict[str, Any]:
    return {
        "site": furnished.site.pk,
        "key": "warm",
        "name": "Warm supply",
        "kind": "high",
        "measurement": furnished.device.measurements.earliest("pk").pk,
        "limit_value": "48",
        "deadband_value": "1",
        "on_delay_s": "60",
        "off_delay_s": "60",
        "priority": "2",
        "action": "Look.",
    } | fields


def test_an_engineer_adds_and_changes_a_rule(furnished: Furnished) -> None:
    client = client_of(people.engineer())
    response = client.post(reverse("thermal:alarmrule_create"), rule_form(furnished))
    rule = AlarmRule.objects.get(key="warm")
    assert response["Location"] == rule.get_absolute_url()
    client.post(reverse("thermal:alarmrule_update", args=[rule.pk]), rule_form(furnished, limit_value="49"))
    rule.refresh_from_db()
    assert rule.limit_value == 49
    history = reverse("accounts:history", args=["thermal", "alarmrule", rule.pk])
    assert history in client.get(rule.get_absolute_url()).content.decode()
    told = client.get(history).content.decode()
    assert "48" in told
    assert "49" in told
    client.post(reverse("thermal:alarmrule_delete", args=[rule.pk]), {"confirm": "yes"})
    assert not AlarmRule.objects.filter(key="warm").exists()


def test_a_rule_of_another_site_s_measurement_is_refused(furnished: Furnished) -> None:
    stray = thermal.make_rule().measurement
    assert stray is not None
    page = client_of(people.engineer()).post(
        reverse("thermal:alarmrule_create"), rule_form(furnished, measurement=stray.pk)
    )
    assert "This belongs to another site." in body(page)


def test_an_operator_sets_no_rules(furnished: Furnished) -> None:
    assert client_of(people.operator()).post(reverse("thermal:alarmrule_create"), {}).status_code == 403


def test_an_engineer_checks_a_file_and_then_imports_it(furnished: Furnished) -> None:
    client = client_of(people.engineer())
    url = reverse("thermal:reading_import", args=[furnished.meter.pk])
    start = now_quarter() - dt.timedelta(hours=1, minutes=50)
    given = {"time_column": "time", "energy_column": "kwh", "energy_unit": "MWh"}
    for dry_run, stored in [({"is_dry_run": "on"}, 0), ({}, 1), ({}, 1)]:
        text = f"time,kwh\n{start:%Y-%m-%dT%H:%MZ},0.1935\nyesterday,1\n"
        upload = SimpleUploadedFile("registers.csv", text.encode())
        page = body(client.post(url, given | dry_run | {"file": upload}))
        assert "Line 3" in page
        assert MeterReading.objects.filter(source="import").count() == stored
    assert MeterReading.objects.get(source="import").energy_kwh == Decimal("193.5")


def test_an_operator_imports_nothing(furnished: Furnished) -> None:
    url = reverse("thermal:reading_import", args=[furnished.meter.pk])
    assert client_of(people.operator()).get(url).status_code == 403
    assert client_of(people.engineer()).get(url).status_code == 200


# ---- API ----------------------------------------------------------------------------------------------

API = ["readings", "intervals", "site-intervals", "alarms", "alarm-rules"]


def test_the_api_shows_what_is_granted(furnished: Furnished) -> None:
    cast = people.cast(granted=(furnished.site,), neighbors=(hosting.make_site(),))
    for user, seen in [(cast.operator, True), (cast.auditor, True), (cast.neighbor, False), (cast.stranger, False)]:
        client = client_of(user)
        for route in API:
            response = client.get(f"/api/v1/{route}/")
            assert response.status_code == 200, (user.email, route)
            assert (response.json()["count"] > 0) is seen, (user.email, route)


def test_the_api_gives_key_figures_of_a_period(furnished: Furnished) -> None:
    start, end = now_quarter() - 8 * QUARTER, now_quarter()
    url = f"/api/v1/kpis/{furnished.site.pk}/?start={start:%Y-%m-%dT%H:%MZ}&end={end:%Y-%m-%dT%H:%MZ}"
    found = {row["key"]: row for row in client_of(people.operator()).get(url).json()}
    assert found["heat_delivered"]["value"] == 100
    assert found["it_energy"]["value"] == pytest.approx(20 * 2, rel=0.1)
    assert client_of(people.stranger()).get(url).status_code in {403, 404}
    assert client_of(people.auditor(hosting.make_site())).get(url).status_code == 404
    assert client_of(people.operator()).get(f"/api/v1/kpis/{furnished.site.pk}/").status_code == 409


def test_the_api_acknowledges_for_those_who_may(furnished: Furnished) -> None:
    url = f"/api/v1/alarms/{furnished.alarm.pk}/acknowledge/"
    assert client_of(people.auditor(furnished.site)).post(url).status_code == 403
    operator = client_of(people.operator())
    assert operator.post(url, {"note": "Seen."}, content_type="application/json").json()["state"] == "ack"
    again = operator.post(url, {}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "alarm_needs_no_acknowledgement")
