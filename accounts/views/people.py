"""Pages about people: who they are, what they may do, and how they leave."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import forms, people_filters, people_tables, roles
from accounts.models import User
from accounts.queries import changes, grants
from accounts.queries import people as people_queries
from accounts.services import people
from accounts.views import scoped


class PersonList(scoped.ScopedListView):
    """Everyone who may or might log in."""

    model = User
    template_name = "accounts/person_list.html"
    table_class = people_tables.PeopleTable
    filterset_class = people_filters.PeopleFilter
    title = _("People")
    capability = "accounts.view_user"
    create_url_name = "accounts:invitation_create"
    create_label = _("Invite")
    create_capability = "accounts.add_invitation"
    export_name = "people"

    def get_queryset(self) -> QuerySet[Any]:
        """Everyone, with what the list shows."""
        return people_queries.everyone()


class PersonPage(scoped.ScopedObjectPage):
    """What the pages of one person share."""

    model = User
    capability = "accounts.view_user"

    def get_queryset(self) -> QuerySet[Any]:
        """Everyone, for those who may see people."""
        seen = scoped.visible(User, self.request)
        return people_queries.everyone().filter(pk__in=seen.values("pk"))

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list, and the person where the page is about a step."""
        crumbs = [scoped.Crumb(gettext("People"), reverse("accounts:person_list"))]
        if not isinstance(self, PersonDetail):
            crumbs.append(scoped.Crumb(str(self.object), self.object.get_absolute_url()))
        return crumbs


class PersonDetail(PersonPage, scoped.ScopedDetailView):
    """One person: roles, grants, second factor, history."""

    template_name = "accounts/person_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The person, with what the roles and audiences mean."""
        person: User = self.object
        held = [roles.BY_KEY[key] for key in person.role_keys]
        context = {
            "roles": held,
            "sees_all": person.is_superuser or any(role.sees_all for role in held),
            "audiences": [
                {"audience": audience, "anchors": grants.all_granted(audience)}
                for audience in people_queries.audiences_of(person)
            ],
            "is_self": person.pk == self.person.pk,
            "is_open": person.has_access_at(timezone.now()),
            "changes": changes.changes_of(person),
        }
        return super().get_context_data(**context, **kwargs)


class PersonRoles(PersonPage, scoped.ScopedUpdateView):
    """Gives and takes roles."""

    form_class: ClassVar[Any] = forms.RolesForm
    capability = "accounts.change_roles"
    success_message = _("The roles were changed.")

    def get_title(self) -> str:
        """What the page does."""
        return gettext("Roles of %(person)s") % {"person": self.object}

    def get_initial(self) -> dict[str, Any]:
        """The roles held."""
        return {"role_keys": self.object.role_keys}

    def save(self, form: Any) -> User:
        """The person with the new roles."""
        person: User = self.object
        people.change_roles(person=person, by=self.person, now=timezone.now(), **form.cleaned_data)
        return person


class PersonAccess(PersonPage, scoped.ScopedUpdateView):
    """Sets what the person sees and until when."""

    form_class: ClassVar[Any] = forms.AccessForm
    capability = "accounts.change_grants"
    success_message = _("The access was changed.")

    def get_title(self) -> str:
        """What the page does."""
        return gettext("Access of %(person)s") % {"person": self.object}

    def get_initial(self) -> dict[str, Any]:
        """The access held."""
        return {
            "audiences": people_queries.audiences_of(self.object),
            "access_until": self.object.access_until,
        }

    def save(self, form: Any) -> User:
        """The person with the new access."""
        person: User = self.object
        people.change_access(person=person, by=self.person, now=timezone.now(), **form.cleaned_data)
        return person


class PersonDeactivate(PersonPage, scoped.ConfirmView):
    """Locks a person out, in two steps."""

    capability = "accounts.change_user"
    title = _("Lock the person out")
    consequence = _(
        "The person is logged out everywhere at once and cannot log in; their API keys stop working for good. "
        "The record and its history stay, and the person can be let in again."
    )
    confirm_label = _("Lock out")
    success_message = _("The person is locked out.")

    def act(self, form: Any) -> User:
        """The person, locked out."""
        person: User = self.object
        people.deactivate(person=person, by=self.person, now=timezone.now())
        return person


class PersonReactivate(PersonPage, scoped.ConfirmView):
    """Lets a person in again."""

    capability = "accounts.change_user"
    title = _("Let the person in again")
    consequence = _("The person can log in again with the same password, roles and audiences. API keys stay revoked.")
    confirm_label = _("Let in")
    destructive = False
    success_message = _("The person can log in again.")

    def act(self, form: Any) -> User:
        """The person, let in."""
        person: User = self.object
        people.reactivate(person=person, by=self.person, now=timezone.now())
        return person
