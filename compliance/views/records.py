"""What every record page shares: facts, what can be done, and the evidence beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from compliance.services import evidence


@dataclass(frozen=True)
class Fact:
    """One line of a record, as components/facts.html reads it."""

    label: Any
    value: Any
    unit: str = ""
    digits: int | None = None
    url: str = ""


@dataclass(frozen=True)
class Action:
    """A button of a record page."""

    label: Any
    url: str
    capability: str
    primary: bool = False


def fact(label: Any, row: Any) -> Fact:
    """A fact that links to a related record, or a dash."""
    return Fact(label, row or "", url=row.get_absolute_url() if row else "")


def day(value: Any) -> str:
    """A day as lists write it, or nothing."""
    return date_format(value, "Y-m-d") if value else ""


class ListPage(scoped.ScopedListView):
    """A list that only those see whose role gives them this class of records."""

    def require_capability(self) -> None:
        """Refuse with 403 unless the role gives a view of the model."""
        self.capability = self.capability or f"compliance.view_{self.model._meta.model_name}"
        super().require_capability()


class RecordPage(scoped.ScopedDetailView):
    """A record: facts to the left, evidence to the right."""

    template_name = "compliance/record_detail.html"
    list_url_name: ClassVar[str] = ""
    list_title: ClassVar[Any] = ""
    has_evidence: ClassVar[bool] = True

    def require_capability(self) -> None:
        """Refuse with 403 unless the role gives a view of the model."""
        self.capability = self.capability or f"compliance.view_{self.model._meta.model_name}"
        super().require_capability()

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The overview and the list that the record stands in."""
        return [
            scoped.Crumb(str(_("Compliance")), reverse("compliance:overview")),
            scoped.Crumb(str(self.list_title), reverse(self.list_url_name)),
        ]

    def facts(self) -> Iterable[Fact]:
        """The facts of the record."""
        return ()

    def actions(self) -> Iterable[Action]:
        """What can be done with the record."""
        return ()

    def documents(self) -> QuerySet[Any] | None:
        """The newest version of each document that belongs to the record."""
        if not self.has_evidence:
            return None
        newest: QuerySet[Any] = self.object.documents.filter(replaced_by__isnull=True).select_related("uploaded_by")
        return newest

    def attach_url(self) -> str:
        """Where evidence is added, for those who may."""
        if not self.has_evidence or not self.request.user.has_perm("compliance.add_document"):
            return ""
        return reverse("compliance:attach", args=[evidence.field_of(self.object), self.object.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Facts, buttons and evidence."""
        user = self.request.user
        context = {
            "facts": list(self.facts()),
            "actions": [action for action in self.actions() if user.has_perm(action.capability)],
            "documents": self.documents(),
            "attach_url": self.attach_url(),
        }
        return super().get_context_data(**{**context, **kwargs})


class StepPage(scoped.ConfirmView):
    """A form about one record, such as completing a task: not destructive, nothing to undo."""

    template_name = "components/form_page.html"
    destructive = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form with its own words on the button."""
        return super().get_context_data(**{**kwargs, "submit_label": self.confirm_label})
