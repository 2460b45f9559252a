"""What speaks against a device's values, in sentences for the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import formats
from django.utils.translation import gettext_lazy as _

from thermal.domain.plausibility import Finding

SENTENCES: Final[dict[str, Any]] = {
    "value_missing": _("%(point)s: no value came (%(reason)s)."),
    "sensor_fault": _("%(point)s shows %(value)s °C, by which heat meters report a broken sensor (%(fault)s)."),
    "flow_negative": _("%(point)s is negative: %(value)s %(unit)s. The flow sensor may be fitted the wrong way round."),
    "value_out_of_range": _("%(point)s of %(value)s %(unit)s cannot be true; believed are %(low)s to %(high)s."),
    "supply_below_return": _(
        "The supply (%(supply)s °C) is colder than the return (%(return)s °C): the sensors may be swapped."
    ),
    "power_mismatch": _(
        "The power of %(told)s kW does not fit flow and temperatures, which make %(expected)s kW: look at units, "
        "scale and the side of the flow sensor."
    ),
    "clock_off": _("The clock of the device is %(seconds)s s off."),
    "order_contradicts": _(
        "%(point)s cannot be true as it is read, but its registers would be plausible in another order: %(would_be)s. "
        "The profile decides, nothing was changed."
    ),
    "order_matches_display": _(
        "%(point)s would match the display with “%(option)s” in the profile. Nothing was changed."
    ),
    "display_differs": _(
        "%(point)s: the device tells %(told)s, the display shows %(typed)s %(unit)s, %(steps)s steps apart."
    ),
    "serial_told_differs": _("The device says that it is %(told)s; the records name meter %(recorded)s."),
    "serial_typed_differs": _("The display names meter %(typed)s; the records name meter %(recorded)s."),
}
FAULTS: Final[dict[str, Any]] = {"short": _("short circuit"), "open": _("open circuit")}
LEVELS: Final[dict[str, str]] = {"value_missing": "warn", "clock_off": "warn", "power_mismatch": "warn"}
"""All others call the values themselves in question."""
REASONS: Final[dict[str, Any]] = {
    "no answer in time": _("no answer in time"),
    "the device refuses to tell it": _("the device refuses to tell it"),
    "the device says that it has no value": _("the device says that it has no value"),
    "the device marks the value invalid": _("the device marks the value invalid"),
    "not in the answer": _("not in the answer"),
    "told more than once, with different values": _("told more than once, with different values"),
    "the answer cannot be understood": _("the answer cannot be understood"),
    "not asked for, because the device stopped answering": _("not asked for, because the device stopped answering"),
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One finding as a person reads it."""

    code: str
    sentence: str
    level: str


def doubts_of(findings: Iterable[Finding | Mapping[str, Any]]) -> list[Doubt]:
    """The findings in the reader's language, as they are or as an acceptance keeps them."""
    return [
        _doubt(found) if isinstance(found, Finding) else _doubt(Finding(found["code"], found["facts"]))
        for found in findings
    ]


def reason_in_words(reason: str) -> str:
    """Why a value is missing, in the reader's language."""
    return str(REASONS.get(reason, reason))


def _doubt(finding: Finding) -> Doubt:
    words = {name: _fact(name, fact) for name, fact in finding.facts.items()}
    sentence = SENTENCES.get(finding.code)
    text = str(sentence) % words if sentence else finding.code.replace("_", " ")
    return Doubt(finding.code, text, LEVELS.get(finding.code, "bad"))


def _fact(name: str, fact: Any) -> str:
    if name == "fault":
        return str(FAULTS.get(fact, fact))
    if name == "reason":
        return reason_in_words(fact)
    if isinstance(fact, float):
        return formats.number_format(f"{fact:.10g}", use_l10n=True, force_grouping=True) if abs(fact) < 1e16 else "∞"
    return "–" if fact is None else str(fact)
