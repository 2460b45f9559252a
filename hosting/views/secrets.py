"""Pages on which credentials of a controller are set and removed; none shows what is stored."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.views import scoped
from hosting.credential_forms import FORMS
from hosting.domain import credentials
from hosting.models import Controller, ControllerSecret
from hosting.models.field import Protocol
from hosting.services import secrets
from hosting.views.records import Action, Fact

CAPABILITY = "hosting.change_controllersecret"


def facts(controller: Controller) -> list[Fact]:
    """Whether credentials are set, by whom and when; nothing where the protocol asks for none."""
    if controller.protocol not in credentials.NAMES:
        return []
    row = ControllerSecret.objects.filter(controller=controller).select_related("kept_by").first()
    if row is None:
        return [Fact(gettext("Credentials"), gettext("not set"))]
    at = formats.localize(timezone.localtime(row.kept_at))
    words = gettext("set by %(who)s, %(at)s") % {"who": row.kept_by or gettext("the portal"), "at": at}
    return [Fact(gettext("Credentials"), words)]


def actions(controller: Controller) -> list[Action]:
    """The buttons that set and remove them."""
    if controller.protocol not in credentials.NAMES:
        return []
    is_push = controller.protocol == Protocol.HTTP_PUSH
    label, name = (_("New key"), "push_key") if is_push else (_("Set credentials"), "secret_keep")
    found = [Action(label, "lock", reverse(f"hosting:controller_{name}", args=[controller.pk]), CAPABILITY)]
    if ControllerSecret.objects.filter(controller=controller).exists():
        url = reverse("hosting:controller_secret_forget", args=[controller.pk])
        found.append(Action(_("Remove credentials"), "x", url, CAPABILITY))
    return found


@method_decorator(sensitive_post_parameters(), name="dispatch")
class SecretKeep(scoped.ScopedUpdateView):
    """Takes the credentials of a controller; the fields are empty whatever is stored."""

    model = Controller
    capability = CAPABILITY
    success_message = _("The credentials are stored encrypted.")

    def get_object(self) -> Any:
        """The controller, if its protocol asks for something that people know."""
        controller = super().get_object()
        if controller.protocol not in FORMS:
            raise Http404
        return controller

    def get_title(self) -> str:
        """Whose credentials."""
        return gettext("Set the credentials of %(controller)s") % {"controller": self.object}

    def get_form(self) -> Any:
        """The fields of the protocol."""
        return FORMS[self.object.protocol](**self.get_form_kwargs())

    def get_form_kwargs(self) -> dict[str, Any]:
        """Nothing of what is stored."""
        posted = {"data": self.request.POST} if self.request.method == "POST" else {}
        return {"initial": self.get_initial(), **posted}

    def save(self, form: Any) -> Controller:
        """One call: seal and keep them."""
        now = timezone.now()
        secrets.keep_secret(controller=self.object, fields=form.cleaned_data, by=self.person, now=now)
        controller: Controller = self.object
        return controller


class PushKeyMake(scoped.ConfirmView):
    """Makes the key with which a source signs what it sends, and shows it once."""

    model = Controller
    capability = CAPABILITY
    title = _("Make a signing key")
    consequence = _("A new key is made and shown once. A key made before stops working at once.")
    confirm_label = _("Make the key")

    def get_object(self) -> Any:
        """The controller, if it sends by itself."""
        controller = super().get_object()
        if controller.protocol != Protocol.HTTP_PUSH:
            raise Http404
        return controller

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page that shows the key; it is in no redirect, no cookie and no log."""
        key = secrets.make_push_key(controller=self.object, by=self.person, now=timezone.now())
        context = {
            "title": self.get_title(),
            "breadcrumbs": self.breadcrumbs(),
            "controller": self.object,
            "key": key,
        }
        return self.response_class(
            request=request,
            template=["hosting/push_key_made.html"],
            context=context,
            headers={"Cache-Control": "no-store"},
        )


class SecretForget(scoped.ConfirmView):
    """Removes the credentials of a controller."""

    model = Controller
    capability = CAPABILITY
    title = _("Remove the credentials")
    consequence = _("Devices behind a controller that asks for credentials stop answering until new ones are set.")
    confirm_label = _("Remove")
    success_message = _("The credentials were removed.")

    def act(self, form: Any) -> None:
        """One call: forget them."""
        secrets.forget_secret(controller=self.object, by=self.person, now=timezone.now())
