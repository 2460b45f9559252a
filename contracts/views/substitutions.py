"""Pages on which a person answers for billing against a rule."""

from datetime import date
from typing import Any

from django.http import Http404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from contracts import forms
from contracts.models import Contract, Substitution
from contracts.queries import blocks, substitutions
from contracts.services import substituting
from contracts.views.service import month_or_404


class SubstitutionApprove(scoped.ConfirmView):
    """Approve that a month is billed although a rule blocks it."""

    model = Contract
    form_class = forms.SubstitutionForm
    capability = "contracts.approve_substitution"
    title = gettext_lazy("Bill against a rule")
    confirm_label = gettext_lazy("Approve")

    def month_on(self) -> date:
        """The first day of the month in the address."""
        return month_or_404(self.kwargs["year"], self.kwargs["month"])

    def get_consequence(self) -> str:
        """What speaks against it, and that the approval is printed."""
        code = self.kwargs["code"]
        doubt = substitutions.doubt_of(self.object, self.month_on(), code)
        if doubt is None:
            raise Http404
        sentence = blocks.reason_of(code, doubt, self.object).sentence
        rest = gettext_lazy("If you approve, the month is billed; your name and reason are printed on the invoice.")
        return f"{sentence} {rest}"

    def act(self, form: Any) -> Substitution:
        """The approval."""
        return substituting.approve(
            contract=self.object, month_on=self.month_on(), code=self.kwargs["code"], by=self.request.user,
            now=timezone.now(), **form.cleaned_data,
        )  # fmt: skip

    def get_success_url(self, outcome: Any) -> str:
        """Back to the month."""
        return self.get_cancel_url()

    def get_cancel_url(self) -> str:
        """Back to the month."""
        return reverse("contracts:billing_month", args=[self.kwargs["year"], self.kwargs["month"]])


class SubstitutionRevoke(scoped.ConfirmView):
    """Take an approval back."""

    model = Substitution
    related = ("contract",)
    capability = "contracts.approve_substitution"
    title = gettext_lazy("Revoke the approval")
    consequence = gettext_lazy("The month is blocked again, unless its invoice is issued already.")
    confirm_label = gettext_lazy("Revoke")

    def act(self, form: Any) -> Substitution:
        """The approval, revoked."""
        return substituting.revoke(substitution=self.object, by=self.request.user, now=timezone.now())

    def get_success_url(self, outcome: Any) -> str:
        """Back to the month."""
        return self.get_cancel_url()

    def get_cancel_url(self) -> str:
        """Back to the month."""
        return reverse("contracts:billing_month", args=[self.object.month_on.year, self.object.month_on.month])
