"""How people come in: invite, take back, join."""

from typing import Any, ClassVar

from allauth.account.internal.flows.login import record_authentication
from allauth.account.utils import perform_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts import forms, people_tables, refusals
from accounts.models import Invitation
from accounts.services import people
from accounts.views import scoped
from kernel.errors import Refusal


class InvitationList(scoped.ScopedListView):
    """Who was invited and what became of it."""

    model = Invitation
    table_class = people_tables.InvitationTable
    title = _("Invitations")
    capability = "accounts.view_invitation"
    related = ("invited_by",)
    create_url_name = "accounts:invitation_create"
    create_label = _("Invite")
    create_capability = "accounts.add_invitation"
    empty_text = _("Invite the first person: they get a link by e-mail.")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list of people."""
        return [scoped.Crumb(str(_("People")), reverse("accounts:person_list"))]


class InvitationCreate(scoped.ScopedCreateView):
    """Invites a person."""

    model = Invitation
    form_class: ClassVar[Any] = forms.InviteForm
    title = _("Invite a person")
    capability = "accounts.add_invitation"
    submit_label = _("Send the invitation")
    success_message = _("The invitation is on its way.")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The lists above."""
        return [
            scoped.Crumb(str(_("People")), reverse("accounts:person_list")),
            scoped.Crumb(str(_("Invitations")), reverse("accounts:invitation_list")),
        ]

    def save(self, form: Any) -> Invitation:
        """The invitation, on its way."""
        return people.invite(by=self.person, now=timezone.now(), link_to=self.link_to, **form.cleaned_data)

    def link_to(self, key: str) -> str:
        """The address at which the invited person joins."""
        return self.request.build_absolute_uri(reverse("accounts:join", args=[key]))


class InvitationRevoke(scoped.ConfirmView):
    """Takes an invitation back."""

    model = Invitation
    capability = "accounts.add_invitation"
    title = _("Revoke the invitation")
    consequence = _("The link in the e-mail stops working. You can invite the person again.")
    confirm_label = _("Revoke")
    success_message = _("The invitation was revoked.")

    def act(self, form: Any) -> Invitation:
        """The invitation, revoked."""
        invitation: Invitation = self.object
        people.revoke_invitation(invitation=invitation, by=self.person, now=timezone.now())
        return invitation


@method_decorator([never_cache, sensitive_post_parameters("password", "password_again")], name="dispatch")
class Join(FormView):  # type: ignore[type-arg]
    """Where an invited person says who they are, chooses a password and is in."""

    template_name = "accounts/join.html"
    form_class = forms.JoinForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The page, or the reason why the link does not work."""
        try:
            self.invitation = people.open_invitation(kwargs["key"], now=timezone.now())
        except people.LinkDoesNotWork as refusal:
            return refusals.page(request, refusal)
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        """The address is known unless this is the first administrator."""
        return {**super().get_form_kwargs(), "known_email": self.invitation.email}

    def get_initial(self) -> dict[str, Any]:
        """The name that was written on the invitation."""
        return {"full_name": self.invitation.full_name, "time_zone": "UTC"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The invitation beside the form."""
        return super().get_context_data(title=_("Join Heatledger"), invitation=self.invitation, **kwargs)

    def form_valid(self, form: forms.JoinForm) -> HttpResponseBase:  # type: ignore[override]
        """The portal, with the person logged in."""
        try:
            person = people.join(key=self.kwargs["key"], now=timezone.now(), **form.cleaned_data)
        except Refusal as refusal:
            form.add_error(None, refusals.words_of(refusal))
            return self.form_invalid(form)
        record_authentication(self.request, person, "password")
        answer: HttpResponseBase = perform_login(self.request, person, email_verification="none")
        return answer
