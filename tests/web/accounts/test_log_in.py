"""Log-in, second factors, rate limits, and what keeps people out."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.core.checks import run_checks
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.services import demo
from tests.makers import accounts as people

pytestmark = pytest.mark.django_db

LOGIN = "account_login"


@pytest.fixture(autouse=True)
def _no_attempts_so_far() -> None:
    cache.clear()


def log_in(client: Client, email: str, password: str = people.PASSWORD) -> Any:
    return client.post(reverse(LOGIN), {"login": email, "password": password})


def code_now(secret: str = people.TOTP_SECRET) -> str:
    # The one in the middle: the oldest that is accepted may not be accepted any more when it arrives.
    counters = list(totp.yield_hotp_counters_from_time())
    counter = counters[len(counters) // 2]
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_people_log_in_by_address_however_it_is_written(client: Client) -> None:
    people.stranger(email="ada@example.org")
    assert log_in(client, "Ada@Example.ORG").status_code == 302
    assert is_in(client)


def test_log_in_page_has_labels_a_passkey_button_and_nothing_inline(client: Client) -> None:
    page = client.get(reverse(LOGIN)).text
    assert 'for="id_login"' in page
    assert 'id="passkey_login"' in page
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts
    assert all("src=" in script or "application/json" in script for script in scripts)


@pytest.mark.parametrize("fields", [{"is_active": False}, {"access_until": timezone.now() - timedelta(days=1)}])
def test_whose_access_has_ended_does_not_get_in(client: Client, fields: dict[str, Any]) -> None:
    user = people.auditor(**fields)
    log_in(client, user.email)
    assert not is_in(client)


def test_session_ends_when_access_ends(client: Client) -> None:
    auditor = people.auditor()
    client.force_login(auditor)
    assert client.get(reverse("accounts:profile")).status_code == 200
    User.objects.filter(pk=auditor.pk).update(access_until=timezone.now())
    assert client.get(reverse("accounts:profile")).status_code == 302


def test_guessing_one_password_is_stopped_whatever_the_address_it_comes_from(client: Client) -> None:
    user = people.stranger()
    for number in range(5):
        answer = client.post(
            reverse(LOGIN), {"login": user.email, "password": f"wrong {number}"}, REMOTE_ADDR=f"127.0.0.{number + 1}"
        )
        assert "Too many" not in answer.text
    answer = client.post(reverse(LOGIN), {"login": user.email, "password": people.PASSWORD}, REMOTE_ADDR="127.0.0.99")
    assert "Too many" in answer.text
    assert not is_in(client)


def test_trying_many_addresses_from_one_machine_is_stopped(client: Client) -> None:
    for number in range(10):
        log_in(client, f"nobody-{number}@example.org", "wrong")
    user = people.stranger()
    log_in(client, user.email)
    assert not is_in(client)


def test_sign_up_is_closed(client: Client) -> None:
    page = client.get(reverse("account_signup"))
    assert "<form" not in page.text.split("<main", 1)[1]
    values = {"email": "new@example.org", "password1": people.PASSWORD, "password2": people.PASSWORD}
    client.post(reverse("account_signup"), values)
    assert not User.objects.filter(email="new@example.org").exists()


def test_password_is_reset_by_e_mail(client: Client) -> None:
    user = people.stranger()
    client.post(reverse("account_reset_password"), {"email": user.email})
    (message,) = mail.outbox
    address = re.search(r"http://testserver(/\S+)", str(message.body))
    assert address
    page = client.get(address[1], follow=True)
    action = page.redirect_chain[-1][0]
    client.post(action, {"password1": "an entirely new phrase", "password2": "an entirely new phrase"})
    assert log_in(Client(), user.email, "an entirely new phrase").status_code == 302
    assert client.get(address[1], follow=True).status_code == 200
    assert "used" in client.get(address[1], follow=True).text


def test_password_reset_does_not_tell_who_is_known(client: Client) -> None:
    answer = client.post(reverse("account_reset_password"), {"email": "nobody@example.org"})
    assert answer.status_code == 302
    assert mail.outbox == []


def test_second_factor_is_asked_after_the_password(client: Client) -> None:
    user = people.operator()
    answer = log_in(client, user.email)
    assert answer["Location"] == reverse("mfa_authenticate")
    assert not is_in(client)
    page = client.post(reverse("mfa_authenticate"), {"code": "000000"})
    assert page.status_code == 200
    assert not is_in(client)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert is_in(client)


def test_recovery_code_works_once(client: Client) -> None:
    user = people.operator()
    code = RecoveryCodes.activate(user).generate_codes()[0]
    for expected in (True, False):
        browser = Client()
        log_in(browser, user.email)
        browser.post(reverse("mfa_authenticate"), {"code": code})
        assert is_in(browser) is expected


def test_secret_of_the_app_is_not_readable_in_the_database() -> None:
    user = people.operator()
    stored = Authenticator.objects.get(user=user).data["secret"]
    assert people.TOTP_SECRET not in stored
    assert totp.TOTP(Authenticator.objects.get(user=user)).validate_code(code_now())


@pytest.mark.parametrize("role", ["administrator", "operator", "engineer", "billing", "approver", "compliance"])
def test_staff_without_second_factor_get_to_no_page_but_its_set_up(client: Client, role: str) -> None:
    client.force_login(people.person(role, enrolled=False))
    for address in (reverse("accounts:profile"), reverse("hosting:site_list"), "/api/v1/sites/"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index"))
    assert client.get(reverse("mfa_index")).status_code == 200


@pytest.mark.parametrize("role", ["auditor", "offtaker-viewer", "offtaker-finance"])
def test_guests_need_no_second_factor(client: Client, role: str) -> None:
    client.force_login(people.person(role))
    assert client.get(reverse("accounts:profile")).status_code == 200


def test_programs_without_second_factor_are_refused_in_words(client: Client) -> None:
    client.force_login(people.person("operator", enrolled=False))
    answer = client.get(reverse("hosting:site_list"), headers={"Accept": "application/json"})
    assert answer.status_code == 403
    fragment = client.get(reverse("hosting:site_list"), headers={"HX-Request": "true"})
    assert fragment.headers["HX-Redirect"] == reverse("mfa_index")


def test_staff_set_up_an_app_and_go_on(client: Client) -> None:
    user = people.person("operator", enrolled=False)
    log_in(client, user.email)
    page = client.get(reverse("mfa_activate_totp"))
    assert 'class="qr"' in page.text
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_now(secret)})
    assert client.get(reverse("accounts:profile")).status_code == 200


def test_removing_the_last_factor_sends_staff_back_to_set_up(client: Client) -> None:
    user = people.operator()
    log_in(client, user.email)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(reverse("accounts:profile")).status_code == 200
    client.post(reverse("mfa_deactivate_totp"))
    assert client.get(reverse("accounts:profile")).status_code == 302


def test_passkey_page_offers_what_the_browser_needs(client: Client) -> None:
    user = people.operator()
    log_in(client, user.email)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    page = client.get(reverse("mfa_add_webauthn"))
    data = re.search(r'<script id="js_data" type="application/json">(.*?)</script>', page.text, re.DOTALL)
    assert data
    options = json.loads(data[1])
    assert options["creation_options"]["publicKey"]["rp"]["id"] == "testserver"


PAGES = ["mfa_index", "mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn", "account_change_password"]


@pytest.mark.parametrize("name", [*PAGES, "mfa_generate_recovery_codes", "account_email", "account_logout"])
def test_pages_of_allauth_wear_our_look(client: Client, name: str) -> None:
    user = people.person("operator", enrolled=name != "mfa_activate_totp")
    log_in(client, user.email)
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    page = client.get(reverse(name))
    assert page.status_code == 200
    assert "css/portal.css" in page.text
    assert "<h1>" in page.text
    assert "Menu:" not in page.text


class TestDemoShortCut:
    @pytest.fixture
    def operator(self) -> User:
        return people.person("operator", enrolled=False)

    def test_marked_database_and_environment_together_open_it(self, client: Client, settings: Any) -> None:
        settings.DEMO = True
        demo.mark_as_demo(now=people.NOW)
        client.force_login(people.person("operator", enrolled=False))
        page = client.get(reverse("accounts:profile"))
        assert page.status_code == 200
        assert "without a second factor" in page.text

    def test_environment_alone_does_not(self, client: Client, settings: Any, operator: User) -> None:
        settings.DEMO = True
        client.force_login(operator)
        assert client.get(reverse("accounts:profile")).status_code == 302

    def test_mark_alone_does_not(self, client: Client, settings: Any) -> None:
        settings.DEMO = False
        demo.mark_as_demo(now=people.NOW)
        client.force_login(people.person("operator", enrolled=False))
        assert client.get(reverse("accounts:profile")).status_code == 302

    def test_taking_the_environment_away_closes_open_sessions(self, client: Client, settings: Any) -> None:
        settings.DEMO = True
        demo.mark_as_demo(now=people.NOW)
        client.force_login(people.person("operator", enrolled=False))
        assert client.get(reverse("accounts:profile")).status_code == 200
        settings.DEMO = False
        assert client.get(reverse("accounts:profile")).status_code == 302

    def test_database_with_people_takes_no_mark(self, operator: User) -> None:
        with pytest.raises(demo.DatabaseIsInUse):
            demo.mark_as_demo(now=people.NOW)
        assert not demo.is_marked()

    def test_check_refuses_to_start_on_a_database_in_use(self, settings: Any, operator: User) -> None:
        settings.DEMO = True
        found = run_checks(tags=["database"], databases=["default"])
        assert "accounts.E001" in {message.id for message in found}
        settings.DEMO = False
        assert not run_checks(tags=["database"], databases=["default"])

    def test_check_lets_the_demo_start(self, settings: Any) -> None:
        settings.DEMO = True
        demo.mark_as_demo(now=people.NOW)
        people.operator()
        assert not run_checks(tags=["database"], databases=["default"])

    def test_check_refuses_to_deploy_the_demo_for_others(self, settings: Any) -> None:
        settings.DEMO, settings.ALLOWED_HOSTS = True, ["heat.example.org"]
        found = run_checks(include_deployment_checks=True)
        assert "accounts.E002" in {message.id for message in found}
