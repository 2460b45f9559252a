"""Pages of a billing month, its runs, invoices and credit notes."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.refusals import words_of
from accounts.views import scoped
from accounts.views.scoped import Crumb
from contracts import filters, tables
from contracts.documents import explanations, wording
from contracts.documents import true_ups as true_up_words
from contracts.models import BillingRun, Contract, CreditNote, Invoice, TrueUp
from contracts.queries import billing_month, reproduction, terms
from contracts.queries import true_ups as true_up_queries
from contracts.services import billing, crediting, runs
from contracts.views.service import month_or_404
from kernel.errors import Refusal

ROWS_PER_PAGE = 50
STATES = {
    billing_month.BLOCKED: (gettext_lazy("blocked"), "bad"),
    billing_month.DRAFT: (gettext_lazy("draft"), "warn"),
    billing_month.REVIEWED: (gettext_lazy("reviewed"), "info"),
    billing_month.ISSUED: (gettext_lazy("issued"), "ok"),
    billing_month.NOT_YET: (gettext_lazy("not billed yet"), "unknown"),
}


class BillingHome(scoped.ScopedPage):
    """The month that is due for billing: the last one that is over."""

    model = Invoice
    capability = "contracts.view_invoice"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """On to the month."""
        self.require_capability()
        month_on = terms.previous_month(timezone.localdate())
        return HttpResponseRedirect(reverse("contracts:billing_month", args=[month_on.year, month_on.month]))


class _MonthPage(scoped.ScopedPage):
    """A page of one month."""

    model = Contract

    def month_on(self) -> date:
        """The first day of the month in the address."""
        return month_or_404(self.kwargs["year"], self.kwargs["month"])

    def month_url(self) -> str:
        """The address of the month's page."""
        return reverse("contracts:billing_month", args=[self.kwargs["year"], self.kwargs["month"]])


class BillingMonth(_MonthPage):
    """The contracts of a month, the blocked first."""

    template_name = "contracts/billing_month.html"
    capability = "contracts.view_invoice"

    def get_title(self) -> str:
        """The month by name."""
        return _("Billing of %(month)s") % {"month": wording.month(self.month_on())}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With one page of rows, the counts of all and the last run."""
        month_on, user = self.month_on(), self.request.user
        contracts = billing_month.contracts_of(user, month_on)
        page = Paginator(contracts, ROWS_PER_PAGE).get_page(self.request.GET.get("page"))
        rows = billing_month.rows_of(list(page.object_list), month_on)
        previous, following = terms.previous_month(month_on), terms.next_month(month_on)
        run = BillingRun.objects.filter(month_on=month_on).select_related("job", "asked_by").first()
        return super().get_context_data(
            rows=[(row, *STATES[row.state]) for row in rows], page=page, month_on=month_on,
            counts=billing_month.counts_of(user, month_on),
            run=run if user.has_perm("contracts.view_billingrun") else None,
            is_over=month_on < timezone.localdate().replace(day=1),
            previous_url=reverse("contracts:billing_month", args=[previous.year, previous.month]),
            following_url=reverse("contracts:billing_month", args=[following.year, following.month]),
            may_run=user.has_perm("contracts.run_billing"), may_issue=user.has_perm("contracts.issue_invoice"),
            may_approve=user.has_perm("contracts.approve_substitution"),
            true_up_count=true_up_queries.open_count(user) if user.has_perm(true_up_queries.VIEW) else None, **kwargs,
        )  # fmt: skip


class BillingRunStart(_MonthPage):
    """Draft every bill of the month in the background."""

    capability = "contracts.run_billing"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Back to the month: a run begins by a button only."""
        return HttpResponseRedirect(self.month_url())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """On to the progress of the run."""
        self.require_capability()
        run = runs.ask_for_run(month_on=self.month_on(), by=self.request.user, now=timezone.now())
        return HttpResponseRedirect(run.job.get_absolute_url() if run.job else self.month_url())


class BillingIssue(_MonthPage):
    """Issue every reviewed bill of the month, after a second look."""

    template_name = "components/confirm_page.html"
    capability = "contracts.issue_invoice"
    title = gettext_lazy("Issue the reviewed invoices")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With what will happen."""
        counts = billing_month.counts_of(self.request.user, self.month_on())
        consequence = _(
            "%(count)s reviewed invoices of %(month)s get their numbers and PDFs. They can never be changed again; "
            "a mistake is corrected by a credit note."
        ) % {"count": counts.reviewed, "month": wording.month(self.month_on())}
        return super().get_context_data(
            consequence=consequence, confirm_label=_("Issue %(count)s invoices") % {"count": counts.reviewed},
            destructive=True, cancel_url=self.month_url(), form=scoped.ConfirmForm(), **kwargs,
        )  # fmt: skip

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """On to the progress of the run."""
        self.require_capability()
        run = runs.ask_for_run(month_on=self.month_on(), by=self.request.user, now=timezone.now(), issues=True)
        return HttpResponseRedirect(run.job.get_absolute_url() if run.job else self.month_url())


class InvoiceList(scoped.ScopedListView):
    """Invoices."""

    model = Invoice
    table_class = tables.InvoiceTable
    filterset_class = filters.InvoiceFilter
    template_name = "contracts/invoice_list.html"
    title = gettext_lazy("Invoices")
    capability = "contracts.view_invoice"
    related = ("contract__offtaker", "series")
    empty_text = gettext_lazy("Run the billing of a month to draft its invoices.")


class InvoicePage(scoped.ScopedDetailView):
    """What pages of one invoice share."""

    model = Invoice
    capability = "contracts.view_invoice"
    related = ("contract__offtaker", "contract__delivery_point__site", "contract__legal_entity", "replaces")

    def breadcrumbs(self) -> list[Crumb]:
        """The month above, or for those who do not bill the invoices."""
        if not self.request.user.is_staff_member:
            return [Crumb(_("Invoices"), reverse("contracts:invoice_list"))]
        month_on = self.object.month_on
        url = reverse("contracts:billing_month", args=[month_on.year, month_on.month])
        return [Crumb(_("Billing of %(month)s") % {"month": wording.month(month_on)}, url)]


class InvoiceDetail(InvoicePage):
    """An invoice as its document, with an explanation of every line."""

    template_name = "contracts/invoice_detail.html"

    def get_title(self) -> str:
        """The number, or that it is a draft."""
        if self.object.number:
            return _("Invoice %(number)s") % {"number": self.object.number}
        return _("Draft for %(contract)s") % {"contract": self.object.contract}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the lines, their explanations and the credit notes."""
        invoice: Invoice = self.object
        lines = list(invoice.lines.order_by("position"))
        return super().get_context_data(
            lines=[explanations.line_of(line, invoice) for line in lines],
            meters=explanations.meters_of(lines, invoice.contract.zone),
            vat_rows=explanations.vat_of(invoice),
            words=explanations.document_words(invoice),
            credit_notes=CreditNote.objects.visible_to(self.request.user).filter(invoice=invoice),
            open_net=invoice.net_amount - crediting.credited_net(invoice),
            later=wording.withdrawn(reproduction.withdrawn_estimates(lines)),
            **_true_up_of(invoice, self.request.user),
            **_chain_of(invoice, self.request.user),
            **kwargs,
        )


