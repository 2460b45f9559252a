"""How a refusal reaches the person: one place for pages, one for the API."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from rest_framework import status
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from kernel.errors import Refusal


def words_of(refusal: Refusal) -> str:
    """What was refused, in the language of the reader; the kernel's sentences are translated here."""
    if not refusal.given and refusal.sentence:
        return gettext(refusal.sentence) % refusal.facts
    return refusal.detail


def page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page that says what was refused."""
    context = {"title": gettext("This cannot be done"), "words": words_of(refusal), "code": refusal.code}
    return render(request, "accounts/refused.html", context, status=status.HTTP_409_CONFLICT)


def api_exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """The API's answer to an error: 409 with `code` and `detail` for a refusal, else what the framework says."""
    if isinstance(error, Refusal):
        set_rollback()
        return Response({"code": error.code, "detail": words_of(error)}, status=status.HTTP_409_CONFLICT)
    return exception_handler(error, context)
