"""Audit packs: asked for, watched, handed over, verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import refusals
from accounts.models import User
from accounts.views import scoped
from compliance import filters, forms, tables
from compliance.models import AuditPack
from compliance.queries import contents, preview
from compliance.services import packs, verification
from compliance.views.records import Action, Fact, ListPage, RecordPage, StepPage
from kernel.errors import Refusal


class PackList(ListPage):
    """The packs that the person asked for or was given."""

    model = AuditPack
    table_class = tables.PackTable
    filterset_class = filters.PackFilter
    template_name = "compliance/pack_list.html"
    title = _("Audit packs")
    empty_title = _("No pack yet")
    empty_text = _("A pack holds every record of chosen sites and a period in one file that anyone can check.")
    create_url_name = "compliance:pack_create"
    create_label = _("Build a pack")
    create_capability = "compliance.build_auditpack"
    related = ("asked_by",)


class PackDetail(RecordPage):
    """A pack: progress, then the file and its fingerprint."""

    model = AuditPack
    template_name = "compliance/pack_detail.html"
    list_url_name = "compliance:pack_list"
    list_title = _("Audit packs")
    related = ("asked_by", "job")
    prefetched = ("sites", "readers")
    has_evidence = False

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list of packs."""
        return [scoped.Crumb(str(self.list_title), reverse(self.list_url_name))]

    def facts(self) -> Iterator[Fact]:
        """What was asked for, and what came out."""
        pack: AuditPack = self.object
        zone = packs.scope_of(pack).zone
        yield Fact(_("Sites"), ", ".join(str(site) for site in pack.sites.all()))
        yield Fact(_("From"), f"{pack.starts_at.astimezone(zone):%Y-%m-%d %H:%M %Z}")
        yield Fact(_("Until"), f"{pack.ends_at.astimezone(zone):%Y-%m-%d %H:%M %Z}")
        yield Fact(_("As known at"), f"{pack.as_of:%Y-%m-%d %H:%M:%S} UTC")
        yield Fact(_("Asked by"), pack.asked_by)
        if pack.state == AuditPack.State.READY:
            yield Fact(_("Files"), pack.file_count, digits=0, unit=str(_("files")))
            yield Fact(_("Size"), (pack.size_bytes or 0) / 1000, unit="kB")
            yield Fact(_("Built"), f"{pack.built_at:%Y-%m-%d %H:%M:%S} UTC")
            yield Fact(_("SHA-256"), pack.sha256)
            yield Fact(_("Handed to"), ", ".join(str(reader) for reader in pack.readers.all()))

    def actions(self) -> Iterator[Action]:
        """The file, building it again, handing it over."""
        pk = self.object.pk
        if self.object.state == AuditPack.State.READY:
            url = reverse("compliance:pack_file", args=[pk])
            yield Action(_("Download"), url, "compliance.view_auditpack", primary=True)
            yield Action(_("Hand over"), reverse("compliance:pack_release", args=[pk]), "compliance.release_auditpack")
        if self.object.is_finished:
            yield Action(_("Build again"), reverse("compliance:pack_again", args=[pk]), "compliance.build_auditpack")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The files by folder, as the manifest lists them."""
        files = (self.object.manifest or {}).get("files", [])
        return super().get_context_data(
            level=tables.PACK_LEVELS[self.object.state],
            files=[one for one in files if not one["path"].endswith(".json")],
            job_url=reverse("compliance:pack_progress", args=[self.object.pk]),
            file_name=file_name(self.object),
            **kwargs,
        )


def file_name(pack: AuditPack) -> str:
    """What the file is called on the auditor's disk."""
    return f"audit-pack-{pack.pk}-{pack.sha256[:8]}.zip"


class PackProgress(PackDetail):
    """The fragment that shows how far the build is; a finished one reloads the page."""

    template_name = "components/job_progress.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The job."""
        return super().get_context_data(job=self.object.job, **kwargs)


