"""How the figures of a bill read: used by the PDF, the pages and the explanations alike."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from contracts.domain import registers, statement
from contracts.models import CreditNote, Invoice, InvoiceLine, LineKind
from contracts.queries import blocks
from kernel.money import minor_units
from thermal.models.corrections import EstimationMethod

SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
NBSP = "\u00a0"


def number(value: Decimal | str | int, places: int) -> str:
    """The number with so many decimal places, as the reader's language writes it."""
    return formats.number_format(Decimal(value), places, use_l10n=True, force_grouping=True)


def plain(value: Decimal | str, at_least: int = 0) -> str:
    """The number with all its decimal places but trailing zeros, and at least so many."""
    shown = Decimal(value).normalize()
    return number(shown, max(at_least, -int(shown.as_tuple().exponent)))


def money(value: Decimal | str, currency: str) -> str:
    """The amount with its currency."""
    return f"{number(value, minor_units(currency))}{NBSP}{SYMBOLS.get(currency, currency)}"


def percent(ratio: Decimal | str, places: int = 1) -> str:
    """The share in percent."""
    return f"{number(Decimal(ratio) * 100, places)}{NBSP}%"


def availability(ratio: Decimal | str) -> str:
    """An availability in percent, cut and not rounded: what missed the target never reads as if it met it."""
    cut = int(Decimal(ratio) * 100_000) / Decimal(1000)
    return f"{number(cut, 3)}{NBSP}%"


def day(value: date) -> str:
    """The day as the reader's language writes it."""
    return formats.date_format(value, _short_day())


def _short_day() -> str:
    """Days in figures where a language agrees on their order, which English does not."""
    return "j M Y" if (get_language() or "en").startswith("en") else "SHORT_DATE_FORMAT"


def days(starts_on: date, ends_on: date) -> str:
    """The stretch of days with its last day included, as people say it."""
    last = ends_on - timedelta(days=1)
    return day(starts_on) if last == starts_on else f"{day(starts_on)} – {day(last)}"


def instant(at: datetime | str, zone: ZoneInfo) -> str:
    """The instant on the clocks of the zone."""
    moment = parse_datetime(at) if isinstance(at, str) else at
    if moment is None:
        return str(at)
    local = moment.astimezone(zone)
    return f"{formats.date_format(local, _short_day())} {local:%H:%M}"


def month(month_on: date) -> str:
    """The month by name."""
    return formats.date_format(month_on, "YEAR_MONTH_FORMAT")


def how(code: str) -> str:
    """How a register was obtained, in a word or two."""
    return {
        registers.How.READ: pgettext("register", "read"),
        registers.How.INTERPOLATED: _("interpolated"),
        registers.How.FITTED: _("at fitting"),
        registers.How.REMOVED: _("at removal"),
        registers.How.AS_BILLED: _("as billed before"),
    }.get(registers.How(code), code)


def description(line: InvoiceLine) -> str:
    """What the line is for."""
    if line.kind == LineKind.ENERGY:
        return pgettext("invoice line", "Heat")
    if line.kind == LineKind.STANDING:
        return _("Standing charge")
    if line.kind == LineKind.SLA_CREDIT:
        reached = line.evidence["availability_ratio"]
        return _("Service credit: availability %(reached)s, target %(target)s") % {
            "reached": availability(reached),
            "target": percent(line.evidence["result"]["target_ratio"]),
        }
    return str(line.evidence.get("text", line.get_kind_display()))


def quantity(line: InvoiceLine) -> str:
    """How much, with its unit."""
    if line.unit == statement.SHARE:
        return percent(line.quantity, 0 if line.quantity * 100 == int(line.quantity * 100) else 2)
    if line.unit == statement.MONTH and line.quantity != 1:
        facts = {"days": line.evidence["days_count"], "of": line.evidence["days_in_month_count"]}
        return _("%(days)s of %(of)s days") % facts
    unit = {statement.DAY: _("days"), statement.MONTH: _("month")}.get(line.unit, line.unit)
    return f"{plain(line.quantity)}{NBSP}{unit}"


