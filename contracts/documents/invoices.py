"""The invoice on paper, with what Art. 226 of the VAT directive asks for and what explains the figures."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from contracts.documents import paper, wording
from contracts.documents.paper import ACCENT, BOLD, LEFT, LIGHT, RIGHT, Paper
from contracts.models import Invoice, InvoiceLine, LineKind

COLUMN = LEFT + 88 * mm


def render(invoice: Invoice, lines: Sequence[InvoiceLine]) -> bytes:
    """The PDF of the invoice in the customer's language; the same facts give the same bytes."""
    with translation.override(invoice.facts["language"]):
        title = _("Invoice %(number)s") % {"number": invoice.number}
        sheet = Paper(title=title, author=invoice.facts["seller"]["name"], language=invoice.facts["language"])
        letterhead(sheet, invoice.facts["seller"])
        address(sheet, invoice.facts["customer"], _particulars(invoice))
        sheet.text(LEFT, title, font=BOLD, size=15)
        sheet.space(22)
        for sentence in wording.replaced(invoice):
            sheet.paragraph(sentence)
        sheet.space(8 if invoice.facts.get("replaces") else 0)
        lines_table(sheet, invoice.currency, lines)
        totals(sheet, invoice, invoice.vat_summary, lines)
        _payment(sheet, invoice)
        _registers(sheet, invoice, lines)
        _service_level(sheet, invoice)
        _quality(sheet, invoice, lines)
        _comparison(sheet, invoice)
        return sheet.finish(footer(invoice.facts["seller"]))


def letterhead(sheet: Paper, seller: dict[str, Any]) -> None:
    """The seller at the top of the first page."""
    sheet.text(LEFT, seller["name"], font=BOLD, size=12, color=ACCENT)
    sheet.text(RIGHT, " · ".join(seller["address"].splitlines()), align="right", color=LIGHT, size=8.5)
    sheet.space(8)
    sheet.rule(weight=1)
    sheet.space(40)


def address(sheet: Paper, customer: dict[str, Any], particulars: Sequence[tuple[str, str]]) -> None:
    """The customer to the left, the particulars of the document to the right."""
    top = sheet.y
    sheet.lines(LEFT, [customer["name"], *customer["address"].splitlines(), customer["country"]], size=10.5)
    if customer["vat_number"]:
        sheet.lines(LEFT, [_("VAT number %(number)s") % {"number": customer["vat_number"]}], color=LIGHT)
    left_end, sheet.y = sheet.y, top
    for label, value in particulars:
        sheet.text(COLUMN, label, color=LIGHT)
        sheet.lines(COLUMN + 32 * mm, paper.wrapped(value, RIGHT - COLUMN - 32 * mm))
    sheet.y = min(left_end, sheet.y) - 26


def _particulars(invoice: Invoice) -> list[tuple[str, str]]:
    contract, seller = invoice.facts["contract"], invoice.facts["seller"]
    place = f"{contract['delivery_point']}, {contract['site']}"
    return [
        (_("Invoice number"), str(invoice.number)),
        (_("Date"), wording.day(invoice.issued_on) if invoice.issued_on else ""),
        (_("Due"), wording.day(invoice.due_on) if invoice.due_on else ""),
        (_("Supply period"), wording.days(invoice.starts_on, invoice.ends_on)),
        (_("Contract"), contract["number"]),
        (_("Delivered at"), place),
        (_("Seller's VAT number"), seller["vat_number"]),
    ]


