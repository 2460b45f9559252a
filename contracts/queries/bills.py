"""Everything a bill is made from, gathered for one contract and month, or the reasons why it cannot be.

Nothing is written here: drafting, issuing and reproducing read the same facts through the same function.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db.models import Exists, F, OuterRef

from contracts.domain import pricing, registers, statement
from contracts.models import Contract, CreditNote, Invoice, LineKind, SlaResult, Substitution
from contracts.queries import readings, service_levels, substitutions, terms
from hosting.models import MeterPlacement
from kernel.errors import Refusal
from kernel.money import round_half_up
from kernel.periods import Period, local_date, local_days
from thermal.models import DirtyMark, MeterReading
from thermal.models.validation import Rule
from thermal.queries import commissioning, corrections, intervals, outdated_estimates, validation

DEFAULT_MIN_ACTUAL_RATIO: Final = Decimal("0.98")
# Kamstrup information bits that mean the meter did not count as it should (technical description, 403 and 603).
BLOCKING_INFO_BITS: Final = 0x303F8
_KAMSTRUP: Final = "kamstrup"
RATIO_PLACES: Final = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a month cannot be billed: a code and the facts of its sentence."""

    code: str
    facts: dict[str, Any] = field(default_factory=dict)


class CannotBeBilled(Refusal):
    """The month lacks what a bill needs."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(problem.code for problem in problems))
        self.problems = tuple(problems)


class NotInForce(Refusal):
    sentence = "Contract %(number)s has no day in %(month)s."


@dataclass(frozen=True, slots=True)
class Bill:
    """A bill ready to be written down."""

    contract: Contract
    bill: terms.BillPeriod
    statement: statement.Statement
    actual_ratio: Decimal
    estimated_ratio: Decimal
    result: SlaResult | None
    substitutions: tuple[Substitution, ...] = ()
    """Whose decision it was to bill although a rule spoke against it."""


def min_actual_ratio() -> Decimal:
    """The share of quarter hours with values from registers that a bill needs."""
    return Decimal(str(getattr(settings, "BILLING_MIN_ACTUAL_RATIO", DEFAULT_MIN_ACTUAL_RATIO)))


def gather(contract: Contract, month_on: date, *, result: SlaResult | None, now: datetime) -> Bill:
    """The bill of the contract's part of the month.

    Raises
    ------
    NotInForce
        Where the contract has no day in the month.
    CannotBeBilled
        With every reason found.
    """
    bill = terms.bill_period(contract, month_on)
    if bill is None:
        raise NotInForce(number=contract.number, month=f"{month_on:%Y-%m}")
    if now < bill.period.end:
        raise CannotBeBilled([Problem("month_still_open", {"until": bill.period.end.isoformat()})])
    placements = readings.placements_in(contract.delivery_point, bill.period)
    shares = intervals.heat_total(delivery_point=contract.delivery_point, period=bill.period).shares
    actual = _ratio(shares.measured_ratio + shares.spread_ratio)
    problems = [
        *_problems_of_ledger(contract, bill.period, actual),
        *_problems_of_estimates(contract, bill.period),
        *_problems_of_meters(contract, placements, bill),
    ]
    parts: list[statement.Part] = []
    try:
        parts = _parts(contract, bill, placements)
    except (pricing.NoPriceOnDay, readings.NoReadingAt, registers.RegisterFell) as refused:
        problems.append(Problem(type(refused).code, {name: str(fact) for name, fact in refused.facts.items()}))
    approved = substitutions.standing(contract, month_on)
    if blocking := [problem for problem in problems if problem.code not in approved]:
        raise CannotBeBilled(blocking)
    used = tuple(approved[code] for code in sorted({problem.code for problem in problems}))
    composed = statement.compose(parts, _service(result), contract.currency)
    estimated = _ratio(shares.integrated_ratio + shares.estimated_ratio + shares.missing_ratio)
    return Bill(contract, bill, composed, actual, estimated, result, used)


def _ratio(share: float) -> Decimal:
    return round_half_up(Decimal(str(min(1.0, max(0.0, share)))), RATIO_PLACES)


def _service(result: SlaResult | None) -> statement.ServiceLevel | None:
    if result is None:
        return None
    minutes = service_levels.minutes_of_result(result)
    return statement.ServiceLevel(result.pk, result.version, minutes, terms.promise_of(result.terms))


def _problems_of_ledger(contract: Contract, period: Period, actual_ratio: Decimal) -> list[Problem]:
    """Whether the ledger is settled and rests on registers."""
    dirty = DirtyMark.objects.filter(
        site=contract.delivery_point.site_id, start__gte=period.start, start__lt=period.end
    )
    if count := dirty.count():
        return [Problem("not_settled", {"count": count})]
    if actual_ratio < min_actual_ratio():
        return [Problem("too_little_measured", {"actual": str(actual_ratio), "needed": str(min_actual_ratio())})]
    return []


def _problems_of_estimates(contract: Contract, period: Period) -> list[Problem]:
    """Whether readings came for time that is estimated: the heat would be billed twice."""
    return [
        Problem("estimate_outdated", {"correction_id": row.pk, "heat": str(row.heat_kwh)})
        for row in outdated_estimates.at_delivery_point(contract.delivery_point, period)
    ]


def _problems_of_meters(
    contract: Contract, placements: Sequence[MeterPlacement], bill: terms.BillPeriod
) -> list[Problem]:
    """Whether a meter stood there, whose verification was valid and which did not report a fault."""
    if not placements:
        return [Problem("no_meter", {"point": contract.delivery_point.name})]
    problems = []
    for placement in placements:
        meter = placement.meter
        until = placement.valid_until
        end = bill.ends_on if until is None or until >= bill.period.end else local_date(until, contract.zone)
        if meter.verified_until_on is not None and meter.verified_until_on < end:
            problems.append(
                Problem("verification_expired", {"serial": meter.serial, "on": meter.verified_until_on.isoformat()})
            )
        problems += _findings(placement, bill.period)
        if count := _faults(placement, bill.period):
            problems.append(Problem("meter_fault", {"serial": meter.serial, "count": count}))
    return [*problems, *_problems_of_devices(contract, placements, bill.period)]


def _problems_of_devices(contract: Contract, placements: Sequence[MeterPlacement], period: Period) -> list[Problem]:
    """Whether somebody compared what the meters' devices tell with the displays, as the seller demands."""
    if not contract.legal_entity.requires_acceptance:
        return []
    return [
        Problem(
            "device_not_accepted",
            {
                "serial": found.placement.meter.serial,
                "device": found.device.code if found.device else "–",
                "device_id": found.device.pk if found.device else None,
            },
        )
        for found in commissioning.unaccepted(placements, period)
    ]


