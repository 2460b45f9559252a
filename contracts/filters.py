"""The filter bars of the lists."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts import filters
from contracts.models import Contract, CreditNote, Invoice, Offtaker, TrueUp


class OfftakerFilter(filters.ScopedFilterSet):
    """Offtakers by name and use."""

    search_fields = ("code", "name", "address")

    class Meta:
        model = Offtaker
        fields: Any = ("kind", "country")


class ContractFilter(filters.ScopedFilterSet):
    """Contracts by number, party, site and state."""

    search_fields = ("number", "offtaker__name", "delivery_point__name", "delivery_point__site__name")

    class Meta:
        model = Contract
        fields: Any = ("state", "offtaker")


class InvoiceFilter(filters.ScopedFilterSet):
    """Invoices by number, contract and state."""

    search_fields = ("number", "contract__number", "contract__offtaker__name")

    class Meta:
        model = Invoice
        fields: Any = ("state", "month_on", "contract")


class CreditNoteFilter(filters.ScopedFilterSet):
    """Credit notes by number and state."""

    search_fields = ("number", "invoice__number", "reason")

    class Meta:
        model = CreditNote
        fields: Any = ("state",)


class TrueUpFilter(filters.ScopedFilterSet):
    """True-ups by invoice, contract and state."""

    search_fields = ("invoice__number", "invoice__contract__number", "invoice__contract__offtaker__name", "note")
    todo = django_filters.ChoiceFilter(
        label=_("to do"), choices=[("open", _("stands open")), ("done", _("is settled"))], method="filter_todo"
    )
    contract = django_filters.ModelChoiceFilter(
        label=_("contract"), field_name="invoice__contract", queryset=Contract.objects.all()
    )

    class Meta:
        model = TrueUp
        fields: Any = ("todo", "state", "contract")

    def filter_todo(self, rows: QuerySet[TrueUp], _name: str, value: str) -> QuerySet[TrueUp]:
        """Those about which somebody still has to do something, or the others."""
        return rows.filter(state__in=TrueUp.LIVE) if value == "open" else rows.exclude(state__in=TrueUp.LIVE)
