"""Pages of single heat pumps, exchangers and buffers: figures with all behind them, quarter hours, baselines."""

from typing import Any, Final

from django.db.models import F, QuerySet
from django.db.models.functions import NullIf
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from hosting.models import Equipment
from kernel.periods import local_days, local_midnight, local_month
from thermal.domain.kpis.drift import Standing
from thermal.equipment_forms import EquipmentFactForm
from thermal.equipment_tables import LEFT_OUT, EquipmentIntervalFilter, EquipmentIntervalTable
from thermal.models import EquipmentFact, EquipmentInterval
from thermal.models.equipment import KINDS
from thermal.queries import equipment_figures, equipment_words, kpi_ledger, kpi_words
from thermal.queries.equipment_figures import EquipmentFigures, Judged
from thermal.queries.kpi_ledger import Shown
from thermal.services import equipment_facts
from thermal.views import spans
from thermal.views.heat import heat_crumb, site_crumb
from thermal.views.kpi_tiles import WHOLE_RATIO, on_screen, quality, waits_for

ADD_FACT: Final = "thermal.add_equipmentfact"
LEVELS: Final = {
    Standing.UNKNOWN: "unknown",
    Standing.NO_BASELINE: "unknown",
    Standing.STEADY: "ok",
    Standing.DRIFTED: "warn",
    Standing.IMPOSSIBLE: "bad",
}


def equipment_crumb(equipment: Equipment) -> scoped.Crumb:
    """The step of the path to the figures of a piece of equipment."""
    return scoped.Crumb(str(equipment), reverse("thermal:equipment_figures", args=[equipment.pk]))


