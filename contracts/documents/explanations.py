"""Where the figures of an invoice come from: formula, inputs with links, period, quality, versions."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from contracts.documents import wording
from contracts.models import CreditNote, Invoice, InvoiceLine, LineKind
from hosting.models import Meter
from kernel.periods import Period
from thermal.models.corrections import EstimationMethod
from thermal.queries import metering_accuracy

# As the arithmetic, which knows no translation machine, writes it down with each line.
ROUNDINGS = (
    gettext_noop("half up, once, to 0 places"),
    gettext_noop("half up, once, to 2 places"),
    gettext_noop("half up, once, to 3 places"),
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One input of a figure."""

    label: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class LineView:
    """A line as the page shows it."""

    description: str
    period: str
    quantity: str
    price: str
    vat: str
    net: str
    formula: str
    inputs: list[Fact]
    versions: list[Fact]


def line_of(line: InvoiceLine, invoice: Invoice) -> LineView:
    """The line with its explanation."""
    formula, inputs = _explained(line, invoice)
    return LineView(
        wording.description(line), wording.days(line.starts_on, line.ends_on), wording.quantity(line),
        wording.price(line, invoice.currency), wording.percent(line.vat_ratio),
        wording.money(line.net_amount, invoice.currency), formula, inputs, _versions(line),
    )  # fmt: skip


def _explained(line: InvoiceLine, invoice: Invoice) -> tuple[str, list[Fact]]:
    """The formula with its numbers, and the inputs."""
    net = wording.money(line.net_amount, invoice.currency)
    if line.kind == LineKind.ENERGY:
        facts = {"kwh": wording.quantity(line), "price": wording.price(line, invoice.currency), "net": net}
        return _("Heat × price: %(kwh)s × %(price)s = %(net)s") % facts, _register_facts(line, invoice)
    if line.kind == LineKind.STANDING:
        facts = {"days": wording.quantity(line), "price": wording.price(line, invoice.currency), "net": net}
        return _("Local days × charge: %(days)s × %(price)s = %(net)s") % facts, []
    evidence = line.evidence
    base = wording.money(evidence["standing_net"], invoice.currency)
    facts = {"share": wording.percent(evidence["credit_ratio"], 0), "base": base, "net": net}
    minutes = [
        Fact(name.replace("_", " "), wording.minutes(count))
        for name, count in evidence["result"]["minutes"].items()
        if count
    ]
    return _("Share × standing charge: %(share)s × %(base)s = %(net)s") % facts, minutes


def _register_facts(line: InvoiceLine, invoice: Invoice) -> list[Fact]:
    zone = ZoneInfo(invoice.facts["contract"]["time_zone"])
    facts = []
    for stay in line.evidence["stays"]:
        url = meter_url(stay["meter_id"])
        for name in ("first", "last"):
            register = stay[name]
            label = f"{stay['serial']}, {wording.instant(register['at'], zone)}, {wording.how(register['how'])}"
            facts.append(Fact(label, f"{wording.plain(register['energy_kwh'], 1)}{wording.NBSP}kWh", url))
            for reading in register["readings"] if len(register["readings"]) > 1 else ():
                label = _("from the reading of %(at)s") % {"at": wording.instant(reading["at"], zone)}
                facts.append(Fact(label, f"{wording.plain(reading['energy_kwh'], 1)}{wording.NBSP}kWh", url))
        facts += _accuracy_facts(stay, invoice)
        for before, after in stay["falls"]:
            label = _("rolled over at %(at)s") % {"at": wording.instant(after["at"], zone)}
            facts.append(Fact(label, f"{wording.plain(before['energy_kwh'])} → {wording.plain(after['energy_kwh'])}"))
    return [*facts, *(_estimate_fact(data, zone) for data in line.evidence.get("estimates", ()))]


def _estimate_fact(data: dict[str, Any], zone: ZoneInfo) -> Fact:
    """One estimate that the line contains, with its correction."""
    label = _("estimated for %(start)s to %(end)s: %(method)s") % {
        "start": wording.instant(data["starts_at"], zone),
        "end": wording.instant(data["ends_at"], zone),
        "method": EstimationMethod(data["method"]).label,
    }
    return Fact(label, f"{wording.plain(data['heat_kwh'], 1)}{wording.NBSP}kWh", correction_url(data["correction_id"]))


def correction_url(correction_id: int) -> str:
    """The address of the correction's page, where the portal has one."""
    try:
        return reverse("thermal:correction_detail", args=[correction_id])
    except NoReverseMatch:
        return ""


