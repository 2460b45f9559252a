"""Circuits, samples and limits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.views import scoped
from compliance import filters, forms, tables
from compliance.models import Task, WaterCircuit, WaterLimit, WaterSample
from compliance.queries import limits
from compliance.services import treatment
from compliance.views.records import Action, Fact, ListPage, RecordPage, StepPage, day, fact


class CircuitList(ListPage):
    """Every body of water."""

    model = WaterCircuit
    table_class = tables.CircuitTable
    filterset_class = filters.CircuitFilter
    title = _("Water circuits")
    empty_title = _("No water circuit yet")
    empty_text = _("A circuit is a body of water that is treated and sampled as one.")
    create_url_name = "compliance:circuit_create"
    create_label = _("Add a circuit")
    create_capability = "compliance.add_watercircuit"
    related = ("site",)

    def get_queryset(self) -> QuerySet[Any]:
        """The circuits with their last sample."""
        last = WaterSample.objects.filter(circuit=OuterRef("pk")).order_by("-taken_at")
        circuits: QuerySet[Any] = (
            super()
            .get_queryset()
            .annotate(
                last_taken_at=Subquery(last.values("taken_at")[:1]), last_verdict=Subquery(last.values("verdict")[:1])
            )
        )
        return circuits


class CircuitDetail(RecordPage):
    """A body of water with its samples and the limits it is judged by."""

    model = WaterCircuit
    template_name = "compliance/circuit_detail.html"
    list_url_name = "compliance:circuit_list"
    list_title = _("Water circuits")
    related = ("site",)

    def facts(self) -> Iterator[Fact]:
        """What the circuit is."""
        circuit: WaterCircuit = self.object
        yield fact(_("Site"), circuit.site)
        yield Fact(_("Code"), circuit.code)
        yield Fact(_("Treatment"), circuit.get_treatment_display())
        yield Fact(_("Water content"), circuit.volume_l, unit="l")
        yield Fact(_("Materials"), circuit.materials)
        yield Fact(_("Equipment"), ", ".join(str(one) for one in circuit.equipment.all()))

    def actions(self) -> Iterator[Action]:
        """Sampling it, planning samples, changing it."""
        pk = self.object.pk
        yield Action(
            _("Record a sample"),
            reverse("compliance:sample_create", args=[pk]),
            "compliance.add_watersample",
            primary=True,
        )
        query = f"?site={self.object.site_id}&circuit={pk}"
        yield Action(_("Plan samples"), reverse("compliance:plan_create") + query, "compliance.add_maintenanceplan")
        yield Action(_("Change"), reverse("compliance:circuit_update", args=[pk]), "compliance.change_watercircuit")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The last samples and today's limits."""
        circuit: WaterCircuit = self.object
        holding = limits.holding(treatment=circuit.treatment, country=circuit.site.country, on=timezone.localdate())
        return super().get_context_data(
            prose=circuit.notes,
            samples=circuit.samples.select_related("circuit__site").prefetch_related("results")[:12],
            limits=[(limit, forms.limit_words(limit)) for limit in holding.values()],
            samples_url=f"{reverse('compliance:sample_list')}?circuit={circuit.pk}",
            **kwargs,
        )


class CircuitCreate(scoped.ScopedCreateView):
    """A new body of water."""

    model = WaterCircuit
    form_class = forms.CircuitForm
    capability = "compliance.add_watercircuit"


class CircuitUpdate(scoped.ScopedUpdateView):
    """A changed body of water."""

    model = WaterCircuit
    form_class = forms.CircuitForm
    capability = "compliance.change_watercircuit"


class SampleList(ListPage):
    """Every water sample."""

    model = WaterSample
    table_class = tables.SampleTable
    filterset_class = filters.SampleFilter
    title = _("Water samples")
    empty_title = _("No sample yet")
    empty_text = _("Open a circuit and record what the laboratory reports.")
    related = ("circuit__site",)


