"""Pages of contracts: the record with its dated terms, and the steps of its life."""

from datetime import date
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from accounts.views.scoped import Crumb
from contracts import filters, forms, tables
from contracts.models import Contract, Counterfactual, FaultReport, Invoice, PriceTerms, SlaResult, SlaTerms
from contracts.queries import service_levels, terms
from contracts.services import contracting
from contracts.views import service
from kernel.periods import local_date

TABS = (
    ("terms", gettext_lazy("Terms")),
    ("service", gettext_lazy("Service level")),
    ("invoices", gettext_lazy("Invoices")),
    ("reports", gettext_lazy("Reports")),
)


class ContractList(scoped.ScopedListView):
    """Contracts."""

    model = Contract
    table_class = tables.ContractTable
    filterset_class = filters.ContractFilter
    template_name = "contracts/contract_list.html"
    title = gettext_lazy("Contracts")
    empty_text = gettext_lazy("A contract says who takes heat where, at what price and with what service.")
    create_url_name = "contracts:contract_create"
    create_capability = "contracts.add_contract"
    related = ("offtaker", "delivery_point__site")


class ContractDetail(scoped.ScopedDetailView):
    """One contract; the address holds the tab."""

    model = Contract
    template_name = "contracts/contract_detail.html"
    related = ("offtaker", "delivery_point__site", "legal_entity")

    def breadcrumbs(self) -> list[Crumb]:
        """The list above."""
        return [Crumb(_("Contracts"), reverse("contracts:contract_list"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With the rows of the chosen tab and the standing of this month."""
        tab = self.request.GET.get("tab", "terms")
        url = self.object.get_absolute_url()
        tabs = [{"label": label, "url": f"{url}?tab={key}", "is_current": key == tab} for key, label in TABS]
        today = local_date(timezone.now(), self.object.zone)
        month_on = today.replace(day=1)
        standing = service_levels.standing(self.object, month_on, terms.next_month(month_on))
        return super().get_context_data(
            tab=tab, tabs=tabs, today=today, standing=service.standing_facts(standing), month_on=month_on,
            **self._rows(tab), **kwargs,
        )  # fmt: skip

    def _rows(self, tab: str) -> dict[str, Any]:
        """The rows of the tab, narrowed to what the person may see."""
        user, contract = self.request.user, self.object
        if tab == "service":
            results = SlaResult.objects.visible_to(user).filter(contract=contract, is_latest=True)
            return {"results": results.select_related("terms").order_by("-month_on")[:36]}
        if tab == "invoices":
            may_see = user.has_perm("contracts.view_invoice")
            rows = Invoice.objects.visible_to(user).filter(contract=contract) if may_see else Invoice.objects.none()
            return {"invoices": rows.order_by("-month_on", "-revision")[:60]}
        if tab == "reports":
            return {"reports": FaultReport.objects.visible_to(user).filter(contract=contract)[:50]}
        return {
            "price_terms": PriceTerms.objects.visible_to(user).filter(contract=contract).order_by("-valid_from"),
            "sla_terms": SlaTerms.objects.visible_to(user).filter(contract=contract).order_by("-valid_from"),
            "counterfactual": Counterfactual.objects.visible_to(user).filter(offtaker=contract.offtaker).first(),
        }


class ContractCreate(scoped.ScopedCreateView):
    """Draft a contract."""

    model = Contract
    form_class = forms.ContractForm
    capability = "contracts.add_contract"

    def save(self, form: Any) -> Contract:
        """The stored draft."""
        return contracting.draft_contract(by=self.request.user, now=timezone.now(), **form.cleaned_data)


class ContractUpdate(scoped.ScopedUpdateView):
    """Change the particulars of a contract."""

    model = Contract
    form_class = forms.ContractForm
    capability = "contracts.change_contract"

    def save(self, form: Any) -> Contract:
        """The changed contract; the form's own copy is set aside so that the service sees what was."""
        stored = Contract.objects.get(pk=self.object.pk)
        fields = form.cleaned_data | {"time_zone": form.cleaned_data["time_zone"] or stored.time_zone}
        return contracting.change_contract(contract=stored, by=self.request.user, now=timezone.now(), **fields)


class ContractActivate(scoped.ConfirmView):
    """Put a contract in force."""

    model = Contract
    capability = "contracts.activate_contract"
    title = gettext_lazy("Put the contract in force")
    consequence = gettext_lazy(
        "The contract counts from its first day: its heat is billed, its service is judged, and the alarm limits of "
        "the delivery point become its temperature band. Parties, place, currency and start are fixed from then on."
    )
    confirm_label = gettext_lazy("Put in force")
    destructive = False

    def act(self, form: Any) -> Contract:
        """The contract, in force."""
        return contracting.activate_contract(contract=self.object, by=self.request.user, now=timezone.now())


class ContractEnd(scoped.ConfirmView):
    """End a contract."""

    model = Contract
    form_class = forms.EndForm
    capability = "contracts.activate_contract"
    title = gettext_lazy("End the contract")
    consequence = gettext_lazy(
        "Nothing is billed or judged from that day on. The contract cannot be put in force again."
    )
    confirm_label = gettext_lazy("End the contract")

    def act(self, form: Any) -> Contract:
        """The contract, ended."""
        ends_on: date = form.cleaned_data["ends_on"]
        return contracting.end_contract(
            contract=self.object,
            ends_on=ends_on,
            by=self.request.user,
            now=timezone.now(),
        )


class _TermsCreate(scoped.ScopedCreateView):
    """Add terms to a contract."""

    def contract(self) -> Contract:
        """The contract, or 404 where it is hidden."""
        return get_object_or_404(Contract.objects.visible_to(self.request.user), pk=self.kwargs["contract"])

    def breadcrumbs(self) -> list[Crumb]:
        """The contract above."""
        contract = self.contract()
        return [Crumb(str(contract), contract.get_absolute_url())]


class PriceTermsCreate(_TermsCreate):
    """Agree on a price."""

    model = PriceTerms
    form_class = forms.PriceTermsForm
    capability = "contracts.add_priceterms"
    title = gettext_lazy("New price terms")

    def save(self, form: Any) -> Contract:
        """The contract, with the new terms stored."""
        contract = self.contract()
        contracting.agree_price(contract=contract, by=self.request.user, now=timezone.now(), **form.cleaned_data)
        return contract


class SlaTermsCreate(_TermsCreate):
    """Agree on a service level."""

    model = SlaTerms
    form_class = forms.SlaTermsForm
    capability = "contracts.add_slaterms"
    title = gettext_lazy("New SLA terms")

    def save(self, form: Any) -> Contract:
        """The contract, with the new terms stored."""
        contract = self.contract()
        contracting.agree_service(contract=contract, by=self.request.user, now=timezone.now(), **form.cleaned_data)
        return contract
