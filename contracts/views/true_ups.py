"""Pages of true-ups: what issued bills are off by, both bills side by side, and the steps that settle it."""

from typing import Any

from django.db.models import Count, QuerySet, Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from accounts.views.scoped import Crumb
from contracts import filters, forms, tables
from contracts.documents import true_ups as words
from contracts.documents import wording
from contracts.models import TrueUp
from contracts.queries import true_ups as reading
from contracts.services import settling

PROPOSE = "contracts.propose_trueup"
RELATED = (
    "invoice__contract__offtaker", "invoice__contract__legal_entity", "invoice__contract__delivery_point__site",
    "proposed_by", "decided_by", "credit_note", "replacement",
)  # fmt: skip


def true_ups_crumb() -> Crumb:
    """The step of the path to the true-ups."""
    return Crumb(_("True-ups"), reverse("contracts:trueup_list"))


class _TrueUps(scoped.ScopedPage):
    """What every page of true-ups shows: only those that the person may see."""

    model = TrueUp
    related: tuple[str, ...] = RELATED

    def get_queryset(self) -> QuerySet[Any]:
        """The visible ones, without the documents' bytes."""
        return reading.visible(self.person).select_related(*self.related).defer("credit_note__pdf")


class TrueUpList(_TrueUps, scoped.ScopedListView):
    """True-ups."""

    capability = reading.VIEW
    table_class = tables.TrueUpTable
    filterset_class = filters.TrueUpFilter
    template_name = "contracts/trueup_list.html"
    title = gettext_lazy("True-ups")
    related = ("invoice__contract__offtaker", "invoice__contract__delivery_point")
    empty_title = gettext_lazy("Every issued bill stands")
    empty_text = gettext_lazy(
        "When an estimate is withdrawn, a reading is corrected or arrives late, the bills concerned appear here by "
        "themselves."
    )

    def get_queryset(self) -> QuerySet[Any]:
        """Without the lines, which are long; what is open stands first."""
        rows = super().get_queryset().defer("lines", "invoice__facts")
        return rows.order_by(*tables.OPEN_FIRST)

    def breadcrumbs(self) -> list[Crumb]:
        """The billing above."""
        return [Crumb(_("Billing"), reverse("contracts:billing_home"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With what stands open in sum, by currency."""
        live = reading.visible(self.person).filter(state__in=TrueUp.LIVE).order_by()
        sums = live.values_list("invoice__currency").annotate(
            count=Count("pk"), gross=Sum("delta_gross_amount"), kwh=Sum("delta_kwh")
        )
        return super().get_context_data(
            sums=[
                (currency, count, words.signed_amount(gross, currency), kwh)
                for currency, count, gross, kwh in sums.order_by("invoice__currency")
            ],
            **kwargs,
        )


class TrueUpDetail(_TrueUps, scoped.ScopedObjectPage):
    """One true-up: the old and the new bill side by side, and what can be done."""

    capability = reading.VIEW
    template_name = "contracts/trueup_detail.html"

    def get_title(self) -> str:
        """The invoice it is about."""
        return _("True-up of %(invoice)s") % {"invoice": self.object.invoice}

    def breadcrumbs(self) -> list[Crumb]:
        """The list above."""
        return [true_ups_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With both bills and the steps that are left."""
        return super().get_context_data(**{**comparison(self.object), **_steps(self.object, self.person), **kwargs})


def comparison(true_up: TrueUp) -> dict[str, Any]:
    """Both bills side by side, in words."""
    currency = true_up.currency
    credited = true_up.invoice.gross_amount - true_up.billed_gross_amount
    return {
        "reasons": words.reasons_of(true_up),
        "problems": words.problems_of(true_up),
        "pairs": words.pairs_of(true_up),
        "state_level": tables.TRUE_UP_LEVELS[true_up.state],
        "period": wording.days(true_up.invoice.starts_on, true_up.invoice.ends_on),
        "billed_gross": wording.money(true_up.billed_gross_amount, currency),
        "now_gross": "" if true_up.now_gross_amount is None else wording.money(true_up.now_gross_amount, currency),
        "delta_kwh": words.signed_kwh(true_up),
        "delta_net": words.signed_amount(true_up.delta_net_amount, currency),
        "delta_gross": words.signed_amount(true_up.delta_gross_amount, currency),
        "credited_before": wording.money(credited, currency) if 0 < credited < true_up.invoice.gross_amount else "",
    }


def _steps(true_up: TrueUp, user: Any) -> dict[str, bool]:
    """What the person may do about it now."""
    waits = true_up.state in {TrueUp.State.PROPOSED, TrueUp.State.WAIVING}
    own = true_up.proposed_by_id == user.pk
    is_open, proposes = true_up.state == TrueUp.State.OPEN, user.has_perm(PROPOSE)
    return {
        "may_propose": is_open and proposes and not true_up.problems,
        "may_waive": is_open and proposes,
        "may_decide": waits and not own and user.has_perm(settling.APPROVE),
        "may_send_back": waits and ((own and proposes) or (not own and user.has_perm(settling.APPROVE))),
        "may_approve_substitution": is_open and user.has_perm("contracts.approve_substitution"),
        "waits_for_another": waits and own,
    }


class _Step(_TrueUps, scoped.ConfirmView):
    """A step of a true-up, with both bills beside it."""

    template_name = "contracts/trueup_step.html"
    capability = PROPOSE

    def breadcrumbs(self) -> list[Crumb]:
        """The list and the true-up above."""
        return [true_ups_crumb(), Crumb(str(self.object.invoice), self.object.get_absolute_url())]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With both bills."""
        return super().get_context_data(**{**comparison(self.object), **kwargs})


class TrueUpPropose(_Step):
    """Propose to credit the invoice and to bill the month anew."""

    form_class = forms.TrueUpReasonForm
    title = gettext_lazy("Propose credit note and new invoice")
    consequence = gettext_lazy(
        "Another person decides. Then a credit note cancels the invoice, and a new invoice for the same days takes its "
        "place; each names the other, and both show your reason."
    )
    confirm_label = gettext_lazy("Propose")
    destructive = False

    def get_initial(self) -> dict[str, Any]:
        """What was found, in the language of the offtaker's bills."""
        return {"reason": words.suggested_reason(self.object)}

    def act(self, form: Any) -> TrueUp:
        """The true-up, proposed."""
        return settling.propose(true_up=self.object, by=self.person, now=timezone.now(), **form.cleaned_data)


class TrueUpWaive(_Step):
    """Waive what the bill is off by."""

    form_class = forms.WaiverForm
    title = gettext_lazy("Waive the difference")
    confirm_label = gettext_lazy("Waive")

    def get_consequence(self) -> str:
        """Whether one person may do it."""
        if settling.needs_second_person(self.object):
            share = wording.percent(settling.waiver_ratio())
            return _("The invoice stays as it is. More than %(share)s of it is waived: another person decides.") % {
                "share": share
            }
        return _("The invoice stays as it is, and the difference is neither billed nor credited.")

    def act(self, form: Any) -> TrueUp:
        """The true-up, waived or waiting for the second person."""
        return settling.waive(true_up=self.object, by=self.person, now=timezone.now(), **form.cleaned_data)


class TrueUpApprove(_Step):
    """Decide on what was proposed."""

    capability = settling.APPROVE
    title = gettext_lazy("Approve")
    confirm_label = gettext_lazy("Approve")
    destructive = False

    def get_consequence(self) -> str:
        """What the decision does."""
        if self.object.state == TrueUp.State.WAIVING:
            return _("The invoice stays as it is, and the difference is neither billed nor credited.")
        return _(
            "In one step a credit note cancels invoice %(number)s, and the new invoice gets its number and its PDF. "
            "Neither can be changed again."
        ) % {"number": self.object.invoice.number}

    def act(self, form: Any) -> TrueUp:
        """The true-up, settled."""
        return settling.approve(true_up=self.object, by=self.person, now=timezone.now())


class TrueUpSendBack(_Step):
    """Take a proposal back, or send it back."""

    title = gettext_lazy("Send the proposal back")
    consequence = gettext_lazy("Nothing is issued. The true-up is open again, and another proposal can be made.")
    confirm_label = gettext_lazy("Send back")
    destructive = False

    def require_capability(self) -> None:
        """Who proposed may take it back, who decides may send it back."""
        is_own = self.object.proposed_by_id == self.person.pk
        self.capability = PROPOSE if is_own else settling.APPROVE
        super().require_capability()

    def act(self, form: Any) -> TrueUp:
        """The true-up, open again."""
        return settling.send_back(true_up=self.object, by=self.person, now=timezone.now())
