"""A bill as a whole: its lines with the evidence to compute each again, and their totals.

What a line was made from is kept as plain data (`evidence`): numbers as strings, instants in ISO 8601.
`recomputed` goes the way back, from that data alone to the amount.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from contracts.domain import pricing, registers, sla
from kernel.money import minor_units

Evidence = Mapping[str, Any]

ENERGY: Final = "energy"
STANDING: Final = "standing"
SLA_CREDIT: Final = "sla_credit"
# The arithmetic that made a line; another arithmetic gets another number, so that old lines stay readable.
RULES: Final = {ENERGY: "energy-1", STANDING: "standing-1", SLA_CREDIT: "sla-credit-1"}
# Registers, and beside them heat that no register told.
ENERGY_WITH_ESTIMATES: Final = "energy-2"
KWH, DAY, MONTH, SHARE = "kWh", "d", "mo", "%"


class UnknownRuleError(ValueError):
    """Evidence of an arithmetic that this version does not know."""


@dataclass(frozen=True, slots=True)
class Estimated:
    """Heat in kWh that no register told: which correction adds it, how it was found, and for when."""

    correction_id: int
    method: str
    starts_at: datetime
    ends_at: datetime
    heat_kwh: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch under one set of terms, with the meters that measured it and what had to be estimated."""

    stretch: pricing.Stretch
    stays: tuple[registers.Stay, ...]
    estimates: tuple[Estimated, ...] = ()

    @property
    def heat_kwh(self) -> Decimal:
        """The energy in kWh of all its meters, and the estimated energy beside it."""
        told = sum((registers.heat_kwh(stay) for stay in self.stays), Decimal(0))
        return told + sum((estimate.heat_kwh for estimate in self.estimates), Decimal(0))


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """The judged month: which result, its minutes per class, and what was promised."""

    result_id: int
    version: int
    minutes: Mapping[sla.Class, int]
    promise: sla.Promise


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a bill."""

    kind: str
    starts_on: date
    ends_on: date
    quantity: Decimal
    unit: str
    unit_price: Decimal
    net_amount: Decimal
    vat_ratio: Decimal
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines of a bill in order, what they come to, and the heat in kWh that was billed."""

    lines: tuple[Line, ...]
    totals: pricing.Totals
    heat_kwh: Decimal


def compose(parts: Sequence[Part], service: ServiceLevel | None, currency: str) -> Statement:
    """The bill: energy per stretch, standing charge per stretch, then the service credit, if one is due."""
    energy = [_energy_line(part, currency) for part in parts]
    standing = [line for part in parts if (line := _standing_line(part.stretch, currency))]
    credits_due = list(_credit_lines(standing, service, currency)) if service else []
    lines = (*energy, *standing, *credits_due)
    total = pricing.totals([(line.vat_ratio, line.net_amount) for line in lines], currency)
    return Statement(lines, total, sum((part.heat_kwh for part in parts), Decimal(0)))


def _energy_line(part: Part, currency: str) -> Line:
    terms = part.stretch.terms
    heat_kwh = part.heat_kwh
    evidence = {
        "rule": ENERGY_WITH_ESTIMATES if part.estimates else RULES[ENERGY],
        "terms": terms_data(terms),
        "stays": [stay_data(stay) for stay in part.stays],
        **({"estimates": [estimate_data(each) for each in part.estimates]} if part.estimates else {}),
        "heat_kwh": str(heat_kwh),
        "rounding": _rounding(currency),
    }
    return Line(
        ENERGY, part.stretch.starts_on, part.stretch.ends_on, heat_kwh, KWH, terms.energy_per_kwh,
        pricing.energy_amount(heat_kwh, terms.energy_per_kwh, currency), terms.vat_ratio, evidence,
    )  # fmt: skip