def _true_up_of(invoice: Invoice, user: Any) -> dict[str, Any]:
    """What stands open about the invoice, for those who settle it; and what everybody may know is confirmed."""
    live = true_up_queries.visible(user).filter(invoice=invoice, state__in=TrueUp.LIVE).first()
    return {
        "true_up": live,
        "true_up_sentences": true_up_words.reasons_of(live) if live else [],
        "confirmed": true_up_words.confirmed_of(invoice),
    }


def _chain_of(invoice: Invoice, user: Any) -> dict[str, Any]:
    """The invoices before and after this one for the same days, as far as the person sees them."""
    later = Invoice.objects.visible_to(user).filter(replaces=invoice).first()
    shows_before = invoice.replaces is not None
    return {
        "replaced_by": later,
        "replaced_by_words": wording.replaced(later)[1:] if later else [],
        "replaces_words": wording.replaced(invoice) if shows_before else [],
        "cancelling": true_up_queries.cancelling(invoice.replaces) if invoice.replaces else None,
    }


class _InvoiceStep(scoped.ScopedObjectPage):
    """A step of an invoice's life that a button takes at once, because it can be undone."""

    model = Invoice
    related = ("contract__delivery_point__site",)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Back to the invoice: only a button takes the step."""
        return HttpResponseRedirect(self.object.get_absolute_url())

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """On to what the step leads to."""
        try:
            return HttpResponseRedirect(self.step())
        except Refusal as refusal:
            messages.error(request, words_of(refusal))
            return HttpResponseRedirect(self.object.get_absolute_url())

    def step(self) -> str:
        """The address to show next, the step taken."""
        raise NotImplementedError


class InvoiceReview(_InvoiceStep):
    """Mark a draft as reviewed."""

    capability = "contracts.review_invoice"

    def step(self) -> str:
        """The invoice, reviewed."""
        invoice = billing.review_invoice(invoice=self.object, by=self.request.user, now=timezone.now())
        messages.success(self.request, _("Reviewed. It can be issued now."))
        return invoice.get_absolute_url()


class InvoiceRedraft(_InvoiceStep):
    """Draft a bill again from today's records."""

    capability = "contracts.review_invoice"

    def step(self) -> str:
        """The new draft, or the month where it is blocked."""
        month_on = self.object.month_on
        outcome = billing.reopen_invoice(invoice=self.object, by=self.request.user, now=timezone.now())
        if outcome.invoice is None:
            messages.warning(self.request, _("The bill is blocked now; the reasons are below."))
            return reverse("contracts:billing_month", args=[month_on.year, month_on.month])
        messages.success(self.request, _("Drafted again from today's records."))
        return outcome.invoice.get_absolute_url()


class InvoiceIssue(scoped.ConfirmView):
    """Issue one invoice, after a second look."""

    model = Invoice
    capability = "contracts.issue_invoice"
    title = gettext_lazy("Issue the invoice")
    consequence = gettext_lazy(
        "The invoice gets its number and its PDF. It can never be changed again; a credit note corrects mistakes."
    )
    confirm_label = gettext_lazy("Issue")
    related = ("contract__delivery_point__site", "contract__legal_entity")

    def act(self, form: Any) -> Invoice:
        """The invoice, issued."""
        return billing.issue_invoice(invoice=self.object, by=self.request.user, now=timezone.now())


def pdf_response(pdf: bytes, name: str) -> HttpResponse:
    """The PDF under its name, shown by the browser."""
    headers = {"Content-Disposition": content_disposition_header(False, f"{name}.pdf") or "inline"}  # noqa: FBT003
    return HttpResponse(pdf, content_type="application/pdf", headers=headers)


class InvoicePdf(InvoicePage):
    """The PDF of an issued invoice, as it was stored when it was issued."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The PDF; a draft has none."""
        document = getattr(self.object, "document", None)
        if document is None:
            return HttpResponseRedirect(self.object.get_absolute_url())
        return pdf_response(bytes(document.pdf), str(self.object.number))