def price(line: InvoiceLine, currency: str) -> str:
    """The price per unit."""
    if line.unit == statement.SHARE:
        return _("of %(amount)s") % {"amount": money(abs(line.unit_price), currency)}
    symbol = SYMBOLS.get(currency, currency)
    unit = {statement.DAY: _("day"), statement.MONTH: _("month")}.get(line.unit, line.unit)
    return f"{plain(line.unit_price, minor_units(currency))}{NBSP}{symbol}/{unit}"


def minutes(count: int) -> str:
    """Minutes as hours and minutes."""
    hours, rest = divmod(int(count), 60)
    return f"{number(hours, 0)}{NBSP}h" + (f" {rest}{NBSP}min" if rest else "")


def excluded(data: dict[str, Any]) -> str:
    """What did not count, in a few words; empty where everything counted."""
    words = {
        "planned": _("announced works"),
        "no_demand": _("no heat called for"),
        "no_data": _("no data"),
        "offtaker": _("caused by the customer"),
        "force_majeure": _("force majeure"),
    }
    return ", ".join(f"{word} {minutes(data[name])}" for name, word in words.items() if data.get(name))


def estimates(lines: Iterable[InvoiceLine]) -> list[str]:
    """What of the billed heat is estimated, a sentence for each estimate."""
    return [
        _("Of the billed heat %(heat)s are estimated, because no register told them: %(method)s.")
        % {"heat": f"{plain(data['heat_kwh'], 1)}{NBSP}kWh", "method": EstimationMethod(data["method"]).label}
        for line in lines
        for data in line.evidence.get("estimates", ())
    ]


def substitutions(invoice: Invoice) -> list[str]:
    """What spoke against billing, and who answered for it, a sentence for each."""
    zone = ZoneInfo(invoice.facts["contract"]["time_zone"])
    return [
        _("%(doubt)s It is billed nevertheless: %(reason)s (approved by %(who)s, %(at)s).")
        % {
            "doubt": blocks.reason_of(data["code"], data["facts"], invoice.contract).sentence,
            "reason": data["reason"],
            "who": data["approved_by"],
            "at": instant(data["approved_at"], zone),
        }
        for data in invoice.facts.get("substitutions", ())
    ]


def withdrawn(quoted: Iterable[dict[str, Any]]) -> list[str]:
    """Which billed estimates were withdrawn since, a sentence for each."""
    return [
        _("The estimate of %(heat)s that this invoice contains was withdrawn since.")
        % {"heat": f"{plain(data['heat_kwh'], 1)}{NBSP}kWh"}
        for data in quoted
    ]


def replaced(invoice: Invoice) -> list[str]:
    """Which invoice this one replaces, by what credit note and why; nothing where it replaces none."""
    data = invoice.facts.get("replaces")
    if not data:
        return []
    facts = {
        "invoice": data["invoice_number"],
        "invoice_day": day(date.fromisoformat(data["invoice_issued_on"])),
        "credit": data["credit_number"],
        "credit_day": day(date.fromisoformat(data["credit_issued_on"])),
    }
    return [
        _(
            "This invoice replaces invoice %(invoice)s of %(invoice_day)s, "
            "which credit note %(credit)s of %(credit_day)s cancels."
        )
        % facts,
        _("Reason: %(reason)s") % {"reason": data["reason"]},
        _("Heat: %(after)s instead of %(before)s. Total: %(total)s instead of %(before_total)s.")
        % {
            "before": f"{plain(data['heat_kwh'])}{NBSP}kWh",
            "after": f"{plain(invoice.heat_kwh)}{NBSP}kWh",
            "before_total": money(data["gross_amount"], invoice.currency),
            "total": money(invoice.gross_amount, invoice.currency),
        },
    ]


def news(document: Invoice | CreditNote) -> str:
    """An issued document in a few plain words."""
    facts = {
        "number": document.number,
        "day": day(document.issued_on) if document.issued_on else "",
        "amount": money(document.gross_amount, document.currency),
    }
    if isinstance(document, CreditNote):
        text = _("Credit note %(number)s of %(day)s: %(amount)s. Reason: %(reason)s")
        return text % {**facts, "reason": document.reason}
    first = _("Invoice %(number)s of %(day)s: %(amount)s.") % facts
    return " ".join([first, *replaced(document)])
