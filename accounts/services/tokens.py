"""Keys with which programs use the API."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiToken, User
from accounts.services import keys
from kernel.errors import Refusal

LONGEST: Final = timedelta(days=366)
_SHOWN_CHARACTERS: Final = 6


class KeyLastsTooLong(Refusal):
    """A key that never ends is never looked at again."""


@transaction.atomic
def issue_token(
    *, user: User, name: str, scope: str, expires_at: datetime, by: User, now: datetime
) -> tuple[ApiToken, str]:
    """The record of the key and the key itself, which is never shown again."""
    if not now < expires_at <= now + LONGEST:
        raise KeyLastsTooLong(_("A key ends in the future, within a year."))
    key = keys.new_key()
    token = ApiToken.objects.create(
        user=user,
        name=name,
        scope=scope,
        prefix=key[:_SHOWN_CHARACTERS],
        token_hash=keys.fingerprint(key),
        created_at=now,
        expires_at=expires_at,
    )
    return token, key


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User, now: datetime) -> None:
    """Make the key useless."""
    ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now)


def token_for(key: str, *, now: datetime) -> ApiToken | None:
    """The record of a key that works, or None; notes the day of use."""
    token = ApiToken.objects.select_related("user").filter(token_hash=keys.fingerprint(key)).first()
    if token is None or not token.works_at(now):
        return None
    if token.last_used_on != now.date():
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=now.date())
    return token
