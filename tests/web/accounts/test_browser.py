"""What only a browser can show: passkeys, and that everyone can use the pages."""

import re
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from axe_playwright_python.sync_playwright import Axe
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.services import people as services
from tests.makers import accounts as people

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _no_attempts_so_far() -> None:
    cache.clear()


# Not the page with the form itself, which is already open when the button is pressed.
AFTER_ADDING = re.compile("recovery-codes|webauthn/$")


def give_a_key(page: Page) -> None:
    """Plug in an authenticator that answers by itself, as Chromium offers it to tests."""
    session: Any = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def log_in(page: Page, server: LiveServer, user: User) -> None:
    page.goto(server.url + reverse("account_login"))
    page.get_by_label("Email").fill(user.email)
    page.get_by_label("Password", exact=True).fill(people.PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    return [f"{rule['id']}: {rule['nodes'][0]['html']}" for rule in found.response["violations"]]


def test_operator_sets_up_a_passkey_and_logs_in_with_it_alone(live_server: LiveServer, page: Page) -> None:
    user = people.person("operator", enrolled=False)
    give_a_key(page)
    log_in(page, live_server, user)
    page.goto(live_server.url + reverse("accounts:profile"))
    expect(page).to_have_url(live_server.url + reverse("mfa_index"))
    page.goto(live_server.url + reverse("mfa_add_webauthn"))
    page.get_by_label("Passwordless").check()
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(AFTER_ADDING)
    assert Authenticator.objects.filter(user=user, type="webauthn").count() == 1
    page.goto(live_server.url + reverse("accounts:profile"))
    page.locator(".menu summary").click()
    page.get_by_role("button", name="Log out").click()
    page.goto(live_server.url + reverse("account_login"))
    page.get_by_role("button", name="Log in with a passkey").click()
    page.wait_for_url(re.compile(f"^{live_server.url}/(?!accounts/login)"))
    page.goto(live_server.url + reverse("accounts:profile"))
    expect(page.get_by_role("heading", level=1)).to_have_text("My profile")


def test_log_in_and_second_factor_pages_have_no_accessibility_violation(live_server: LiveServer, page: Page) -> None:
    user = people.person("operator", enrolled=False)
    page.goto(live_server.url + reverse("account_login"))
    assert violations(page) == []
    page.goto(live_server.url + reverse("account_reset_password"))
    assert violations(page) == []
    log_in(page, live_server, user)
    for name in ("mfa_index", "mfa_activate_totp", "mfa_add_webauthn"):
        page.goto(live_server.url + reverse(name))
        assert violations(page) == [], name


def test_pages_about_people_have_no_accessibility_violation(live_server: LiveServer, page: Page) -> None:
    admin, other = people.person("administrator", enrolled=False), people.operator()
    give_a_key(page)
    log_in(page, live_server, admin)
    page.goto(live_server.url + reverse("mfa_add_webauthn"))
    page.get_by_role("button", name="Add").click()
    page.wait_for_url(AFTER_ADDING)
    names = ["person_list", "invitation_list", "invitation_create", "audience_list", "audience_create", "profile"]
    addresses = [reverse(f"accounts:{name}") for name in names]
    addresses += [
        reverse(f"accounts:{name}", args=[other.pk])
        for name in ("person_detail", "person_roles", "person_access", "person_deactivate")
    ]
    for address in addresses:
        page.goto(live_server.url + address)
        assert violations(page) == [], address


def test_joining_proposes_the_time_zone_of_the_device(live_server: LiveServer, page: Page) -> None:
    key = services.first_administrator_key(now=timezone.now())
    page.goto(live_server.url + reverse("accounts:join", args=[key]))
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    assert violations(page) == []
