"""What was promised to whom, how it was kept, and what was billed for it."""

from contracts.models.billing import (
    BillingBlock,
    BillingRun,
    CreditNote,
    Invoice,
    InvoiceDocument,
    InvoiceLine,
    LineKind,
    NumberSeries,
)
from contracts.models.contracts import (
    Contract,
    ContractGroupObjectPermission,
    ContractUserObjectPermission,
    PriceTerms,
    SlaTerms,
)
from contracts.models.notices import DocumentNotice
from contracts.models.parties import (
    Contact,
    Counterfactual,
    FaultReport,
    LegalEntity,
    Offtaker,
    OfftakerGroupObjectPermission,
    OfftakerUserObjectPermission,
)
from contracts.models.sla import SlaDay, SlaResult
from contracts.models.substitutions import Substitution
from contracts.models.true_ups import BilledMark, TrueUp

__all__ = [
    "BilledMark",
    "BillingBlock",
    "BillingRun",
    "Contact",
    "Contract",
    "ContractGroupObjectPermission",
    "ContractUserObjectPermission",
    "Counterfactual",
    "CreditNote",
    "DocumentNotice",
    "FaultReport",
    "Invoice",
    "InvoiceDocument",
    "InvoiceLine",
    "LegalEntity",
    "LineKind",
    "NumberSeries",
    "Offtaker",
    "OfftakerGroupObjectPermission",
    "OfftakerUserObjectPermission",
    "PriceTerms",
    "SlaDay",
    "SlaResult",
    "SlaTerms",
    "Substitution",
    "TrueUp",
]
