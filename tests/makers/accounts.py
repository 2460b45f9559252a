"""The cast: people for tests, each with what their role gives and nothing more."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from typing import Any

from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import models

from accounts.models import Audience, User
from accounts.services import audiences

TOTP_SECRET = "JBSWY3DPEHPK3PXP"
PASSWORD = "correct horse battery staple"
NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_numbers = count(1)


@lru_cache(maxsize=1)
def _hashed() -> str:
    return make_password(PASSWORD)


def person(*roles: str, sees: tuple[models.Model, ...] = (), enrolled: bool = True, **fields: Any) -> User:
    """A person with the roles, who sees the anchors granted here; logs in with `PASSWORD`.

    Staff have a second factor unless `enrolled` is False, so that `client.force_login` leads to every page.
    """
    fields.setdefault("email", f"{roles[0] if roles else 'stranger'}-{next(_numbers)}@example.org")
    fields.setdefault("full_name", fields["email"].split("@", maxsplit=1)[0].replace("-", " ").title())
    user = User.objects.create_user(**fields)
    User.objects.filter(pk=user.pk).update(password=_hashed())
    user.groups.set(Group.objects.filter(name__in=roles))
    if sees:
        grant(user, *sees)
    if enrolled and user.is_staff_member:
        TOTP.activate(user, TOTP_SECRET)
    return User.objects.get(pk=user.pk)


def grant(user: User, *anchors: models.Model) -> Audience:
    """An audience of the user alone that sees the anchors."""
    audience = audiences.create_audience(name=f"audience {next(_numbers)}", by=None, now=NOW)
    audiences.grant(audience=audience, anchors=anchors, by=None, now=NOW)
    user.groups.add(audience.group)
    return audience


def administrator(**fields: Any) -> User:
    """Invites people, keeps sites, contracts and prices."""
    return person("administrator", **fields)


def operator(**fields: Any) -> User:
    """Watches the plant."""
    return person("operator", **fields)


def engineer(**fields: Any) -> User:
    """Builds sites and sets limits."""
    return person("engineer", **fields)


def billing_clerk(**fields: Any) -> User:
    """Drafts and issues invoices."""
    return person("billing", **fields)


def approver(**fields: Any) -> User:
    """Approves credits and corrections."""
    return person("approver", **fields)


def compliance_officer(**fields: Any) -> User:
    """Keeps duties and builds packs."""
    return person("compliance", **fields)


def auditor(*sees: models.Model, **fields: Any) -> User:
    """Reads what is granted, and nothing else."""
    return person("auditor", sees=sees, **fields)


def offtaker_viewer(*sees: models.Model, **fields: Any) -> User:
    """Sees the heat of the granted contracts."""
    return person("offtaker-viewer", sees=sees, **fields)


def offtaker_finance(*sees: models.Model, **fields: Any) -> User:
    """Sees the invoices of the granted contracts as well."""
    return person("offtaker-finance", sees=sees, **fields)


def stranger(**fields: Any) -> User:
    """Logs in and may do nothing."""
    return person(**fields)


@dataclass(frozen=True, slots=True)
class Cast:
    """Everyone a route is tried with."""

    administrator: User
    operator: User
    engineer: User
    billing_clerk: User
    approver: User
    compliance_officer: User
    auditor: User
    offtaker: User
    neighbor: User
    stranger: User

    @property
    def staff(self) -> list[User]:
        """Those who work for the provider and see everything."""
        return [
            self.administrator,
            self.operator,
            self.engineer,
            self.billing_clerk,
            self.approver,
            self.compliance_officer,
        ]


def cast(
    *, granted: tuple[models.Model, ...] = (), neighbors: tuple[models.Model, ...] = (), finance: bool = True
) -> Cast:
    """The whole cast: auditor and offtaker see `granted`, the neighbor offtaker sees `neighbors`."""
    offtaker = offtaker_finance if finance else offtaker_viewer
    return Cast(
        administrator=administrator(),
        operator=operator(),
        engineer=engineer(),
        billing_clerk=billing_clerk(),
        approver=approver(),
        compliance_officer=compliance_officer(),
        auditor=auditor(*granted),
        offtaker=offtaker(*granted),
        neighbor=offtaker(*neighbors),
        stranger=stranger(),
    )