def _standing_line(stretch: pricing.Stretch, currency: str) -> Line | None:
    """The standing charge of a stretch, or None where none is agreed."""
    terms = stretch.terms
    per_day, per_month = terms.standing_per_day, terms.standing_per_month
    if not per_day and not per_month:
        return None
    days_in_month = pricing.days_in_month(stretch.starts_on)
    evidence = {
        "rule": RULES[STANDING],
        "terms": terms_data(terms),
        "days_count": stretch.days_count,
        "days_in_month_count": days_in_month,
        "rounding": _rounding(currency),
    }
    quantity = Decimal(stretch.days_count) if per_day else Decimal(stretch.days_count) / days_in_month
    return Line(
        STANDING, stretch.starts_on, stretch.ends_on, quantity.quantize(Decimal("0.000001")), DAY if per_day else MONTH,
        per_day or per_month or Decimal(0), pricing.standing_amount(stretch, currency), terms.vat_ratio, evidence,
    )  # fmt: skip


def _credit_lines(standing: Sequence[Line], service: ServiceLevel, currency: str) -> Iterable[Line]:
    """The service credit, one line per VAT rate of the standing charge it is a share of."""
    judged = sla.judge(service.minutes, service.promise)
    if not judged.credit_ratio:
        return
    for vat_ratio in sorted({line.vat_ratio for line in standing}):
        lines = [line for line in standing if line.vat_ratio == vat_ratio]
        base = sum((line.net_amount for line in lines), Decimal(0))
        evidence = {
            "rule": RULES[SLA_CREDIT],
            "result": service_data(service),
            "standing_net": str(base),
            "availability_ratio": str(judged.availability_ratio),
            "started_percents": judged.started_percents,
            "credit_ratio": str(judged.credit_ratio),
            "rounding": _rounding(currency),
        }
        net = pricing.credit_amount(base, judged.credit_ratio, currency)
        starts_on, ends_on = lines[0].starts_on, lines[-1].ends_on
        yield Line(SLA_CREDIT, starts_on, ends_on, judged.credit_ratio, SHARE, -base, net, vat_ratio, evidence)


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a line comes to by its evidence alone."""

    quantity: Decimal
    net_amount: Decimal


def recomputed(kind: str, evidence: Evidence, starts_on: date, ends_on: date, currency: str) -> Recomputed:
    """The quantity and net amount of a line, from its evidence alone.

    Raises
    ------
    UnknownRuleError
        Where the evidence names an arithmetic that this version does not know.
    """
    known = {RULES.get(kind), ENERGY_WITH_ESTIMATES if kind == ENERGY else None} - {None}
    if evidence.get("rule") not in known:
        raise UnknownRuleError(f"{kind}: {evidence.get('rule')}")
    if kind == SLA_CREDIT:
        service = service_from(evidence["result"])
        ratio = sla.judge(service.minutes, service.promise).credit_ratio
        return Recomputed(ratio, pricing.credit_amount(Decimal(evidence["standing_net"]), ratio, currency))
    stretch = pricing.Stretch(starts_on, ends_on, terms_from(evidence["terms"]))
    if kind == STANDING:
        line = _standing_line(stretch, currency)
        return Recomputed(line.quantity, line.net_amount) if line else Recomputed(Decimal(0), Decimal(0))
    stays = tuple(stay_from(data) for data in evidence["stays"])
    part = Part(stretch, stays, tuple(estimate_from(data) for data in evidence.get("estimates", ())))
    price = stretch.terms.energy_per_kwh
    return Recomputed(part.heat_kwh, pricing.energy_amount(part.heat_kwh, price, currency))


# ---- plain data and back ------------------------------------------------------------------------------


def _rounding(currency: str) -> str:
    return f"half up, once, to {minor_units(currency)} places"


def _optional(value: object) -> str | None:
    return None if value is None else str(value)


def _decimal(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def terms_data(terms: pricing.Terms) -> dict[str, Any]:
    """The terms as plain data."""
    return {
        "id": terms.id,
        "valid_from": terms.valid_from.isoformat(),
        "valid_until": terms.valid_until.isoformat() if terms.valid_until else None,
        "energy_per_kwh": str(terms.energy_per_kwh),
        "standing_per_day": _optional(terms.standing_per_day),
        "standing_per_month": _optional(terms.standing_per_month),
        "vat_ratio": str(terms.vat_ratio),
        "vat_note": terms.vat_note,
    }


def terms_from(data: Evidence) -> pricing.Terms:
    """The terms that plain data describes."""
    until = data["valid_until"]
    return pricing.Terms(
        data["id"],
        date.fromisoformat(data["valid_from"]),
        date.fromisoformat(until) if until else None,
        Decimal(data["energy_per_kwh"]),
        _decimal(data["standing_per_day"]),
        _decimal(data["standing_per_month"]),
        Decimal(data["vat_ratio"]),
        data["vat_note"],
    )


def reading_data(reading: registers.Reading) -> dict[str, Any]:
    """The reading as plain data."""
    return {
        "meter_id": reading.meter_id,
        "at": reading.at.isoformat(),
        "version": reading.version,
        "energy_kwh": str(reading.energy_kwh),
    }


def reading_from(data: Evidence) -> registers.Reading:
    """The reading that plain data describes."""
    at = datetime.fromisoformat(data["at"])
    return registers.Reading(data["meter_id"], at, data["version"], Decimal(data["energy_kwh"]))


def _register_data(register: registers.Register) -> dict[str, Any]:
    return {
        "at": register.at.isoformat(),
        "energy_kwh": str(register.energy_kwh),
        "how": register.how.value,
        "readings": [reading_data(reading) for reading in register.readings],
    }


def _register_from(data: Evidence) -> registers.Register:
    """The register; one between two readings is interpolated anew."""
    readings = tuple(reading_from(each) for each in data["readings"])
    at, how = datetime.fromisoformat(data["at"]), registers.How(data["how"])
    return registers.Register(at, Decimal(data["energy_kwh"]), how, readings)


def stay_data(stay: registers.Stay) -> dict[str, Any]:
    """A meter's part of a stretch as plain data."""
    counter = stay.counter
    return {
        "placement_id": stay.placement_id,
        "meter_id": stay.meter_id,
        "serial": counter.serial,
        "digits": counter.digits,
        "step_kwh": str(counter.step_kwh),
        "max_kw": _optional(counter.max_kw),
        "first": _register_data(stay.first),
        "last": _register_data(stay.last),
        "falls": [[reading_data(before), reading_data(after)] for before, after in stay.falls],
        "heat_kwh": str(registers.heat_kwh(stay)),
    }


