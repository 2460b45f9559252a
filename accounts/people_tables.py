"""Lists of people, invitations and audiences."""

from typing import Any

import django_tables2
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import roles, tables
from accounts.models import Audience, Invitation, User
from accounts.templatetags import components


class PeopleTable(tables.PortalTable):
    """Everyone, with roles, second factor and state."""

    full_name = tables.NameColumn(verbose_name=_("Name"), empty_values=())
    roles = django_tables2.Column(accessor="role_keys", verbose_name=_("Roles"), orderable=False)
    second_factor = django_tables2.Column(
        accessor="has_second_factor", verbose_name=_("Second factor"), order_by="has_second_factor"
    )
    state = django_tables2.Column(accessor="is_active", verbose_name=_("State"), order_by="is_active")
    last_login = tables.WhenColumn(verbose_name=_("Last log-in"))

    class Meta(tables.PortalTable.Meta):
        model = User
        fields = ("full_name", "email", "roles", "second_factor", "state", "last_login", "access_until")

    def render_full_name(self, record: User) -> str:
        return str(record)

    def value_full_name(self, record: User) -> str:
        return record.full_name

    def render_roles(self, value: list[str]) -> str:
        return ", ".join(str(roles.BY_KEY[key].name) for key in value)

    def value_roles(self, value: list[str]) -> str:
        return " ".join(value)

    def render_second_factor(self, value: bool, record: User) -> str:  # noqa: FBT001
        if value:
            return components.state_badge(gettext("set up"), "ok")
        if record.is_staff_member:
            return components.state_badge(gettext("missing"), "warn")
        return components.state_badge(gettext("none"), "unknown")

    def value_second_factor(self, value: bool) -> str:  # noqa: FBT001
        return "yes" if value else "no"

    def render_state(self, record: User) -> str:
        if not record.is_active:
            return components.state_badge(gettext("locked out"), "bad")
        if not record.has_access_at(timezone.now()):
            return components.state_badge(gettext("ended"), "warn")
        return components.state_badge(gettext("active"), "ok")

    def value_state(self, record: User) -> str:
        return "active" if record.has_access_at(timezone.now()) else "closed"


class InvitationTable(tables.PortalTable):
    """Who was invited and what became of it."""

    email = django_tables2.Column(verbose_name=_("E-mail address"), empty_values=())
    state = django_tables2.Column(accessor="expires_at", verbose_name=_("State"))
    created_at = tables.WhenColumn(verbose_name=_("Invited"))
    revoke = django_tables2.Column(accessor="pk", verbose_name="", orderable=False, exclude_from_export=True)

    class Meta(tables.PortalTable.Meta):
        model = Invitation
        fields = ("email", "full_name", "invited_by", "created_at", "state", "revoke")

    def render_email(self, record: Invitation) -> str:
        return str(record)

    def render_state(self, record: Invitation) -> str:
        if record.accepted_at:
            return components.state_badge(gettext("accepted"), "ok")
        if record.revoked_at:
            return components.state_badge(gettext("revoked"), "unknown")
        if record.is_open_at(timezone.now()):
            return components.state_badge(gettext("open"), "info")
        return components.state_badge(gettext("expired"), "warn")

    def value_state(self, record: Invitation) -> str:
        return "open" if record.is_open_at(timezone.now()) else "closed"

    def render_revoke(self, value: Any, record: Invitation) -> str:
        if not record.is_open_at(timezone.now()):
            return ""
        address = reverse("accounts:invitation_revoke", args=[value])
        return format_html('<a class="btn btn-sm" href="{}">{}</a>', address, gettext("Revoke"))


class AudienceTable(tables.PortalTable):
    """Groups of people who see the same."""

    name = tables.NameColumn()
    people_count = tables.QuantityColumn(verbose_name=_("People"), digits=0)

    class Meta(tables.PortalTable.Meta):
        model = Audience
        fields = ("name", "people_count", "note")
