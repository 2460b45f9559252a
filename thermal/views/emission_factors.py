"""The emission factors behind avoided emissions: listed, entered and confirmed."""

from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.views import scoped
from thermal.kpi_filters import EmissionFactorFilter
from thermal.kpi_forms import EmissionFactorForm
from thermal.kpi_tables import EmissionFactorTable
from thermal.models import EmissionFactor
from thermal.queries import kpi_ledger
from thermal.services import emission_factors
from thermal.views.heat import heat_crumb

ADD = "thermal.add_emissionfactor"
CHANGE = "thermal.change_emissionfactor"


def _crumbs() -> list[scoped.Crumb]:
    compared = scoped.Crumb(_("Key figures of all sites"), reverse("thermal:kpi_comparison"))
    return [heat_crumb(), compared]


class FactorList(scoped.ScopedListView):
    """The factors of every country, fuel and grid, with their sources."""

    model = EmissionFactor
    capability = kpi_ledger.READ
    table_class = EmissionFactorTable
    filterset_class = EmissionFactorFilter
    template_name = "thermal/emissionfactor_list.html"
    title = gettext_lazy("Emission factors")
    empty_title = gettext_lazy("No factor here")
    empty_text = gettext_lazy("Enter what the agency of the country has published, with its source.")
    create_url_name = "thermal:emissionfactor_create"
    create_label = gettext_lazy("Enter a factor")
    create_capability = ADD

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return _crumbs()


class FactorDetail(scoped.ScopedDetailView):
    """One factor: where it holds, what says so, and whether somebody has checked it."""

    model = EmissionFactor
    capability = kpi_ledger.READ
    template_name = "thermal/emissionfactor_detail.html"

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [*_crumbs(), _list_crumb()]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"may_change": self.request.user.has_perm(CHANGE), **kwargs})


class FactorCreate(scoped.ScopedCreateView):
    """Enters a factor with its source."""

    model = EmissionFactor
    form_class = EmissionFactorForm
    capability = ADD
    title = gettext_lazy("Enter a factor")

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [*_crumbs(), _list_crumb()]

    def save(self, form: Any) -> EmissionFactor:
        return emission_factors.record_factor(factor=form.instance, by=self.person, now=timezone.now())


class FactorChange(scoped.ScopedUpdateView):
    """Changes a factor, or says that somebody has checked it against its source."""

    model = EmissionFactor
    form_class = EmissionFactorForm
    capability = CHANGE

    def breadcrumbs(self) -> list[scoped.Crumb]:
        return [*_crumbs(), _list_crumb(), scoped.Crumb(str(self.object), self.object.get_absolute_url())]

    def save(self, form: Any) -> EmissionFactor:
        return emission_factors.record_factor(factor=form.instance, by=self.person, now=timezone.now())


def _list_crumb() -> scoped.Crumb:
    return scoped.Crumb(_("Emission factors"), reverse("thermal:emissionfactor_list"))
