"""Documents: lists, uploads, downloads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.db.models import Model, QuerySet
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from compliance import filters, forms, tables
from compliance.models import Document
from compliance.models.documents import RECORDS
from compliance.services import evidence
from compliance.views.records import Action, Fact, ListPage, RecordPage, StepPage, day, fact
from hosting.models import Meter

# Shown in the browser; everything else is only handed over as a file.
_SHOWN_TYPES: Final = {"application/pdf", "image/png", "image/jpeg"}


class DocumentList(ListPage):
    """Every document, in its newest version."""

    model = Document
    table_class = tables.DocumentTable
    filterset_class = filters.DocumentFilter
    title = _("Documents")
    empty_title = _("No document yet")
    empty_text = _("Documents belong to a task, a sample, a permit or a site; add them there or here.")
    create_url_name = "compliance:document_create"
    create_label = _("Add a document")
    create_capability = "compliance.add_document"
    related = ("site",)

    def get_queryset(self) -> QuerySet[Any]:
        """The documents that no newer version replaces."""
        return super().get_queryset().filter(replaced_by__isnull=True)


class DocumentDetail(RecordPage):
    """A document, its fingerprint and its versions."""

    model = Document
    template_name = "compliance/document_detail.html"
    list_url_name = "compliance:document_list"
    list_title = _("Documents")
    related = ("site", "uploaded_by", "replaces", "replaced_by", *(name for name in RECORDS), "circuit__site")
    has_evidence = False

    def facts(self) -> Iterator[Fact]:
        """What the document is."""
        document: Document = self.object
        yield fact(_("Site"), document.site)
        for name in RECORDS:
            row = getattr(document, name)
            if row is not None:
                yield fact(_("Proves"), row)
        yield Fact(_("Evidence date"), day(document.evidence_on))
        yield Fact(_("Uploaded"), f"{document.uploaded_at:%Y-%m-%d %H:%M} UTC")
        yield Fact(_("Uploaded by"), document.uploaded_by)
        yield Fact(_("File"), document.file_name)
        yield Fact(_("Size"), document.size_bytes / 1000, unit="kB")
        yield Fact(_("Version"), document.version)
        yield Fact(_("SHA-256"), document.sha256)
        if document.replaces:
            yield fact(_("Replaces"), document.replaces)
        if newer := getattr(document, "replaced_by", None):
            yield fact(_("Replaced by"), newer)

    def actions(self) -> Iterator[Action]:
        """Reading it, replacing it."""
        pk = self.object.pk
        download = reverse("compliance:document_file", args=[pk])
        yield Action(_("Download"), f"{download}?download=1", "compliance.view_document", primary=True)
        if not hasattr(self.object, "replaced_by"):
            url = reverse("compliance:document_replace", args=[pk])
            yield Action(_("Upload a newer version"), url, "compliance.add_document")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Whether the browser can show it."""
        shown = self.object.media_type if self.object.media_type in _SHOWN_TYPES else ""
        return super().get_context_data(shown=shown, **kwargs)


class DocumentFile(scoped.ScopedDetailView):
    """The file itself, byte for byte as it came; never run, never guessed at."""

    model = Document
    capability = "compliance.view_document"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The bytes, shown in the browser only where it cannot run them."""
        document: Document = self.object
        try:
            file = default_storage.open(document.storage_name)
        except FileNotFoundError as error:
            raise Http404(_("The file is missing from the storage.")) from error
        shown = document.media_type in _SHOWN_TYPES and "download" not in request.GET
        answer = FileResponse(
            file, as_attachment=not shown, filename=document.file_name, content_type=document.media_type
        )
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Cache-Control"] = "private, max-age=3600"
        return answer


class DocumentCreate(scoped.ScopedCreateView):
    """A document of a site."""

    model = Document
    form_class = forms.DocumentForm
    capability = "compliance.add_document"
    title = _("Add a document")

    def get_initial(self) -> dict[str, Any]:
        """The site that the address names."""
        return {"site": self.request.GET.get("site")}

    def save(self, form: Any) -> Any:
        """The stored document."""
        return evidence.store_document(by=self.request.user, now=timezone.now(), **form.cleaned_data)


class Attach(StepPage):
    """A document of one record."""

    form_class = forms.AttachForm
    capability = "compliance.add_document"
    title = _("Attach a document")
    confirm_label = _("Attach")

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find out what kind of record it is."""
        super().setup(request, *args, **kwargs)
        if kwargs["record"] not in RECORDS:
            raise Http404
        self.kind: type[Model] = Document._meta.get_field(kwargs["record"]).related_model  # type: ignore[assignment]

    def get_queryset(self) -> QuerySet[Any]:
        """The records of that kind that the person may see."""
        return scoped.visible(self.kind, self.request)

    def get_initial(self) -> dict[str, Any]:
        """Today."""
        return {"evidence_on": timezone.localdate()}

    def act(self, form: Any) -> Any:
        """The record, with its new document."""
        evidence.store_document(
            site=self._site(), record=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data
        )
        return self.object

    def _site(self) -> Any:
        """The site of the record."""
        record = self.object
        if isinstance(record, Meter):
            placement = record.placements.filter(valid_until__isnull=True).select_related("site").first()
            if placement is None:
                raise PermissionDenied(_("The meter stands nowhere."))
            return placement.site
        return record.circuit.site if hasattr(record, "circuit") and not hasattr(record, "site") else record.site


class DocumentReplace(StepPage):
    """A newer version of a document."""

    model = Document
    form_class = forms.AttachForm
    capability = "compliance.add_document"
    title = _("Upload a newer version")
    confirm_label = _("Upload")
    related = ("site",)

    def get_initial(self) -> dict[str, Any]:
        """As the version before."""
        return {"title": self.object.title, "evidence_on": timezone.localdate()}

    def act(self, form: Any) -> Any:
        """The newer version."""
        return evidence.store_document(
            site=self.object.site, replaces=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data
        )