def _accuracy_facts(stay: dict[str, Any], invoice: Invoice) -> list[Fact]:
    """The mean temperature difference of what was billed, and how wrong the meter may be at it."""
    first, last = (datetime.fromisoformat(stay[end]["at"]) for end in ("first", "last"))
    meter = Meter.objects.filter(pk=stay["meter_id"]).first()
    if meter is None or first >= last:
        return []
    point = invoice.contract.delivery_point
    use = metering_accuracy.over_period(meter, point, Period(first, last))
    if use is None:
        return []
    label = _("Mean temperature difference at %(serial)s, weighted by volume") % {"serial": stay["serial"]}
    facts = [Fact(label, f"{wording.number(str(round(use.difference_k, 1)), 1)}{wording.NBSP}K")]
    if use.percent is not None:
        label = _("Error of the heat that class %(name)s allows there") % {"name": use.accuracy_class}
        facts.append(Fact(label, f"±{wording.NBSP}{wording.number(str(round(use.percent, 1)), 1)}{wording.NBSP}%"))
    if not use.is_legal_for_trade:
        facts.append(Fact(_("Fluid"), _("water and glycol: not legal for trade")))
    return facts


def meter_url(meter_id: int) -> str:
    """The address of the meter's page, where the portal has one."""
    try:
        return reverse("hosting:meter_detail", args=[meter_id])
    except NoReverseMatch:
        return ""


def _versions(line: InvoiceLine) -> list[Fact]:
    """Which arithmetic, terms and results were used."""
    facts = [Fact(_("Rule"), line.evidence["rule"]), Fact(_("Rounding"), _(line.evidence["rounding"]))]
    if terms := line.evidence.get("terms"):
        facts.append(Fact(_("Price terms"), f"{terms['id']} ({terms['valid_from']})"))
    if result := line.evidence.get("result"):
        facts.append(Fact(_("Service result"), f"{result['id']} v{result['version']}"))
    return facts


def meters_of(lines: list[InvoiceLine], zone: ZoneInfo) -> list[dict[str, str]]:
    """The registers that the invoice quotes, both ends of every meter."""
    return [
        {
            "serial": stay["serial"],
            "url": meter_url(stay["meter_id"]),
            "heat": f"{wording.plain(stay['heat_kwh'])}{wording.NBSP}kWh",
            **{f"{end}_at": wording.instant(stay[end]["at"], zone) for end in ("first", "last")},
            **{f"{end}_how": wording.how(stay[end]["how"]) for end in ("first", "last")},
            **{
                f"{end}_kwh": f"{wording.plain(stay[end]['energy_kwh'], 1)}{wording.NBSP}kWh"
                for end in ("first", "last")
            },
        }
        for line in lines
        if line.kind == LineKind.ENERGY
        for stay in line.evidence["stays"]
    ]


def vat_of(document: Invoice | CreditNote) -> list[dict[str, str]]:
    """The VAT per rate in words."""
    return [
        {
            "rate": wording.percent(group["vat_ratio"]),
            "net": wording.money(group["net_amount"], document.currency),
            "vat": wording.money(group["vat_amount"], document.currency),
        }
        for group in document.vat_summary
    ]


def document_words(invoice: Invoice) -> dict[str, Any]:
    """The other figures of the document in words."""
    service = invoice.facts["sla"]
    estimated = Decimal(invoice.facts["estimated_ratio"])
    added = wording.estimates(invoice.lines.all())
    compared = invoice.facts["compared"]
    return {
        "net": wording.money(invoice.net_amount, invoice.currency),
        "gross": wording.money(invoice.gross_amount, invoice.currency),
        "period": wording.days(invoice.starts_on, invoice.ends_on),
        "issued_day": wording.day(invoice.issued_on) if invoice.issued_on else "",
        "due_day": wording.day(invoice.due_on) if invoice.due_on else "",
        "estimated": wording.percent(estimated, 2) if estimated and not added else "",
        "added": [*added, *wording.substitutions(invoice)],
        "hours": wording.plain(invoice.facts["hours"]),
        "availability": wording.availability(service["availability_ratio"])
        if service and service["availability_ratio"]
        else "",
        "target": wording.percent(service["target_ratio"]) if service else "",
        "excluded": wording.excluded(service["minutes"]) if service else "",
        "previous_month": f"{wording.number(compared['previous_month_kwh'], 0)}{wording.NBSP}kWh"
        if compared["previous_month_kwh"]
        else "",
        "previous_year": f"{wording.number(compared['previous_year_kwh'], 0)}{wording.NBSP}kWh"
        if compared["previous_year_kwh"]
        else "",
    }
