"""Numbers of issued documents: per legal entity, year and kind, without a gap."""

from dataclasses import dataclass

from django.db import transaction

from contracts.models import LegalEntity, NumberSeries

LETTERS = {NumberSeries.Kind.INVOICE: "", NumberSeries.Kind.CREDIT_NOTE: "C"}


@dataclass(frozen=True, slots=True)
class Number:
    """A number as the document says it, and its place in the series."""

    series: NumberSeries
    sequence_number: int

    @property
    def text(self) -> str:
        """The number on the document, such as HL-2026-00042; credit notes carry a C: HL-C2026-00007."""
        letter = LETTERS[NumberSeries.Kind(self.series.kind)]
        return f"{self.series.legal_entity.code}-{letter}{self.series.year}-{self.sequence_number:05d}"


def next_number(*, legal_entity: LegalEntity, year: int, kind: NumberSeries.Kind) -> Number:
    """The next number of the series, taken in the caller's transaction.

    The row stays locked until that transaction ends: whoever comes next waits, and a transaction that fails
    gives its number back. That is what keeps the series gapless, and why this needs a transaction to be open.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("a number is taken only inside the transaction that issues the document")
    NumberSeries.objects.get_or_create(legal_entity=legal_entity, year=year, kind=kind)
    series = NumberSeries.objects.select_for_update().get(legal_entity=legal_entity, year=year, kind=kind)
    series.last_number += 1
    series.save(update_fields=["last_number"])
    return Number(series, series.last_number)
