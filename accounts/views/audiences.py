"""Pages about who sees which sites, offtakers and contracts."""

from typing import Any, ClassVar

from django.db import transaction
from django.db.models import Count, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import forms, people_tables, scoping
from accounts.models import Audience
from accounts.queries import changes, grants
from accounts.services import audiences
from accounts.views import scoped


class AudienceList(scoped.ScopedListView):
    """Groups of people who see the same."""

    model = Audience
    table_class = people_tables.AudienceTable
    title = _("Audiences")
    capability = "accounts.view_audience"
    create_url_name = "accounts:audience_create"
    create_capability = "accounts.change_grants"
    create_label = _("Add audience")
    empty_text = _("An audience is a group of people who see the same sites, offtakers and contracts.")

    def get_queryset(self) -> QuerySet[Any]:
        """All audiences with the number of their people."""
        rows: QuerySet[Any] = super().get_queryset().annotate(people_count=Count("group__user"))
        return rows

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list of people."""
        return [scoped.Crumb(gettext("People"), reverse("accounts:person_list"))]


def _crumbs() -> list[scoped.Crumb]:
    return [
        scoped.Crumb(gettext("People"), reverse("accounts:person_list")),
        scoped.Crumb(gettext("Audiences"), reverse("accounts:audience_list")),
    ]


class AudienceCreate(scoped.ScopedCreateView):
    """Makes an audience."""

    model = Audience
    form_class: ClassVar[Any] = forms.AudienceForm
    title = _("Add audience")
    capability = "accounts.change_grants"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The lists above."""
        return _crumbs()

    @transaction.atomic
    def save(self, form: Any) -> Audience:
        """The audience with its grants."""
        now, by = timezone.now(), self.person
        audience = audiences.create_audience(
            name=form.cleaned_data["name"], note=form.cleaned_data["note"], by=by, now=now
        )
        for kind, anchors in form.anchors().items():
            audiences.replace_grants(audience=audience, kind=kind, anchors=anchors, by=by, now=now)
        return audience


class AudienceUpdate(scoped.ScopedUpdateView):
    """Changes what an audience sees."""

    model = Audience
    template_name = "accounts/audience_form.html"
    form_class: ClassVar[Any] = forms.AudienceForm
    capability = "accounts.change_grants"
    success_message = _("The audience was changed.")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The lists above."""
        return _crumbs()

    def get_title(self) -> str:
        """The audience itself."""
        return str(self.object)

    def get_initial(self) -> dict[str, Any]:
        """The audience as it is."""
        held = {kind: grants.granted(self.object, kind) for kind in scoping.ANCHOR_MODELS}
        return {"name": self.object.name, "note": self.object.note, **held}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The people and the history beside the form."""
        context = {"people": self.object.group.user_set.all(), "changes": changes.changes_of(self.object)}
        return super().get_context_data(**context, **kwargs)

    @transaction.atomic
    def save(self, form: Any) -> Audience:
        """The audience with its new grants."""
        now, by = timezone.now(), self.person
        audience: Audience = self.object
        audiences.describe(
            audience=audience, name=form.cleaned_data["name"], note=form.cleaned_data["note"], by=by, now=now
        )
        for kind, anchors in form.anchors().items():
            audiences.replace_grants(audience=audience, kind=kind, anchors=anchors, by=by, now=now)
        return audience
