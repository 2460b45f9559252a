"""One act on the rows that somebody chose in a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext

from accounts import refusals
from accounts.views.scoped.pages import ScopedPage
from kernel.errors import Refusal

# More refusals than fit on a screen help nobody; the count of all is told.
REFUSALS_TOLD = 5


@dataclass(frozen=True)
class BulkAction:
    """A button that posts the chosen rows (as `row` values) to a view."""

    label: Any
    url_name: str
    capability: str


def local_address(request: HttpRequest, address: str, fallback: str) -> str:
    """The address to go back to, if it is one of ours; otherwise the fallback."""
    return address if url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}) else fallback


class ScopedBulkView(ScopedPage, ABC):
    """Does one thing to every chosen row that the user may see, each on its own, and tells how many it was done to."""

    http_method_names = ["post"]
    list_url_name: str = ""

    @abstractmethod
    def act(self, row: Any) -> None:
        """Do it to one row, or refuse."""

    @abstractmethod
    def told(self, count: int) -> str:
        """The sentence about the rows that it was done to."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Act on the rows; what one refuses does not keep the others."""
        self.require_capability()
        chosen = [int(key) for key in request.POST.getlist("row") if key.isdecimal() and len(key) < 19]
        refused, count = [], 0
        for row in self.get_queryset().filter(pk__in=chosen).order_by("pk"):
            try:
                self.act(row)
            except Refusal as refusal:
                refused.append(f"{row}: {refusals.words_of(refusal)}")
            else:
                count += 1
        if count:
            messages.success(request, self.told(count))
        if refused:
            messages.error(request, _words(refused))
        if not count and not refused:
            messages.warning(request, gettext("No row was chosen, or the chosen ones are gone."))
        back = local_address(request, request.POST.get("next", ""), reverse(self.list_url_name))
        return HttpResponseRedirect(back, status=303)


def _words(refused: list[str]) -> str:
    words = " ".join(refused[:REFUSALS_TOLD])
    left = len(refused) - REFUSALS_TOLD
    return words if left <= 0 else words + " " + gettext("And %(count)s more.") % {"count": left}