def lines_table(sheet: Paper, currency: str, lines: Sequence[InvoiceLine]) -> None:
    """The lines of the invoice, each with its days, quantity, price and VAT rate."""
    columns = [
        (pgettext("column", "For"), LEFT, "left"),
        (_("Period"), LEFT + 50 * mm, "left"),
        (_("Quantity"), LEFT + 114 * mm, "right"),
        (_("Price"), LEFT + 141 * mm, "right"),
        (_("VAT"), LEFT + 151 * mm, "right"),
        (_("Net"), RIGHT, "right"),
    ]
    rows = [
        (
            wording.description(line),
            wording.days(line.starts_on, line.ends_on),
            wording.quantity(line),
            wording.price(line, currency),
            wording.percent(line.vat_ratio, 0 if (line.vat_ratio * 100) % 1 == 0 else 1),
            wording.money(line.net_amount, currency),
        )
        for line in lines
    ]
    sheet.table(columns, rows)
    sheet.space(4)


def totals(
    sheet: Paper, document: Any, vat_summary: list[dict[str, str]], lines: Sequence[InvoiceLine], *, total: str = ""
) -> None:
    """Net, VAT per rate and total, to the right."""
    label_x = LEFT + 100 * mm
    sheet.break_unless(5 * paper.LEADING)
    rows = [(_("Net"), wording.money(document.net_amount, document.currency))]
    for group in vat_summary:
        rate, net = wording.percent(group["vat_ratio"]), wording.money(group["net_amount"], document.currency)
        label = _("VAT %(rate)s on %(net)s") % {"rate": rate, "net": net}
        rows.append((label, wording.money(group["vat_amount"], document.currency)))
    for label, amount in rows:
        sheet.text(label_x, label, color=LIGHT)
        sheet.text(RIGHT, amount, align="right")
        sheet.space(paper.LEADING)
    sheet.space(3)
    sheet.text(label_x, total or _("Total"), font=BOLD, size=10.5)
    sheet.text(RIGHT, wording.money(document.gross_amount, document.currency), align="right", font=BOLD, size=10.5)
    sheet.space(18)
    notes = {line.evidence["terms"]["vat_note"] for line in lines if "terms" in line.evidence}
    for note in sorted(filter(None, notes)):
        sheet.paragraph(note)


def _payment(sheet: Paper, invoice: Invoice) -> None:
    seller = invoice.facts["seller"]
    if invoice.due_on is None or not seller["iban"]:
        return
    facts = {
        "day": wording.day(invoice.due_on), "iban": seller["iban"], "bic": seller["bic"], "bank": seller["bank_name"],
        "number": invoice.number,
    }  # fmt: skip
    sheet.paragraph(
        _("Please pay by %(day)s to %(iban)s (%(bank)s, %(bic)s), quoting %(number)s.") % facts, color=LIGHT
    )


