"""Generic pages over rows that a user may or may not see: list, record, form, confirmation.

Every page of the portal that shows or changes rows builds on these five classes, so that the rules
hold everywhere without being repeated: rows come from ``Model.objects.visible_to(user)``, what is
hidden is a 404, a missing capability is a 403, a :class:`kernel.errors.Refusal` becomes a form
error, the whole state of a list stands in its address, and a fragment asked for by htmx is the very
fragment that the page includes.

Example
-------
A list with filters, a table and a button that adds a row::

    class SiteTable(tables.PortalTable):
        name = tables.NameColumn()
        installed_it_kw = tables.QuantityColumn(unit="kW")

        class Meta(tables.PortalTable.Meta):
            model = Site
            fields = ("name", "country", "installed_it_kw")

    class SiteFilter(filters.ScopedFilterSet):
        search_fields = ("name", "slug")

        class Meta:
            model = Site
            fields = ("state", "country")

    class SiteList(scoped.ScopedListView):
        model = Site
        table_class = SiteTable
        filterset_class = SiteFilter
        title = _("Sites")
        empty_text = _("Add the first site to start.")
        create_url_name = "hosting:site_create"
        create_capability = "hosting.add_site"
        related = ("operator",)               # select_related, keeps the query count constant

    class SiteDetail(scoped.ScopedDetailView):
        model = Site
        template_name = "hosting/site_detail.html"

    class SiteUpdate(scoped.ScopedUpdateView):
        model = Site
        form_class = SiteForm
        capability = "hosting.change_site"

        def save(self, form):                 # one request, one call of a service
            return sites.change_site(site=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)

    class IssueInvoice(scoped.ConfirmView):   # deliberate second step
        model = Invoice
        capability = "contracts.issue_invoice"
        title = _("Issue the invoice")
        consequence = _("The invoice gets its number and can never be changed again.")
        confirm_label = _("Issue")

        def act(self, form):
            billing.issue_invoice(invoice=self.object, by=self.request.user, now=timezone.now())

Pages
-----
A list renders ``components/list_page.html`` (override ``template_name`` with a template that extends
it to add blocks above or below). ``?sort=-name&page=2&state=live`` is its state; ``?export=csv``
streams the filtered rows. Record pages get ``object``, ``title``, ``breadcrumbs``; form pages get
``form``; confirmation pages ``consequence``. Every class takes ``breadcrumbs()``: a list of
:class:`Crumb`, the last one being the page itself and added for you.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, ProtectedError, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.text import slugify
from django.utils.translation import gettext, gettext_lazy
from django.views.generic.base import ContextMixin, TemplateResponseMixin, View
from django_tables2 import RequestConfig

from accounts import refusals, scoping, tables
from accounts.models import User
from accounts.views import chips
from kernel import csvfiles
from kernel.errors import Refusal

ROWS_PER_PAGE = 50
EXPORT_CHUNK_ROWS = 2000
# What a table shows for a missing value; a file leaves the cell empty.
MISSING = "–"


@dataclass(frozen=True)
class Crumb:
    """One step of the path shown above the title."""

    label: str
    url: str = ""


@dataclass(frozen=True)
class BulkAction:
    """A button that posts the chosen rows (as `row` values) to a view."""

    label: str
    url_name: str
    capability: str


def is_fragment_request(request: HttpRequest, target: str) -> bool:
    """Whether htmx asks for the fragment with this id, and not for a page to restore."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Target") == target
        and headers.get("HX-History-Restore-Request") != "true"
    )


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