class SampleDetail(RecordPage):
    """A sample with its results, each beside its limit."""

    model = WaterSample
    template_name = "compliance/sample_detail.html"
    list_url_name = "compliance:sample_list"
    list_title = _("Water samples")
    related = ("circuit__site", "recorded_by")

    def facts(self) -> Iterator[Fact]:
        """Who took it, and who examined it."""
        sample: WaterSample = self.object
        yield fact(_("Circuit"), sample.circuit)
        yield fact(_("Site"), sample.circuit.site)
        yield Fact(_("Taken"), f"{sample.taken_at.astimezone(sample.zone):%Y-%m-%d %H:%M %Z}")
        yield Fact(_("Taken by"), sample.taken_by)
        yield Fact(_("Laboratory"), sample.laboratory)
        yield Fact(_("Number of the report"), sample.report_number)
        yield Fact(_("Recorded by"), sample.recorded_by)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The results with their limits, and what followed."""
        results = [(result, forms.limit_words(result.limit) if result.limit else "") for result in self._results()]
        return super().get_context_data(
            results=results,
            level=tables.VERDICT_LEVELS[self.object.verdict],
            levels=tables.VERDICT_LEVELS,
            follow_ups=self.object.tasks.all(),
            prose=self.object.note,
            **kwargs,
        )

    def _results(self) -> QuerySet[Any]:
        results: QuerySet[Any] = self.object.results.select_related("limit")
        return results


class SampleCreate(StepPage):
    """A sample of one circuit."""

    model = WaterCircuit
    form_class = forms.SampleForm
    capability = "compliance.add_watersample"
    title = _("Record a water sample")
    confirm_label = _("Record the sample")
    success_message = _("The sample is recorded.")
    related = ("site",)

    def get_form_kwargs(self) -> dict[str, Any]:
        """The zone of the site and the limits of today."""
        circuit: WaterCircuit = self.object
        limited = limits.holding(treatment=circuit.treatment, country=circuit.site.country, on=timezone.localdate())
        return super().get_form_kwargs() | {"zone": circuit.site.zone, "limited": limited}

    def act(self, form: Any) -> Any:
        """The recorded sample."""
        entered = form.cleaned_data
        plain = ("taken_at", "taken_by", "laboratory", "report_number", "note", "uploads")
        return treatment.record_sample(
            circuit=self.object,
            figures=form.figures(),
            task=self._task(),
            by=self.request.user,
            now=timezone.now(),
            **{name: entered[name] for name in plain},
        )

    def _task(self) -> Task | None:
        """The sampling task that this sample fulfils, if the address names one."""
        number = self.request.GET.get("task", "")
        if not number.isdigit():
            return None
        open_tasks = Task.objects.visible_to(self.request.user).filter(circuit=self.object, state=Task.State.OPEN)
        return get_object_or_404(open_tasks, pk=int(number))


class LimitList(ListPage):
    """Every limit, with its source."""

    model = WaterLimit
    table_class = tables.LimitTable
    filterset_class = filters.LimitFilter
    title = _("Water limits")
    create_url_name = "compliance:limit_create"
    create_label = _("Add a limit")
    create_capability = "compliance.add_waterlimit"

    def get_queryset(self) -> QuerySet[Any]:
        """All limits: they are a catalog, not about anybody's site."""
        return WaterLimit.objects.all()


class LimitDetail(RecordPage):
    """A limit with its source."""

    model = WaterLimit
    list_url_name = "compliance:limit_list"
    list_title = _("Water limits")
    has_evidence = False

    def get_queryset(self) -> QuerySet[Any]:
        """All limits."""
        return WaterLimit.objects.all()

    def facts(self) -> Iterator[Fact]:
        """The limit and where it comes from."""
        limit: WaterLimit = self.object
        yield Fact(_("Water"), limit.get_treatment_display())
        yield Fact(_("Parameter"), limit.get_parameter_display())
        yield Fact(_("Country"), limit.jurisdiction or _("everywhere"))
        yield Fact(_("Limit"), forms.limit_words(limit))
        yield Fact(_("Valid from"), day(limit.valid_from))
        yield Fact(_("Valid until"), day(limit.valid_until))
        yield Fact(_("Source"), limit.source)
        yield Fact(_("Verified"), _("yes") if limit.verified else _("no: unverified default"))

    def actions(self) -> Iterator[Action]:
        """Changing it."""
        url = reverse("compliance:limit_update", args=[self.object.pk])
        yield Action(_("Change"), url, "compliance.change_waterlimit")


class LimitCreate(scoped.ScopedCreateView):
    """A new limit."""

    model = WaterLimit
    form_class = forms.LimitForm
    capability = "compliance.add_waterlimit"

    def save(self, form: Any) -> Any:
        """The stored limit."""
        return treatment.save_limit(limit=form.save(commit=False), by=self.request.user, now=timezone.now())


class LimitUpdate(scoped.ScopedUpdateView):
    """A limit that is ended or verified."""

    model = WaterLimit
    form_class = forms.LimitForm
    capability = "compliance.change_waterlimit"

    def get_queryset(self) -> QuerySet[Any]:
        """All limits."""
        return WaterLimit.objects.all()

    def save(self, form: Any) -> Any:
        """The stored limit."""
        return treatment.save_limit(limit=form.save(commit=False), by=self.request.user, now=timezone.now())
