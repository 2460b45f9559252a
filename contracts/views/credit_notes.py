"""Pages of credit notes: proposed by one person, decided by another."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from accounts.views.scoped import Crumb
from contracts import filters, forms, tables
from contracts.documents import explanations, wording
from contracts.models import CreditNote, Invoice
from contracts.services import crediting
from contracts.views.billing import pdf_response


class CreditNoteList(scoped.ScopedListView):
    """Credit notes."""

    model = CreditNote
    table_class = tables.CreditNoteTable
    filterset_class = filters.CreditNoteFilter
    title = gettext_lazy("Credit notes")
    capability = "contracts.view_creditnote"
    related = ("invoice", "series")
    empty_text = gettext_lazy("A credit note corrects an issued invoice; propose one on the invoice's page.")


class CreditNoteDetail(scoped.ScopedDetailView):
    """One credit note, with the steps that are left."""

    model = CreditNote
    capability = "contracts.view_creditnote"
    template_name = "contracts/creditnote_detail.html"
    related = ("invoice__contract__offtaker", "requested_by", "decided_by")

    def get_title(self) -> str:
        """The number, or that it has none yet."""
        if self.object.number:
            return _("Credit note %(number)s") % {"number": self.object.number}
        return _("Credit note on invoice %(number)s") % {"number": self.object.invoice}

    def breadcrumbs(self) -> list[Crumb]:
        """The invoice above."""
        return [Crumb(str(self.object.invoice), self.object.invoice.get_absolute_url())]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the amounts in words and whether this person may approve."""
        credit: CreditNote = self.object
        user = self.request.user
        involved = {credit.requested_by_id, credit.invoice.issued_by_id}
        return super().get_context_data(
            vat_rows=explanations.vat_of(credit),
            gross=wording.money(credit.gross_amount, credit.currency),
            net=wording.money(credit.net_amount, credit.currency),
            period=wording.days(credit.invoice.starts_on, credit.invoice.ends_on),
            issued_day=wording.day(credit.issued_on) if credit.issued_on else "",
            replaced_by=Invoice.objects.visible_to(user).filter(replaces=credit.invoice).first()
            if credit.is_whole
            else None,
            is_involved=user.pk in involved, may_approve=user.has_perm("contracts.approve_creditnote"),
            **kwargs,
        )  # fmt: skip


class CreditPropose(scoped.ConfirmView):
    """Propose a credit note for an invoice."""

    model = Invoice
    form_class = forms.CreditForm
    capability = "contracts.propose_creditnote"
    title = gettext_lazy("Propose a credit note")
    consequence = gettext_lazy("Another person, who did not issue the invoice, decides on it.")
    confirm_label = gettext_lazy("Propose")
    destructive = False

    def act(self, form: Any) -> CreditNote:
        """The credit note, waiting for a decision."""
        return crediting.propose_credit(
            invoice=self.object,
            by=self.request.user,
            now=timezone.now(),
            **form.cleaned_data,
        )


class CreditApprove(scoped.ConfirmView):
    """Issue a credit note."""

    model = CreditNote
    capability = "contracts.approve_creditnote"
    title = gettext_lazy("Approve the credit note")
    consequence = gettext_lazy("The credit note gets its number and its PDF. It can never be changed again.")
    confirm_label = gettext_lazy("Approve and issue")

    def act(self, form: Any) -> CreditNote:
        """The credit note, issued."""
        return crediting.approve_credit(credit=self.object, by=self.request.user, now=timezone.now())


class CreditRefuse(scoped.ConfirmView):
    """Refuse a credit note."""

    model = CreditNote
    capability = "contracts.approve_creditnote"
    title = gettext_lazy("Refuse the credit note")
    consequence = gettext_lazy("The proposal is closed. Another one can be made.")
    confirm_label = gettext_lazy("Refuse")

    def act(self, form: Any) -> CreditNote:
        """The credit note, refused."""
        return crediting.refuse_credit(credit=self.object, by=self.request.user, now=timezone.now())


class CreditPdf(scoped.ScopedDetailView):
    """The PDF of an issued credit note."""

    model = CreditNote
    capability = "contracts.view_creditnote"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The PDF; a proposal has none."""
        if self.object.pdf is None:
            return HttpResponseRedirect(self.object.get_absolute_url())
        return pdf_response(bytes(self.object.pdf), str(self.object.number))
