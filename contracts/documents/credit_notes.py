"""The credit note on paper; it names the invoice it corrects (Art. 219 of the VAT directive)."""

from datetime import date

from django.utils import translation
from django.utils.translation import gettext as _
from reportlab.lib.units import mm

from contracts.documents import wording
from contracts.documents.invoices import address, footer, letterhead, lines_table, totals
from contracts.documents.paper import BOLD, LEFT, LIGHT, RIGHT, Paper
from contracts.models import CreditNote


def render(credit: CreditNote) -> bytes:
    """The PDF of the credit note in the customer's language; the same facts give the same bytes."""
    facts = credit.facts
    with translation.override(facts["language"]):
        title = _("Credit note %(number)s") % {"number": credit.number}
        sheet = Paper(title=title, author=facts["seller"]["name"], language=facts["language"])
        letterhead(sheet, facts["seller"])
        address(sheet, facts["customer"], _particulars(credit))
        sheet.text(LEFT, title, font=BOLD, size=15)
        sheet.space(24)
        corrected = {
            "number": facts["invoice_number"],
            "day": wording.day(date.fromisoformat(facts["invoice_issued_on"])),
        }
        whole, part = (
            _("This cancels invoice %(number)s of %(day)s."),
            _("This corrects invoice %(number)s of %(day)s."),
        )
        sheet.paragraph((whole if credit.is_whole else part) % corrected)
        sheet.paragraph(_("Reason: %(reason)s") % {"reason": credit.reason})
        sheet.space(8)
        _credit(sheet, credit)
        return sheet.finish(footer(facts["seller"]))


def _particulars(credit: CreditNote) -> list[tuple[str, str]]:
    facts = credit.facts
    starts_on, ends_on = date.fromisoformat(facts["starts_on"]), date.fromisoformat(facts["ends_on"])
    return [
        (_("Credit note number"), str(credit.number)),
        (_("Date"), wording.day(credit.issued_on) if credit.issued_on else ""),
        (_("Invoice"), facts["invoice_number"]),
        (_("Supply period"), wording.days(starts_on, ends_on)),
        (_("Contract"), facts["contract"]["number"]),
        (_("Seller's VAT number"), facts["seller"]["vat_number"]),
    ]


def _credit(sheet: Paper, credit: CreditNote) -> None:
    """The lines that are cancelled, or the amount per VAT rate where only a part is credited."""
    invoice = credit.invoice
    if credit.is_whole and credit.net_amount == invoice.net_amount:
        sheet.paragraph(_("These lines are cancelled; their amounts are credited to you:"))
        sheet.space(6)
        lines_table(sheet, credit.currency, list(invoice.lines.order_by("position")))
    else:
        _rates(sheet, credit)
    sheet.space(4)
    totals(sheet, credit, credit.vat_summary, [], total=_("Total credited"))
    sheet.space(4)
    sheet.paragraph(_("What you have paid already is set off or paid back."), color=LIGHT)


def _rates(sheet: Paper, credit: CreditNote) -> None:
    columns = [(_("For"), LEFT, "left"), (_("VAT"), LEFT + 140 * mm, "right"), (_("Net credited"), RIGHT, "right")]
    rows = [
        (
            _("Part of the billed amount"),
            wording.percent(group["vat_ratio"]),
            wording.money(group["net_amount"], credit.currency),
        )
        for group in credit.vat_summary
    ]
    sheet.table(columns, rows)
