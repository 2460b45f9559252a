"""A page, and a page about one row: who may see it, its title and its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View

from accounts import scoping
from accounts.models import User


@dataclass(frozen=True)
class Crumb:
    """One step of the path shown above the title."""

    label: str
    url: str = ""


def visible(model: type[Model], request: HttpRequest) -> QuerySet[Any]:
    """The rows of a model that the user of this request may see.

    Reference tables (products, device profiles) hang on no anchor: whoever may view the kind sees them all.
    """
    rows: QuerySet[Any] = model._default_manager.all()
    if isinstance(rows, scoping.ScopedQuerySet):
        return rows.visible_to(request.user)
    may_view = request.user.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")
    return rows if scoping.has_access(request.user) and may_view else rows.none()


class PersonRequest(HttpRequest):
    """A request of somebody who is logged in: every page here sends others away before anything else runs."""

    user: User


class ScopedPage(LoginRequiredMixin, TemplateResponseMixin, ContextMixin, View):
    """A page for people who are logged in, with a title, a path and an optional capability."""

    request: PersonRequest
    model: ClassVar[type[Model]]
    title: Any = ""
    capability: str = ""
    related: tuple[str, ...] = ()
    prefetched: tuple[Any, ...] = ()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.require_capability()
        return self.render_to_response(self.get_context_data(**kwargs))

    def get_queryset(self) -> QuerySet[Any]:
        rows = visible(self.model, self.request)
        if self.related:
            rows = rows.select_related(*self.related)
        return rows.prefetch_related(*self.prefetched) if self.prefetched else rows

    def get_title(self) -> str:
        return str(self.title)

    @property
    def person(self) -> User:
        """Who asks; nobody gets to a page without being logged in."""
        return self.request.user

    def breadcrumbs(self) -> list[Crumb]:
        return []

    def require_capability(self) -> None:
        """Refuse with 403 when the user lacks what the page needs (checked after visibility)."""
        if self.capability and not self.request.user.has_perm(self.capability):
            raise PermissionDenied

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        title = self.get_title()
        crumbs = [*self.breadcrumbs(), Crumb(title)]
        return super().get_context_data(**{"title": title, "breadcrumbs": crumbs, **kwargs})


class ScopedObjectPage(ScopedPage):
    """A page about one row; the row is 404 when hidden and `self.object` afterwards."""

    slug_url_kwarg: str = "slug"
    slug_field: str = "slug"
    pk_url_kwarg: str = "pk"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.object: Any = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.object = self.get_object()
            self.require_capability()
        return super().dispatch(request, *args, **kwargs)

    def get_object(self) -> Any:
        if self.pk_url_kwarg in self.kwargs:
            return get_object_or_404(self.get_queryset(), pk=self.kwargs[self.pk_url_kwarg])
        return get_object_or_404(self.get_queryset(), **{self.slug_field: self.kwargs[self.slug_url_kwarg]})

    def get_title(self) -> str:
        return str(self.title or self.object)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"object": self.object, **kwargs})


class ScopedDetailView(ScopedObjectPage):
    """The record of one row."""
