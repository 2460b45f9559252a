"""Commissioning a device: look at it, type what its display shows, compare, accept or reject."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import refusals
from accounts.views import scoped
from hosting.models import Device
from kernel.errors import Refusal
from thermal.domain.commissioning import Typed
from thermal.domain.plausibility import Told
from thermal.forms import DisplayForm
from thermal.models import DeviceAcceptance, DeviceProbe
from thermal.queries import commissioning as queries
from thermal.queries import doubts
from thermal.services import commissioning

PROBE = "thermal.probe_device"
ACCEPT = "thermal.accept_device"
RELATED = ("controller__site", "profile", "meter")


class _OfDevice(scoped.ScopedObjectPage):
    """A page about one device that the person may see."""

    model = Device
    related = RELATED

    def breadcrumbs(self) -> list[scoped.Crumb]:
        site = self.object.controller.site
        return [
            scoped.Crumb(site.name, site.get_absolute_url()),
            scoped.Crumb(str(self.object), self.object.get_absolute_url()),
        ]

    @property
    def page_url(self) -> str:
        """The address of the device's commissioning page."""
        return reverse("thermal:device_commissioning", args=[self.object.pk])

    def probe_context(self, probe: DeviceProbe | None) -> dict[str, Any]:
        """The look that the page shows, and where its progress comes from."""
        told = [Told(**row) for row in probe.told] if probe is not None else []
        waits = probe is not None and probe.told_at is None and probe.job is not None and not probe.job.is_over
        return {
            "probe": probe,
            "probe_waits": waits,
            "probe_values": [(point, doubts.reason_in_words(point.reason)) for point in told],
            "probe_progress_url": reverse("thermal:device_probe_progress", args=[self.object.pk]),
        }


class DeviceCommissioning(_OfDevice):
    """The device's last look, the form for its display, and every verdict given on it."""

    template_name = "thermal/device_commissioning.html"

    def get_title(self) -> str:
        return _("Commissioning of %(device)s") % {"device": self.object}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        device, user = self.object, self.request.user
        probe = kwargs.pop("probe", None) or queries.latest_probe(device)
        form = kwargs.pop("form", None) or self.form_of(probe)
        acceptances = queries.acceptances_of(device)
        standing = queries.standing_acceptance(device)
        context = {
            "device": device,
            "form": form,
            "may_probe": user.has_perm(PROBE),
            "may_accept": user.has_perm(ACCEPT),
            "standing": standing,
            "history": [self.row_of(acceptance, standing) for acceptance in acceptances],
            "zone": device.controller.site.time_zone,
            **self.probe_context(probe),
        }
        return super().get_context_data(**{**context, **kwargs})

    def form_of(self, probe: DeviceProbe | None, data: Any = None) -> DisplayForm | None:
        """The form for what the look told; none before it answered."""
        if probe is None or probe.told_at is None or not probe.answered or not self.request.user.has_perm(ACCEPT):
            return None
        told = [Told(**row) for row in probe.told]
        return DisplayForm(data, device=self.object, told=told, initial={"probe": probe.pk})

    def row_of(self, acceptance: DeviceAcceptance, standing: DeviceAcceptance | None) -> dict[str, Any]:
        """One verdict as the page shows it."""
        is_accepted = acceptance.verdict == DeviceAcceptance.Verdict.ACCEPTED
        lapsed = is_accepted and acceptance != standing
        return {
            "acceptance": acceptance,
            "word": _("no longer holds") if lapsed else acceptance.get_verdict_display(),
            "level": "unknown" if lapsed else "ok" if is_accepted else "bad",
            "doubts": doubts.doubts_of(acceptance.findings),
        }

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Compare what was typed, or give the verdict on it."""
        if not request.user.has_perm(ACCEPT):
            raise PermissionDenied
        looks = DeviceProbe.objects.filter(device=self.object).select_related("job")
        looks = looks.select_related("device__profile", "device__meter", "device__controller__site")
        number = request.POST.get("probe", "")
        probe = get_object_or_404(looks, pk=int(number) if number.isdecimal() else 0)
        form = self.form_of(probe, request.POST)
        if form is None or not form.is_valid():
            return self.show(probe, form)
        try:
            verdict = self.judge(probe, form)
        except Refusal as refusal:
            form.add_error(None, refusals.words_of(refusal))
            verdict = None
        if verdict is None:
            return self.show(probe, form, form.typed)
        messages.success(
            request, _("Recorded: the device is %(verdict)s.") % {"verdict": verdict.get_verdict_display()}
        )
        return HttpResponseRedirect(self.page_url)

    def judge(self, probe: DeviceProbe, form: DisplayForm) -> DeviceAcceptance | None:
        """The verdict that was pressed; None while the person only compares."""
        act = {"accept": commissioning.accept_device, "reject": commissioning.reject_device}
        chosen = act.get(self.request.POST.get("step", ""))
        if chosen is None:
            return None
        note = form.cleaned_data["note"]
        return chosen(probe=probe, typed=form.typed, note=note, by=self.person, now=timezone.now())

    def show(self, probe: DeviceProbe, form: DisplayForm | None, typed: Typed | None = None) -> HttpResponse:
        """The page again, with what the comparison comes to."""
        context: dict[str, Any] = {"probe": probe, "form": form}
        if typed is not None:
            examined = commissioning.examine(probe=probe, typed=typed, now=timezone.now())
            context["examined"] = examined
            context["doubts"] = doubts.doubts_of(examined.findings)
        response: HttpResponse = self.render_to_response(self.get_context_data(**context))
        return response


class DeviceProbeAsk(_OfDevice):
    """Has a worker look at the device now."""

    http_method_names = ("post",)
    capability = PROBE
    title = gettext_lazy("Look at the device")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Queue the look, and go where its progress is shown."""
        commissioning.ask_for_probe(device=self.object, by=self.person, now=timezone.now())
        return HttpResponseRedirect(self.page_url)


class DeviceProbeProgress(_OfDevice):
    """How far the look is; once it is over, the page is loaded anew."""

    template_name = "thermal/partials/device_probe.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The fragment while the look runs, afterwards a word to htmx to load the page with its form."""
        context = self.probe_context(queries.latest_probe(self.object))
        response: HttpResponse = self.render_to_response(self.get_context_data(**context))
        if not context["probe_waits"]:
            response["HX-Refresh"] = "true"
        return response
