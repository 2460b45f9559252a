"""The database remembers who changed what and why, also when nobody asked the application."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.urls import reverse

from accounts import history
from accounts.models import User
from accounts.queries import changes
from accounts.services import people as services
from tests.makers import accounts as people

pytestmark = pytest.mark.django_db


def latest(user: User) -> changes.Change:
    return changes.changes_of(user)[0]


def test_change_through_a_page_knows_who_why_and_which_request(client: Client) -> None:
    user = people.stranger(full_name="Before")
    client.force_login(user)
    values = {"full_name": "After", "locale": "en", "time_zone": "UTC", "theme": "auto"}
    client.post(reverse("accounts:profile"), values, headers={"X-Change-Reason": "Married"})
    change = latest(user)
    assert (str(change.what), change.who, change.why) == ("changed", user, "Married")
    assert change.request
    assert change.fields == (changes.FieldChange("full name", "Before", "After"),)


def test_change_outside_the_application_is_caught_and_has_no_name() -> None:
    user = people.stranger(full_name="Before")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET full_name = 'Intruder', is_superuser = TRUE WHERE id = %s", [user.pk])
    change = latest(user)
    assert change.who == changes.OUTSIDE
    assert {field.name: field.after for field in change.fields}["full name"] == "Intruder"
    assert {field.name for field in change.fields} == {"full name", "superuser status"}


def test_bulk_update_and_delete_are_recorded() -> None:
    one, other = people.stranger(), people.stranger()
    User.objects.filter(pk__in=[one.pk, other.pk]).update(theme=User.Theme.DARK)
    assert [latest(user).fields[0].after for user in (one, other)] == ["dark", "dark"]
    key = one.pk
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM account_emailaddress WHERE user_id = %s", [key])
        cursor.execute("DELETE FROM accounts_user WHERE id = %s", [key])
    labels = User.pgh_event_model.objects.filter(pgh_obj_id=key).order_by("pgh_id")  # type: ignore[attr-defined]
    assert labels.values_list("pgh_label", flat=True).last() == "deleted"


def test_work_in_the_background_names_itself() -> None:
    user, admin = people.stranger(), people.administrator()
    with history.reason("Yearly clean-up", by=admin):
        User.objects.filter(pk=user.pk).update(full_name="Renamed")
    assert (latest(user).who, latest(user).why) == (admin, "Yearly clean-up")


def test_roles_given_and_taken_are_in_the_history() -> None:
    user = people.stranger()
    with history.reason("New job"):
        services.change_roles(person=user, role_keys=["operator"], by=None, now=people.NOW)
        services.change_roles(person=user, role_keys=[], by=None, now=people.NOW)
    found = [change for change in changes.changes_of(user) if change.part]
    assert {str(change.what) for change in found} == {"created", "deleted"}
    assert "operator" in {field.after for change in found for field in change.fields}


def test_history_cannot_be_rewritten() -> None:
    user = people.stranger()
    events = User.pgh_event_model.objects.filter(pgh_obj_id=user.pk)  # type: ignore[attr-defined]
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        events.update(full_name="Nobody")
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        events.delete()


def test_passwords_are_not_in_the_history() -> None:
    user = people.stranger()
    names = {field.name for field in User.pgh_event_model._meta.fields}  # type: ignore[attr-defined]
    assert not names & {"password", "last_login"}
    count = len(changes.changes_of(user))
    user.set_password("another phrase")
    user.save()
    assert len(changes.changes_of(user)) == count


def test_history_takes_the_same_queries_for_few_and_many_changes(django_assert_max_num_queries: Any) -> None:
    user = people.stranger()
    counts = []
    for rounds in (2, 20):
        for number in range(rounds):
            with history.reason("again", by=user):
                User.objects.filter(pk=user.pk).update(full_name=f"Name {rounds}-{number}")
        with django_assert_max_num_queries(4) as captured:
            changes.changes_of(user)
        counts.append(len(captured))
    assert counts[0] == counts[1]


@pytest.mark.django_db(transaction=True)
def test_context_of_one_request_does_not_leak_into_the_next(client: Client) -> None:
    user = people.stranger()
    client.force_login(user)
    values = {"full_name": "After", "locale": "en", "time_zone": "UTC", "theme": "auto"}
    client.post(reverse("accounts:profile"), values)
    User.objects.filter(pk=user.pk).update(full_name="Later")
    assert latest(user).who == changes.OUTSIDE
