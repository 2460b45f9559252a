"""The inventory over HTTP: rows by grant, writes by role, refusals in words."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from hosting.models import Measurement, MeterPlacement, PlannedOutage, Site
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as make

pytestmark = pytest.mark.django_db

ROUTES = [
    "sites",
    "equipment",
    "connections",
    "delivery-points",
    "meters",
    "meter-placements",
    "controllers",
    "devices",
    "measurements",
    "planned-outages",
]


def furnish(site: Site) -> dict[str, int]:
    """The ids of one row of every kind at the site, by route."""
    rack, sink = make.make_equipment(site), make.make_equipment(site)
    point = make.make_delivery_point(site)
    placement = make.make_placement(delivery_point=point)
    device = make.make_device(make.make_controller(site), meter=placement.meter)
    return {
        "sites": site.pk,
        "equipment": rack.pk,
        "connections": make.make_connection(rack, sink).pk,
        "delivery-points": point.pk,
        "meters": placement.meter_id,
        "meter-placements": placement.pk,
        "controllers": device.controller_id,
        "devices": device.pk,
        "measurements": make.make_measurement(device, Measurement.Role.SUPPLY_TEMPERATURE).pk,
        "planned-outages": make.make_outage(site).pk,
    }


def ids(client: Client, route: str) -> set[int]:
    response = client.get(f"/api/v1/{route}/")
    assert response.status_code == 200, response.content
    return {row["id"] for row in response.json()["results"]}


@pytest.mark.parametrize("route", ROUTES)
def test_each_of_the_cast_sees_their_own_rows(route: str) -> None:
    mine, other = make.make_site(), make.make_site()
    here, there = furnish(mine), furnish(other)
    cast = people.cast(granted=(mine,))
    assert {here[route], there[route]} <= ids(client_of(cast.operator), route)
    auditor = client_of(cast.auditor)
    assert here[route] in ids(auditor, route)
    assert there[route] not in ids(auditor, route)
    assert auditor.get(f"/api/v1/{route}/{there[route]}/").status_code == 404
    for outsider in (cast.neighbor, cast.stranger):
        assert ids(client_of(outsider), route) == set()
        assert client_of(outsider).get(f"/api/v1/{route}/{here[route]}/").status_code == 404


@pytest.mark.parametrize("route", ROUTES)
def test_nobody_reads_without_logging_in(route: str, client: Client) -> None:
    assert client.get(f"/api/v1/{route}/").status_code in {401, 403}


@pytest.mark.parametrize("route", ROUTES)
def test_a_list_takes_as_many_queries_for_twenty_rows_as_for_two(route: str) -> None:
    operator = client_of(people.operator())
    operator.get(f"/api/v1/{route}/")
    counts = []
    for missing in (2, 18):
        for _ in range(missing):
            furnish(make.make_site())
        with CaptureQueriesContext(connection) as queries:
            assert operator.get(f"/api/v1/{route}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


SITE = {"code": "new", "name": "New", "time_zone": "Europe/Berlin", "country": "DE", "installed_it_kw": 20}


def test_only_those_who_build_sites_may_add_one() -> None:
    cast = people.cast()
    for user in (cast.operator, cast.auditor, cast.offtaker, cast.stranger):
        response = client_of(user).post("/api/v1/sites/", SITE, content_type="application/json")
        assert response.status_code == 403
    response = client_of(cast.engineer).post("/api/v1/sites/", SITE, content_type="application/json")
    assert response.status_code == 201
    assert Site.objects.get(code="new").installed_it_kw == 20


@pytest.mark.parametrize(
    ("field", "value"), [("time_zone", "Europe/Bremen"), ("installed_it_kw", -1), ("country", "xx"), ("code", "")]
)
def test_a_wrong_value_is_refused_and_nothing_stored(field: str, value: Any) -> None:
    response = client_of(people.engineer()).post(
        "/api/v1/sites/", SITE | {field: value}, content_type="application/json"
    )
    assert response.status_code == 400
    assert not Site.objects.exists()


def test_a_granted_engineer_cannot_hang_a_row_on_a_hidden_site() -> None:
    mine, other = make.make_site(), make.make_site()
    person = people.auditor(mine)
    person.user_permissions.set(Group.objects.get(name="engineer").permissions.exclude(codename="view_site"))
    body = {
        "site": other.pk,
        "code": "dp",
        "name": "Pool",
        "design_supply_c": 45,
        "design_return_c": 35,
        "design_kw": 9,
    }
    client = client_of(User.objects.get(pk=person.pk))
    response = client.post("/api/v1/delivery-points/", body, content_type="application/json")
    assert (response.status_code, list(response.json())) == (400, ["site"])
    assert (
        client.post("/api/v1/delivery-points/", body | {"site": mine.pk}, content_type="application/json").status_code
        == 201
    )


def test_a_meter_is_exchanged_with_both_registers() -> None:
    placement = make.make_placement(first_register=10)
    successor = make.make_meter()
    body = {
        "successor": successor.serial,
        "removed_at": "2026-10-01T08:00:00Z",
        "fitted_at": "2026-10-01T09:00:00Z",
        "final_register": "1234.5",
        "first_register": "0.2",
        "reason": "Verification expired",
    }
    url = f"/api/v1/meter-placements/{placement.pk}/swap/"
    response = client_of(people.engineer()).post(url, body, content_type="application/json")
    assert response.status_code == 201, response.content
    old, new = MeterPlacement.objects.order_by("valid_from")
    assert (str(old.final_register), str(new.first_register), new.delivery_point) == (
        "1234.5000",
        "0.2000",
        old.delivery_point,
    )
    again = client_of(people.engineer()).post(url, body, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "placement_has_ended")


def test_works_are_announced_now_and_called_off_before_they_start() -> None:
    site = make.make_site()
    start = dt.datetime.now(dt.UTC) + dt.timedelta(days=3)
    body = {"site": site.pk, "starts_at": start, "ends_at": start + dt.timedelta(hours=2), "reason": "Pump"}
    operator = client_of(people.operator())
    made = operator.post("/api/v1/planned-outages/", body, content_type="application/json")
    assert made.status_code == 201, made.content
    outage = PlannedOutage.objects.get()
    assert outage.announced_at is not None
    assert operator.delete(f"/api/v1/planned-outages/{outage.pk}/").status_code == 405
    assert operator.post(f"/api/v1/planned-outages/{outage.pk}/cancel/").status_code == 200
    outage.refresh_from_db()
    assert outage.cancelled_by is not None


def test_the_document_of_the_api_is_served_to_people_who_log_in(client: Client) -> None:
    assert client.get("/api/v1/schema/").status_code in {401, 403}
    assert client_of(people.operator()).get("/api/v1/schema/").status_code == 200
