"""Every inventory page with the cast, and the promises of its lists: filters, chips, export, constant queries."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from hosting.models import EquipmentModel, PlannedOutage, Site
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as makers

pytestmark = pytest.mark.django_db

Maker = Callable[[Site], Any]

RECORDS: dict[str, Maker] = {
    "site": lambda site: site,
    "equipment": makers.make_equipment,
    "connection": lambda site: makers.make_connection(makers.make_equipment(site), makers.make_equipment(site)),
    "deliverypoint": makers.make_delivery_point,
    "meter": lambda site: makers.make_placement(delivery_point=makers.make_delivery_point(site)).meter,
    "controller": makers.make_controller,
    "device": lambda site: makers.make_device(makers.make_controller(site)),
    "plannedoutage": makers.make_outage,
}


@pytest.mark.parametrize("name", RECORDS)
def test_an_operator_opens_every_list_and_record(name: str) -> None:
    row = RECORDS[name](makers.make_site())
    client = client_of(people.operator())
    listed = client.get(reverse(f"hosting:{name}_list"))
    assert listed.status_code == 200
    assert row.get_absolute_url() in listed.content.decode()
    assert client.get(row.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("name", RECORDS)
def test_an_auditor_sees_the_rows_of_granted_sites_only(name: str) -> None:
    granted, hidden = RECORDS[name](site := makers.make_site()), RECORDS[name](makers.make_site())
    client = client_of(people.auditor(site))
    text = client.get(reverse(f"hosting:{name}_list")).content.decode()
    assert granted.get_absolute_url() in text
    assert hidden.get_absolute_url() not in text
    assert client.get(granted.get_absolute_url()).status_code == 200
    assert client.get(hidden.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("name", RECORDS)
def test_a_stranger_finds_nothing(name: str) -> None:
    row = RECORDS[name](makers.make_site())
    client = client_of(people.person())
    assert row.get_absolute_url() not in client.get(reverse(f"hosting:{name}_list")).content.decode()
    assert client.get(row.get_absolute_url()).status_code == 404


@pytest.mark.parametrize("name", RECORDS)
def test_nobody_gets_in_without_logging_in(name: str) -> None:
    row = RECORDS[name](makers.make_site())
    for url in (reverse(f"hosting:{name}_list"), row.get_absolute_url()):
        answer = Client().get(url)
        assert answer.status_code == 302
        assert answer["Location"].startswith(reverse("account_login"))


@pytest.mark.parametrize("name", RECORDS)
def test_who_only_reads_cannot_write(name: str) -> None:
    row = RECORDS[name](site := makers.make_site())
    client = client_of(people.auditor(site))
    assert client.get(reverse(f"hosting:{name}_create")).status_code == 403
    if name != "plannedoutage":
        assert client.get(reverse(f"hosting:{name}_update", args=[row.pk])).status_code == 403
        assert client.post(reverse(f"hosting:{name}_delete", args=[row.pk])).status_code == 403
        assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", RECORDS)
def test_a_list_asks_as_often_for_twenty_rows_as_for_two(name: str) -> None:
    client = client_of(people.operator())

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(reverse(f"hosting:{name}_list")).status_code == 200
        return len(asked)

    for _ in range(2):
        RECORDS[name](makers.make_site())
    queries()
    with_two = queries()
    for _ in range(18):
        RECORDS[name](makers.make_site())
    assert queries() == with_two
    assert with_two <= 12


@pytest.mark.parametrize("name", ["deviceprofile", "equipmentmodel"])
def test_reference_tables_open_for_staff_and_stay_empty_for_strangers(name: str) -> None:
    row = makers.make_profile() if name == "deviceprofile" else makers.make_equipment_model()
    assert client_of(people.operator()).get(row.get_absolute_url()).status_code == 200
    assert client_of(people.person()).get(row.get_absolute_url()).status_code == 404


def test_filters_become_chips_that_remove_themselves() -> None:
    makers.make_site(lifecycle=Site.Lifecycle.SUSPENDED, name="Asleep")
    makers.make_site(name="Awake")
    text = client_of(people.operator()).get("/sites/?lifecycle=suspended&sort=-name").content.decode()
    assert "Asleep" in text
    assert "Awake" not in text
    assert 'href="?sort=-name"' in text


def test_htmx_gets_the_table_alone_and_caches_know() -> None:
    makers.make_site()
    client = client_of(people.operator())
    part = client.get("/sites/", headers={"HX-Request": "true", "HX-Target": "list_table"})
    assert part.content.decode().strip().startswith('<div id="list_table"')
    assert "HX-Request" in part["Vary"]
    restored = {"HX-Request": "true", "HX-Target": "list_table", "HX-History-Restore-Request": "true"}
    assert "<html" in client.get("/sites/", headers=restored).content.decode()


def test_the_export_holds_the_filtered_rows_and_no_formulas() -> None:
    makers.make_site(name="=HYPERLINK(1)", country="NL")
    makers.make_site(name="Elsewhere", country="DE")
    answer = client_of(people.operator()).get("/sites/?country=NL&export=csv")
    text = b"".join(answer).decode()
    assert "'=HYPERLINK(1)" in text
    assert "Elsewhere" not in text


def test_a_page_holds_fifty_rows() -> None:
    for _ in range(51):
        makers.make_site()
    client = client_of(people.operator())
    assert client.get("/sites/").content.decode().count("<tr") == 51
    assert client.get("/sites/?page=2").content.decode().count("<tr") == 2


def test_an_engineer_adds_a_site_and_typing_is_kept_on_errors() -> None:
    client = client_of(people.engineer())
    entered = {
        "code": "pool-9", "name": "Pool 9", "lifecycle": "live", "time_zone": "Europe/Nowhere", "country": "de",
        "installed_it_kw": "20",
    }  # fmt: skip
    refused = client.post(reverse("hosting:site_create"), entered)
    assert refused.status_code == 200
    assert 'value="Pool 9"' in refused.content.decode()
    assert "Europe/Nowhere" in refused.content.decode()
    stored = client.post(reverse("hosting:site_create"), {**entered, "time_zone": "Europe/Berlin"})
    assert stored.status_code == 302
    assert Site.objects.get(code="pool-9").country == "DE"


def test_a_site_in_use_is_not_deleted() -> None:
    site = makers.make_equipment().site
    answer = client_of(people.engineer()).post(reverse("hosting:site_delete", args=[site.pk]))
    assert answer.status_code == 200
    assert "Retire it instead" in answer.content.decode()
    assert Site.objects.filter(pk=site.pk).exists()


def test_works_are_announced_and_called_off_only_before_they_begin() -> None:
    client = client_of(people.operator())
    site = makers.make_site()
    soon = timezone.now() + dt.timedelta(days=3)
    entered = {
        "site": site.pk, "reason": "Cleaning",
        "starts_at": f"{soon:%Y-%m-%dT%H:%M}", "ends_at": f"{soon + dt.timedelta(hours=2):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    assert client.post(reverse("hosting:plannedoutage_create"), entered).status_code == 302
    outage = PlannedOutage.objects.get()
    assert client.post(reverse("hosting:plannedoutage_cancel", args=[outage.pk])).status_code == 302
    outage.refresh_from_db()
    assert outage.cancelled_at is not None
    begun = makers.make_outage(site)
    refused = client.post(reverse("hosting:plannedoutage_cancel", args=[begun.pk]))
    assert "begun already" in refused.content.decode()


def test_works_that_end_before_they_start_are_refused_in_the_form() -> None:
    entered = {
        "site": makers.make_site().pk, "starts_at": "2026-03-01T10:00", "ends_at": "2026-03-01T09:00", "reason": "X",
    }  # fmt: skip
    answer = client_of(people.operator()).post(reverse("hosting:plannedoutage_create"), entered)
    assert answer.status_code == 200
    assert "must end after it starts" in answer.content.decode()


def test_a_form_offers_only_visible_rows() -> None:
    seen, hidden = makers.make_site(), makers.make_site()
    user = people.person("auditor", sees=(seen,))
    from django.contrib.auth.models import Permission

    user.user_permissions.add(Permission.objects.get(codename="add_controller"))
    text = client_of(type(user).objects.get(pk=user.pk)).get(reverse("hosting:controller_create")).content.decode()
    assert seen.name in text
    assert hidden.name not in text


def test_isolating_the_only_exchanger_loses_the_offtaker() -> None:
    site = makers.make_site()
    kinds = EquipmentModel.Kind
    rack, exchanger, sink = (
        makers.make_equipment(site, kind) for kind in (kinds.RACK, kinds.PLATE_EXCHANGER, kinds.HEAT_SINK)
    )
    makers.make_connection(rack, exchanger)
    makers.make_connection(exchanger, sink)
    point = makers.make_delivery_point(site, equipment=sink)
    text = client_of(people.operator()).get(exchanger.get_absolute_url()).content.decode()
    assert "supply lost" in text
    assert "heat trapped" in text
    assert point.get_absolute_url() in text


def test_a_controller_cannot_be_pointed_at_a_service_of_the_portal(settings: Any) -> None:
    settings.HOSTING_OWN_SERVICES = ["127.0.0.1:5432"]
    site, user = makers.make_site(), people.engineer()
    typed = {
        "site": site.pk, "code": "plc", "protocol": "modbus_tcp", "host": "127.0.0.1", "port": 5432, "poll_s": 60,
        "timeout_ms": 3000, "connect_pause_ms": 0, "request_pause_ms": 0, "keep_open_s": 0, "enabled": "on",
    }  # fmt: skip
    response = client_of(user).post(reverse("hosting:controller_create"), typed)
    assert "a service of the portal itself" in response.content.decode()
    assert not site.controllers.exists()
    moved = client_of(user).post(reverse("hosting:controller_create"), typed | {"host": "10.1.2.3"})
    assert moved.status_code == 302
    assert site.controllers.get().host == "10.1.2.3"
