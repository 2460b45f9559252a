"""How people come in."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, User
from accounts.services import people as services
from tests.makers import accounts as people
from tests.makers import hosting as inventory

pytestmark = pytest.mark.django_db

ANSWERS = {
    "full_name": "Ada Lovelace",
    "time_zone": "Europe/London",
    "password": "a rather long phrase",
    "password_again": "a rather long phrase",
}


def invite(capture: Any, admin: User | None = None, **values: Any) -> str:
    """The address in the e-mail that the invitation sends."""
    client = Client()
    client.force_login(admin or people.administrator())
    with capture(execute=True):
        answer = client.post(
            reverse("accounts:invitation_create"),
            {"email": "ada@example.org", "role_keys": ["operator"], **values},
        )
    assert answer.status_code == 302, answer.context["form"].errors
    (message,) = mail.outbox
    assert message.to == [values.get("email", "ada@example.org")]
    found = re.search(r"http://testserver(/join/\S+)", str(message.body))
    assert found
    return found[1]


def test_invited_person_joins_with_roles_and_audiences_and_is_in(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    site = inventory.make_site()
    auditor = people.auditor(site)
    audience = auditor.groups.get(audience__isnull=False).audience
    link = invite(django_capture_on_commit_callbacks, role_keys=["auditor"], audiences=[audience.pk])
    page = client.get(link)
    assert "ada@example.org" in page.text
    assert client.post(link, ANSWERS).status_code == 302
    ada = User.objects.get(email="ada@example.org")
    assert (ada.full_name, ada.time_zone, ada.role_keys) == ("Ada Lovelace", "Europe/London", ["auditor"])
    assert client.get(reverse("accounts:profile")).status_code == 200
    assert client.get(site.get_absolute_url()).status_code == 200


def test_staff_who_join_are_led_to_their_second_factor(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    link = invite(django_capture_on_commit_callbacks)
    client.post(link, ANSWERS)
    assert client.get(reverse("accounts:profile"))["Location"] == reverse("mfa_index")
    assert client.get(reverse("mfa_activate_totp")).status_code == 200


def test_link_works_once(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    link = invite(django_capture_on_commit_callbacks)
    client.post(link, ANSWERS)
    again = Client()
    assert again.get(link).status_code == 409
    assert again.post(link, {**ANSWERS, "full_name": "Eve"}).status_code == 409
    assert User.objects.filter(full_name="Eve").count() == 0


def test_link_expires(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    link = invite(django_capture_on_commit_callbacks)
    with time_machine.travel(timezone.now() + timedelta(days=7, seconds=1), tick=False):
        page = client.get(link)
    assert page.status_code == 409
    assert "does not work any more" in page.text


def test_revoked_link_does_not_work(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    admin = people.administrator()
    link = invite(django_capture_on_commit_callbacks, admin)
    invitation = Invitation.objects.get(email="ada@example.org")
    office = Client()
    office.force_login(admin)
    office.post(reverse("accounts:invitation_revoke", args=[invitation.pk]), {"confirm": "yes"})
    assert client.get(link).status_code == 409
    assert "revoked" in office.get(reverse("accounts:invitation_list")).text


def test_second_invitation_replaces_the_first(client: Client, django_capture_on_commit_callbacks: Any) -> None:
    first = invite(django_capture_on_commit_callbacks)
    mail.outbox.clear()
    second = invite(django_capture_on_commit_callbacks)
    assert client.get(first).status_code == 409
    assert client.get(second).status_code == 200


def test_invented_link_does_not_work(client: Client) -> None:
    assert client.get(reverse("accounts:join", args=["invented"])).status_code == 409


def test_key_is_not_stored(django_capture_on_commit_callbacks: Any) -> None:
    link = invite(django_capture_on_commit_callbacks)
    key = link.rstrip("/").rsplit("/", 1)[1]
    row = Invitation.objects.filter(email="ada@example.org").values().get()
    assert key not in str(row)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"password": "short", "password_again": "short"}, "too short"),
        ({"password_again": "something else entirely"}, "differ"),
        ({"password": "ada@example.org", "password_again": "ada@example.org"}, "similar"),
        ({"time_zone": "Mars/Olympus"}, "IANA"),
        ({"full_name": ""}, "required"),
    ],
)
def test_answers_that_will_not_do_are_explained(
    client: Client, django_capture_on_commit_callbacks: Any, values: dict[str, str], words: str
) -> None:
    link = invite(django_capture_on_commit_callbacks)
    page = client.post(link, {**ANSWERS, **values})
    assert page.status_code == 200
    assert words in page.text
    assert not User.objects.filter(email="ada@example.org").exists()


def test_who_is_in_already_is_not_invited(client: Client) -> None:
    known = people.stranger()
    client.force_login(people.administrator())
    values = {"email": known.email.upper(), "role_keys": ["operator"]}
    page = client.post(reverse("accounts:invitation_create"), values)
    assert "already in the portal" in page.text
    assert mail.outbox == []


def test_conflicting_roles_are_not_offered_to_anyone(client: Client) -> None:
    client.force_login(people.administrator())
    values = {"email": "ada@example.org", "role_keys": ["billing", "approver"]}
    assert "duties are separated" in client.post(reverse("accounts:invitation_create"), values).text


def first_link() -> str:
    out = StringIO()
    call_command("first_admin_link", "--base-url", "https://heat.example.org/", stdout=out)
    found = re.search(r"https://heat\.example\.org(/join/\S+)", out.getvalue())
    return found[1] if found else ""


def test_first_administrator_comes_in_by_a_printed_link(client: Client) -> None:
    link = first_link()
    assert "first administrator" in client.get(link).text
    client.post(link, {**ANSWERS, "email": "Boss@Example.org"})
    boss = User.objects.get()
    assert (boss.email, boss.role_keys, boss.is_superuser) == ("boss@example.org", ["administrator"], False)


def test_newer_first_link_replaces_the_older(client: Client) -> None:
    older, newer = first_link(), first_link()
    assert client.get(older).status_code == 409
    assert client.get(newer).status_code == 200


def test_there_is_no_first_link_once_someone_is_in() -> None:
    people.stranger()
    assert first_link() == ""


def test_first_link_is_worthless_once_someone_is_in(client: Client) -> None:
    link = first_link()
    people.stranger()
    page = client.post(link, {**ANSWERS, "email": "late@example.org"})
    assert "has people already" in page.text
    assert not User.objects.filter(email="late@example.org").exists()


def test_first_link_expires_within_a_day(client: Client) -> None:
    link = first_link()
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        assert client.get(link).status_code == 409


def test_unknown_role_is_refused() -> None:
    with pytest.raises(services.UnknownRole):
        services.change_roles(person=people.stranger(), role_keys=["emperor"], by=None, now=people.NOW)
