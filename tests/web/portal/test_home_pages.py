"""Overview, first steps, search and the page of a site: what they show, to whom, and in how many queries."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from hosting.models import Equipment, EquipmentModel, Measurement, Site
from hosting.queries import heat_path
from kernel.periods import quarter_start
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as makers
from thermal.models import Alarm, AlarmRule, SiteInterval, TelemetryFrame
from thermal.services import partitions

pytestmark = pytest.mark.django_db

Kind = EquipmentModel.Kind
Role = Measurement.Role


def settle(site: Site, hours: int = 24, **energies: float) -> None:
    """Ledger rows of the last hours, each quarter hour alike."""
    newest = quarter_start(timezone.now())
    values = {"it_kwh": 10.0, "delivered_kwh": 6.0, "rejected_kwh": 1.0} | energies
    SiteInterval.objects.bulk_create(
        SiteInterval(
            pk=(site.pk, newest - dt.timedelta(minutes=15 * index)),
            rule_version=1,
            settled_at=newest,
            measured_s=900,
            **values,
        )
        for index in range(1, hours * 4 + 1)
    )


def say(device: Any, at: dt.datetime, *values: float | None) -> None:
    """One frame of a device."""
    partitions.ensure_for(table="thermal_telemetryframe", instants=[at])
    TelemetryFrame.objects.create(pk=(device.pk, at), profile=device.profile, values=list(values))


def raise_alarm(site: Site, measurement: Measurement | None = None, **fields: Any) -> Alarm:
    watched = measurement or makers.make_measurement(makers.make_device(makers.make_controller(site)), Role.LEAK)
    rule = AlarmRule.objects.create(
        site=site, key="r", name="Rule", kind="high", limit_value=1, action="Look.", measurement=watched
    )
    defaults = {"priority": 1, "raised_at": timezone.now(), "message": "Water under rack 3"}
    return Alarm.objects.create(rule=rule, site=site, **defaults | fields)


def small_plant(site: Site) -> tuple[Equipment, Equipment]:
    rack, sink = (
        makers.make_equipment(site, Kind.RACK, tag="R-1"),
        makers.make_equipment(site, Kind.HEAT_SINK, tag="HS-1"),
    )
    makers.make_connection(rack, sink)
    return rack, sink


# ---- overview --------------------------------------------------------------------------------------------------------


def test_without_a_site_the_operator_is_led_to_the_first_steps() -> None:
    client = client_of(people.operator())
    assert client.get("/")["Location"] == reverse("portal:first_start")
    assert client.get(reverse("portal:first_start")).status_code == 200


def test_the_overview_adds_up_what_was_settled() -> None:
    settle(makers.make_site(name="Pool"), delivered_kwh=7.5)
    text = client_of(people.operator()).get("/").content.decode()
    assert "Pool" in text
    assert '40.0 <span class="unit">kW</span>' in text


def test_the_overview_puts_sites_with_alarms_first() -> None:
    makers.make_site(name="Alpha", code="a")
    raise_alarm(makers.make_site(name="Zulu", code="z"))
    text = client_of(people.operator()).get("/").content.decode()
    assert text.index("Zulu") < text.index("Alpha")
    assert "Water under rack 3" in text
    assert "act now" in text


def test_the_overview_asks_as_often_for_twenty_sites_as_for_two() -> None:
    client = client_of(people.operator())

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/").status_code == 200
        return len(asked)

    for _ in range(2):
        settle(makers.make_site(), hours=1)
    queries()
    with_two = queries()
    for _ in range(18):
        settle(makers.make_site(), hours=1)
    assert queries() == with_two


def test_who_does_not_operate_is_led_elsewhere() -> None:
    for user in (people.auditor(), people.offtaker_viewer(), people.stranger()):
        assert client_of(user).get("/").status_code == 302


def test_nobody_sees_the_overview_without_logging_in() -> None:
    assert Client().get("/")["Location"].startswith(reverse("account_login"))


# ---- search ----------------------------------------------------------------------------------------------------------


def test_search_finds_by_every_word_and_only_what_is_visible() -> None:
    seen, hidden = makers.make_site(name="Lido North"), makers.make_site(name="Lido South")
    everything = client_of(people.operator()).get("/search/?q=lido").content.decode()
    assert seen.name in everything
    assert hidden.name in everything
    granted = client_of(people.auditor(seen)).get("/search/?q=lido").content.decode()
    assert seen.name in granted
    assert hidden.name not in granted
    assert "Nothing found" in client_of(people.stranger()).get("/search/?q=lido").content.decode()
    assert "Lido South" not in client_of(people.operator()).get("/search/?q=lido+north").content.decode()


def test_an_empty_search_says_what_to_type() -> None:
    assert "Type what you look for" in client_of(people.operator()).get("/search/").content.decode()


# ---- the page of a site ----------------------------------------------------------------------------------------------


def test_the_page_of_a_site_shows_live_values_on_the_drawing() -> None:
    site = makers.make_site()
    rack, _sink = small_plant(site)
    device = makers.make_device(makers.make_controller(site))
    makers.make_measurement(device, Role.IT_POWER, equipment=rack)
    say(device, timezone.now(), 18.4)
    text = client_of(people.operator()).get(site.get_absolute_url()).content.decode()
    assert '<tspan class="part-number">18.4</tspan> kW' in text


def test_a_value_too_old_to_be_live_is_shown_as_missing() -> None:
    site = makers.make_site()
    rack, _sink = small_plant(site)
    device = makers.make_device(makers.make_controller(site))
    makers.make_measurement(device, Role.IT_POWER, equipment=rack)
    say(device, timezone.now() - dt.timedelta(hours=2), 18.4)
    text = client_of(people.operator()).get(reverse("hosting:site_heat_path", args=[site.pk])).content.decode()
    assert "18.4" not in text
    assert "no data" in text


def test_an_alarm_is_pinned_to_its_component() -> None:
    site = makers.make_site()
    rack, _sink = small_plant(site)
    measurement = makers.make_measurement(makers.make_device(makers.make_controller(site)), Role.LEAK, equipment=rack)
    raise_alarm(site, measurement=measurement)
    text = client_of(people.operator()).get(reverse("hosting:site_heat_path", args=[site.pk])).content.decode()
    assert "part-pin" in text
    assert "Water under rack 3" in text


def test_several_racks_on_one_unit_are_one_box_with_their_power_added_up() -> None:
    site = makers.make_site()
    unit = makers.make_equipment(site, Kind.CDU)
    racks = [makers.make_equipment(site, Kind.RACK) for _ in range(4)]
    measurements = []
    for rack in racks:
        makers.make_connection(rack, unit)
        device = makers.make_device(makers.make_controller(site))
        measurements.append(makers.make_measurement(device, Role.IT_POWER, equipment=rack))
    live = [heat_path.LiveValue(one.pk, 2.5) for one in measurements]
    picture = heat_path.picture_of(site=site, live=live)
    box = next(one for one in picture.components if one.name == "4 racks")
    assert [figure.value for figure in box.figures] == [10.0]


def test_a_group_of_racks_with_one_silent_member_has_no_total() -> None:
    site = makers.make_site()
    unit = makers.make_equipment(site, Kind.CDU)
    live = []
    for number in range(2):
        rack = makers.make_equipment(site, Kind.RACK)
        makers.make_connection(rack, unit)
        device = makers.make_device(makers.make_controller(site))
        live.append(
            heat_path.LiveValue(
                makers.make_measurement(device, Role.IT_POWER, equipment=rack).pk, 5.0 if number else None
            )
        )
    picture = heat_path.picture_of(site=site, live=live)
    assert [figure.value for figure in picture.components[0].figures] == [None]


def test_temperatures_at_a_delivery_point_stand_on_the_pipes_of_its_component() -> None:
    site = makers.make_site()
    _rack, sink = small_plant(site)
    point = makers.make_delivery_point(site, equipment=sink)
    device = makers.make_device(makers.make_controller(site))
    measurement = makers.make_measurement(device, Role.SUPPLY_TEMPERATURE, delivery_point=point)
    picture = heat_path.picture_of(site=site, live=[heat_path.LiveValue(measurement.pk, 44.5)])
    assert [pipe.temperature_c for pipe in picture.pipes] == [44.5]


def test_the_page_of_a_site_is_hidden_from_neighbors() -> None:
    granted, hidden = makers.make_site(), makers.make_site()
    client = client_of(people.auditor(granted))
    for url in (hidden.get_absolute_url(), reverse("hosting:site_heat_path", args=[hidden.pk])):
        assert client.get(url).status_code == 404
    assert client.get(granted.get_absolute_url()).status_code == 200


def test_the_page_of_a_site_asks_as_often_for_twenty_components_as_for_two() -> None:
    client = client_of(people.operator())
    site = makers.make_site()
    small_plant(site)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(site.get_absolute_url()).status_code == 200
        return len(asked)

    queries()
    with_two = queries()
    hub = makers.make_equipment(site, Kind.CDU)
    for _ in range(18):
        makers.make_connection(makers.make_equipment(site), hub)
    assert queries() == with_two


def test_the_balance_of_a_day_names_what_is_not_found_again() -> None:
    site = makers.make_site()
    settle(site, it_kwh=10.0, delivered_kwh=6.0, rejected_kwh=1.0, buffer_change_kwh=0.0)
    text = client_of(people.operator()).get(site.get_absolute_url()).content.decode()
    assert "losses and error" in text
    assert '<tspan class="band-amount">288</tspan>' in text