def stay_from(data: Evidence) -> registers.Stay:
    """The part of a stretch that plain data describes."""
    counter = registers.Counter(data["serial"], data["digits"], Decimal(data["step_kwh"]), _decimal(data["max_kw"]))
    falls = tuple((reading_from(before), reading_from(after)) for before, after in data["falls"])
    return registers.Stay(
        data["placement_id"],
        data["meter_id"],
        counter,
        _register_from(data["first"]),
        _register_from(data["last"]),
        falls,
    )


def estimate_data(estimate: Estimated) -> dict[str, Any]:
    """The estimated heat as plain data."""
    return {
        "correction_id": estimate.correction_id,
        "method": estimate.method,
        "starts_at": estimate.starts_at.isoformat(),
        "ends_at": estimate.ends_at.isoformat(),
        "heat_kwh": str(estimate.heat_kwh),
    }


def estimate_from(data: Evidence) -> Estimated:
    """The estimated heat that plain data describes."""
    starts_at, ends_at = datetime.fromisoformat(data["starts_at"]), datetime.fromisoformat(data["ends_at"])
    return Estimated(data["correction_id"], data["method"], starts_at, ends_at, Decimal(data["heat_kwh"]))


def service_data(service: ServiceLevel) -> dict[str, Any]:
    """The judged month as plain data."""
    return {
        "id": service.result_id,
        "version": service.version,
        "minutes": {kind.name.lower(): service.minutes.get(kind, 0) for kind in sla.Class},
        "target_ratio": str(service.promise.target_ratio),
        "credit_ratio": str(service.promise.credit_ratio),
        "credit_cap_ratio": str(service.promise.credit_cap_ratio),
        "no_data_grace_h": str(service.promise.no_data_grace_h),
    }


def service_from(data: Evidence) -> ServiceLevel:
    """The judged month that plain data describes."""
    promise = sla.Promise(
        Decimal(data["target_ratio"]),
        Decimal(data["credit_ratio"]),
        Decimal(data["credit_cap_ratio"]),
        Decimal(data["no_data_grace_h"]),
    )
    minutes = {kind: data["minutes"][kind.name.lower()] for kind in sla.Class}
    return ServiceLevel(data["id"], data["version"], minutes, promise)
