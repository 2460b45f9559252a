"""The review queue: what the rules found, by meter and month, with what can be done about it."""

import datetime as dt
from typing import Any, ClassVar

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from hosting.models import Meter
from thermal.models import MeterReading, ValidationFinding
from thermal.queries import correction_ways, finding_charts, finding_texts, review_months, rule_words, validation
from thermal.queries.correction_queue import visible_corrections
from thermal.review_filters import FindingFilter
from thermal.review_forms import ReasonForm
from thermal.review_tables import SEVERITY_LEVELS, STATE_LEVELS, FindingTable, queue_url
from thermal.services import validating
from thermal.services.validating import resolving
from thermal.views.heat import heat_crumb

ROWS_PER_PAGE = 50
RELATED = ("site", "meter", "delivery_point", "judged_by", "resolved_by")
RULES = "thermal.view_validationrule"
PROPOSE = "thermal.propose_correction"


def queue_crumb() -> scoped.Crumb:
    """The step of the path to the review queue."""
    return scoped.Crumb(_("Review"), queue_url())


class _ReviewPage(scoped.ScopedPage):
    """A page for those who work the queue or audit it; to everybody else there is nothing."""

    capability = validation.REVIEW


class FindingList(scoped.ScopedListView):
    """What the rules found."""

    model = ValidationFinding
    capability = validation.REVIEW
    table_class = FindingTable
    filterset_class = FindingFilter
    template_name = "thermal/finding_list.html"
    related = RELATED
    title = gettext_lazy("Review")
    empty_title = gettext_lazy("Nothing waits here")
    empty_text = gettext_lazy("What the rules find in readings and in the ledger appears here by itself.")

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = validation.visible_findings(self.request.user).select_related(*self.related)
        return rows

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]


class ReviewMonth(_ReviewPage):
    """The meters at delivery points in one month: how much rests on registers, and what is open."""

    model = ValidationFinding
    template_name = "thermal/review_month.html"

    def month_on(self) -> dt.date:
        """The month in the address, or the last one that is over."""
        try:
            return dt.date.fromisoformat(f"{self.request.GET.get('month', '')}-01")
        except ValueError:
            return (timezone.localdate().replace(day=1) - dt.timedelta(days=1)).replace(day=1)

    def get_title(self) -> str:
        return _("Review of %(month)s") % {"month": date_format(self.month_on(), "F Y")}

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), queue_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        month_on, user = self.month_on(), self.request.user
        placements = review_months.placements_of(user, month_on)
        page = Paginator(placements, ROWS_PER_PAGE).get_page(self.request.GET.get("page"))
        rows = review_months.rows_of(list(page.object_list), month_on, user)
        previous = (month_on - dt.timedelta(days=1)).replace(day=1)
        following = (month_on + dt.timedelta(days=32)).replace(day=1)
        here = reverse("thermal:review_month")
        context = {
            "rows": [(row, queue_url(meter=row.placement.meter_id, month=f"{month_on:%Y-%m}")) for row in rows],
            "page": page,
            "month": f"{month_on:%Y-%m}",
            "enough_ratio": review_months.ENOUGH_RATIO,
            "previous_url": f"{here}?month={previous:%Y-%m}",
            "following_url": f"{here}?month={following:%Y-%m}",
        }
        return super().get_context_data(**{**context, **kwargs})


class _FindingPage(scoped.ScopedObjectPage):
    """A page about one finding."""

    model = ValidationFinding
    capability = validation.REVIEW
    related = RELATED

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = validation.visible_findings(self.request.user).select_related(*self.related)
        return rows


class FindingDetail(_FindingPage):
    """One finding: a chart with the stretch marked, the values, what it means, and what can be done."""

    template_name = "thermal/finding_detail.html"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), queue_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        finding: ValidationFinding = self.object
        user = self.person
        context = {
            "words": finding_texts.words_of(finding),
            "chart": finding_charts.chart_of(finding),
            "values": rule_words.values_of(finding.values),
            "limits": rule_words.limits_of(finding.rule, finding.values.get("limits", {})),
            "zone": finding.site.time_zone,
            "severity_level": SEVERITY_LEVELS[str(finding.severity)],
            "state_level": STATE_LEVELS[finding.state],
            "readings": _readings(finding),
            "entries": _entries(finding),
            "is_endless": finding.ends_at.year > timezone.now().year + 1,
            "may_accept": finding.is_open and resolving.may_accept(finding, user),
            "needs_approver": finding.is_open and not resolving.may_accept(finding, user),
            "may_see_rules": user.has_perm(RULES),
            "has_fitting_way": correction_ways.has_fitting_way(finding),
            "corrections": correction_ways.ways_of(finding) if user.has_perm(PROPOSE) and finding.is_open else [],
            "answers": visible_corrections(user).filter(finding=finding).select_related("meter", "delivery_point"),
        }
        return super().get_context_data(**{**context, **kwargs})


def _readings(finding: ValidationFinding) -> list[MeterReading]:
    """The readings at both ends of the finding, in the versions that were judged."""
    if finding.meter_id is None:
        return []
    found = MeterReading.objects.filter(meter=finding.meter_id, at__in=[finding.before_at, finding.after_at])
    judged = {(finding.before_at, finding.before_version), (finding.after_at, finding.after_version)}
    return [reading for reading in found.order_by("at", "version") if (reading.at, reading.version) in judged]


def _entries(finding: ValidationFinding) -> list[dict[str, Any]]:
    words = dict(ValidationFinding.State.choices)
    return [
        {
            "at": move.at,
            "title": words[ValidationFinding.State(move.to_state)],
            "who": move.by,
            "text": move.note,
            "level": STATE_LEVELS[move.to_state],
        }
        for move in finding.transitions.select_related("by").order_by("-at", "-pk")
    ]


class FindingAccept(scoped.ConfirmView):
    """Accepts a finding: what the meter told stays, and is billed."""

    model = ValidationFinding
    related = RELATED
    form_class: ClassVar[Any] = ReasonForm
    title = gettext_lazy("Accept the finding")
    consequence = gettext_lazy(
        "The readings stay as they are and count for bills. If their values change, the finding opens again."
    )
    confirm_label = gettext_lazy("Accept")
    destructive = False
    success_message = gettext_lazy("Accepted.")

    def get_queryset(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = validation.visible_findings(self.request.user).select_related(*self.related)
        return rows

    def require_capability(self) -> None:
        """What blocks billing needs an approver, everything else an engineer."""
        finding: ValidationFinding = self.object
        self.capability = resolving.permission_for(finding)
        super().require_capability()

    def act(self, form: Any) -> ValidationFinding:
        reason = form.cleaned_data["reason"]
        return validating.accept(finding=self.object, by=self.person, reason=reason, now=timezone.now())


class MeterQuality(scoped.ScopedObjectPage):
    """How much of a meter's months rests on registers and what is open there, for its record page."""

    model = Meter
    capability = validation.REVIEW
    template_name = "thermal/partials/meter_quality.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        meter: Meter = self.object
        rows = validation.visible_findings(self.request.user).filter(meter=meter, state=ValidationFinding.State.OPEN)
        context = {
            "shares": review_months.shares_of_meter(meter, timezone.now(), self.request.user),
            "enough_ratio": review_months.ENOUGH_RATIO,
            "open_count": rows.count(),
            "findings": [(row, finding_texts.words_of(row)) for row in rows.select_related(*RELATED)[:5]],
            "queue_url": queue_url(meter=meter.pk),
        }
        return super().get_context_data(**{**context, **kwargs})
