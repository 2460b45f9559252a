"""Lists of rows: filters, chips, sortable columns, pages, export."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.text import slugify
from django.utils.translation import gettext_lazy
from django_tables2 import RequestConfig

from accounts import tables
from accounts.views import chips
from accounts.views.scoped.bulk import BulkAction
from accounts.views.scoped.pages import ScopedPage
from kernel import csvfiles

ROWS_PER_PAGE = 50
EXPORT_CHUNK_ROWS = 2000
# What a table shows for a missing value; a file leaves the cell empty.
MISSING = "–"


def is_fragment_request(request: HttpRequest, target: str) -> bool:
    """Whether htmx asks for the fragment with this id, and not for a page to restore."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Target") == target
        and headers.get("HX-History-Restore-Request") != "true"
    )


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

    def get_bulk_actions(self) -> list[BulkAction]:
        """What the user may do to chosen rows."""
        return [action for action in self.bulk_actions if self.person.has_perm(action.capability)]

    def get_table(self, rows: QuerySet[Any]) -> Any:
        chosen = [("choose", tables.ChooseColumn())] if self.get_bulk_actions() else []
        table = self.table_class(
            data=rows, extra_columns=chosen, sequence=("choose", "...") if chosen else None, **self.get_table_kwargs()
        )
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
            "bulk_actions": self.get_bulk_actions(),
        }
        return super().get_context_data(**{**context, **kwargs})

    def get_create_url(self) -> str:
        return reverse(self.create_url_name)


def _cell(cell: Any) -> Any:
    if isinstance(cell, dt.datetime):
        return cell.isoformat()
    return "" if cell == MISSING else cell


def _orderings(rows: QuerySet[Any]) -> tuple[Any, ...]:
    return tuple(rows.query.order_by) or tuple(rows.model._meta.ordering or ())
