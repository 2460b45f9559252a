"""Credentials of controllers: sealed in the database, opened in the worker, shown to nobody."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.urls import reverse

from accounts.queries import changes
from hosting import checks
from hosting.models import Controller, ControllerSecret
from hosting.services import secrets
from tests.clients import client_of
from tests.makers import accounts as people
from tests.makers import hosting as makers
from thermal.services import polling

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 22, 20, 0, tzinfo=dt.UTC)
LOG_IN = {"user": "reader", "password": "hush-hush-hush"}
FIRST, SECOND = override_settings(HOSTING_FIELD_KEYS=["first"]), override_settings(HOSTING_FIELD_KEYS=["second"])
BOTH = override_settings(HOSTING_FIELD_KEYS=["second", "first"])


@pytest.fixture(autouse=True)
def _first_key() -> Iterator[None]:
    with FIRST:
        yield


def kept(**fields: Any) -> Controller:
    controller = makers.make_controller(**{"protocol": "mqtt"} | fields)
    secrets.keep_secret(controller=controller, fields=LOG_IN, by=None, now=NOW)
    return controller


def test_what_was_kept_opens_again_and_is_not_readable_in_the_table() -> None:
    controller = kept()
    assert secrets.open_secret(controller=controller) == LOG_IN
    with connection.cursor() as cursor:
        cursor.execute("SELECT sealed::text FROM hosting_controllersecret")
        assert LOG_IN["password"].encode().hex() not in cursor.fetchone()[0]
    assert secrets.forget_secret(controller=controller, by=people.engineer(), now=NOW)
    assert secrets.open_secret(controller=controller) == {}


def test_nothing_empty_is_kept() -> None:
    with pytest.raises(IntegrityError, match="controller_secret_not_empty"), transaction.atomic():
        ControllerSecret.objects.create(controller=makers.make_controller(), sealed=b"", kept_at=NOW)


def test_a_controller_has_one_set_of_credentials() -> None:
    controller = kept()
    with pytest.raises(IntegrityError, match="controller_id"), transaction.atomic():
        ControllerSecret.objects.create(controller=controller, sealed=b"x", kept_at=NOW)


def test_keys_rotate_without_entering_anything_anew() -> None:
    controller = kept()
    with BOTH:
        output = io.StringIO()
        call_command("reseal_secrets", stdout=output)
        assert "1 credentials sealed" in output.getvalue()
    with SECOND:
        assert secrets.open_secret(controller=controller) == LOG_IN
    with pytest.raises(secrets.SecretDoesNotOpen):
        secrets.open_secret(controller=controller)


def test_a_lost_key_is_named_by_the_command_and_by_the_check() -> None:
    controller = kept()
    assert checks.every_secret_opens(databases=["default"]) == []
    with SECOND:
        with pytest.raises(CommandError, match=controller.code):
            call_command("reseal_secrets", stdout=io.StringIO())
        (warning,) = checks.every_secret_opens(databases=["default"])
    assert warning.id == "hosting.W001"
    assert controller.code in warning.msg


def test_a_lost_key_is_a_reason_on_the_device_and_no_failure_of_it() -> None:
    device = makers.make_device(kept(port=1), profile=makers.make_profile())
    with SECOND:
        polling.poll_batch(batch=polling.claim_due(now=NOW), now=NOW)
    device.refresh_from_db()
    assert "HEATLEDGER_FIELD_KEY" in device.last_error
    assert device.failure_count == 0


def test_a_worker_gets_the_credentials_and_no_log_line_shows_them() -> None:
    controller = kept()
    (due,) = polling.claim_due(now=NOW).controllers
    assert due.endpoint.credentials == LOG_IN
    assert LOG_IN["password"] not in repr((due, secrets.open_secrets(controllers=[controller.pk])))


def test_a_row_moved_to_another_controller_does_not_open() -> None:
    kept()
    other = makers.make_controller(protocol="mqtt")
    ControllerSecret.objects.update(controller=other)
    with pytest.raises(secrets.SecretDoesNotOpen):
        secrets.open_secret(controller=other)


def test_credentials_of_a_former_protocol_are_not_used() -> None:
    controller = kept()
    Controller.objects.filter(pk=controller.pk).update(protocol="opc_ua")
    controller.refresh_from_db()
    with pytest.raises(secrets.SecretForAnotherProtocol):
        secrets.open_secret(controller=controller)


def test_the_history_tells_who_and_when_and_nothing_else() -> None:
    controller = kept()
    engineer = people.engineer()
    secrets.keep_secret(controller=controller, fields=LOG_IN | {"user": "other"}, by=engineer, now=NOW)
    latest = changes.changes_of(ControllerSecret.objects.get())[0]
    assert [field.name for field in latest.fields] == ["set by"]
    columns = {field.name for field in ControllerSecret.pgh_event_model._meta.fields}  # type: ignore[attr-defined]
    assert "sealed" not in columns


FORMS = {
    "snmp": {"version": "2c", "community": "hush-hush-hush"},
    "opc_ua": LOG_IN,
    "mqtt": LOG_IN | {"tls": "on"},
}


@pytest.mark.parametrize("protocol", FORMS)
def test_an_engineer_sets_credentials_that_no_page_shows(protocol: str) -> None:
    controller = makers.make_controller(protocol=protocol)
    client = client_of(people.engineer(full_name="Erika Example"))
    url = reverse("hosting:controller_secret_keep", args=[controller.pk])
    page = controller.get_absolute_url()
    assert "not set" in client.get(page).content.decode()
    assert client.post(url, FORMS[protocol]).status_code == 302
    assert "hush-hush-hush" in secrets.open_secret(controller=controller).values()
    texts = [client.get(address).content.decode() for address in (url, page, f"/api/v1/controllers/{controller.pk}/")]
    assert not [text for text in texts if "hush-hush-hush" in text]
    assert "Erika Example" in texts[1]
    assert client.post(reverse("hosting:controller_secret_forget", args=[controller.pk])).status_code == 302
    assert "not set" in client.get(page).content.decode()


def test_credentials_that_do_not_fit_are_refused_in_the_form_and_not_shown_again() -> None:
    controller = makers.make_controller(protocol="mqtt")
    url = reverse("hosting:controller_secret_keep", args=[controller.pk])
    text = client_of(people.engineer()).post(url, {"password": "hush-hush-hush"}).content.decode()
    assert "A user and a password go together." in text
    assert "hush-hush-hush" not in text


def test_the_signing_key_of_a_source_is_shown_once() -> None:
    controller = makers.make_controller(protocol="http_push", host="", port=None)
    client = client_of(people.engineer())
    url = reverse("hosting:controller_push_key", args=[controller.pk])
    answer = client.post(url)
    key = secrets.open_secret(controller=controller)["key"]
    assert key in answer.content.decode()
    assert answer["Cache-Control"] == "no-store"
    assert key not in client.get(url).content.decode() + client.get(controller.get_absolute_url()).content.decode()
    client.post(url)
    assert secrets.open_secret(controller=controller)["key"] != key


ROUTES = ("controller_secret_keep", "controller_secret_forget", "controller_push_key")


@pytest.mark.parametrize("route", ROUTES)
def test_only_engineers_and_administrators_reach_credentials(route: str) -> None:
    protocol = {"protocol": "http_push", "host": "", "port": None} if "push" in route else {"protocol": "mqtt"}
    controller = makers.make_controller(**protocol)
    cast = people.cast(granted=(controller.site,))
    url = reverse(f"hosting:{route}", args=[controller.pk])
    answers = {name: client_of(getattr(cast, name)).get(url).status_code for name in cast.__slots__}
    assert {name for name, status in answers.items() if status == 200} == {"administrator", "engineer"}
    assert {name for name, status in answers.items() if status == 403} == {
        "operator", "billing_clerk", "approver", "compliance_officer", "auditor", "offtaker",
    }  # fmt: skip
    assert {name for name, status in answers.items() if status == 404} == {"neighbor", "stranger"}
    page = client_of(cast.auditor).get(controller.get_absolute_url()).content.decode()
    assert url not in page


def test_a_protocol_that_asks_for_nothing_has_no_page_for_credentials() -> None:
    controller = makers.make_controller()
    client = client_of(people.engineer())
    for route in ("controller_secret_keep", "controller_push_key"):
        assert client.get(reverse(f"hosting:{route}", args=[controller.pk])).status_code == 404
    assert "Credentials" not in client.get(controller.get_absolute_url()).content.decode()
