"""Every page of people, tried by the whole cast."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Audience, Job, User
from accounts.services import audiences, jobs
from tests.makers import accounts as people
from tests.makers import hosting as inventory

pytestmark = pytest.mark.django_db


def status(user: User | None, address: str) -> int:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client.get(address).status_code


ADMINISTRATION = [
    "accounts:person_list",
    "accounts:invitation_list",
    "accounts:invitation_create",
    "accounts:audience_list",
    "accounts:audience_create",
]


@pytest.mark.parametrize("name", ADMINISTRATION)
def test_administrator_reaches_the_pages_about_people(name: str) -> None:
    assert status(people.administrator(), reverse(name)) == 200


@pytest.mark.parametrize("name", ADMINISTRATION)
@pytest.mark.parametrize("role", ["operator", "engineer", "billing", "approver", "auditor", "offtaker-viewer", None])
def test_nobody_else_reaches_them(name: str, role: str | None) -> None:
    assert status(people.person(*([role] if role else [])), reverse(name)) == 403


@pytest.mark.parametrize("name", ADMINISTRATION)
def test_who_is_not_logged_in_is_asked_to(name: str) -> None:
    response = Client().get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


PERSON_PAGES = ["person_detail", "person_roles", "person_access", "person_deactivate", "person_reactivate"]


@pytest.mark.parametrize("name", PERSON_PAGES)
def test_pages_of_a_person_are_for_administrators(name: str) -> None:
    other = people.operator()
    address = reverse(f"accounts:{name}", args=[other.pk])
    cast = people.cast()
    assert status(cast.administrator, address) == 200
    for user in (cast.operator, cast.billing_clerk, cast.auditor, cast.offtaker, cast.neighbor, cast.stranger):
        assert status(user, address) == 404
    expected = 200 if name == "person_detail" else 403
    assert status(cast.compliance_officer, address) == expected


def test_everyone_has_a_profile() -> None:
    cast = people.cast()
    for user in (*cast.staff, cast.auditor, cast.offtaker, cast.stranger):
        assert status(user, reverse("accounts:profile")) == 200


def test_profile_changes_language_zone_and_theme(client: Client) -> None:
    user = people.stranger()
    client.force_login(user)
    values = {"full_name": "Ada", "locale": "de", "time_zone": "Europe/Berlin", "theme": "dark"}
    assert client.post(reverse("accounts:profile"), values).status_code == 302
    user.refresh_from_db()
    assert (user.full_name, user.locale, user.time_zone, user.theme) == tuple(values.values())
    page = client.get(reverse("accounts:profile"))
    assert page.headers["Content-Language"] == "de"
    assert 'data-bs-theme="dark"' in page.text


def test_profile_refuses_a_zone_that_does_not_exist(client: Client) -> None:
    client.force_login(people.stranger())
    values = {"full_name": "Ada", "locale": "en", "time_zone": "Mars/Olympus", "theme": "dark"}
    page = client.post(reverse("accounts:profile"), values)
    assert "Mars/Olympus" in page.text
    assert page.status_code == 200


def test_times_are_shown_in_the_zone_of_the_reader(client: Client) -> None:
    admin = people.administrator(time_zone="Asia/Kathmandu")
    client.force_login(admin)
    page = client.get(reverse("accounts:person_detail", args=[people.operator().pk]))
    assert "+0545" in page.text


@pytest.mark.parametrize("count", [2, 20])
def test_list_of_people_takes_the_same_queries_for_few_and_many(
    client: Client, count: int, django_assert_max_num_queries: Any
) -> None:
    for number in range(count):
        people.person("operator" if number % 2 else "auditor")
    client.force_login(people.administrator())
    client.get(reverse("accounts:person_list"))
    with django_assert_max_num_queries(12):
        page = client.get(reverse("accounts:person_list"))
    assert f"{count + 1}" in page.text


def test_list_of_people_filters_and_exports(client: Client) -> None:
    locked = people.operator(is_active=False, full_name="Lana Locked")
    people.auditor(full_name="Anna Auditor")
    client.force_login(people.administrator())
    page = client.get(reverse("accounts:person_list"), {"state": "locked", "role": "operator"})
    assert "Lana Locked" in page.text
    assert "Anna Auditor" not in page.text
    export = client.get(reverse("accounts:person_list"), {"export": "csv", "role": "operator"})
    text = b"".join(export).decode()
    assert locked.email in text
    assert "closed" in text
    assert len(text.splitlines()) == 2


def test_roles_change_on_a_page_and_show_in_the_history_with_the_reason(client: Client) -> None:
    admin, person = people.administrator(full_name="Boss"), people.stranger()
    client.force_login(admin)
    address = reverse("accounts:person_roles", args=[person.pk])
    values = {"role_keys": ["operator", "engineer"], "change_reason": "Joined the night shift"}
    assert client.post(address, values).status_code == 302
    assert User.objects.get(pk=person.pk).role_keys == ["operator", "engineer"]
    page = client.get(reverse("accounts:person_detail", args=[person.pk]))
    assert "Joined the night shift" in page.text
    assert "membership" in page.text
    assert "Boss" in page.text


def test_conflicting_roles_are_refused_in_the_form(client: Client) -> None:
    person = people.stranger()
    client.force_login(people.administrator())
    page = client.post(reverse("accounts:person_roles", args=[person.pk]), {"role_keys": ["billing", "approver"]})
    assert page.status_code == 200
    assert "duties are separated" in page.text
    assert User.objects.get(pk=person.pk).role_keys == []


def test_nobody_changes_their_own_roles(client: Client) -> None:
    admin = people.administrator()
    client.force_login(admin)
    page = client.post(reverse("accounts:person_roles", args=[admin.pk]), {"role_keys": ["operator"]})
    assert "Someone else must change your roles" in page.text


def test_locking_out_ends_the_session_at_once(client: Client) -> None:
    person, theirs = people.operator(), Client()
    theirs.force_login(person)
    assert theirs.get(reverse("accounts:profile")).status_code == 200
    client.force_login(people.administrator())
    address = reverse("accounts:person_deactivate", args=[person.pk])
    assert client.get(address).status_code == 200
    assert theirs.get(reverse("accounts:profile")).status_code == 200
    client.post(address, {"confirm": "yes"})
    assert theirs.get(reverse("accounts:profile")).status_code == 302
    client.post(reverse("accounts:person_reactivate", args=[person.pk]), {"confirm": "yes"})
    assert User.objects.get(pk=person.pk).is_active


def test_audience_is_made_changed_and_given_to_a_person(client: Client) -> None:
    site, other = inventory.make_site(), inventory.make_site()
    auditor = people.auditor()
    client.force_login(people.administrator())
    response = client.post(reverse("accounts:audience_create"), {"name": "Audit 2026", "site": [site.pk]})
    assert response.status_code == 302
    audience = Audience.objects.get(name="Audit 2026")
    client.post(reverse("accounts:person_access", args=[auditor.pk]), {"audiences": [audience.pk]})
    site_page = site.get_absolute_url()
    assert status(auditor, site_page) == 200
    client.post(reverse("accounts:audience_update", args=[audience.pk]), {"name": "Audit 2026", "site": [other.pk]})
    assert status(auditor, site_page) == 404
    assert status(auditor, other.get_absolute_url()) == 200


def test_audiences_of_one_name_are_refused(client: Client) -> None:
    audiences.create_audience(name="Pool", by=None, now=people.NOW)
    client.force_login(people.administrator())
    page = client.post(reverse("accounts:audience_create"), {"name": "pool"})
    assert "already an audience" in page.text


def test_last_day_of_access_is_included_in_the_zone_of_the_administrator(client: Client) -> None:
    auditor = people.auditor()
    client.force_login(people.administrator(time_zone="Europe/Berlin"))
    address = reverse("accounts:person_access", args=[auditor.pk])
    client.post(address, {"access_until": "2026-12-31"})
    auditor.refresh_from_db()
    assert auditor.access_until is not None
    assert auditor.access_until.isoformat() == "2026-12-31T23:00:00+00:00"
    assert 'value="2026-12-31"' in client.get(address).text


def test_job_is_seen_by_who_asked_and_by_administrators_only() -> None:
    cast = people.cast()
    job = jobs.queue(kind="test", title="Counting", by=cast.operator, now=people.NOW, total_count=4)
    jobs.start(job_id=job.pk, now=people.NOW)
    jobs.advance(job_id=job.pk, done_count=1, now=people.NOW, message="one")
    for name in ("job_detail", "job_progress", "job_cancel"):
        address = reverse(f"accounts:{name}", args=[job.pk])
        assert status(cast.operator, address) == 200
        assert status(cast.administrator, address) == 200
        for user in (cast.engineer, cast.auditor, cast.offtaker, cast.stranger):
            assert status(user, address) == 404


def test_job_is_cancelled_in_two_steps(client: Client) -> None:
    operator = people.operator()
    job = jobs.queue(kind="test", title="Counting", by=operator, now=people.NOW)
    client.force_login(operator)
    assert client.post(reverse("accounts:job_cancel", args=[job.pk]), {"confirm": "yes"}).status_code == 302
    assert Job.objects.get(pk=job.pk).state == Job.State.CANCELLED


def test_history_of_a_person_is_for_those_who_see_people() -> None:
    cast = people.cast()
    address = reverse("accounts:history", args=["accounts", "user", cast.operator.pk])
    assert status(cast.administrator, address) == 200
    for user in (cast.operator, cast.auditor, cast.offtaker, cast.stranger):
        assert status(user, address) == 404


@pytest.mark.parametrize(("app", "model"), [("auth", "group"), ("accounts", "nothing"), ("sessions", "session")])
def test_records_without_history_have_no_such_page(app: str, model: str) -> None:
    assert status(people.administrator(), reverse("accounts:history", args=[app, model, 1])) == 404


def test_grants_given_and_taken_back_are_in_the_history_of_the_audience(client: Client) -> None:
    site = inventory.make_site(name="Pool North")
    client.force_login(people.administrator(full_name="Boss"))
    client.post(reverse("accounts:audience_create"), {"name": "Audit 2026", "site": [site.pk]})
    audience = Audience.objects.get(name="Audit 2026")
    address = reverse("accounts:audience_update", args=[audience.pk])
    client.post(address, {"name": "Audit 2026", "change_reason": "The audit is over"})
    history = client.get(address).text.split("Change history", 1)[1]
    assert "Pool North" in history
    assert "deleted" in history
    assert "The audit is over" in history
    assert "Boss" in history


def test_history_of_a_site_is_for_those_who_see_the_site() -> None:
    site, other = inventory.make_site(), inventory.make_site()
    cast = people.cast(granted=(site,), neighbors=(other,))
    address = reverse("accounts:history", args=["hosting", "site", site.pk])
    for user in (cast.operator, cast.auditor, cast.offtaker):
        assert status(user, address) == 200
    for user in (cast.neighbor, cast.stranger):
        assert status(user, address) == 404
