"""Proposing corrections: registers set right, stretches reworked, differences divided, heat estimated."""

import datetime as dt
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import refusals
from accounts.views import scoped
from hosting.models import DeliveryPoint, Meter, MeterPlacement, Site
from kernel.errors import Refusal
from kernel.periods import quarter_start
from thermal.correction_forms import DivideForm, EditForm, EstimateForm, RescaleForm, ShiftForm
from thermal.domain.estimation import Method
from thermal.models import Correction
from thermal.models.validation import ValidationFinding
from thermal.queries import correction_charts, correction_texts
from thermal.queries import correction_queue as reading
from thermal.queries.finding_texts import words_of
from thermal.services import corrections
from thermal.views.corrections import PROPOSE, corrections_crumb
from thermal.views.heat import heat_crumb

QUARTER = dt.timedelta(minutes=15)
# The field that a refusal speaks of, by its code; those of others stand above the form.
FIELD_OF = {
    "reason_is_missing": "reason",
    "not_quarter_hours": "ends_at",
    "estimated_already": "starts_at",
    "no_readings_there": "starts_at",
    "nobody_measured_there": "starts_at",
    "register_stays_unknown": "starts_at",
    "factor_is_no_factor": "factor",
    "nothing_is_shifted": "offset_h",
    "method_not_possible": "method",
    "nothing_to_estimate_from": "method",
}
WAYS = (
    ("correction_edit", gettext_lazy("Set registers")),
    ("correction_divide", gettext_lazy("Divide a difference")),
    ("correction_rescale", gettext_lazy("Change the unit")),
    ("correction_shift", gettext_lazy("Correct the clock")),
)


