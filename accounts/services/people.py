"""How people come in, what they may do, and how they leave."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.core.mail import send_mail
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from accounts import roles
from accounts.models import ApiToken, Audience, Invitation, User
from accounts.services import audiences as audience_services
from accounts.services import keys
from kernel.errors import Refusal

INVITATION_LASTS: Final = timedelta(days=7)
FIRST_LINK_LASTS: Final = timedelta(days=1)
# Two people who follow the first link at once must not both become administrator.
_FIRST_LOCK: Final = 7_201_461


class PersonExists(Refusal):
    """The address belongs to someone who is already in."""


class LinkDoesNotWork(Refusal):
    """The link was used, withdrawn, replaced, has expired, or never was one."""


class DutiesConflict(Refusal):
    """One person must not hold roles that control each other."""


class NotOnYourself(Refusal):
    """Nobody raises their own rights or locks themselves out."""


class PortalHasPeople(Refusal):
    """The first administrator is made only while there is nobody."""


class UnknownRole(Refusal):
    """The role is not in the table of roles."""


@transaction.atomic
def invite(
    *,
    email: str,
    role_keys: Sequence[str],
    by: User,
    now: datetime,
    link_to: Callable[[str], str],
    full_name: str = "",
    audiences: Iterable[Audience] = (),
    access_until: datetime | None = None,
) -> Invitation:
    """The invitation, which is on its way by e-mail; earlier ones to the address no longer work.

    Parameters
    ----------
    link_to
        Makes the address of the page to join from the one-time key.
    """
    email = email.strip().lower()
    if User.objects.filter(email=email).exists():
        raise PersonExists(_("%(email)s is already in the portal.") % {"email": email})
    _refuse_conflicts(role_keys)
    Invitation.objects.filter(email=email, accepted_at=None, revoked_at=None).update(revoked_at=now)
    key = keys.new_key()
    invitation = Invitation.objects.create(
        email=email,
        full_name=full_name,
        access_until=access_until,
        token_hash=keys.fingerprint(key),
        invited_by=by,
        created_at=now,
        expires_at=now + INVITATION_LASTS,
    )
    invitation.roles.set(_groups(role_keys))
    invitation.audiences.set(audiences)
    transaction.on_commit(lambda: _send_invitation(invitation, link_to(key), by))
    return invitation


def _send_invitation(invitation: Invitation, link: str, by: User) -> None:
    facts = {"invitation": invitation, "link": link, "by": by}
    with override(by.locale):
        subject = gettext("Your access to Heatledger")
        body = render_to_string("accounts/email/invitation.txt", facts)
    send_mail(subject, body, None, [invitation.email])


@transaction.atomic
def first_administrator_key(*, now: datetime) -> str:
    """The one-time key with which the first administrator joins; an earlier one no longer works."""
    _refuse_unless_empty()
    Invitation.objects.filter(invited_by=None, accepted_at=None, revoked_at=None).update(revoked_at=now)
    key = keys.new_key()
    invitation = Invitation.objects.create(
        token_hash=keys.fingerprint(key), created_at=now, expires_at=now + FIRST_LINK_LASTS
    )
    invitation.roles.set(_groups(["administrator"]))
    return key


def open_invitation(key: str, *, now: datetime) -> Invitation:
    """The invitation that the key opens."""
    invitation = Invitation.objects.filter(token_hash=keys.fingerprint(key)).first()
    if invitation is None or not invitation.is_open_at(now):
        raise LinkDoesNotWork(_("This link does not work any more. Ask for a new invitation."))
    return invitation


@transaction.atomic
def join(*, key: str, full_name: str, password: str, now: datetime, email: str = "", time_zone: str = "UTC") -> User:
    """The new person, with the roles and audiences of the invitation; the link works no more."""
    invitation = open_invitation(key, now=now)
    # Whoever comes second waits here and then finds the link used.
    invitation = Invitation.objects.select_for_update().get(pk=invitation.pk)
    if not invitation.is_open_at(now):
        raise LinkDoesNotWork(_("This link does not work any more. Ask for a new invitation."))
    if invitation.invited_by_id is None:
        _refuse_unless_empty()
    address = (invitation.email or email).strip().lower()
    if User.objects.filter(email=address).exists():
        raise PersonExists(_("%(email)s is already in the portal.") % {"email": address})
    person = User.objects.create_user(
        address, password, full_name=full_name, time_zone=time_zone, access_until=invitation.access_until
    )
    person.groups.set([*invitation.roles.all(), *Group.objects.filter(audience__invitations=invitation)])
    invitation.accepted_at, invitation.accepted_by = now, person
    invitation.save(update_fields=["accepted_at", "accepted_by"])
    return person


@transaction.atomic
def revoke_invitation(*, invitation: Invitation, by: User, now: datetime) -> None:
    """Make the link useless."""
    if not invitation.is_open_at(now):
        raise LinkDoesNotWork(_("The invitation is no longer open."))
    invitation.revoked_at = now
    invitation.save(update_fields=["revoked_at"])


@transaction.atomic
def change_roles(*, person: User, role_keys: Sequence[str], by: User | None, now: datetime) -> None:
    """Give the person exactly these roles."""
    if by is not None and person.pk == by.pk:
        raise NotOnYourself(_("Someone else must change your roles."))
    _refuse_conflicts(role_keys)
    wanted = {group.pk for group in _groups(role_keys)}
    held = set(person.groups.filter(name__in=roles.BY_KEY).values_list("pk", flat=True))
    person.groups.remove(*held - wanted)
    person.groups.add(*wanted - held)


@transaction.atomic
def change_access(
    *,
    person: User,
    audiences: Iterable[Audience],
    access_until: datetime | None,
    by: User,
    now: datetime,
) -> None:
    """Set which audiences the person belongs to and when access ends."""
    if person.pk == by.pk:
        raise NotOnYourself(_("Someone else must change what you may see."))
    audience_services.replace_audiences(person=person, audiences=audiences, by=by, now=now)
    person.access_until = access_until
    person.save(update_fields=["access_until"])


@transaction.atomic
def change_profile(*, person: User, full_name: str, locale: str, time_zone: str, theme: str, now: datetime) -> User:
    """The person, who reads in this language, time zone and theme from now on."""
    person.full_name, person.locale, person.time_zone, person.theme = full_name, locale, time_zone, theme
    person.save(update_fields=["full_name", "locale", "time_zone", "theme"])
    return person


@transaction.atomic
def deactivate(*, person: User, by: User, now: datetime) -> None:
    """Lock the person out at once: no log-in, no session, no key. The record stays."""
    if person.pk == by.pk:
        raise NotOnYourself(_("You cannot lock yourself out."))
    person.is_active = False
    person.save(update_fields=["is_active"])
    ApiToken.objects.filter(user=person, revoked_at=None).update(revoked_at=now)
    end_sessions(person=person)


@transaction.atomic
def reactivate(*, person: User, by: User, now: datetime) -> None:
    """Let the person log in again; keys stay revoked."""
    person.is_active = True
    person.save(update_fields=["is_active"])


def end_sessions(*, person: User) -> None:
    """Log the person out everywhere."""
    for session in Session.objects.iterator():
        if session.get_decoded().get("_auth_user_id") == str(person.pk):
            session.delete()


def _groups(role_keys: Iterable[str]) -> list[Group]:
    unknown = set(role_keys) - set(roles.BY_KEY)
    if unknown:
        raise UnknownRole(_("There is no role called %(role)s.") % {"role": ", ".join(sorted(unknown))})
    return list(Group.objects.filter(name__in=role_keys))


def _refuse_conflicts(role_keys: Iterable[str]) -> None:
    for one, other in roles.conflicts(role_keys):
        raise DutiesConflict(
            _("One person must not be both %(one)s and %(other)s: their duties are separated.")
            % {"one": one.name, "other": other.name}
        )


def _refuse_unless_empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_FIRST_LOCK])
    if User.objects.exists():
        raise PortalHasPeople(_("The portal has people already; ask an administrator for an invitation."))
