"""Corrections: the list, one of them with what it changes, and the decisions on it."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import refusals
from accounts.views import scoped
from kernel.errors import Refusal
from thermal.correction_filters import CorrectionFilter
from thermal.correction_forms import DecisionForm, RefusalForm
from thermal.correction_tables import STATE_LEVELS, CorrectionTable
from thermal.models import Correction
from thermal.queries import correction_charts, correction_texts, outdated_estimates
from thermal.queries import correction_queue as reading
from thermal.services import corrections
from thermal.views.heat import heat_crumb

RELATED = (
    "site", "meter", "delivery_point__site", "finding__site", "finding__meter", "author", "approver", "withdrawn_by",
)  # fmt: skip
PROPOSE = "thermal.propose_correction"
MOST_ROWS = 300


def corrections_crumb() -> scoped.Crumb:
    """The step of the path to the corrections."""
    return scoped.Crumb(_("Corrections"), reverse("thermal:correction_list"))


class _Corrections(scoped.ScopedPage):
    """What every page of corrections shows: only those that the person may read."""

    model = Correction
    related: tuple[str, ...] = RELATED

    def get_queryset(self) -> QuerySet[Any]:
        return reading.visible_corrections(self.request.user).select_related(*self.related)

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb(), corrections_crumb()]


class CorrectionList(_Corrections, scoped.ScopedListView):
    """What was corrected, and what waits for a second person."""

    capability = reading.REVIEW
    table_class = CorrectionTable
    filterset_class = CorrectionFilter
    template_name = "thermal/correction_list.html"
    related = ("site", "meter", "delivery_point", "author", "approver")
    title = gettext_lazy("Corrections")
    empty_title = gettext_lazy("Nothing was corrected")
    empty_text = gettext_lazy("Open a finding of the review, or a meter, and propose what should count instead.")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [heat_crumb()]


class CorrectionDetail(_Corrections, scoped.ScopedObjectPage):
    """One correction: what changes, how it was found, who proposed it and who decided."""

    capability = reading.REVIEW
    template_name = "thermal/correction_detail.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        correction: Correction = self.object
        readings, quarters = correction.readings.order_by("at"), correction.quarters.order_by("start")
        context = {
            "zone": correction.site.time_zone,
            "state_level": STATE_LEVELS[correction.state],
            "chart": correction_charts.chart_of(correction),
            "sentence": correction_texts.what_changes(correction),
            "how": correction_texts.how(correction.method, correction.weather_ratio),
            "passed_over": correction_texts.passed_over(correction.passed_over),
            "readings": readings[:MOST_ROWS],
            "quarters": quarters[:MOST_ROWS],
            "left_out_count": max(0, readings.count() + quarters.count() - MOST_ROWS),
            "approval_ratio": corrections.approval_ratio(),
            "arrived": outdated_estimates.arrival_of(correction),
            **_decisions(correction, self.person),
        }
        return super().get_context_data(**{**context, **kwargs})


def _decisions(correction: Correction, user: Any) -> dict[str, bool]:
    """What the person may do with the correction now."""
    waits, own = correction.state == Correction.State.PROPOSED, correction.author_id == user.pk
    may_approve = user.has_perm(corrections.APPROVE) and not own
    counts = correction.state == Correction.State.APPLIED and correction.kind == Correction.Kind.ADD
    takes_back = may_approve if correction.needs_approval else may_approve or user.has_perm(PROPOSE)
    return {
        "may_decide": waits and may_approve,
        "may_withdraw": (waits and own) or (counts and takes_back),
        "waits_for_another": waits and own,
    }


class _Decision(_Corrections, scoped.ConfirmView, ABC):
    """A decision on one correction, with its facts beside it."""

    template_name = "thermal/correction_decide.html"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [*super().breadcrumbs(), scoped.Crumb(str(self.object), self.object.get_absolute_url())]

    def require_capability(self) -> None:
        """Readers decide nothing: who may neither propose nor approve gets no form."""
        may_propose = self.request.user.has_perm(PROPOSE)
        self.capability = PROPOSE if may_propose else corrections.APPROVE
        super().require_capability()

    @abstractmethod
    def decision(self, note: str) -> Correction:
        """The correction after the one call."""

    def act(self, form: Any) -> Correction:
        return self.decision(form.cleaned_data["note"])


class CorrectionApprove(_Decision):
    """Puts a correction in force."""

    capability = corrections.APPROVE
    form_class: ClassVar[Any] = DecisionForm
    title = gettext_lazy("Approve the correction")
    consequence = gettext_lazy("The correction counts from now on: the ledger is settled anew, and bills rest on it.")
    confirm_label = gettext_lazy("Approve")
    destructive = False
    success_message = gettext_lazy("Approved; the ledger follows within minutes.")

    def require_capability(self) -> None:
        scoped.ConfirmView.require_capability(self)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{**self.effect(), **kwargs})

    def effect(self) -> dict[str, Any]:
        """What the second person agrees to: the months and bills, from the ledger as it stands now."""
        if self.object.state != Correction.State.PROPOSED:
            return {}
        site = self.object.site
        try:
            found = corrections.preview(make=self._again, site=site, by=self.person, now=timezone.now())
        except Refusal as refusal:
            return {"obstacle": refusals.words_of(refusal)}
        return {"preview": found, "chart": correction_charts.chart_of_preview(found, site.time_zone)}

    def _again(self) -> Correction:
        """The correction as it is stored; the look puts its own copy in force."""
        found: Correction = self.get_queryset().get(pk=self.object.pk)
        return found

    def decision(self, note: str) -> Correction:
        return corrections.approve(correction=self.object, by=self.person, note=note, now=timezone.now())


class CorrectionReject(CorrectionApprove):
    """Rejects a correction."""

    form_class: ClassVar[Any] = RefusalForm
    title = gettext_lazy("Reject the correction")
    consequence = gettext_lazy("Nothing changes. The proposal stays on record with your reason.")
    confirm_label = gettext_lazy("Reject")
    success_message = gettext_lazy("Rejected.")

    def effect(self) -> dict[str, Any]:
        return {}

    def decision(self, note: str) -> Correction:
        return corrections.reject(correction=self.object, by=self.person, note=note, now=timezone.now())


class CorrectionWithdraw(_Decision):
    """Takes a proposal or an estimate back."""

    form_class: ClassVar[Any] = RefusalForm
    title = gettext_lazy("Withdraw the correction")
    consequence = gettext_lazy(
        "It counts no longer, and stays on record with your reason. An estimate that counted is taken off the ledger."
    )
    confirm_label = gettext_lazy("Withdraw")
    success_message = gettext_lazy("Withdrawn.")

    def decision(self, note: str) -> Correction:
        return corrections.withdraw(correction=self.object, by=self.person, note=note, now=timezone.now())
