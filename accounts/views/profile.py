"""A person's own page: how they read, how they log in, what keys they gave to programs."""

from typing import Any, ClassVar

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import forms, roles
from accounts.models import ApiToken, User
from accounts.services import people, tokens
from accounts.views import scoped


class Profile(scoped.ScopedUpdateView):
    """Who I am here and how I read."""

    model = User
    template_name = "accounts/profile.html"
    form_class: ClassVar[Any] = forms.ProfileForm
    title = _("My profile")
    success_message = _("Saved.")

    def get_object(self) -> User:
        """The person who asks."""
        return User.objects.get(pk=self.person.pk)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Nothing above."""
        return []

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The log-in and the keys beside the form."""
        person: User = self.object
        types = set(Authenticator.objects.filter(user=person).values_list("type", flat=True))
        context = {
            "roles": [roles.BY_KEY[key] for key in person.role_keys],
            "has_app": Authenticator.Type.TOTP in types,
            "has_passkey": Authenticator.Type.WEBAUTHN in types,
            "needs_factor": person.is_staff_member,
            "tokens": person.api_tokens.filter(revoked_at=None, expires_at__gt=timezone.now()),
        }
        return super().get_context_data(**context, **kwargs)

    def save(self, form: Any) -> User:
        """The person with the new preferences."""
        return people.change_profile(person=self.object, now=timezone.now(), **form.cleaned_data)

    def get_success_url(self, outcome: Any) -> str:
        """The same page."""
        return reverse("accounts:profile")


class TokenCreate(scoped.ScopedCreateView):
    """Makes an API key and shows it once."""

    model = ApiToken
    form_class: ClassVar[Any] = forms.TokenForm
    title = _("New API key")
    success_message: Any = ""
    submit_label = _("Make the key")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The profile."""
        return [scoped.Crumb(str(_("My profile")), reverse("accounts:profile"))]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page that shows the key; it is in no redirect, no cookie and no log."""
        self.key = ""
        answer = super().post(request, *args, **kwargs)
        if not self.key:
            return answer
        context = {"title": self.get_title(), "breadcrumbs": self.breadcrumbs(), "key": self.key}
        return self.response_class(
            request=request,
            template=["accounts/token_made.html"],
            context=context,
            headers={"Cache-Control": "no-store"},
        )

    def save(self, form: Any) -> ApiToken:
        """The record of the key."""
        token, self.key = tokens.issue_token(user=self.person, by=self.person, now=timezone.now(), **form.cleaned_data)
        return token

    def get_success_url(self, outcome: Any) -> str:
        """The profile; not used, the key is shown instead."""
        return reverse("accounts:profile")


class TokenRevoke(scoped.ConfirmView):
    """Makes one of one's own keys useless."""

    model = ApiToken
    title = _("Revoke the API key")
    consequence = _("Programs that use this key stop working at once. This cannot be undone.")
    confirm_label = _("Revoke")

    def get_queryset(self) -> QuerySet[Any]:
        """One's own keys."""
        return ApiToken.objects.filter(user=self.person.pk, revoked_at=None)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The profile."""
        return [scoped.Crumb(str(_("My profile")), reverse("accounts:profile"))]

    def act(self, form: Any) -> ApiToken:
        """The key, revoked."""
        tokens.revoke_token(token=self.object, by=self.person, now=timezone.now())
        messages.success(self.request, _("The key was revoked."))
        token: ApiToken = self.object
        return token
