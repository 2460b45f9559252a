"""The change history of any record that the person may see."""

from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.translation import gettext

from accounts.queries import changes
from accounts.views import scoped


class History(scoped.ScopedObjectPage):
    """What happened to one record: from what to what, who, when, why."""

    template_name = "accounts/history.html"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find which kind of record is meant."""
        super().setup(request, *args, **kwargs)
        try:
            self.kind = apps.get_model(kwargs["app_label"], kwargs["model_name"])
        except LookupError as error:
            raise Http404 from error
        if not changes.has_history(self.kind):
            raise Http404

    def get_queryset(self) -> QuerySet[Any]:
        """The records of the kind that the person may see."""
        return scoped.visible(self.kind, self.request)

    def get_title(self) -> str:
        """The record and that this is its history."""
        return gettext("History of %(record)s") % {"record": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The record itself."""
        address = getattr(self.object, "get_absolute_url", None)
        return [scoped.Crumb(str(self.object), address() if address else "")]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The changes, newest first."""
        return super().get_context_data(changes=changes.changes_of(self.object), **kwargs)