class ScopedListView(ScopedPage):
    """A list: filters, chips, sortable columns, 50 rows a page, export, empty state."""

    template_name = "components/list_page.html"
    table_template_name = "components/list_table.html"
    table_class: ClassVar[Any] = None
    filterset_class: ClassVar[Any] = None
    empty_title: Any = gettext_lazy("Nothing here yet")
    empty_text: Any = ""
    create_url_name: str = ""
    create_label: Any = gettext_lazy("Add")
    create_capability: str = ""
    export_name: str = ""
    bulk_actions: tuple[BulkAction, ...] = ()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.require_capability()
        self.filterset = self.get_filterset()
        rows = self.filterset.qs if self.filterset is not None else self.get_queryset()
        self.table = self.get_table(rows)
        if request.GET.get("export") == "csv":
            return self.export_csv()
        context = self.get_context_data(**kwargs)
        fragment = is_fragment_request(request, "list_table")
        template = self.table_template_name if fragment else self.template_name
        response = self.response_class(request=request, template=[template], context=context)
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response

    def get_filterset(self) -> Any:
        if self.filterset_class is None:
            return None
        return self.filterset_class(self.request.GET, queryset=self.get_queryset(), request=self.request)

    def get_table_kwargs(self) -> dict[str, Any]:
        return {}

    def get_table(self, rows: QuerySet[Any]) -> Any:
        table = self.table_class(data=rows, **self.get_table_kwargs())
        RequestConfig(self.request, paginate={"per_page": ROWS_PER_PAGE}).configure(table)
        ordered = table.data.data
        # The key last: rows that sort alike keep their place from page to page.
        table.data.data = ordered.order_by(*_orderings(ordered), "pk")
        return table

    def export_headers(self) -> list[str]:
        return [str(cell) for cell in next(iter(self.table_class([]).as_values()))]

    def export_rows(self, rows: QuerySet[Any]) -> Iterator[Iterable[Any]]:
        """The cells of every row in the filtered and sorted set, read in chunks."""
        table = self.table_class([], **self.get_table_kwargs())
        return tables.export_rows(table, rows.iterator(chunk_size=EXPORT_CHUNK_ROWS))

    def export_csv(self) -> StreamingHttpResponse:
        rows = ([_cell(cell) for cell in row] for row in self.export_rows(self.table.data.data))
        lines = csvfiles.write_lines(self.export_headers(), rows)
        name = self.export_name or slugify(self.get_title()) or "rows"
        headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.request.user
        may_create = bool(self.create_url_name) and (
            not self.create_capability or user.has_perm(self.create_capability)
        )
        context = {
            "table": self.table,
            "filterset": self.filterset,
            "chips": chips.chips_of(self.filterset, self.request.GET) if self.filterset is not None else [],
            "row_count": self.table.paginator.count,
            "empty_title": self.empty_title,
            "empty_text": self.empty_text,
            "create_url": self.get_create_url() if may_create else "",
            "create_label": self.create_label,
            "bulk_actions": [action for action in self.bulk_actions if user.has_perm(action.capability)],
        }
        return super().get_context_data(**{**context, **kwargs})

    def get_create_url(self) -> str:
        return reverse(self.create_url_name)


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


class FormPage(ScopedPage):
    """What adding, changing and confirming share: one form, one call, refusals shown in the form."""

    form_class: ClassVar[Any] = None
    success_message: Any = ""
    submit_label: Any = gettext_lazy("Save")

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {"initial": self.get_initial()}
        if self.request.method == "POST":
            kwargs |= {"data": self.request.POST, "files": self.request.FILES}
        return kwargs

    def get_initial(self) -> dict[str, Any]:
        return {}

    def get_form(self) -> Any:
        form = self.form_class(**self.get_form_kwargs())
        narrow_choices(form, self.request)
        return form

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._show(self.get_form())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form()
        if not form.is_valid():
            return self._show(form)
        try:
            outcome = self.carry_out(form)
        except Refusal as refusal:
            form.add_error(None, refusals.words_of(refusal))
            return self._show(form)
        if self.success_message:
            messages.success(request, self.success_message)
        return HttpResponseRedirect(self.get_success_url(outcome))

    def carry_out(self, form: Any) -> Any:
        """The result of the one call that this page makes."""
        raise NotImplementedError

    def get_success_url(self, outcome: Any) -> str:
        url: str = outcome.get_absolute_url()
        return url

    def _show(self, form: Any) -> HttpResponse:
        context = self.get_context_data(form=form, submit_label=self.submit_label)
        response: HttpResponse = self.render_to_response(context)
        return response


