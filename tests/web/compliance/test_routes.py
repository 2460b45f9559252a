"""Who reaches which compliance page."""

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from hosting.models import Site
from tests.makers import accounts, compliance, contracts, hosting
from tests.makers.accounts import Cast

pytestmark = pytest.mark.django_db

LISTS = [
    "overview",
    "task_list",
    "plan_list",
    "circuit_list",
    "sample_list",
    "limit_list",
    "permit_list",
    "incident_list",
    "document_list",
    "pack_list",
]
MAKERS = compliance.BY_NOUN
FORMS = {
    "task_create": "compliance.add_task",
    "plan_create": "compliance.add_maintenanceplan",
    "circuit_create": "compliance.add_watercircuit",
    "limit_create": "compliance.add_waterlimit",
    "permit_create": "compliance.add_permit",
    "incident_create": "compliance.add_incident",
    "document_create": "compliance.add_document",
    "pack_create": "compliance.build_auditpack",
    "pack_verify": "compliance.verify_auditpack",
}
STEPS = {
    "task": {"task_complete", "task_cancel"},
    "plan": {"plan_update"},
    "circuit": {"circuit_update", "sample_create"},
    "permit": {"permit_update", "permit_renew", "permit_end", "condition_create"},
    "incident": {"incident_entry", "incident_classify", "incident_report", "incident_close"},
    "document": {"document_replace"},
}
API = {
    "task": "task",
    "plan": "maintenanceplan",
    "circuit": "watercircuit",
    "sample": "watersample",
    "permit": "permit",
    "incident": "incident",
    "document": "document",
}


@pytest.fixture
def place() -> Site:
    return hosting.make_site(code="here")


@pytest.fixture
def people(place: Site) -> Cast:
    contract = contracts.make_contract(delivery_point=hosting.make_delivery_point(place))
    return accounts.cast(granted=(place, contract), neighbors=(hosting.make_site(),))


def status(user: User, name: str, *args: object) -> int:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse(f"compliance:{name}", args=args))
    if answer.streaming:
        b"".join(answer)  # read to its end, so that the file is closed
    return answer.status_code


@pytest.mark.parametrize("name", LISTS)
def test_staff_and_auditors_open_each_list_and_nobody_else(name: str, people: Cast) -> None:
    assert {status(user, name) for user in (*people.staff, people.auditor)} == {200}
    assert {status(user, name) for user in (people.offtaker, people.neighbor, people.stranger)} == {403}


@pytest.mark.parametrize("noun", MAKERS)
def test_a_record_is_seen_with_its_site_and_hidden_without(noun: str, people: Cast, place: Site) -> None:
    here, elsewhere = MAKERS[noun](place), MAKERS[noun](hosting.make_site())
    assert {status(user, f"{noun}_detail", here.pk) for user in (*people.staff, people.auditor)} == {200}
    assert status(people.auditor, f"{noun}_detail", elsewhere.pk) == 404
    # The offtaker's role gives no compliance record, not even at a site that is granted.
    assert status(people.offtaker, f"{noun}_detail", here.pk) == 403
    assert {status(user, f"{noun}_detail", here.pk) for user in (people.neighbor, people.stranger)} == {404}


@pytest.mark.parametrize("noun", MAKERS)
def test_lists_hold_only_what_is_granted(noun: str, people: Cast, place: Site) -> None:
    for site in (place, hosting.make_site()):
        MAKERS[noun](site)
    counts = {}
    for user in (people.auditor, people.operator):
        client = Client()
        client.force_login(user)
        counts[user] = client.get(reverse(f"compliance:{noun}_list")).context["row_count"]
    assert counts == {people.auditor: 1, people.operator: 2}


@pytest.mark.parametrize("name", FORMS)
def test_forms_open_for_those_whose_role_says_so(name: str, people: Cast) -> None:
    for user in (*people.staff, people.auditor, people.offtaker, people.stranger):
        assert status(user, name) == (200 if user.has_perm(FORMS[name]) else 403), user
    assert status(people.compliance_officer, name) == 200


@pytest.mark.parametrize(("noun", "step"), [(noun, step) for noun, steps in STEPS.items() for step in sorted(steps)])
def test_steps_open_for_the_compliance_officer_and_never_for_readers(
    noun: str, step: str, people: Cast, place: Site
) -> None:
    row = MAKERS[noun](place)
    assert status(people.compliance_officer, step, row.pk) == 200
    assert {status(user, step, row.pk) for user in (people.auditor, people.offtaker)} == {403}
    assert {status(user, step, row.pk) for user in (people.neighbor, people.stranger)} == {404}


@pytest.mark.parametrize("noun", ["task", "plan", "sample", "circuit", "permit", "incident"])
def test_evidence_is_attached_to_records_that_one_may_see(noun: str, people: Cast, place: Site) -> None:
    row = MAKERS[noun](place)
    assert status(people.operator, "attach", noun, row.pk) == 200
    assert status(people.auditor, "attach", noun, row.pk) == 403
    assert status(people.neighbor, "attach", noun, row.pk) == 404


def test_evidence_is_not_attached_to_what_is_no_record(people: Cast, place: Site) -> None:
    assert status(people.operator, "attach", "site", place.pk) == 404


def test_a_file_is_handed_only_to_those_who_see_its_site(people: Cast, place: Site) -> None:
    document = compliance.make_document(place)
    assert {status(user, "document_file", document.pk) for user in (people.operator, people.auditor)} == {200}
    assert status(people.offtaker, "document_file", document.pk) == 403
    assert {status(user, "document_file", document.pk) for user in (people.neighbor, people.stranger)} == {404}


def test_nobody_without_a_login_gets_past_the_door(place: Site) -> None:
    task = compliance.make_task(place)
    for url in (reverse("compliance:overview"), task.get_absolute_url(), reverse("compliance:pack_verify")):
        answer = Client().get(url)
        assert answer.status_code == 302
        assert "login" in answer["Location"]


def test_time_boxed_access_ends(people: Cast, place: Site) -> None:
    task = compliance.make_task(place)
    User.objects.filter(pk=people.auditor.pk).update(access_until=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    assert status(User.objects.get(pk=people.auditor.pk), "task_detail", task.pk) in {302, 403, 404}


@pytest.mark.parametrize("noun", API)
def test_the_api_shows_what_the_pages_show(noun: str, people: Cast, place: Site) -> None:
    here, elsewhere = MAKERS[noun](place), MAKERS[noun](hosting.make_site())
    client = Client()
    client.force_login(people.auditor)
    listed = client.get(reverse(f"api:{API[noun]}-list")).json()
    assert [row["id"] for row in listed["results"]] == [here.pk]
    assert client.get(reverse(f"api:{API[noun]}-detail", args=[elsewhere.pk])).status_code == 404
    assert client.post(reverse(f"api:{API[noun]}-list"), {}).status_code == 403
    client.force_login(people.offtaker)
    assert client.get(reverse(f"api:{API[noun]}-list")).status_code == 403
