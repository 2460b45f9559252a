"""The guided exchange of a meter: old meter, new meter, reason, then one look at all of it and one confirming step."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Final

from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import FileResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from hosting.domain import exchanging as domain
from hosting.forms import NewMeterForm, OldMeterForm, SwapReasonForm
from hosting.models import MeterPhoto, MeterPlacement, MeterSwap
from hosting.services import exchanging

PLACEMENT_ENDS: Final = ("meter", "site", "delivery_point")
CHANGE: Final = "hosting.change_meterplacement"
STEPS: Final = (
    ("old", "meter_swap", _("Old meter")),
    ("new", "meter_swap_new", _("New meter")),
    ("reason", "meter_swap_reason", _("Reason")),
    ("review", "meter_swap_review", _("Look and confirm")),
)


class _SwapPage(scoped.ScopedObjectPage):
    """A page of the exchange of the meter that stands at a place."""

    model = MeterPlacement
    related = PLACEMENT_ENDS
    capability = CHANGE
    step: ClassVar[str] = ""

    def get_object(self) -> Any:
        """The placement, as long as it lasts."""
        return get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"], valid_until__isnull=True)

    def get_title(self) -> str:
        """Which meter goes."""
        return str(_("Exchange meter %(serial)s")) % {"serial": self.object.meter}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        """Back to the meter."""
        return [scoped.Crumb(str(self.object.meter), self.object.meter.get_absolute_url())]

    def swap(self) -> MeterSwap | None:
        """What was entered so far."""
        rows = MeterSwap.objects.filter(placement=self.object).select_related("placement__meter", "placement__site")
        found: MeterSwap | None = rows.select_related("placement__delivery_point__site").first()
        return found

    def url_of(self, name: str) -> str:
        """The address of a step."""
        return reverse(f"hosting:{name}", args=[self.object.pk])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The steps, which of them are entered, and the photos so far."""
        swap = self.swap()
        entered = swap.entered if swap else {}
        context = {
            "steps": [(self.url_of(name), label, key in entered, key == self.step) for key, name, label in STEPS],
            "photos": swap.photos.select_related("uploaded_by") if swap else [],
            "cancel_url": self.object.meter.get_absolute_url(),
        }
        return super().get_context_data(**{**context, **kwargs})


class _StepPage(scoped.FormPage, _SwapPage):
    """One step: what is typed is kept at once, for whoever goes on."""

    template_name = "hosting/meter_swap.html"
    submit_label: Any = _("Go on")
    following: ClassVar[str] = ""

    def get_initial(self) -> dict[str, Any]:
        """What was entered before."""
        swap = self.swap()
        entered = dict(swap.entered.get(self.step, {})) if swap else {}
        return {name: _shown(name, value) for name, value in entered.items()}

    def carry_out(self, form: Any) -> Any:
        """One call: the step is kept."""
        entered = {name: _kept(value) for name, value in form.cleaned_data.items() if name != "photo"}
        return exchanging.keep_step(
            placement=self.object, step=self.step, entered=entered, photo=form.cleaned_data.get("photo"),
            by=self.person, now=timezone.now(),
        )  # fmt: skip

    def get_success_url(self, outcome: Any) -> str:
        """The next step."""
        return self.url_of(self.following)


class MeterSwapOld(_StepPage):
    """The meter that goes: final registers, seal, photo."""

    form_class = OldMeterForm
    step = "old"
    following = "meter_swap_new"


class MeterSwapNew(_StepPage):
    """The meter that comes: on record or entered here, first registers, photo."""

    form_class = NewMeterForm
    step = "new"
    following = "meter_swap_reason"


class MeterSwapReason(_StepPage):
    """Why it is exchanged."""

    form_class = SwapReasonForm
    step = "reason"
    following = "meter_swap_review"


class MeterSwapReview(_SwapPage, scoped.ConfirmView):
    """All that was entered, how plausible it is, what becomes of the gap; one step makes it a fact."""

    template_name = "hosting/meter_swap_review.html"
    step = "review"
    confirm_label = _("Exchange the meter")
    destructive = False
    consequence = _(
        "The old meter's stay ends, the new one's begins. Both registers go into the bill and stay on record."
    )
    success_message = _("The meter is exchanged; both registers are on record.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The review, or the first step that is missing."""
        swap = self.swap()
        missing = domain.missing_step(swap.entered if swap else {})
        if missing:
            return HttpResponseRedirect(self.url_of(next(name for key, name, _label in STEPS if key == missing)))
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """What was entered, and what others remark on it."""
        swap = self.swap()
        context: dict[str, Any] = {}
        if swap is not None and not domain.missing_step(swap.entered):
            facts = domain.facts_of(swap.entered)
            seal = self.object.meter.seal_number
            context = {
                "facts": facts,
                "new": swap.entered["new"],
                "successor": _name_of(swap),
                "seal_differs": bool(seal) and seal != facts.seal_found,
                "remarks": exchanging.remarks_on(swap, timezone.now()),
                "moments_without_photo": _without_photo(swap),
            }
        return super().get_context_data(**{**context, **kwargs})

    def get_cancel_url(self) -> str:
        """Back to the first step."""
        return self.url_of("meter_swap")

    def act(self, form: Any) -> Any:
        """One call: the exchange becomes a fact."""
        swap = self.swap()
        if swap is None:
            raise exchanging.StepIsMissing(step=str(STEPS[0][2]))
        confirmed = exchanging.confirm(swap=swap, by=self.person, now=timezone.now())
        assert confirmed.fitted is not None  # noqa: S101 -- the constraint says so
        return confirmed.fitted.meter


class MeterPhotoFile(scoped.ScopedDetailView):
    """A photo, byte for byte as it was kept; shown as the picture that it was found to be, and nothing else."""

    model = MeterPhoto
    capability = "hosting.view_meterphoto"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The bytes."""
        photo: MeterPhoto = self.object
        try:
            file = default_storage.open(photo.storage_name)
        except FileNotFoundError as error:
            raise Http404(_("The file is missing from the storage.")) from error
        name = f"{photo.moment}-{photo.sha256[:12]}.{photo.media_type.rpartition('/')[2]}"
        answer = FileResponse(file, filename=name, content_type=photo.media_type)
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        answer["Cache-Control"] = "private, max-age=3600"
        return answer


def _without_photo(swap: MeterSwap) -> list[Any]:
    shown = set(swap.photos.values_list("moment", flat=True))
    return [label for moment, label in MeterPhoto.Moment.choices if moment not in shown]


def _name_of(swap: MeterSwap) -> str:
    """The serial number of the new meter."""
    entered = swap.entered["new"]
    if not entered.get("successor"):
        return str(entered["serial"])
    return str(type(swap.placement.meter).objects.get(pk=entered["successor"]))


def _kept(value: Any) -> Any:
    """A value as JSON keeps it: rows by key, instants in UTC."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return value.pk if hasattr(value, "pk") else value


def _shown(name: str, value: Any) -> Any:
    """A kept value as a field shows it: instants in the time zone of the person."""
    if name.endswith("_at") and value:
        return timezone.localtime(dt.datetime.fromisoformat(value)).replace(tzinfo=None)
    return value
