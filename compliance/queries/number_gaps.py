"""Whether the numbers of a pack's invoices and credit notes run on."""

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import Q, QuerySet

from compliance.queries import holdings
from compliance.queries.scope import Scope
from contracts.models import CreditNote, Invoice

COLUMNS: Final = (
    "kind",
    "series_id",
    "legal_entity",
    "year",
    "first_number",
    "last_number",
    "issued_count",
    "missing_count",
    "missing_numbers",
)


def read(scope: Scope) -> Iterator[dict[str, Any]]:
    """One row for each series of numbers that the pack's invoices and credit notes belong to, with what it lacks."""
    for kind, found, model, known in (
        ("invoice", holdings.invoices(scope), Invoice, Q(issued_at__lte=scope.as_of)),
        ("credit_note", holdings.credit_notes(scope), CreditNote, Q(decided_at__lte=scope.as_of)),
    ):
        series_ids = found.order_by("series").values_list("series", flat=True).distinct()
        for series_id in list(series_ids):
            numbered = model.objects.filter(known, series=series_id).order_by("sequence_number")
            yield _gaps_of(kind, series_id, numbered)


def _gaps_of(kind: str, series_id: int, numbered: QuerySet[Any]) -> dict[str, Any]:
    given = list(numbered.values_list("sequence_number", flat=True))
    entity, year = numbered.values_list("series__legal_entity__code", "series__year").first() or ("", 0)
    missing = sorted(set(range(1, given[-1] + 1)) - set(given))
    return {
        "kind": kind,
        "series_id": series_id,
        "legal_entity": entity,
        "year": year,
        "first_number": given[0],
        "last_number": given[-1],
        "issued_count": len(given),
        "missing_count": len(missing),
        "missing_numbers": " ".join(str(number) for number in missing),
    }
