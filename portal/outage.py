"""The page for a mistake of ours, and the one for a part of the installation that does not answer."""

from __future__ import annotations

import sys

from celery.exceptions import OperationalError as BrokerError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as TransportError
from redis.exceptions import RedisError

RETRY_AFTER_S = 15


def part_of(error: BaseException | None) -> str:
    """Return the part that did not answer, in words; nothing if the error is our own."""
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            return _("the database")
        if isinstance(error, BrokerError | TransportError):
            return _("the job queue")
        if isinstance(error, RedisError):
            return _("the cache")
        error = error.__cause__ or error.__context__
    return ""


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the signature is Django's
    """Say which part does not answer (503), or that the mistake is ours (500); needs neither database nor cache."""
    part = part_of(sys.exc_info()[1])
    page = render_to_string("portal/outage.html", {"part": part})
    if not part:
        return HttpResponse(page, status=500)
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