def _registers(sheet: Paper, invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    zone = ZoneInfo(invoice.facts["contract"]["time_zone"])
    sheet.heading(_("Meter registers"))
    columns = [
        (_("Meter"), LEFT, "left"),
        (_("Time"), LEFT + 44 * mm, "left"),
        (pgettext("column", "Obtained"), LEFT + 86 * mm, "left"),
        (_("Register"), LEFT + 142 * mm, "right"),
        (_("Heat"), RIGHT, "right"),
    ]
    rows: list[tuple[str, ...]] = []
    for line in lines:
        for stay in line.evidence["stays"] if line.kind == LineKind.ENERGY else ():
            heat = f"{wording.plain(stay['heat_kwh'])}{wording.NBSP}kWh"
            rows += [(stay["serial"], *_register(stay["first"], zone), ""), ("", *_register(stay["last"], zone), heat)]
    sheet.table(columns, rows)
    sheet.paragraph(_("Times are those of %(zone)s.") % {"zone": zone.key}, color=LIGHT, size=8.5)


def _register(register: dict[str, Any], zone: ZoneInfo) -> tuple[str, str, str]:
    kwh = f"{wording.plain(register['energy_kwh'], 1)}{wording.NBSP}kWh"
    return wording.instant(register["at"], zone), wording.how(register["how"]), kwh


def _service_level(sheet: Paper, invoice: Invoice) -> None:
    sla = invoice.facts["sla"]
    if sla is None:
        return
    sheet.heading(_("Service level"))
    band = {"min": wording.plain(sla["supply_min_c"]), "max": wording.plain(sla["supply_max_c"])}
    if sla["availability_ratio"] is None:
        sheet.paragraph(_("No minute of the month counted.") % band)
    else:
        sheet.paragraph(
            _("Heat was supplied at %(min)s to %(max)s °C for %(reached)s of the time that counts; agreed: %(target)s.")
            % {
                **band,
                "reached": wording.availability(sla["availability_ratio"]),
                "target": wording.percent(sla["target_ratio"]),
            }
        )
    if excluded := wording.excluded(sla["minutes"]):
        sheet.paragraph(_("Not counted: %(what)s.") % {"what": excluded}, color=LIGHT)
    if Decimal(sla["credit_ratio"]):
        sheet.paragraph(
            _("You receive a credit of %(share)s of the standing charge.")
            % {"share": wording.percent(sla["credit_ratio"], 0)}
        )


def _quality(sheet: Paper, invoice: Invoice, lines: Sequence[InvoiceLine]) -> None:
    sheet.heading(_("How it was measured"))
    estimated = Decimal(invoice.facts["estimated_ratio"])
    sheet.paragraph(
        _("The heat is the difference of the meter's registers over %(hours)s hours.")
        % {"hours": wording.plain(invoice.facts["hours"])}
    )
    added = wording.estimates(lines)
    if estimated and not added:
        sheet.paragraph(
            _(
                "For %(share)s of the quarter hours the course of the heat is estimated; "
                "this changes neither the registers nor the amount."
            )
            % {"share": wording.percent(estimated, 2)}
        )
    for sentence in (*added, *wording.substitutions(invoice)):
        sheet.paragraph(sentence)


def _comparison(sheet: Paper, invoice: Invoice) -> None:
    """This month beside the month before and the same month a year before, as bars."""
    compared = invoice.facts["compared"]
    rows = [(_("This month"), str(invoice.heat_kwh))]
    for name, label in (("previous_month_kwh", _("Month before")), ("previous_year_kwh", _("Same month last year"))):
        if compared[name] is not None:
            rows.append((label, compared[name]))
    if len(rows) == 1:
        return
    sheet.heading(_("In comparison"))
    most = max(Decimal(kwh) for _label, kwh in rows) or Decimal(1)
    for index, (label, kwh) in enumerate(rows):
        sheet.break_unless(paper.LEADING)
        sheet.text(LEFT, label)
        sheet.bar(LEFT + 42 * mm, float(Decimal(kwh) / most) * 85 * mm, color=LIGHT if index else ACCENT)
        sheet.text(RIGHT, f"{wording.number(kwh, 0)}{wording.NBSP}kWh", align="right")
        sheet.space(paper.LEADING + 1)


def footer(seller: dict[str, Any]) -> Callable[[Canvas, int, int], None]:
    """What draws the foot of every page: the seller's particulars and the page number."""
    reach = [seller["registration"], seller["email"], seller["phone"]]
    first = " · ".join(filter(None, [seller["name"], *reach]))
    bank = " ".join(filter(None, [seller["bank_name"], seller["iban"], seller["bic"]]))
    second = " · ".join(filter(None, [_("VAT number %(number)s") % {"number": seller["vat_number"]}, bank]))

    def draw(canvas: Canvas, number: int, count: int) -> None:
        canvas.setStrokeColor(paper.RULE)
        canvas.setLineWidth(0.5)
        canvas.line(LEFT, 20 * mm, RIGHT, 20 * mm)
        canvas.setFont(paper.BODY, 8)
        canvas.setFillColor(LIGHT)
        canvas.drawString(LEFT, 16 * mm, paper.printable(first))
        canvas.drawString(LEFT, 12.5 * mm, paper.printable(second))
        canvas.drawRightString(RIGHT, 16 * mm, _("Page %(number)s of %(count)s") % {"number": number, "count": count})

    return draw
