"""What an issued bill is off by, and why, in words; and its lines beside those of today's records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from contracts.documents import explanations, wording
from contracts.domain import true_ups
from contracts.domain.statement import Line
from contracts.models import Contract, Invoice, InvoiceLine, TrueUp
from contracts.queries import blocks
from contracts.queries import true_ups as reading
from thermal.models.corrections import EstimationMethod

SENTENCES: Final[dict[str, Any]] = {
    "estimate_withdrawn": gettext_lazy("The estimate of %(heat)s for %(stretch)s no longer counts."),
    "estimate_added": gettext_lazy("For %(stretch)s %(heat)s are estimated now: %(method)s."),
    "estimate_changed": gettext_lazy("The estimate for %(stretch)s is %(heat)s now, not %(before)s."),
    "register_read": gettext_lazy("Meter %(serial)s was read at %(at)s: %(after)s, not %(before)s as computed."),
    "register_set_right": gettext_lazy("The register of meter %(serial)s at %(at)s is %(after)s, not %(before)s."),
    "readings_corrected": gettext_lazy(
        "Readings of meter %(serial)s were set right: %(after)s at %(at)s, not %(before)s."
    ),
    "readings_arrived": gettext_lazy("Readings of meter %(serial)s came later: %(after)s at %(at)s, not %(before)s."),
    "month_before_billed_anew": gettext_lazy(
        "The month before was billed anew and closed with %(after)s at meter %(serial)s, not %(before)s."
    ),
    "meter_added": gettext_lazy("Meter %(serial)s stood there as well."),
    "meter_gone": gettext_lazy("Meter %(serial)s did not stand there."),
    "rollover_counted": gettext_lazy("The register of meter %(serial)s started again at zero."),
    "service_judged_anew": gettext_lazy("The service level was judged anew: credit %(after)s, not %(before)s."),
    "figures_differ": gettext_lazy("The line comes to another amount."),
    "cancelled": gettext_lazy("The invoice was cancelled and the month was not billed again."),
    "approval_revoked": gettext_lazy("The approval to bill nevertheless was taken back. %(doubt)s"),
    "doubt_resolved": gettext_lazy("No longer so: %(doubt)s"),
    "blocked": gettext_lazy("By today's records the month could not be billed."),
}


def sentence(code: str, facts: Mapping[str, Any], contract: Contract) -> str:
    """One reason in the reader's language, its times on the clocks of the contract."""
    words = {name: _fact(name, fact, contract) for name, fact in facts.items()}
    if "starts_at" in facts:
        words["stretch"] = _("%(start)s to %(end)s") % {"start": words["starts_at"], "end": words["ends_at"]}
    if "code" in facts:
        words["doubt"] = blocks.reason_of(facts["code"], facts["facts"], contract).sentence
    return str(SENTENCES[code]) % {**words, **_named(words)}


def _named(words: Mapping[str, str]) -> dict[str, str]:
    """The names that sentences use for figures that carry their unit in the evidence."""
    short = {"heat_kwh": "heat", "before_kwh": "before", "after_kwh": "after"}
    return {short[name]: word for name, word in words.items() if name in short}


def _fact(name: str, fact: Any, contract: Contract) -> str:
    if name.endswith("_kwh"):
        return f"{wording.plain(fact, 1)}{wording.NBSP}kWh"
    if name == "at" or name.endswith("_at"):
        return wording.instant(str(fact), contract.zone)
    if name == "method":
        return str(EstimationMethod(fact).label)
    if name in {"before", "after"}:
        return wording.percent(fact, 0)
    return str(fact)


def reasons_of(true_up: TrueUp) -> list[str]:
    """Every reason of the true-up in a sentence."""
    return sentences(true_up.reasons, true_up.invoice.contract)


def sentences(reasons: Iterable[Mapping[str, Any]], contract: Contract) -> list[str]:
    """Stored reasons in sentences, each once."""
    return list(dict.fromkeys(sentence(one["code"], one["facts"], contract) for one in reasons))


def problems_of(true_up: TrueUp) -> list[blocks.Reason]:
    """What has to be cleared up before the month can be billed anew."""
    return [blocks.reason_of(one["code"], one["facts"], true_up.invoice.contract) for one in true_up.problems]


def suggested_reason(true_up: TrueUp) -> str:
    """What both documents could give as the reason, in the language of the offtaker's bills."""
    with override(true_up.invoice.contract.offtaker.language):
        return " ".join(reasons_of(true_up))[:300]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two lines beside each other."""

    quantity: str
    net: str
    view: explanations.LineView


@dataclass(frozen=True, slots=True)
class PairView:
    """A line as it was billed and as it would be now, and why it changed."""

    description: str
    period: str
    before: Side | None
    after: Side | None
    change: str
    differs: bool
    reasons: list[str]


def pairs_of(true_up: TrueUp) -> list[PairView]:
    """The lines of both bills side by side."""
    invoice = true_up.invoice
    is_cancelled = any(one["code"] == "cancelled" for one in true_up.reasons)
    before = [] if is_cancelled else reading.lines_of(invoice)
    if true_up.now_kwh is None:
        return []
    return [_pair(pair, invoice) for pair in true_ups.pairs(before, reading.lines_from(true_up.lines))]


def _pair(pair: true_ups.Pair, invoice: Invoice) -> PairView:
    before, after = _side(pair.before, invoice), _side(pair.after, invoice)
    shown = after or before
    change = wording.money(pair.net_change_amount, invoice.currency)
    reasons = true_ups.reasons_of(pair) if pair.differs else []
    return PairView(
        shown.view.description if shown else "",
        shown.view.period if shown else "",
        before,
        after,
        f"+{change}" if pair.net_change_amount > 0 else change,
        pair.differs,
        [sentence(reason.code, reason.facts, invoice.contract) for reason in reasons],
    )


def _side(line: Line | None, invoice: Invoice) -> Side | None:
    if line is None:
        return None
    row = InvoiceLine(
        invoice=invoice, kind=line.kind, starts_on=line.starts_on, ends_on=line.ends_on, quantity=line.quantity,
        unit=line.unit, unit_price=line.unit_price, net_amount=line.net_amount, vat_ratio=line.vat_ratio,
        evidence=line.evidence,
    )  # fmt: skip
    view = explanations.line_of(row, invoice)
    return Side(view.quantity, view.net, view)


def signed_kwh(true_up: TrueUp) -> str:
    """The difference of the heat with its sign."""
    return "" if true_up.delta_kwh is None else _signed(f"{wording.plain(true_up.delta_kwh)}{wording.NBSP}kWh")


def signed_amount(amount: Any, currency: str) -> str:
    """An amount with its sign."""
    return "" if amount is None else _signed(wording.money(amount, currency))


def _signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"


def confirmed_of(invoice: Invoice) -> list[str]:
    """Which doubts that the invoice names are gone, and that it stands as it is."""
    rows = TrueUp.objects.filter(invoice=invoice, state=TrueUp.State.AGREES).order_by("pk")
    reasons = [one for row in rows for one in row.reasons if one["code"] == "doubt_resolved"]
    found = sentences(reasons, invoice.contract)
    return [*found, _("The amount of this invoice stays as it is.")] if found else []
