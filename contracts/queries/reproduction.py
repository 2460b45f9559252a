"""An issued invoice computed once more: from its stored evidence, and with its readings read again."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from contracts.domain import pricing, registers, statement
from contracts.domain.registers import How
from contracts.models import Invoice, InvoiceLine, LineKind, PriceTerms, SlaResult
from contracts.queries import readings, service_levels
from hosting.models import MeterPlacement
from thermal.queries import corrections


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not come out as the invoice says."""

    what: str
    stated: str
    found: str

    def __str__(self) -> str:
        return f"{self.what}: the invoice says {self.stated}, computed again {self.found}"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The result of computing an invoice again, and what a reader should know beside it."""

    invoice: Invoice
    line_count: int
    reading_count: int
    differences: tuple[Difference, ...]
    notes: tuple[str, ...]


def reproduce(invoice: Invoice) -> Reproduction:
    """The comparison of an issued invoice with its recomputation, to the cent."""
    lines = list(invoice.lines.order_by("position"))
    quoted = [reading for line in lines for reading in _readings_of(line)]
    differences = [
        *(difference for line in lines for difference in _line(line, invoice.currency)),
        *_totals(invoice, lines),
        *_document(invoice),
    ]
    withdrawn = (
        f"The estimate of {data['heat_kwh']} kWh (correction {data['correction_id']}) was withdrawn later."
        for data in withdrawn_estimates(lines)
    )
    notes = (*_notes(quoted), *withdrawn)
    return Reproduction(invoice, len(lines), len(quoted), tuple(differences), notes)


def _differ(what: str, stated: Any, found: Any) -> Iterator[Difference]:
    if stated != found:
        yield Difference(what, str(stated), str(found))


def _line(line: InvoiceLine, currency: str) -> Iterator[Difference]:
    """What in a line does not come out."""
    name = f"line {line.position} ({line.kind})"
    again = statement.recomputed(line.kind, line.evidence, line.starts_on, line.ends_on, currency)
    yield from _differ(f"{name}, quantity", line.quantity, again.quantity)
    yield from _differ(f"{name}, net", line.net_amount, again.net_amount)
    if "terms" in line.evidence:
        yield from _terms(name, line.evidence["terms"])
    if line.kind == LineKind.SLA_CREDIT:
        yield from _service_level(name, line.evidence["result"])
    for data in line.evidence.get("stays", ()):
        stay = statement.stay_from(data)
        for register in (stay.first, stay.last):
            yield from _register(f"{name}, meter {stay.counter.serial}", stay, register)
        for fall in stay.falls:
            yield from _recorded(f"{name}, meter {stay.counter.serial}", fall)


def _terms(name: str, data: statement.Evidence) -> Iterator[Difference]:
    """Whether the terms in the database still say what the invoice was priced with."""
    row = PriceTerms.objects.filter(pk=data["id"]).first()
    if row is None:
        yield Difference(f"{name}, terms {data['id']}", "stored", "gone")
        return
    for field in ("energy_per_kwh", "standing_per_day", "standing_per_month", "vat_ratio"):
        stated = None if data[field] is None else Decimal(data[field])
        yield from _differ(f"{name}, {field} of terms {row.pk}", stated, getattr(row, field))


def _service_level(name: str, data: statement.Evidence) -> Iterator[Difference]:
    """Whether the stored result still says what the credit was made from."""
    row = SlaResult.objects.filter(pk=data["id"]).first()
    if row is None:
        yield Difference(f"{name}, service result {data['id']}", "stored", "gone")
        return
    found = {kind.name.lower(): count for kind, count in service_levels.minutes_of_result(row).items()}
    yield from _differ(f"{name}, minutes of service result {row.pk}", data["minutes"], found)


def _register(name: str, stay: registers.Stay, register: registers.Register) -> Iterator[Difference]:
    """Whether the readings behind a register are still recorded and give the same register."""
    at = f"{name}, register at {register.at:%Y-%m-%d %H:%M}Z"
    yield from _recorded(name, register.readings)
    if register.how in {How.FITTED, How.REMOVED}:
        row = MeterPlacement.objects.filter(pk=stay.placement_id).first()
        stored = row and (row.first_register if register.how is How.FITTED else row.final_register)
        yield from _differ(f"{at} ({register.how})", register.energy_kwh, stored)
    elif len(register.readings) == 2:
        again = registers.interpolate(register.at, *register.readings)
        yield from _differ(f"{at} (interpolated)", register.energy_kwh, again.energy_kwh)
    elif register.readings:
        yield from _differ(at, register.energy_kwh, register.readings[0].energy_kwh)


def _recorded(name: str, quoted: tuple[registers.Reading, ...]) -> Iterator[Difference]:
    """Whether the quoted readings are stored as quoted; version 0 stands for a register between readings."""
    for reading in quoted:
        if reading.version:
            what = f"{name}, reading of {reading.at:%Y-%m-%d %H:%M:%S}Z version {reading.version}"
            yield from _differ(what, reading.energy_kwh, readings.recorded(reading))


def _totals(invoice: Invoice, lines: list[InvoiceLine]) -> Iterator[Difference]:
    """Whether lines add up to the totals, and VAT is that of the sums."""
    again = [
        (line, statement.recomputed(line.kind, line.evidence, line.starts_on, line.ends_on, invoice.currency))
        for line in lines
    ]
    total = pricing.totals([(line.vat_ratio, computed.net_amount) for line, computed in again], invoice.currency)
    yield from _differ("net", invoice.net_amount, total.net_amount)
    yield from _differ("VAT", invoice.vat_amount, total.vat_amount)
    yield from _differ("total", invoice.gross_amount, total.gross_amount)
    heat = sum((computed.quantity for line, computed in again if line.kind == LineKind.ENERGY), Decimal(0))
    yield from _differ("heat in kWh", invoice.heat_kwh, heat)


def _document(invoice: Invoice) -> Iterator[Difference]:
    """Whether the stored PDF is the one that was issued."""
    document = getattr(invoice, "document", None)
    if document is None:
        yield Difference("PDF", "stored", "missing")
    else:
        yield from _differ("PDF, SHA-256", document.sha256, hashlib.sha256(bytes(document.pdf)).hexdigest())


def _readings_of(line: InvoiceLine) -> Iterator[registers.Reading]:
    for data in line.evidence.get("stays", ()):
        stay = statement.stay_from(data)
        yield from (*stay.first.readings, *stay.last.readings)


def _notes(quoted: list[registers.Reading]) -> Iterator[str]:
    """Readings that were corrected after the invoice: no difference, but a reason for a credit note."""
    for reading in dict.fromkeys(quoted):
        latest = readings.latest_version(reading)
        if latest is not None and latest > reading.version:
            yield f"The reading of {reading.at:%Y-%m-%d %H:%M:%S}Z was corrected later: version {latest}."


def withdrawn_estimates(lines: Iterable[InvoiceLine]) -> list[dict[str, Any]]:
    """The billed estimates that no longer stand: a credit note and a new invoice settle what was really delivered."""
    quoted = [data for line in lines for data in line.evidence.get("estimates", ())]
    standing = corrections.standing([data["correction_id"] for data in quoted])
    return [data for data in quoted if data["correction_id"] not in standing]
