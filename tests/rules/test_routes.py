"""Rules of the routes: closed by default, and no address that breaks."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import get_converters

# Open to everyone, and why.
OPEN = {
    "healthz": "load balancers have no account; names parts, no details",
    "healthz_workers": "monitoring has none either",
    "account_login": "the door",
    "account_signup": "says that sign-up is by invitation",
    "account_inactive": "a sentence",
    "account_reset_password": "for those who forgot it",
    "account_reset_password_done": "a sentence",
    "account_reset_password_from_key": "the key in the address is the right",
    "account_reset_password_from_key_done": "a sentence",
    "account_confirm_email": "the key in the address is the right",
    "account_email_verification_sent": "a sentence",
    "accounts:join": "the key in the address is the right",
    "mfa_login_webauthn": "a challenge for a key that only its owner can answer",
}
SAMPLES: dict[str, Any] = {
    "int": 1,
    "str": "x",
    "slug": "x",
    "uuid": UUID("00000000-0000-4000-8000-000000000001"),
    "path": "x",
}
REFUSED = {301, 302, 401, 403, 404, 405}


def routes(
    patterns: list[Any], namespace: str = "", converters: dict[str, Any] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the name of every route with the parameters its address needs."""
    for pattern in patterns:
        needed = {**(converters or {}), **pattern.pattern.converters}
        needed |= {name: None for name in pattern.pattern.regex.groupindex if name not in needed}
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern.url_patterns, inner, needed)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield f"{namespace}{pattern.name}", needed


def sample_of(converter: Any) -> Any:
    kinds = {type(known): name for name, known in get_converters().items()}
    return SAMPLES.get(kinds.get(type(converter), "str"), "x")


def address_of(name: str, needed: dict[str, Any]) -> str | None:
    values = {key: sample_of(converter) for key, converter in needed.items() if key != "format"}
    try:
        return reverse(name, kwargs=values)
    except NoReverseMatch:
        # A pattern that takes no such value.
        return None


def addresses() -> list[tuple[str, str]]:
    found = {(name, address_of(name, needed)) for name, needed in routes(get_resolver().url_patterns)}
    return sorted((name, address) for name, address in found if address is not None)


@pytest.mark.django_db
def test_a_stranger_is_sent_to_the_log_in_everywhere_else_than_at_the_door(client: Client) -> None:
    answers = {name: client.get(address).status_code for name, address in addresses() if name not in OPEN}
    assert len(answers) > 20
    assert {name: status for name, status in answers.items() if status not in REFUSED} == {}


@pytest.mark.django_db
def test_no_address_breaks_for_a_person_without_any_right(client: Client) -> None:
    person = get_user_model().objects.create_user(email="nobody@example.org", password="no rights at all")
    client.force_login(person)
    client.raise_request_exception = False
    answers = {name: client.get(address).status_code for name, address in addresses()}
    broken = {name: status for name, status in answers.items() if status >= 500 and not name.startswith("healthz")}
    assert broken == {}
