"""How programs come in, and how refusals reach them and people."""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import include, path, reverse
from django.utils import timezone
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import ApiToken, User
from accounts.queries import changes
from accounts.services import tokens
from kernel.csvfiles import ColumnIsMissing
from kernel.errors import Refusal
from tests.makers import accounts as people
from tests.makers import hosting as inventory

pytestmark = pytest.mark.django_db


class MeterHasNoSeal(Refusal):
    """The meter has no seal."""


@api_view(["GET", "POST"])
def refusing_api(request: Request) -> Response:
    User.objects.filter(email=request.user.get_username()).update(full_name="Half done")
    if request.method == "POST":
        return Response({"by": str(request.user)})
    raise MeterHasNoSeal("The meter has no seal.")


def refusing_page(request: HttpRequest) -> HttpResponse:
    raise ColumnIsMissing(column="serial", found="a, b")


urlpatterns = [
    path("refusing-api/", refusing_api),
    path("refusing-page/", refusing_page),
    path("", include("portal.urls")),
]
with_refusals = override_settings(ROOT_URLCONF=__name__)


def make_key(user: User, scope: str = "read", **age: int) -> str:
    now = timezone.now() - timedelta(**age)
    return tokens.issue_token(
        user=user, name="reporting", scope=scope, expires_at=now + timedelta(days=30), by=user, now=now
    )[1]


def ask(key: str, address: str = "/refusing-api/", method: str = "post") -> Any:
    return getattr(Client(), method)(address, headers={"Authorization": f"Token {key}"})


def test_key_is_made_on_the_profile_and_shown_once(client: Client) -> None:
    site = inventory.make_site()
    user = people.auditor(site)
    client.force_login(user)
    last = (timezone.now() + timedelta(days=10)).date().isoformat()
    page = client.post(reverse("accounts:token_create"), {"name": "Spreadsheet", "scope": "read", "expires_at": last})
    key = page.context["key"]
    assert page.headers["Cache-Control"] == "no-store"
    assert key not in client.get(reverse("accounts:profile")).text
    assert key not in str(ApiToken.objects.values().get())
    answer = ask(key, "/api/v1/sites/", "get")
    assert answer.status_code == 200
    assert answer.json()["count"] == 1


def test_key_sees_what_its_person_sees() -> None:
    inventory.make_site()
    assert ask(make_key(people.operator()), "/api/v1/sites/", "get").json()["count"] == 1
    assert ask(make_key(people.auditor()), "/api/v1/sites/", "get").json()["count"] == 0


@with_refusals
def test_reading_key_does_not_write() -> None:
    user = people.operator()
    assert ask(make_key(user)).status_code == 403
    assert ask(make_key(user, "write")).status_code == 200


@pytest.mark.django_db(transaction=True)
@with_refusals
def test_change_with_a_key_is_recorded_under_its_person() -> None:
    user = people.operator()
    ask(make_key(user, "write"))
    change = changes.changes_of(user)[0]
    assert change.who == user
    assert change.fields[0].after == "Half done"


@pytest.mark.parametrize("key", ["invented", "", "two words"])
def test_invented_key_is_refused(key: str) -> None:
    answer = ask(key, "/api/v1/sites/", "get")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Token"


def test_expired_key_is_refused() -> None:
    assert ask(make_key(people.operator(), days=31), "/api/v1/sites/", "get").status_code == 401


def test_revoked_key_is_refused(client: Client) -> None:
    user = people.operator()
    key = make_key(user)
    token = ApiToken.objects.get()
    stranger = Client()
    stranger.force_login(people.stranger())
    address = reverse("accounts:token_revoke", args=[token.pk])
    assert stranger.post(address, {"confirm": "yes"}).status_code == 404
    client.force_login(user)
    client.post(address, {"confirm": "yes"})
    assert ask(key, "/api/v1/sites/", "get").status_code == 401


@pytest.mark.parametrize("fields", [{"is_active": False}, {"access_until": timezone.now()}])
def test_key_of_someone_who_left_is_refused(fields: dict[str, Any]) -> None:
    user = people.operator()
    key = make_key(user)
    User.objects.filter(pk=user.pk).update(**fields)
    assert ask(key, "/api/v1/sites/", "get").status_code == 401


@pytest.mark.parametrize("days", [0, -1, 400])
def test_key_ends_within_a_year(days: int) -> None:
    user = people.operator()
    end = people.NOW + timedelta(days=days)
    with pytest.raises(tokens.KeyLastsTooLong):
        tokens.issue_token(user=user, name="x", scope="read", expires_at=end, by=user, now=people.NOW)


def test_use_of_a_key_is_noted_by_day() -> None:
    key = make_key(people.operator())
    ask(key, "/api/v1/sites/", "get")
    assert ApiToken.objects.get().last_used_on == timezone.now().date()


def test_without_key_or_session_the_api_answers_401() -> None:
    assert Client().get("/api/v1/sites/").status_code == 401


@with_refusals
def test_refusal_in_the_api_is_409_with_code_and_detail() -> None:
    user = people.operator(full_name="Before")
    answer = ask(make_key(user), method="get")
    assert answer.status_code == 409
    assert answer.json() == {"code": "meter_has_no_seal", "detail": "The meter has no seal."}


@with_refusals
def test_refusal_that_no_form_shows_becomes_a_page(client: Client) -> None:
    client.force_login(people.operator())
    page = client.get("/refusing-page/")
    assert page.status_code == 409
    assert "no column “serial”; it has: a, b" in page.text
    assert "column_is_missing" in page.text
