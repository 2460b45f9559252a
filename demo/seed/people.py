"""The people of the demo: one for each role, with random passwords kept beside the data."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.db import transaction

from accounts.models import User
from accounts.services import people

_ALPHABET: Final = "abcdefghijkmnpqrstuvwxyz23456789"
_AUDITOR_STAYS: Final = timedelta(days=90)
LOGINS_FILE: Final = "demo_logins.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone who can log in to the demo."""

    email: str
    full_name: str
    role: str
    time_zone: str = "Europe/Berlin"
    audience: str = ""


PROVIDER_DOMAIN: Final = "brightloop.example"
PEOPLE: Final[tuple[Person, ...]] = (
    Person(email=f"admin@{PROVIDER_DOMAIN}", full_name="Ada Brandt", role="administrator"),
    Person(email=f"operator@{PROVIDER_DOMAIN}", full_name="Oskar Lind", role="operator"),
    Person(email=f"engineer@{PROVIDER_DOMAIN}", full_name="Elif Demir", role="engineer"),
    Person(email=f"billing@{PROVIDER_DOMAIN}", full_name="Bea Novak", role="billing"),
    Person(email=f"approver@{PROVIDER_DOMAIN}", full_name="Anton Ferro", role="approver"),
    Person(email=f"compliance@{PROVIDER_DOMAIN}", full_name="Carla Meier", role="compliance"),
    Person(email="auditor@prooftree.example", full_name="Aino Salo", role="auditor", audience="Prooftree Audit"),
    Person(
        email="pool@lindenufer.example", full_name="Paul Krause", role="offtaker-viewer", audience="Stadtbad Lindenufer"
    ),
    Person(
        email="finance@lindenufer.example",
        full_name="Fatma Yilmaz",
        role="offtaker-finance",
        audience="Stadtbad Lindenufer",
    ),
    Person(
        email="kas@delier.example",
        full_name="Koen Visser",
        role="offtaker-finance",
        time_zone="Europe/Amsterdam",
        audience="Kwekerij De Lier",
    ),
    Person(
        email="network@airequay.example",
        full_name="Nia Hughes",
        role="offtaker-finance",
        time_zone="Europe/London",
        audience="Aire Quay Heat Network",
    ),
)


@dataclass(frozen=True, slots=True)
class Login:
    """What a person types to get in."""

    role: str
    email: str
    password: str

    def __str__(self) -> str:
        return f"{self.role:<17} {self.email:<30} {self.password}"


@transaction.atomic
def ensure_people(*, var: Path, now: datetime) -> list[Login]:
    """The log-ins of all demo people; passwords that nobody knows any more are drawn anew."""
    known = _read(var / LOGINS_FILE)
    logins = [_ensure_person(person, known.get(person.email, ""), now) for person in PEOPLE]
    _write(var / LOGINS_FILE, logins)
    return logins


def account_of(role: str) -> User:
    """The first demo person of a role."""
    email = next(person.email for person in PEOPLE if person.role == role)
    return User.objects.get(email=email)


def _ensure_person(person: Person, password: str, now: datetime) -> Login:
    user = User.objects.filter(email=person.email).first()
    if user is None:
        password = new_password()
        user = User.objects.create_user(
            person.email,
            password,
            full_name=person.full_name,
            time_zone=person.time_zone,
            access_until=now + _AUDITOR_STAYS if person.role == "auditor" else None,
        )
        people.change_roles(person=user, role_keys=[person.role], by=None, now=now)
    elif not password:
        password = new_password()
        user.set_password(password)
        user.save(update_fields=["password"])
    return Login(person.role, person.email, password)


def new_password() -> str:
    """Four groups of letters and digits that are not mistaken for one another."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4))


def _read(path: Path) -> dict[str, str]:
    """Passwords by e-mail address."""
    if not path.is_file():
        return {}
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3}


def _write(path: Path, logins: list[Login]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{login}\n" for login in logins)
    path.chmod(0o600)
