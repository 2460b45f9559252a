"""Copies of everything a document says beside its lines: a later change of an address changes no bill."""

from typing import Any

from contracts.domain import pricing, sla
from contracts.models import Contract, CreditNote, Invoice, LegalEntity, Offtaker, SlaResult, Substitution
from contracts.queries import bills, service_levels


def seller_data(seller: LegalEntity) -> dict[str, Any]:
    """The seller as the document names it."""
    names = (
        "code", "name", "address", "country", "vat_number", "registration", "email", "phone", "bank_name", "iban",
        "bic", "payment_days",
    )  # fmt: skip
    return {name: getattr(seller, name) for name in names}


def customer_data(customer: Offtaker) -> dict[str, Any]:
    """The customer as the document names it."""
    names = ("code", "name", "address", "country", "vat_number", "billing_email", "kind")
    return {name: getattr(customer, name) for name in names}


def contract_data(contract: Contract) -> dict[str, Any]:
    """The contract and the place of delivery as the document names them."""
    point = contract.delivery_point
    return {
        "number": contract.number,
        "time_zone": contract.time_zone,
        "delivery_point": point.name,
        "delivery_point_code": point.code,
        "site": point.site.name,
        "site_address": point.site.address,
    }


def sla_data(result: SlaResult) -> dict[str, Any]:
    """The service level as the document states it."""
    minutes = service_levels.minutes_of_result(result)
    return {
        "id": result.pk,
        "version": result.version,
        "supply_min_c": str(result.terms.supply_min_c),
        "supply_max_c": str(result.terms.supply_max_c),
        "availability_ratio": None if result.availability_ratio is None else str(result.availability_ratio),
        "target_ratio": str(result.target_ratio),
        "credit_ratio": str(result.credit_ratio),
        "minutes": {kind.name.lower(): minutes[kind] for kind in sla.Class},
    }


def substitution_data(substitution: Substitution) -> dict[str, Any]:
    """The approved substitution as the document names it."""
    return {
        "id": substitution.pk,
        "code": substitution.code,
        "facts": substitution.facts,
        "reason": substitution.reason,
        "approved_by": str(substitution.approved_by),
        "approved_at": substitution.approved_at.isoformat(),
    }


def replaced_data(invoice: Invoice, credit: CreditNote) -> dict[str, Any]:
    """The invoice that another one replaces, as that one names it."""
    return {
        "invoice_number": invoice.number,
        "invoice_issued_on": invoice.issued_on.isoformat() if invoice.issued_on else None,
        "heat_kwh": str(invoice.heat_kwh),
        "gross_amount": str(invoice.gross_amount),
        "credit_number": credit.number,
        "credit_issued_on": credit.issued_on.isoformat() if credit.issued_on else None,
        "reason": credit.reason,
    }


def facts_of(bill: bills.Bill) -> dict[str, Any]:
    """Everything that the document says beside its lines."""
    contract = bill.contract
    return {
        "language": contract.offtaker.language,
        "seller": seller_data(contract.legal_entity),
        "customer": customer_data(contract.offtaker),
        "contract": contract_data(contract),
        "sla": sla_data(bill.result) if bill.result else None,
        "actual_ratio": str(bill.actual_ratio),
        "estimated_ratio": str(bill.estimated_ratio),
        "hours": str(bill.bill.period.hours),
        "substitutions": [substitution_data(each) for each in bill.substitutions],
        "compared": bills.compared_kwh(contract, bill.bill.month_on),
    }


def vat_data(totals: pricing.Totals) -> list[dict[str, str]]:
    """The VAT summary as plain data."""
    return [
        {
            "vat_ratio": str(group.vat_ratio),
            "net_amount": str(group.net_amount),
            "vat_amount": str(group.vat_amount),
        }
        for group in totals.groups
    ]
