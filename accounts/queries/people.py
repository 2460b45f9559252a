"""People as lists show them."""

from allauth.mfa.models import Authenticator
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Audience, User


def everyone() -> QuerySet[User]:
    """All people, with their groups and whether they have a second factor, in a fixed number of queries."""
    factors = Authenticator.objects.filter(user=OuterRef("pk"), type__in=["totp", "webauthn"])
    return User.objects.annotate(has_second_factor=Exists(factors)).prefetch_related("groups__audience")


def audiences_of(person: User) -> QuerySet[Audience]:
    """The audiences that the person belongs to."""
    return Audience.objects.filter(group__user=person)
