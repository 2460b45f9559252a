"""Taking inventory tables out as CSV files and bringing them in again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic.base import View

from accounts import scoping
from accounts.views import scoped
from hosting import exchange
from hosting.models import ImportBatch
from hosting.queries import exports
from hosting.services import imports


class UploadForm(forms.Form):
    """A file to bring in."""

    file = forms.FileField(label=gettext_lazy("CSV file"), help_text=gettext_lazy("UTF-8, with a header line."))


class StoreForm(forms.Form):
    """Whether refused lines may stay behind."""

    sound_rows_only = forms.BooleanField(
        label=gettext_lazy("Store the sound lines, leave the refused ones out"), required=False
    )


def table_of(name: str) -> exchange.TableFormat:
    """The table with this name in addresses, or 404."""
    table = exchange.TABLES.get(name)
    if table is None:
        raise Http404
    return table


def may_import(request: HttpRequest, table: exchange.TableFormat) -> bool:
    """Whether the user's roles let them add and change rows of the table."""
    app, name = table.model._meta.app_label, table.model._meta.model_name
    return request.user.has_perms([f"{app}.add_{name}", f"{app}.change_{name}"])


class ExchangeOverview(scoped.ScopedPage):
    """Every table that can be exchanged, and the imports so far."""

    model = ImportBatch
    template_name = "hosting/exchange_overview.html"
    title = gettext_lazy("Import and export")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The tables with what the user may do with each."""
        tables = [(table, may_import(self.request, table)) for table in exchange.TABLES.values()]
        latest = self.get_queryset().select_related("job", "asked_by").defer("content", "report")[:20]
        return super().get_context_data(tables=tables, imports=latest, **kwargs)


class ExportTable(LoginRequiredMixin, View):
    """The table as a CSV file that an import takes back."""

    request: scoped.PersonRequest

    def get(self, request: HttpRequest, table: str) -> StreamingHttpResponse:
        """The rows that the user may see, streamed."""
        chosen = table_of(table)
        if not scoping.has_access(self.request.user):
            raise PermissionDenied
        lines = exports.export_lines(table=chosen, user=self.request.user)
        headers = {"Content-Disposition": f'attachment; filename="{chosen.name}.csv"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)


class ImportTable(scoped.FormPage, scoped.ScopedPage):
    """Choose a file; it is tried before anything is stored."""

    model = ImportBatch
    form_class = UploadForm
    template_name = "hosting/import_form.html"
    submit_label = gettext_lazy("Check the file")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Find the table; refuse whoever may not change it."""
        self.table = table_of(kwargs["table"])
        if request.user.is_authenticated and not may_import(request, self.table):
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def get_title(self) -> str:
        """What is brought in."""
        return _("Import: %(table)s") % {"table": self.table.title}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Under the overview of imports and exports."""
        return [scoped.Crumb(_("Import and export"), reverse("hosting:exchange_overview"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The columns that the file may have, for the help table."""
        plain = {column.name: column.field for column in self.table.columns}
        columns = [
            {"name": name, "field": plain.get(name), "required": name in self.table.required_headers}
            for name in self.table.headers
        ]
        return super().get_context_data(columns=columns, table_format=self.table, **kwargs)

    def carry_out(self, form: Any) -> ImportBatch:
        """Queue the file to be tried."""
        upload = form.cleaned_data["file"]
        if upload.size > imports.MAX_BYTES:
            raise imports.FileIsTooLarge(size=upload.size // 1024**2, limit=imports.MAX_BYTES // 1024**2)
        return imports.check_file(
            table=self.table,
            file_name=upload.name,
            content=upload.read(),
            by=self.request.user,
            now=timezone.now(),
        )


class ImportDetail(scoped.FormPage, scoped.ScopedObjectPage):
    """The report of one file, and the button that stores it."""

    model = ImportBatch
    form_class = StoreForm
    template_name = "hosting/import_detail.html"
    related = ("job", "asked_by")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Under the overview of imports and exports."""
        return [scoped.Crumb(_("Import and export"), reverse("hosting:exchange_overview"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The report, and what can be done next."""
        table = exchange.TABLES[self.object.table_name]
        waits = self.object.state in {ImportBatch.State.CHECKING, ImportBatch.State.STORING}
        context = {
            "table_format": table,
            "report": self.object.report,
            "is_waiting": waits,
            "can_store": self.object.state == ImportBatch.State.CHECKED and may_import(self.request, table),
            "job": self.object.job,
            "job_url": reverse("accounts:job_progress", args=[self.object.job_id]),
        }
        return super().get_context_data(**context, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Store the checked file, if the user may still change the table."""
        if not may_import(request, exchange.TABLES[self.object.table_name]):
            raise PermissionDenied
        return super().post(request, *args, **kwargs)

    def carry_out(self, form: Any) -> ImportBatch:
        """Queue the file to be stored."""
        return imports.store_file(
            batch=self.object,
            sound_rows_only=form.cleaned_data["sound_rows_only"],
            by=self.request.user,
            now=timezone.now(),
        )
