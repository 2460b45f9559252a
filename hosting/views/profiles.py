"""Pages of device profiles: list, record, editor, files, and the library that ships with the product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting import tables
from hosting.domain import yaml_lines
from hosting.domain.addresses import LANGUAGES
from hosting.filters import DeviceProfileFilter
from hosting.models import Device, DeviceKind, DeviceProfile
from hosting.profile_forms import ChooseProtocolForm, Editor, ProfileFileForm, rows_wanted
from hosting.queries import profiles as stored
from hosting.services import profile_files, profiles
from hosting.views.records import Action, InventoryList, RecordPage, Section
from kernel.errors import Refusal


def list_crumb() -> scoped.Crumb:
    """The way back to the list."""
    return scoped.Crumb(gettext("Device profiles"), reverse("hosting:deviceprofile_list"))


class DeviceProfileList(InventoryList):
    """Every version of every profile."""

    model = DeviceProfile
    template_name = "hosting/profile_list.html"
    table_class = tables.DeviceProfileTable
    filterset_class = DeviceProfileFilter
    title = _("Device profiles")
    empty_text = _(
        "A profile says how to read a kind of device. The library has profiles of many meters; "
        "others are entered here or come in as files."
    )
    create_url_name = "hosting:deviceprofile_create"
    create_capability = "hosting.add_deviceprofile"
    import_table = "device-profiles"


class DeviceProfileDetail(RecordPage):
    """One version of a profile with its points, its devices, and how it differs from another version."""

    model = DeviceProfile
    prefetched = ("points",)
    template_name = "hosting/profile_detail.html"
    left_out = ("options",)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list."""
        return [list_crumb()]

    def actions(self) -> Sequence[Action]:
        """A version in use never changes: the next one does."""
        key = [self.object.pk]
        following = reverse("hosting:deviceprofile_next", args=key)
        file = reverse("hosting:deviceprofile_file", args=key)
        actions = [
            Action(_("New version"), "copy", following, "hosting.add_deviceprofile"),
            Action(_("Take out as YAML"), "download", file, "hosting.view_deviceprofile"),
        ]
        if not self.times_used:
            change = Action(
                _("Change"),
                "pencil",
                reverse("hosting:deviceprofile_update", args=key),
                "hosting.change_deviceprofile",
            )
            actions.insert(0, change)
        return actions

    def sections(self) -> Sequence[Section]:
        """Points and devices."""
        devices = Device.objects.filter(profile=self.object).select_related("controller__site", "profile")
        return (
            self.section(_("Points"), tables.ProfilePointTable, self.object.points.all()),
            self.section(_("Devices that it reads"), tables.DeviceTable, devices),
        )

    def other_versions(self) -> list[DeviceProfile]:
        """The other versions of the same key, the latest first."""
        same = DeviceProfile.objects.filter(key=self.object.key).exclude(pk=self.object.pk)
        return list(same.order_by("-version"))

    def compared(self, others: list[DeviceProfile]) -> DeviceProfile | None:
        """The version to compare with: the chosen one, or else the one before."""
        chosen = self.request.GET.get("against", "")
        earlier = [other for other in others if other.version < self.object.version]
        return next((other for other in others if str(other.version) == chosen), earlier[0] if earlier else None)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The record, what it may do, and the differences."""
        self.times_used = stored.times_used(self.object)
        others = self.other_versions()
        against = self.compared(others)
        context = {
            "times_used": self.times_used,
            "versions": others,
            "against": against,
            "differences": stored.changes_between(against, self.object) if against else [],
        }
        return super().get_context_data(**{**context, **kwargs})


class DeviceProfileNext(scoped.ConfirmView):
    """Copies a profile to its next version."""

    model = DeviceProfile
    capability = "hosting.add_deviceprofile"
    title = _("Make a new version and change it")
    consequence = _(
        "A copy with the next version number is made. Devices keep the version they use until you change them."
    )
    confirm_label = _("Make the version")
    destructive = False

    def act(self, form: Any) -> Any:
        """One call: the copy."""
        return profiles.next_version(profile=self.object, by=self.person)

    def get_success_url(self, outcome: Any) -> str:
        """On to the editor, for whoever may use it."""
        if self.request.user.has_perm("hosting.change_deviceprofile"):
            return reverse("hosting:deviceprofile_update", args=[outcome.pk])
        return super().get_success_url(outcome)


class DeviceProfileFile(scoped.ScopedObjectPage):
    """One version as a YAML file."""

    model = DeviceProfile
    prefetched = ("points",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The file."""
        name = f"{self.object.key}-v{self.object.version}.yaml"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(stored.yaml_of(self.object), content_type="application/yaml", headers=headers)


