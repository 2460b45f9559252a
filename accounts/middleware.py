"""What every request of a person goes through: history, language, time zone, second factor, refusals."""

import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any, Final

import pghistory
from allauth.mfa.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import refusals
from accounts.services import demo
from kernel.errors import Refusal

Answer = Callable[[HttpRequest], HttpResponseBase]

REASON_HEADER: Final = "X-Change-Reason"
REASON_FIELD: Final = "change_reason"
# What the session remembers; log-in as someone else empties it.
SECOND_FACTOR: Final = "second_factor"
_CHANGING: Final = ("POST", "PUT", "PATCH", "DELETE")
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_LONGEST_REASON: Final = 500


class HistoryMiddleware:
    """Tells the change history who asked, in which request, and why.

    The reason is what a page sends as `change_reason` or a program as `X-Change-Reason`.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, with every change made on the way recorded under the person's name."""
        if request.method not in _CHANGING:
            return self.get_response(request)
        facts: dict[str, object] = {"request": str(uuid.uuid4()), "url": request.path}
        if request.user.is_authenticated:
            facts["user"] = request.user.pk
        if why := self.reason_of(request):
            facts["why"] = why
        with pghistory.context(**facts):
            return self.get_response(request)

    @staticmethod
    def reason_of(request: HttpRequest) -> str:
        """Why the change is made, in the words of whoever makes it."""
        why = request.headers.get(REASON_HEADER, "")
        # The body of an API request is the API's to read; forms the check against forgery reads early, too.
        if not why and request.content_type in _FORMS:
            why = request.POST.get(REASON_FIELD, "")
        return why.strip()[:_LONGEST_REASON]


class PreferencesMiddleware:
    """Shows pages in the language and the time zone of the person."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer in the person's language and time zone."""
        if not request.user.is_authenticated:
            with timezone.override(None):
                return self.get_response(request)
        user = request.user
        if user.locale in dict(settings.LANGUAGES):
            translation.activate(user.locale)
            request.LANGUAGE_CODE = user.locale
        with timezone.override(_zone(user.time_zone)):
            return self.get_response(request)


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")


class SecondFactorMiddleware:
    """Sends staff who have no second factor to the page where they set one up, and nowhere else."""

    # Where a person gets to without one: setting it up, logging out, and what those pages need.
    open_names: Final = (
        "mfa_",
        "account_logout",
        "account_reauthenticate",
        "account_login",
        "accounts:join",
        "javascript-catalog",
    )

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, _view: Any, _args: Any, _kwargs: Any) -> HttpResponseBase | None:
        """A way to the enrolment page, or None where the person may go on."""
        if not request.user.is_authenticated or not request.resolver_match:
            return None
        if request.resolver_match.view_name.startswith(self.open_names):
            return None
        if not must_enrol(request):
            return None
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Redirect": reverse("mfa_index")})
        if "text/html" not in request.headers.get("Accept", "text/html"):
            return HttpResponse(_("Set up a second factor first."), status=403, content_type="text/plain")
        messages.warning(
            request, _("Your role needs a second factor. Set up an authenticator app or a passkey to go on.")
        )
        return redirect("mfa_index")


def must_enrol(request: HttpRequest) -> bool:
    """Whether the person needs a second factor and has none; that they have one is remembered in the session."""
    found = request.session.get(SECOND_FACTOR)
    if found == "enrolled" or (found == "demo" and settings.DEMO):
        return False
    if request.user.is_anonymous or not request.user.is_staff_member:
        return False
    if get_adapter().is_mfa_enabled(request.user):
        request.session[SECOND_FACTOR] = "enrolled"
        return False
    if demo.bypass_is_active():
        request.session[SECOND_FACTOR] = "demo"
        return False
    return True


class RefusalMiddleware:
    """Turns a refusal that no form showed into a page that says it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """The page that says what was refused, or None for what is no refusal."""
        return refusals.page(request, exception) if isinstance(exception, Refusal) else None