def _findings(placement: MeterPlacement, period: Period) -> list[Problem]:
    """What validation found at the meter in its part of the period, and nobody has resolved."""
    until = placement.valid_until
    stay = Period(max(period.start, placement.valid_from), period.end if until is None else min(period.end, until))
    # The verification is judged above, by the day on which the bill ends.
    found = [one for one in validation.blocking_findings(placement.meter, stay) if one.rule != Rule.VERIFICATION]
    if not found:
        return []
    meter = placement.meter
    facts = {"serial": meter.serial, "meter_id": meter.pk, "count": len(found), "finding": found[0].rule}
    return [Problem("finding_unresolved", facts)]


def _faults(placement: MeterPlacement, period: Period) -> int:
    """How many readings of the period carry an information bit that forbids billing; 0 where they are few."""
    if _KAMSTRUP not in placement.meter.manufacturer.lower():
        return 0
    rows = MeterReading.objects.filter(meter=placement.meter_id, at__gte=period.start, at__lt=period.end)
    faulty = rows.annotate(bits=F("info_code").bitand(BLOCKING_INFO_BITS)).filter(bits__gt=0).count()
    return faulty if faulty and faulty > rows.count() * (1 - min_actual_ratio()) else 0


def _parts(contract: Contract, bill: terms.BillPeriod, placements: Sequence[MeterPlacement]) -> list[statement.Part]:
    """The stretches of the month under one set of terms each, with what the meters counted in them."""
    carried = _closing_registers(contract, bill)
    parts = []
    for stretch in pricing.stretches(bill.starts_on, bill.ends_on, terms.price_terms_of(contract)):
        period = local_days(stretch.starts_on, stretch.ends_on, contract.zone)
        stays = []
        for placement in placements:
            if placement.valid_from >= period.end or (placement.valid_until or period.end) <= period.start:
                continue
            stay = readings.stay_in(placement, period, carried.get(placement.pk))
            registers.heat_kwh(stay)
            stays.append(stay)
        carried = {stay.placement_id: stay.last for stay in stays}
        parts.append(statement.Part(stretch, tuple(stays), _estimates(contract, period)))
    return parts


def _estimates(contract: Contract, period: Period) -> tuple[statement.Estimated, ...]:
    """The heat that corrections add to what the registers told."""
    return tuple(
        statement.Estimated(added.correction_id, added.method, added.starts_at, added.ends_at, added.heat_kwh)
        for added in corrections.added_heat(contract.delivery_point, period)
    )


def _closing_registers(contract: Contract, bill: terms.BillPeriod) -> dict[int, registers.Register]:
    """The registers with which the invoice before this one closed: no kWh is billed twice or lost between two."""
    before = standing_invoice(contract, terms.previous_month(bill.month_on))
    if before is None or before.ends_on != bill.starts_on:
        return {}
    line = before.lines.filter(kind=LineKind.ENERGY).order_by("-position").first()
    stays = [statement.stay_from(data) for data in line.evidence["stays"]] if line else []
    return {
        stay.placement_id: registers.Register(
            stay.last.at, stay.last.energy_kwh, registers.How.AS_BILLED, stay.last.readings
        )
        for stay in stays
        if stay.last.how is not registers.How.REMOVED
    }


def standing_invoice(contract: Contract, month_on: date) -> Invoice | None:
    """The issued invoice of the month that stands, not one that was credited in whole."""
    rows = Invoice.objects.filter(contract=contract, month_on=month_on, state=Invoice.State.ISSUED)
    return rows.filter(~cancelled()).order_by("-revision").first()


def cancelled() -> Exists:
    """The condition that an issued credit note cancelled the invoice.

    Both must hold of one credit note: `exclude` over a relation would also find a whole one that was refused beside a
    part that was issued.
    """
    return Exists(CreditNote.objects.filter(invoice=OuterRef("pk"), is_whole=True, state=CreditNote.State.ISSUED))


def compared_kwh(contract: Contract, month_on: date) -> dict[str, str | None]:
    """The heat in kWh billed for the month before and for the same month a year before, where there are bills."""
    before = standing_invoice(contract, terms.previous_month(month_on))
    year_before = standing_invoice(contract, month_on.replace(year=month_on.year - 1))
    return {
        "previous_month_kwh": str(before.heat_kwh) if before else None,
        "previous_year_kwh": str(year_before.heat_kwh) if year_before else None,
    }