class EditorPage(scoped.ScopedPage):
    """The form of a profile and its points; a row is added without losing what was typed."""

    template_name = "hosting/profile_form.html"

    def editor(self, data: Any = None) -> Editor:
        """The form, empty, filled from a version, or filled by the person."""
        raise NotImplementedError

    def save(self, editor: Editor) -> DeviceProfile:
        """The one call."""
        raise NotImplementedError

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The form."""
        return self.show(self.editor())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """One row more, or the profile stored."""
        if "add_row" in request.POST:
            return self.show(self.editor(rows_wanted(request.POST)))
        editor = self.editor(request.POST)
        if not editor.is_valid():
            return self.show(editor)
        try:
            profile = self.save(editor)
        except Refusal as refusal:
            editor.refuse(refusal)
            return self.show(editor)
        messages.success(request, gettext("Saved."))
        return HttpResponseRedirect(profile.get_absolute_url())

    def show(self, editor: Editor) -> HttpResponse:
        """The page with the form."""
        return self.render_to_response(self.get_context_data(editor=editor))


class DeviceProfileCreate(EditorPage):
    """Enters a profile: first its language, then everything else."""

    model = DeviceProfile
    title = _("Add a device profile")
    capability = "hosting.add_deviceprofile"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Refuse whoever may not add one."""
        if request.user.is_authenticated:
            self.require_capability()
        return super().dispatch(request, *args, **kwargs)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list."""
        return [list_crumb()]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The choice of a language until there is one, then the form."""
        if request.GET.get("protocol") in LANGUAGES:
            return super().get(request, *args, **kwargs)
        form = ChooseProtocolForm(request.GET or None)
        context = self.get_context_data(form=form)
        return self.response_class(request=request, template=["hosting/profile_protocol.html"], context=context)

    def editor(self, data: Any = None) -> Editor:
        """An empty form."""
        protocol = self.request.GET.get("protocol", "")
        if protocol not in LANGUAGES:
            raise Http404
        return Editor(protocol=protocol, data=data, extra_count=3)

    def save(self, editor: Editor) -> DeviceProfile:
        """The first version."""
        return profiles.create_draft(draft=editor.result(), by=self.person)


class DeviceProfileUpdate(EditorPage, scoped.ScopedObjectPage):
    """Changes a version by which no device was ever read."""

    model = DeviceProfile
    prefetched = ("points",)
    capability = "hosting.change_deviceprofile"

    def get_title(self) -> str:
        """What is changed."""
        return gettext("Change %(name)s") % {"name": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list and the version."""
        return [list_crumb(), scoped.Crumb(str(self.object), self.object.get_absolute_url())]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Lead from a version in use to the copy of it."""
        if request.user.is_authenticated:
            self.object = self.get_object()
            self.require_capability()
            try:
                profiles.refuse_change_of_used(self.object)
            except profiles.ProfileInUse:
                messages.warning(
                    request,
                    gettext("%(profile)s is in use and stays as it is. Make a new version and change that one.")
                    % {"profile": self.object},
                )
                return HttpResponseRedirect(reverse("hosting:deviceprofile_next", args=[self.object.pk]))
        return super().dispatch(request, *args, **kwargs)

    def editor(self, data: Any = None) -> Editor:
        """The form with the version in it."""
        if self.object.protocol not in LANGUAGES:
            raise Http404
        return Editor(protocol=self.object.protocol, draft=stored.draft_of(self.object), data=data)

    def save(self, editor: Editor) -> DeviceProfile:
        """The same version with other content."""
        return profiles.change_profile(profile=self.object, draft=editor.result(), by=self.person)


class DeviceProfileImport(scoped.ScopedCreateView):
    """Takes a profile from a YAML file."""

    model = DeviceProfile
    form_class = ProfileFileForm
    template_name = "hosting/profile_import.html"
    title = _("Take a profile from a file")
    capability = "hosting.add_deviceprofile"
    submit_label = _("Import")
    success_message: Any = ""

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list."""
        return [list_crumb()]

    def save(self, form: Any) -> Any:
        """One call: the file."""
        upload = form.cleaned_data["file"]
        content = upload.read(yaml_lines.MAX_BYTES + 1)
        saved = profile_files.import_file(file_name=upload.name, content=content, by=self.person)
        messages.success(self.request, outcome_words(saved))
        return saved.profile


class LibraryPage(scoped.ScopedPage):
    """The profiles that ship with the product, with search and a button that adds one."""

    model = DeviceProfile
    template_name = "hosting/profile_library.html"
    title = _("Library of device profiles")
    capability = "hosting.view_deviceprofile"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """The list."""
        return [list_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The entries that fit the search."""
        words, kind = self.request.GET.get("q", "").casefold().split(), self.request.GET.get("kind", "")
        found = [entry for entry in stored.library() if _fits(entry, words, kind)]
        kinds = {entry.draft.device_kind for entry in stored.library()}
        context = {
            "offers": stored.offers(found),
            "kinds": [(value, label) for value, label in DeviceKind.choices if value in kinds],
            "kind": kind,
            "q": self.request.GET.get("q", ""),
            "may_add": self.request.user.has_perm("hosting.add_deviceprofile"),
        }
        return super().get_context_data(**{**context, **kwargs})


def _fits(entry: stored.LibraryEntry, words: list[str], kind: str) -> bool:
    text = f"{entry.draft.key} {entry.draft.name} {entry.draft.source}".casefold()
    return (not kind or entry.draft.device_kind == kind) and all(word in text for word in words)


class LibraryAdd(scoped.ScopedPage):
    """Adds one profile of the library, or its update as the next version."""

    model = DeviceProfile
    capability = "hosting.add_deviceprofile"
    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """One call: the entry."""
        self.require_capability()
        entry = next((entry for entry in stored.library() if entry.draft.key == kwargs["key"]), None)
        if entry is None:
            raise Http404
        (saved,) = profile_files.load_library(entries=[entry], by=self.person)
        messages.success(request, outcome_words(saved))
        return HttpResponseRedirect(saved.profile.get_absolute_url())


def outcome_words(saved: profiles.Saved) -> str:
    """What became of a file or an entry of the library, in a sentence."""
    sentences = {
        "created": gettext("%(profile)s was added."),
        "new version": gettext("%(profile)s was added as a new version; devices keep theirs until you change them."),
        "unchanged": gettext("%(profile)s says the same already; nothing was changed."),
    }
    return sentences[saved.outcome] % {"profile": saved.profile}
