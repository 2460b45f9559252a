"""Generic pages over rows that a user may or may not see: list, record, form, confirmation.

Every page of the portal that shows or changes rows builds on these five classes, so that the rules
hold everywhere without being repeated: rows come from ``Model.objects.visible_to(user)``, what is
hidden is a 404, a missing capability is a 403, a :class:`kernel.errors.Refusal` becomes a form
error, the whole state of a list stands in its address, and a fragment asked for by htmx is the very
fragment that the page includes.

Example
-------
A list with filters, a table and a button that adds a row::

    class SiteTable(tables.PortalTable):
        name = tables.NameColumn()
        installed_it_kw = tables.QuantityColumn(unit="kW")

        class Meta(tables.PortalTable.Meta):
            model = Site
            fields = ("name", "country", "installed_it_kw")

    class SiteFilter(filters.ScopedFilterSet):
        search_fields = ("name", "slug")

        class Meta:
            model = Site
            fields = ("state", "country")

    class SiteList(scoped.ScopedListView):
        model = Site
        table_class = SiteTable
        filterset_class = SiteFilter
        title = _("Sites")
        empty_text = _("Add the first site to start.")
        create_url_name = "hosting:site_create"
        create_capability = "hosting.add_site"
        related = ("operator",)               # select_related, keeps the query count constant

    class SiteDetail(scoped.ScopedDetailView):
        model = Site
        template_name = "hosting/site_detail.html"

    class SiteUpdate(scoped.ScopedUpdateView):
        model = Site
        form_class = SiteForm
        capability = "hosting.change_site"

        def save(self, form):                 # one request, one call of a service
            return sites.change_site(site=self.object, by=self.request.user, now=timezone.now(), **form.cleaned_data)

    class IssueInvoice(scoped.ConfirmView):   # deliberate second step
        model = Invoice
        capability = "contracts.issue_invoice"
        title = _("Issue the invoice")
        consequence = _("The invoice gets its number and can never be changed again.")
        confirm_label = _("Issue")

        def act(self, form):
            billing.issue_invoice(invoice=self.object, by=self.request.user, now=timezone.now())

Pages
-----
A list renders ``components/list_page.html`` (override ``template_name`` with a template that extends
it to add blocks above or below). ``?sort=-name&page=2&state=live`` is its state; ``?export=csv``
streams the filtered rows. Record pages get ``object``, ``title``, ``breadcrumbs``; form pages get
``form``; confirmation pages ``consequence``. Every class takes ``breadcrumbs()``: a list of
:class:`Crumb`, the last one being the page itself and added for you.
"""

from accounts.views.scoped.bulk import BulkAction, ScopedBulkView, local_address
from accounts.views.scoped.forms import (
    ConfirmForm,
    ConfirmView,
    FormPage,
    ScopedCreateView,
    ScopedDeleteView,
    ScopedUpdateView,
    StillInUse,
    narrow_choices,
)
from accounts.views.scoped.lists import ScopedListView, is_fragment_request
from accounts.views.scoped.pages import Crumb, PersonRequest, ScopedDetailView, ScopedObjectPage, ScopedPage, visible

__all__ = [
    "BulkAction",
    "ConfirmForm",
    "ConfirmView",
    "Crumb",
    "FormPage",
    "PersonRequest",
    "ScopedBulkView",
    "ScopedCreateView",
    "ScopedDeleteView",
    "ScopedDetailView",
    "ScopedListView",
    "ScopedObjectPage",
    "ScopedPage",
    "ScopedUpdateView",
    "StillInUse",
    "is_fragment_request",
    "local_address",
    "narrow_choices",
    "visible",
]
