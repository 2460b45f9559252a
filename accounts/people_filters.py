"""How the list of people is narrowed."""

from typing import Any, ClassVar

import django_filters
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from accounts import filters, roles
from accounts.models import User


def _role_names() -> list[tuple[str, Any]]:
    return [(role.key, role.name) for role in roles.ROLES]


class PeopleFilter(filters.ScopedFilterSet):
    """By name or address, role, and whether they may come in."""

    search_fields: ClassVar[tuple[str, ...]] = ("full_name", "email")
    role = django_filters.ChoiceFilter(field_name="groups__name", label=_("Role"), choices=lazy(_role_names, list))
    state = django_filters.ChoiceFilter(
        method="narrow_state",
        label=_("State"),
        choices=[("active", _("active")), ("ended", _("ended")), ("locked", _("locked out"))],
    )

    class Meta:
        model = User
        fields: ClassVar[list[str]] = []

    def narrow_state(self, people: QuerySet[User], _name: str, state: str) -> QuerySet[User]:
        """The people in the state."""
        ended = Q(access_until__lte=timezone.now())
        if state == "locked":
            return people.filter(is_active=False)
        if state == "ended":
            return people.filter(ended, is_active=True)
        return people.filter(~ended | Q(access_until=None), is_active=True)
