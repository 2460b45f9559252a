"""The filter bars of the lists."""

from typing import Any

from accounts import filters
from contracts.models import Contract, CreditNote, Invoice, Offtaker


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