class EquipmentFiguresPage(scoped.ScopedObjectPage):
    """The figures of a piece of equipment over a month, heating season or year: each with where it comes from."""

    model = Equipment
    related = ("site", "model")
    capability = kpi_ledger.READ
    template_name = "thermal/equipment_figures.html"
    is_fragment = False

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(model__kind__in=KINDS)

    def get_title(self) -> str:
        return _("Key figures of %(equipment)s") % {"equipment": self.object}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.object.site)]

    def chosen(self) -> spans.Chosen:
        """The span that is shown."""
        return spans.chosen_span(self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        chosen = self.chosen()
        made = equipment_figures.figures_of(equipment=self.object, span=chosen.span, now=timezone.now())
        panels = [_panel(one, made, chosen) for one in made.shown]
        context = {
            "panels": [panel for panel in panels if panel["value"] is not None],
            "waiting": [panel for panel in panels if panel["value"] is None],
            "judged": None if made.judged is None else _judged(made.judged, made),
            "chart": _chart(made),
            "facts": made.facts,
            "may_add": self.request.user.has_perm(ADD_FACT),
            "rows_url": rows_url(made),
            "is_fragment": self.is_fragment,
            **spans.picker(chosen),
        }
        return super().get_context_data(**{**context, **kwargs})


class EquipmentFiguresFragment(EquipmentFiguresPage):
    """The figures of the running month, for the equipment's record page."""

    template_name = "thermal/partials/equipment_panels.html"
    is_fragment = True

    def chosen(self) -> spans.Chosen:
        """The running month."""
        today = timezone.localdate()
        return spans.Chosen(kpi_ledger.month_span(today.year, today.month), today.year, str(today.month))


def rows_url(made: EquipmentFigures) -> str:
    """The list of the quarter hours of the span."""
    period = local_days(made.span.first, made.span.until, made.equipment.site.zone)
    listed = reverse("thermal:equipment_intervals", args=[made.equipment.pk])
    return f"{listed}?start={period.start:%Y-%m-%dT%H:%M}&end={period.end:%Y-%m-%dT%H:%M}"


def _panel(shown: Shown, made: EquipmentFigures, chosen: spans.Chosen) -> dict[str, Any]:
    """A figure as tile, with where it comes from."""
    figure = shown.figure
    label = equipment_words.label(figure.key, is_season=chosen.part == spans.SEASON)
    return {
        "key": figure.key,
        "label": label,
        **on_screen(shown),
        "note": kpi_words.NOTES.get(figure.key, ""),
        "is_estimated": shown.is_estimated,
        "is_whole": shown.known_ratio >= WHOLE_RATIO,
        "known_ratio": shown.known_ratio,
        "waits_for": waits_for(shown),
        "where_from": {
            "label": label,
            "formula": figure.formula,
            "inputs": [*_sums(shown, made), *_stated(shown, made)],
            "period": chosen.in_words,
            "quality": quality(shown),
            "versions": _versions(shown, made),
        },
    }


def _sums(shown: Shown, made: EquipmentFigures) -> list[dict[str, Any]]:
    """The sums with a link to the quarter hours that they are made of: the equipment's own, or those of its site."""
    own = rows_url(made)
    listed = reverse("thermal:site_intervals", args=[made.equipment.site_id])
    of_site = f"{listed}?{own.partition('?')[2]}"
    return [
        {
            "label": str(kpi_words.INPUTS[name]),
            "value": one.value,
            "unit": kpi_words.unit_of(name),
            "url": of_site if name in equipment_figures.AROUND else own,
        }
        for name, one in shown.inputs.items()
    ]


def _stated(shown: Shown, made: EquipmentFigures) -> list[dict[str, Any]]:
    listed = reverse("thermal:regulation", args=[made.equipment.site_id]) + "#facts"
    return [
        {
            "label": f"{kpi_words.INPUTS[name]} ({fact.source})",
            "value": fact.value,
            "unit": kpi_words.unit_of(name),
            "url": listed,
        }
        for name, fact in shown.facts.items()
    ]


def _versions(shown: Shown, made: EquipmentFigures) -> list[dict[str, Any]]:
    found = [{"label": _("Boundary"), "value": kpi_words.BOUNDARIES[shown.figure.boundary]}]
    if shown.figure.source:
        found.append({"label": _("Source"), "value": shown.figure.source})
    if made.settled_at is not None:
        found.append({"label": _("Settled"), "value": made.settled_at})
    return found


def _judged(judged: Judged, made: EquipmentFigures) -> dict[str, Any]:
    """The verdict in words, with what to do, and the numbers behind it."""
    figure = judged.figure
    factor, unit = (100, "%") if figure.unit == "1" else (1, figure.unit)
    return {
        "word": equipment_words.STANDINGS[judged.judgement.standing],
        "level": LEVELS[judged.judgement.standing],
        "sentence": equipment_words.sentence(judged),
        "action": equipment_words.action(judged),
        "band": equipment_words.band(judged),
        "label": kpi_words.FIGURES[figure.key],
        "unit": unit,
        "now": None if judged.now is None else judged.now * factor,
        "baseline": None if judged.baseline is None else judged.baseline.value * factor,
        "baseline_source": judged.baseline.source if judged.baseline else "",
        "is_derived": judged.is_derived,
        "limit": judged.limit.value * factor,
        "limit_source": judged.limit.source,
        "impossible_url": rows_url(made) + "&impossible=true" if judged.impossible_count else "",
    }


def _chart(made: EquipmentFigures) -> dict[str, Any] | None:
    """The figure by month, level until the next one, with its baseline as a line."""
    months = [(month, one) for month, one in made.months if one.value is not None]
    if not months:
        return None
    figure, zone = months[0][1].figure, made.equipment.site.zone
    factor, unit = (100, "%") if figure.unit == "1" else (1, figure.unit)
    label, last = str(kpi_words.FIGURES[figure.key]), local_month(months[-1][0].year, months[-1][0].month, zone).end
    series = [
        {
            "label": label,
            "color_token": "heat-supply",
            "kind": "step",
            # Once more at the end of the last month, so that it has a width.
            "values": [round((one.value or 0.0) * factor, 2) for _month, one in (*months, months[-1])],
            "estimated": [one.is_estimated for _month, one in (*months, months[-1])],
        }
    ]
    baseline = made.judged.baseline if made.judged else None
    if baseline is not None:
        values = [round(baseline.value * factor, 2)] * (len(months) + 1)
        series.append({"label": _("Baseline"), "color_token": "unknown", "kind": "line", "values": values})
    return {
        "title": label,
        "zone": made.equipment.site.time_zone,
        "unit": unit,
        "at": [*(int(local_midnight(month, zone).timestamp()) for month, _one in months), int(last.timestamp()) - 1],
        "series": series,
        "bands": [],
    }


class EquipmentIntervals(scoped.ScopedListView):
    """The quarter hours of a piece of equipment."""

    model = EquipmentInterval
    table_class = EquipmentIntervalTable
    filterset_class = EquipmentIntervalFilter
    capability = kpi_ledger.READ
    empty_title = gettext_lazy("Nothing settled yet")
    empty_text = gettext_lazy(
        "Place temperature sensors on the pipes of this equipment; quarter hours appear once they were read."
    )

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.equipment: Equipment | None = None

    def get_queryset(self) -> QuerySet[Any]:
        found = scoped.visible(Equipment, self.request).select_related("site", "model").filter(model__kind__in=KINDS)
        self.equipment = get_object_or_404(found, pk=self.kwargs["pk"])
        rows = super().get_queryset().filter(equipment=self.equipment)
        told: QuerySet[Any] = rows.annotate(cop=F("heat_kwh") / NullIf(F("electricity_kwh"), 0.0))
        return told.order_by("-start")

    def get_table_kwargs(self) -> dict[str, Any]:
        if self.equipment is None:
            return {}
        return {"zone": self.equipment.site.time_zone, "exclude": LEFT_OUT[self.equipment.model.kind]}

    def get_title(self) -> str:
        return _("Quarter hours of %(point)s") % {"point": self.equipment or ""}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        if self.equipment is None:
            return [heat_crumb()]
        return [heat_crumb(), site_crumb(self.equipment.site), equipment_crumb(self.equipment)]


class EquipmentFactCreate(scoped.ScopedCreateView):
    """Enters a baseline or limit of a piece of equipment."""

    model = EquipmentFact
    form_class = EquipmentFactForm
    capability = ADD_FACT
    title = gettext_lazy("Enter a baseline or limit")

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if request.user.is_authenticated:
            found = scoped.visible(Equipment, request).select_related("site", "model").filter(model__kind__in=KINDS)
            self.equipment: Equipment = get_object_or_404(found, pk=kwargs["pk"])

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), site_crumb(self.equipment.site), equipment_crumb(self.equipment)]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "instance": EquipmentFact(equipment=self.equipment)}

    def save(self, form: Any) -> EquipmentFact:
        return equipment_facts.record_fact(
            fact=form.instance, equipment=self.equipment, by=self.person, now=timezone.now()
        )