def narrow_choices(form: forms.BaseForm, request: HttpRequest) -> None:
    """Leave in every choice of rows only those that the user may see."""
    for field in form.fields.values():
        if not isinstance(field, forms.ModelChoiceField) or field.queryset is None:
            continue
        if hasattr(field.queryset, "visible_to"):
            field.queryset = field.queryset.visible_to(request.user)


class ScopedCreateView(FormPage, ScopedPage):
    """Adds a row; `save` calls the service and returns the new row."""

    template_name = "components/form_page.html"
    success_message = gettext_lazy("Saved.")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.require_capability()
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> str:
        if self.title:
            return str(self.title)
        return gettext("Add %(kind)s") % {"kind": self.model._meta.verbose_name}

    def save(self, form: Any) -> Any:
        return form.save()

    def carry_out(self, form: Any) -> Any:
        return self.save(form)


class ScopedUpdateView(FormPage, ScopedObjectPage):
    """Changes a row; `save` calls the service and returns the changed row."""

    template_name = "components/form_page.html"
    success_message = gettext_lazy("Saved.")

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs = super().get_form_kwargs()
        if issubclass(self.form_class, forms.BaseModelForm):
            kwargs["instance"] = self.object
        return kwargs

    def get_title(self) -> str:
        return str(self.title) or gettext("Change %(name)s") % {"name": self.object}

    def breadcrumbs(self) -> list[Crumb]:
        return [Crumb(str(self.object), self.object.get_absolute_url())]

    def save(self, form: Any) -> Any:
        return form.save()

    def carry_out(self, form: Any) -> Any:
        return self.save(form)


class ConfirmForm(forms.Form):
    """Nothing to fill in: the second press of a button is the confirmation."""


class ConfirmView(FormPage, ScopedObjectPage):
    """Says what will happen and acts only on a deliberate second step (a POST)."""

    template_name = "components/confirm_page.html"
    form_class: ClassVar[Any] = ConfirmForm
    consequence: Any = ""
    confirm_label: Any = gettext_lazy("Confirm")
    destructive: bool = True

    def get_consequence(self) -> str:
        return str(self.consequence)

    def breadcrumbs(self) -> list[Crumb]:
        return [Crumb(str(self.object), self.object.get_absolute_url())]

    def act(self, form: Any) -> Any:
        """Make the one call; return the row to show next, or nothing for the same row."""
        raise NotImplementedError

    def carry_out(self, form: Any) -> Any:
        return self.act(form) or self.object

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = {
            "consequence": self.get_consequence(),
            "confirm_label": self.confirm_label,
            "destructive": self.destructive,
            "cancel_url": self.get_cancel_url(),
        }
        return super().get_context_data(**{**context, **kwargs})

    def get_cancel_url(self) -> str:
        url: str = self.object.get_absolute_url()
        return url


class StillInUse(Refusal):
    """Other records point at this one, so it cannot be deleted."""


class ScopedDeleteView(ConfirmView):
    """Deletes a row that nothing points at."""

    confirm_label: Any = gettext_lazy("Delete")
    success_url_name: str = ""
    success_message = gettext_lazy("Deleted.")

    def get_title(self) -> str:
        return str(self.title) or gettext("Delete %(name)s") % {"name": self.object}

    def get_consequence(self) -> str:
        return str(self.consequence) or gettext("The record is removed. Its change history stays.")

    def act(self, form: Any) -> Any:
        try:
            self.object.delete()
        except ProtectedError as error:
            count = len(error.protected_objects)
            raise StillInUse(
                gettext("Other records (%(count)s) point at it. Retire it instead.") % {"count": count}
            ) from error

    def get_success_url(self, outcome: Any) -> str:
        return reverse(self.success_url_name)


def _cell(cell: Any) -> Any:
    if isinstance(cell, dt.datetime):
        return cell.isoformat()
    return "" if cell == MISSING else cell


def _orderings(rows: QuerySet[Any]) -> tuple[Any, ...]:
    return tuple(rows.query.order_by) or tuple(rows.model._meta.ordering or ())
