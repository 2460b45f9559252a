"""A meter that was moved: who may see one of its places learns nothing of what it told at the other."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hosting.models import Meter, MeterPlacement
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import contracts, hosting, thermal
from thermal.models import MeterReading

pytestmark = pytest.mark.django_db

START = dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
MOVED = START + 4 * DAY


class Moved:
    """A meter that counted 100 kWh a day at one site, and stands at another since the fifth day."""

    def __init__(self) -> None:
        thermal.make_partitions(START, months=3)
        self.before = hosting.make_placement(valid_from=START, valid_until=MOVED, final_register=1400)
        self.meter: Meter = self.before.meter
        point = hosting.make_delivery_point()
        self.after = hosting.make_placement(meter=self.meter, delivery_point=point, valid_from=MOVED)
        thermal.make_readings(self.meter, [(START + n * DAY, 1000 + 100 * n) for n in range(9)])

    def told_to(self, user: Any) -> list[int]:
        """The days whose register the person may read."""
        return sorted((row.at - START).days for row in MeterReading.objects.visible_to(user).filter(meter=self.meter))


@pytest.fixture
def moved() -> Moved:
    return Moved()


def test_each_place_shows_the_registers_of_its_own_time_and_the_one_of_the_move(moved: Moved) -> None:
    there, here = moved.before.site, moved.after.site
    assert moved.told_to(people.auditor(there)) == [0, 1, 2, 3, 4]
    assert moved.told_to(people.auditor(here)) == [4, 5, 6, 7, 8]
    assert moved.told_to(people.auditor(there, here)) == list(range(9))


def test_staff_read_all_and_offtakers_neighbors_and_strangers_none(moved: Moved) -> None:
    contract = contracts.make_contract(delivery_point=moved.after.delivery_point)
    neighbor = contracts.make_contract(delivery_point=moved.before.delivery_point)
    assert moved.told_to(people.operator()) == list(range(9))
    for nobody in (
        people.offtaker_viewer(contract), people.offtaker_viewer(neighbor), people.stranger(), AnonymousUser()
    ):  # fmt: skip
        assert moved.told_to(nobody) == []


def test_a_neighbor_offtaker_who_was_let_in_to_a_site_reads_its_own_time_only(moved: Moved) -> None:
    assert moved.told_to(people.offtaker_viewer(moved.after.site)) == [4, 5, 6, 7, 8]


def test_the_list_its_export_and_the_interface_keep_to_it(moved: Moved) -> None:
    client = client_of(people.auditor(moved.after.site))
    listed = reverse("thermal:reading_list", args=[moved.meter.pk])
    page = client.get(listed).content.decode()
    export = b"".join(client.get(listed, {"export": "csv"}).streaming_content).decode()  # type: ignore[attr-defined]
    answer = client.get("/api/v1/readings/", {"meter": moved.meter.pk}).json()
    assert "1,300" not in page
    assert "1,500" in page
    assert export.count("\n") == 6
    assert [row["energy_kwh"] for row in answer["results"]] == [f"{1000 + 100 * n}.0000" for n in range(4, 9)]


def test_the_count_of_queries_does_not_grow_with_the_readings(moved: Moved) -> None:
    client = client_of(people.auditor(moved.after.site))
    url = reverse("thermal:reading_list", args=[moved.meter.pk])
    counts = []
    for more in (0, 20):
        thermal.make_readings(moved.meter, [(MOVED + 5 * DAY + n * DAY, 2000 + 100 * n) for n in range(more)])
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(url)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_months_of_a_meter_are_those_of_the_place_that_one_may_see(moved: Moved) -> None:
    page = client_of(people.auditor(moved.after.site)).get(reverse("thermal:meter_quality", args=[moved.meter.pk]))
    assert str(MeterPlacement.objects.get(pk=moved.before.pk).delivery_point) not in page.content.decode()
