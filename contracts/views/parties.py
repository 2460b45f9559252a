"""Pages of sellers and offtakers."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from accounts.views.scoped import Crumb
from contracts import filters, forms, tables
from contracts.models import Contact, Contract, Counterfactual, LegalEntity, Offtaker


class LegalEntityList(scoped.ScopedListView):
    """Sellers."""

    model = LegalEntity
    table_class = tables.LegalEntityTable
    title = gettext_lazy("Sellers")
    empty_text = gettext_lazy("A seller is the company that issues the invoices. Add it before the first contract.")
    create_url_name = "contracts:legalentity_create"
    create_capability = "contracts.add_legalentity"


class LegalEntityDetail(scoped.ScopedDetailView):
    """One seller."""

    model = LegalEntity
    template_name = "contracts/legalentity_detail.html"

    def breadcrumbs(self) -> list[Crumb]:
        """The list above."""
        return [Crumb(_("Sellers"), reverse("contracts:legalentity_list"))]


class LegalEntityCreate(scoped.ScopedCreateView):
    """Add a seller."""

    model = LegalEntity
    form_class = forms.LegalEntityForm
    capability = "contracts.add_legalentity"


class LegalEntityUpdate(scoped.ScopedUpdateView):
    """Change a seller."""

    model = LegalEntity
    form_class = forms.LegalEntityForm
    capability = "contracts.change_legalentity"


class OfftakerList(scoped.ScopedListView):
    """Offtakers."""

    model = Offtaker
    table_class = tables.OfftakerTable
    filterset_class = filters.OfftakerFilter
    title = gettext_lazy("Offtakers")
    empty_text = gettext_lazy("An offtaker is a customer who takes heat. Add the first one to write its contract.")
    create_url_name = "contracts:offtaker_create"
    create_capability = "contracts.add_offtaker"

    def breadcrumbs(self) -> list[Crumb]:
        """The contracts above."""
        return [Crumb(_("Contracts"), reverse("contracts:contract_list"))]


class OfftakerDetail(scoped.ScopedDetailView):
    """One offtaker with contacts, contracts and what the heat replaces."""

    model = Offtaker
    template_name = "contracts/offtaker_detail.html"

    def breadcrumbs(self) -> list[Crumb]:
        """The list above."""
        return [Crumb(_("Offtakers"), reverse("contracts:offtaker_list"))]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """With what hangs on the offtaker, narrowed to what the person may see."""
        user = self.request.user
        return super().get_context_data(
            contacts=Contact.objects.visible_to(user).filter(offtaker=self.object),
            contracts=Contract.objects.visible_to(user)
            .filter(offtaker=self.object)
            .select_related("delivery_point__site"),
            counterfactuals=Counterfactual.objects.visible_to(user).filter(offtaker=self.object),
            **kwargs,
        )


class OfftakerCreate(scoped.ScopedCreateView):
    """Add an offtaker."""

    model = Offtaker
    form_class = forms.OfftakerForm
    capability = "contracts.add_offtaker"


class OfftakerUpdate(scoped.ScopedUpdateView):
    """Change an offtaker."""

    model = Offtaker
    form_class = forms.OfftakerForm
    capability = "contracts.change_offtaker"


class _PartCreate(scoped.ScopedCreateView):
    """Add something that hangs on an offtaker."""

    capability = "contracts.change_offtaker"

    def offtaker(self) -> Offtaker:
        """The offtaker, or 404 where it is hidden."""
        return get_object_or_404(Offtaker.objects.visible_to(self.request.user), pk=self.kwargs["offtaker"])

    def breadcrumbs(self) -> list[Crumb]:
        """The offtaker above."""
        offtaker = self.offtaker()
        return [Crumb(str(offtaker), offtaker.get_absolute_url())]

    def save(self, form: Any) -> Offtaker:
        """The offtaker, with the new part stored."""
        offtaker = self.offtaker()
        form.instance.offtaker = offtaker
        form.instance.validate_constraints()
        form.save()
        return offtaker


class ContactCreate(_PartCreate):
    """Add a contact."""

    model = Contact
    form_class = forms.ContactForm
    title = gettext_lazy("Add a contact")


class CounterfactualCreate(_PartCreate):
    """Say what the heat replaces from a day on."""

    model = Counterfactual
    form_class = forms.CounterfactualForm
    title = gettext_lazy("What the heat replaces")
