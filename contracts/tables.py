"""The list tables of offtakers, contracts and bills."""

from typing import Any

import django_tables2
from django.db.models import Case, IntegerField, Value, When
from django.utils.translation import gettext_lazy as _

from accounts import tables
from contracts.documents import true_ups, wording
from contracts.models import Contract, CreditNote, Invoice, LegalEntity, Offtaker, TrueUp

CONTRACT_LEVELS = {"active": "ok", "draft": "info", "ended": "unknown"}
INVOICE_LEVELS = {"issued": "ok", "reviewed": "info", "draft": "warn"}
CREDIT_LEVELS = {"issued": "ok", "requested": "warn", "refused": "unknown"}
TRUE_UP_LEVELS = {
    "open": "bad", "proposed": "warn", "waiving": "warn", "settled": "ok", "waived": "unknown", "minor": "unknown",
    "agrees": "ok",
}  # fmt: skip
OPEN_FIRST = (
    Case(When(state__in=TrueUp.LIVE, then=Value(0)), default=Value(1), output_field=IntegerField()),
    "-found_at",
)


class MoneyColumn(django_tables2.Column):
    """An amount with the currency of its row, right-aligned."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"attrs": {"th": {"class": "numeric"}, "td": {"class": "numeric"}}, **kwargs})

    def render(self, value: Any, record: Any) -> str:
        """The amount as people write it."""
        return wording.money(value, record.currency)

    def value(self, value: Any) -> Any:
        """The plain amount, for files."""
        return value


class MonthColumn(django_tables2.Column):
    """A month by name."""

    def render(self, value: Any) -> str:
        """The month by name."""
        return wording.month(value)

    def value(self, value: Any) -> Any:
        """The month in figures, for files."""
        return f"{value:%Y-%m}"


class LegalEntityTable(tables.PortalTable):
    """Sellers."""

    name = tables.NameColumn()

    class Meta(tables.PortalTable.Meta):
        model = LegalEntity
        fields: Any = ("name", "code", "country", "vat_number")


class OfftakerTable(tables.PortalTable):
    """Offtakers."""

    name = tables.NameColumn()

    class Meta(tables.PortalTable.Meta):
        model = Offtaker
        fields: Any = ("name", "code", "kind", "country", "billing_email")


class ContractTable(tables.PortalTable):
    """Contracts."""

    number = tables.NameColumn()
    offtaker = tables.LinkColumn()
    delivery_point = django_tables2.Column()
    site = django_tables2.Column(accessor="delivery_point__site", verbose_name=_("site"))
    state = tables.StateColumn(CONTRACT_LEVELS)

    class Meta(tables.PortalTable.Meta):
        model = Contract
        fields: Any = ("number", "offtaker", "site", "delivery_point", "state", "starts_on", "ends_on")


class InvoiceTable(tables.PortalTable):
    """Invoices."""

    number = tables.NameColumn(empty_values=(), order_by=("series", "sequence_number"))
    month_on = MonthColumn(verbose_name=_("month"))
    contract = django_tables2.Column()
    offtaker = django_tables2.Column(accessor="contract__offtaker", verbose_name=_("offtaker"))
    state = tables.StateColumn(INVOICE_LEVELS)
    heat_kwh = tables.QuantityColumn(unit="kWh", digits=0)
    gross_amount = MoneyColumn()

    class Meta(tables.PortalTable.Meta):
        model = Invoice
        fields: Any = ("number", "month_on", "contract", "offtaker", "state", "heat_kwh", "gross_amount", "issued_on")

    def render_number(self, record: Invoice) -> str:
        """The number, or that there is none yet."""
        return record.number or str(record.get_state_display())

    def value_number(self, record: Invoice) -> str:
        """The number, for files."""
        return record.number or ""


class CreditNoteTable(tables.PortalTable):
    """Credit notes."""

    number = tables.NameColumn(empty_values=(), order_by=("series", "sequence_number"))
    invoice = tables.LinkColumn()
    state = tables.StateColumn(CREDIT_LEVELS)
    gross_amount = MoneyColumn()
    requested_at = tables.WhenColumn()

    class Meta(tables.PortalTable.Meta):
        model = CreditNote
        fields: Any = ("number", "invoice", "state", "gross_amount", "reason", "requested_at", "issued_on")

    def render_number(self, record: CreditNote) -> str:
        """The number, or how far it has come."""
        return record.number or str(record.get_state_display())

    def value_number(self, record: CreditNote) -> str:
        """The number, for files."""
        return record.number or ""


class SignedMoneyColumn(MoneyColumn):
    """A difference of amounts, with its sign."""

    def render(self, value: Any, record: Any) -> str:
        """The difference as people write it."""
        return true_ups.signed_amount(value, record.currency)


class TrueUpTable(tables.PortalTable):
    """What issued invoices are off by."""

    invoice = tables.NameColumn(
        linkify=lambda record: record.get_absolute_url(), attrs={"td": {"class": "row-name text-nowrap"}}
    )
    contract = tables.LinkColumn(
        accessor="invoice__contract", verbose_name=_("contract"), attrs={"td": {"class": "text-nowrap"}}
    )
    month_on = MonthColumn(accessor="invoice__month_on", verbose_name=_("month"))
    state = tables.StateColumn(TRUE_UP_LEVELS)
    billed_kwh = tables.QuantityColumn(unit="kWh", digits=1)
    estimated_kwh = tables.QuantityColumn(unit="kWh", digits=1)
    now_kwh = tables.QuantityColumn(unit="kWh", digits=1)
    delta_kwh = tables.QuantityColumn(unit="kWh", digits=1)
    delta_net_amount = SignedMoneyColumn()
    delta_gross_amount = SignedMoneyColumn()
    reasons = django_tables2.Column(orderable=False, attrs={"td": {"class": "cell-prose"}})
    found_at = tables.WhenColumn(attrs={"td": {"class": "text-nowrap"}})

    class Meta(tables.PortalTable.Meta):
        model = TrueUp
        fields: Any = (
            "invoice", "contract", "month_on", "state", "reasons", "billed_kwh", "estimated_kwh", "now_kwh",
            "delta_kwh", "delta_net_amount", "delta_gross_amount", "found_at",
        )  # fmt: skip
        sequence = fields

    def render_reasons(self, record: TrueUp) -> str:
        """The first reason, and how many more there are."""
        found = true_ups.reasons_of(record)
        return f"{found[0]} (+{len(found) - 1})" if len(found) > 1 else found[0]

    def value_reasons(self, record: TrueUp) -> str:
        """Every reason, for files."""
        return " ".join(true_ups.reasons_of(record))