class PackFile(scoped.ScopedDetailView):
    """The ZIP."""

    model = AuditPack
    capability = "compliance.view_auditpack"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The bytes, streamed."""
        pack: AuditPack = self.object
        if pack.state != AuditPack.State.READY or not default_storage.exists(pack.storage_name):
            raise Http404(_("The file is missing; build the pack again."))
        file = default_storage.open(pack.storage_name)
        return FileResponse(file, as_attachment=True, filename=file_name(pack), content_type="application/zip")


class PackCreate(scoped.ScopedCreateView):
    """Choose, look at what it will contain and what is missing, then build."""

    model = AuditPack
    form_class = forms.PackForm
    template_name = "compliance/pack_form.html"
    capability = "compliance.build_auditpack"
    title = _("Build an audit pack")
    submit_label = _("Build the pack")

    def get_initial(self) -> dict[str, Any]:
        """Last year, unless the address says otherwise."""
        year = timezone.localdate().year
        chosen = self.request.GET
        return {
            "sites": chosen.getlist("sites"),
            "first_on": chosen.get("first_on") or f"{year}-01-01",
            "last_on": chosen.get("last_on") or timezone.localdate().isoformat(),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look first; the button of the second step builds."""
        if "build" in request.POST:
            return super().post(request, *args, **kwargs)
        form = self.get_form()
        if not form.is_valid():
            return self._show(form)
        try:
            scope = self._wanted(form).scope(cast("User", request.user))
        except Refusal as refusal:
            form.add_error(None, refusals.words_of(refusal))
            return self._show(form)
        looked = {
            "counts": [(table.title, count) for table, count in contents.counts(scope)],
            "gaps": preview.gaps(scope, now=timezone.now()),
        }
        return self.render_to_response(self.get_context_data(form=form, submit_label=self.submit_label, **looked))

    def save(self, form: Any) -> Any:
        """The pack, waiting for a worker."""
        return packs.order_pack(wanted=self._wanted(form), by=self.request.user, now=timezone.now())

    def _wanted(self, form: Any) -> packs.Wanted:
        entered = form.cleaned_data
        return packs.Wanted(
            sites=list(entered["sites"]),
            first_on=entered["first_on"],
            last_on=entered["last_on"],
            as_of=entered["as_of"] or timezone.now(),
        )


class PackAgain(scoped.ConfirmView):
    """The same pack once more."""

    model = AuditPack
    capability = "compliance.build_auditpack"
    title = _("Build the pack again")
    consequence = _("The file is built anew. The same facts give the same bytes and so the same fingerprint.")
    confirm_label = _("Build again")
    destructive = False

    def act(self, form: Any) -> Any:
        """The pack, waiting for a worker."""
        return packs.order_again(pack=self.object, by=self.request.user, now=timezone.now())


class PackRelease(StepPage):
    """A pack, handed to an auditor."""

    model = AuditPack
    form_class = forms.ReleaseForm
    capability = "compliance.release_auditpack"
    title = _("Hand over the pack")
    confirm_label = _("Hand over")
    success_message = _("The pack is handed over.")

    def act(self, form: Any) -> Any:
        """The pack with its new reader."""
        reader = User.objects.filter(email__iexact=form.cleaned_data["email"], is_active=True).first()
        if reader is None:
            raise NobodyLogsInSo(_("Nobody logs in with this address."))
        return packs.release_pack(pack=self.object, reader=reader, by=self.request.user, now=timezone.now())


class NobodyLogsInSo(Refusal):
    """A pack is handed to people who have an account."""


class PackVerify(scoped.ScopedPage):
    """Check a pack that somebody brings; nothing of it is kept."""

    template_name = "compliance/pack_verify.html"
    capability = "compliance.verify_auditpack"
    title = _("Verify a pack")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list of packs."""
        return [scoped.Crumb(gettext("Audit packs"), reverse("compliance:pack_list"))]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The empty form."""
        self.require_capability()
        return self.render_to_response(self.get_context_data(form=forms.VerifyForm(), submit_label=_("Verify")))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The verdict."""
        self.require_capability()
        form = forms.VerifyForm(request.POST, request.FILES)
        context: dict[str, Any] = {"form": form, "submit_label": _("Verify")}
        if form.is_valid():
            file = form.cleaned_data["file"]
            digest, size_bytes = packs.fingerprint(file)
            known = AuditPack.objects.visible_to(request.user).filter(sha256=digest).first()
            verdict = verification.verify(file)
            context |= {
                "verdict": verdict,
                "sha256": digest,
                "size_bytes": size_bytes,
                "known": known,
                "name": file.name,
            }
        return self.render_to_response(self.get_context_data(**context))