class _Proposal(scoped.FormPage, scoped.ScopedObjectPage, ABC):
    """A page that proposes a correction of one meter or delivery point, perhaps in answer to a finding."""

    capability = PROPOSE
    template_name = "thermal/correction_propose.html"
    submit_label: Any = gettext_lazy("Show what would change")
    explanation: Any = ""
    way: ClassVar[str] = ""

    @cached_property
    def finding(self) -> ValidationFinding | None:
        """The open finding that the address names, if it speaks of this meter or delivery point."""
        is_meter = isinstance(self.object, Meter)
        found: ValidationFinding | None = reading.finding_for(
            self.person,
            self.request.GET.get("finding", ""),
            meter=self.object if is_meter else None,
            point=None if is_meter else self.object,
        )
        return found

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), corrections_crumb(), scoped.Crumb(str(self.object), self.object.get_absolute_url())]

    def get_initial(self) -> dict[str, Any]:
        """The stretch of the finding, in the time zone of the person."""
        if self.finding is None:
            return {}
        return {"starts_at": _local(self.finding.starts_at), "ends_at": _local(self.finding.ends_at)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        finding = self.finding
        context = {
            "explanation": self.explanation,
            "ways": self.ways(),
            "finding": finding,
            "words": words_of(finding) if finding else None,
            "cancel_url": finding.get_absolute_url() if finding else self.object.get_absolute_url(),
            "approval_ratio": corrections.approval_ratio(),
        }
        return super().get_context_data(**{**context, **kwargs})

    def ways(self) -> list[tuple[str, Any, bool]]:
        """The other ways to correct the meter: address, label, and whether it is this one."""
        query = f"?finding={self.finding.pk}" if self.finding else ""
        found: list[tuple[str, Any, bool]] = [
            (reverse(f"thermal:{name}", args=[self.meter_pk()]) + query, label, name == self.way)
            for name, label in WAYS
            if self.meter_pk()
        ]
        point = self.point_pk()
        if point:
            url = reverse("thermal:correction_estimate", args=[point]) + query
            found.append((url, _("Estimate heat"), self.way == "correction_estimate"))
        return found

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The look at what would change; the proposal, once it was looked at as it stands."""
        form = self.get_form()
        # A reason that is missing keeps nobody from seeing what it is needed for.
        if not form.is_valid() and set(form.errors) != {"reason"}:
            return self._show(form)
        was_seen = "store" in request.POST and request.POST.get("seen") == form.fingerprint()
        stores = was_seen and not form.errors
        try:
            if stores:
                return HttpResponseRedirect(self.get_success_url(self.carry_out(form)))
            return self._show_preview(form, was_seen=was_seen)
        except Refusal as refusal:
            field = FIELD_OF.get(refusal.code, "")
            form.add_error(field if field in form.fields else None, refusals.words_of(refusal))
            return self._show(form)

    def _show_preview(self, form: Any, *, was_seen: bool) -> HttpResponse:
        """The form with what the correction would change below it."""
        form.cleaned_data["reason"] = form.cleaned_data["reason"] or "–"
        found = corrections.preview(
            make=lambda: self.carry_out(form), site=self.site(), by=self.person, now=timezone.now()
        )
        correction = found.correction
        context = {
            "preview": found,
            "seen": form.fingerprint(),
            "was_changed": "store" in self.request.POST and not was_seen,
            "sentence": correction_texts.what_changes(correction),
            "how": correction_texts.how(correction.method, correction.weather_ratio),
            "passed_over": correction_texts.passed_over(correction.passed_over),
            "zone": correction.site.time_zone,
            "chart": correction_charts.chart_of_preview(found, correction.site.time_zone),
        }
        return self.render_to_response(self.get_context_data(form=form, submit_label=_("Look again"), **context))

    def site(self) -> Site:
        """The site whose ledger the correction changes."""
        if self.finding is not None:
            return self.finding.site
        rows = MeterPlacement.objects.filter(meter=self.object).select_related("site").order_by("-valid_from")
        placement = rows.first()
        if placement is None:
            raise corrections.NobodyMeasuredThere(meter=self.object, at=_("any time"))
        return placement.site

    def meter_pk(self) -> int | None:
        """The meter that is corrected."""
        pk: int = self.object.pk
        return pk

    def point_pk(self) -> int | None:
        """Where the meter stands, or stood at the time of the finding."""
        rows = MeterPlacement.objects.filter(meter=self.object, delivery_point__isnull=False)
        if self.finding:
            rows = rows.filter(valid_from__lt=self.finding.ends_at)
        return rows.order_by("-valid_from").values_list("delivery_point_id", flat=True).first()

    @abstractmethod
    def carry_out(self, form: Any) -> Correction:
        """The proposal that this way of correcting makes."""

    def who(self) -> dict[str, Any]:
        """Who proposes, when, and in answer to what."""
        return {"by": self.person, "now": timezone.now(), "finding": self.finding}


def _local(at: dt.datetime) -> dt.datetime:
    return timezone.localtime(at).replace(microsecond=0, tzinfo=None)


class CorrectionEdit(_Proposal):
    """Sets registers right, one or several."""

    model = Meter
    form_class = EditForm
    template_name = "thermal/correction_edit.html"
    way = "correction_edit"
    explanation = gettext_lazy(
        "Each row sets the register that counts at an instant, or takes the reading away. What stood there stays on "
        "record. Volume and temperatures of the reading stay as they are."
    )

    def get_title(self) -> str:
        return _("Set registers of meter %(serial)s") % {"serial": self.object.serial}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "rows": self._known()}

    def _known(self) -> list[tuple[dt.datetime, Decimal | None]]:
        """The readings that the address or the finding names, as they count."""
        typed = [parse_datetime(text.replace(" ", "+")) for text in self.request.GET.getlist("at")]
        instants = [at for at in typed if at is not None and at.tzinfo is not None]
        if not instants and self.finding is not None:
            instants = [at for at in (self.finding.before_at, self.finding.after_at) if at is not None]
        exact = [reading.reading_instant(self.object, at) for at in sorted(set(instants))]
        return [(at, reading.register_at(self.object, at)) for at in exact]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """More rows, or what every correction does."""
        if "more" in request.POST:
            form = self.get_form()
            form.errors.clear()
            return self._show(form)
        return super().post(request, *args, **kwargs)

    def carry_out(self, form: Any) -> Correction:
        edits = [corrections.Edit(reading.reading_instant(self.object, at), kwh) for at, kwh in form.edits()]
        reason = form.cleaned_data["reason"]
        return corrections.edit_registers(meter=self.object, edits=edits, reason=reason, **self.who())


class CorrectionDivide(_Proposal):
    """Divides a register difference over its quarter hours."""

    model = Meter
    form_class = DivideForm
    way = "correction_divide"
    explanation = gettext_lazy(
        "The readings just before and just after the stretch are both right and nobody read between them. Their "
        "difference stays the total; it is divided like the same hours of earlier weeks."
    )

    def get_title(self) -> str:
        return _("Divide a register difference of meter %(serial)s") % {"serial": self.object.serial}

    def carry_out(self, form: Any) -> Correction:
        reason = form.cleaned_data["reason"]
        return corrections.distribute(meter=self.object, period=form.period(), reason=reason, **self.who())


class CorrectionRescale(_Proposal):
    """Multiplies a stretch of registers."""

    model = Meter
    form_class = RescaleForm
    way = "correction_rescale"
    explanation = gettext_lazy(
        "For a while the registers were told in another unit. Each of the stretch is multiplied."
    )

    def get_title(self) -> str:
        return _("Change the unit of readings of meter %(serial)s") % {"serial": self.object.serial}

    def get_initial(self) -> dict[str, Any]:
        """The stretch without the last reading that was still right."""
        found = super().get_initial()
        if self.finding and self.finding.after_at and self.finding.kind == ValidationFinding.Kind.UNIT_CHANGE:
            found["starts_at"] = _local(self.finding.after_at)
        return found

    def carry_out(self, form: Any) -> Correction:
        return corrections.rescale_registers(
            meter=self.object, period=form.period(), factor=form.chosen_factor(), reason=form.cleaned_data["reason"],
            **self.who(),
        )  # fmt: skip


class CorrectionShift(_Proposal):
    """Moves a stretch of readings to their right instants."""

    model = Meter
    form_class = ShiftForm
    way = "correction_shift"
    explanation = gettext_lazy(
        "For a while the clock was wrong. Each reading of the stretch is withdrawn at the wrong instant and written at "
        "the right one, with its volume and temperatures."
    )

    def get_title(self) -> str:
        return _("Correct the clock of readings of meter %(serial)s") % {"serial": self.object.serial}

    def carry_out(self, form: Any) -> Correction:
        return corrections.shift_readings(
            meter=self.object, period=form.period(), by_time=form.by_time(), reason=form.cleaned_data["reason"],
            **self.who(),
        )  # fmt: skip


class CorrectionEstimate(_Proposal):
    """Adds estimated heat."""

    model = DeliveryPoint
    related = ("site",)
    form_class = EstimateForm
    way = "correction_estimate"
    explanation = gettext_lazy(
        "For heat that no register told, as while a sensor was broken or a meter was out. It comes on top of what "
        "counts already and is shown as estimated up to the invoice."
    )

    def get_title(self) -> str:
        return _("Estimate heat of %(name)s") % {"name": self.object.name}

    def get_initial(self) -> dict[str, Any]:
        """The whole quarter hours of the finding."""
        if self.finding is None:
            return {}
        end = self.finding.ends_at
        upper = quarter_start(end) if quarter_start(end) == end else quarter_start(end) + QUARTER
        return {"starts_at": _local(quarter_start(self.finding.starts_at)), "ends_at": _local(upper)}

    def meter_pk(self) -> int | None:
        if self.finding and self.finding.meter_id:
            return self.finding.meter_id
        rows = MeterPlacement.objects.filter(delivery_point=self.object).order_by("-valid_from")
        return rows.values_list("meter_id", flat=True).first()

    def point_pk(self) -> int | None:
        pk: int = self.object.pk
        return pk

    def site(self) -> Site:
        found: Site = self.object.site
        return found

    def _show_preview(self, form: Any, *, was_seen: bool) -> HttpResponse:
        """With what counts there already, lest the same heat counts twice."""
        self.counted_kwh = reading.counted_kwh(self.object, form.period())
        return super()._show_preview(form, was_seen=was_seen)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"counted_kwh": getattr(self, "counted_kwh", None), **kwargs})

    def carry_out(self, form: Any) -> Correction:
        return corrections.add_estimate(
            point=self.object, period=form.period(), method=_method(form), reason=form.cleaned_data["reason"],
            **self.who(),
        )  # fmt: skip


def _method(form: Any) -> Method | None:
    name = form.cleaned_data["method"]
    return Method(name) if name else None
