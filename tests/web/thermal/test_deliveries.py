"""What a source or a drop folder brought, for those who may see the controller."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hosting.models import Controller
from tests.makers import accounts as people
from tests.makers import hosting as makers
from thermal.models import DropReceipt, PushReceipt

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.UTC)


def controller_of(protocol: str = "http_push") -> Controller:
    return makers.make_controller(protocol=protocol, host="", port=None)


def receive(controller: Controller, number: int) -> None:
    facts = {"received_at": NOW, "sent_at": NOW, "body_sha256": b"x", "answer": {}}
    counts = {"item_count": 1, "stored_count": 1, "known_count": 0, "refused_count": 0}
    PushReceipt.objects.create(controller=controller, sequence_number=number, **facts, **counts)


def read(controller: Controller, number: int, **fields: Any) -> None:
    facts = {"claim_name": f"claim-{number}", "file_name": f"meter-{number}.csv", "handled_at": NOW}
    DropReceipt.objects.create(controller=controller, **facts | fields)


def url_of(controller: Controller) -> str:
    return reverse("thermal:controller_deliveries", args=[controller.pk])


def page_of(controller: Controller, user: Any, **headers: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get(url_of(controller), headers=headers).content.decode()


def test_missing_batches_are_named() -> None:
    controller = controller_of()
    for number in (0, 1, 3, 7):
        receive(controller, number)
    text = page_of(controller, people.operator())
    assert "<li>4 – 6</li><li>2</li>" in text
    assert "/api/v1/push/" not in text
    assert f"/api/v1/push/{controller.code}/" in page_of(controller, people.engineer())


def test_files_show_what_was_wrong_with_them() -> None:
    controller = controller_of("csv_drop")
    read(controller, 1)
    read(controller, 2, refusal="The file has no header line.")
    read(controller, 3, row_count=9, refused_count=9, problems=[f"Line {line}: <b>" for line in range(2, 11)])
    text = page_of(controller, people.operator())
    assert "The file has no header line." in text
    assert "Line 6: &lt;b&gt;" in text
    assert "Line 7" not in text


@pytest.mark.parametrize("protocol", ["http_push", "csv_drop"])
def test_an_empty_page_says_what_to_do(protocol: str) -> None:
    assert "came yet" in page_of(controller_of(protocol), people.operator())


def test_the_record_page_gets_the_part_alone_and_leads_to_the_page() -> None:
    controller = controller_of()
    part = page_of(controller, people.operator(), **{"HX-Request": "true"})
    assert part.lstrip().startswith("<section")
    client = Client()
    client.force_login(people.operator())
    assert url_of(controller) in client.get(controller.get_absolute_url()).content.decode()
    asked = makers.make_controller()
    assert "deliveries" not in client.get(asked.get_absolute_url()).content.decode()
    assert client.get(url_of(asked)).status_code == 404


def test_only_those_who_see_the_site_see_what_it_sent() -> None:
    controller = controller_of()
    cast = people.cast(granted=(controller.site,))
    statuses = {}
    for name in cast.__slots__:
        client = Client()
        client.force_login(getattr(cast, name))
        statuses[name] = client.get(url_of(controller)).status_code
    assert {name for name, status in statuses.items() if status == 404} == {"neighbor", "stranger"}
    assert set(statuses.values()) == {200, 404}
    assert Client().get(url_of(controller)).status_code == 302


@pytest.mark.parametrize("protocol", ["http_push", "csv_drop"])
def test_a_page_asks_as_often_for_twenty_rows_as_for_two(protocol: str) -> None:
    controller, add = controller_of(protocol), receive if protocol == "http_push" else read
    client = Client()
    client.force_login(people.operator())

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get(url_of(controller))
        return len(asked)

    for number in range(2):
        add(controller, number)
    queries()
    with_two = queries()
    for number in range(2, 20):
        add(controller, number)
    assert queries() == with_two
