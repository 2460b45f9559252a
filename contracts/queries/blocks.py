"""Why a month cannot be billed, in a sentence, and what helps."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils import formats
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contracts.models import Contract
from contracts.queries import substitutions
from thermal.models.validation import Rule

SENTENCES: Final[dict[str, Any]] = {
    "month_still_open": gettext_lazy("The month is still open; it ends at %(until)s."),
    "not_settled": gettext_lazy("%(count)s quarter hours of the site wait to be settled."),
    "too_little_measured": gettext_lazy(
        "Only %(actual)s %% of the quarter hours rest on meter registers; %(needed)s %% are needed."
    ),
    "no_meter": gettext_lazy("No heat meter stood at %(point)s in this month."),
    "verification_expired": gettext_lazy(
        "The verification of meter %(serial)s ended on %(on)s; its values may not be billed from then on."
    ),
    "meter_fault": gettext_lazy("Meter %(serial)s reported a fault in %(count)s readings of the month."),
    "device_not_accepted": gettext_lazy(
        "Nobody has compared meter %(serial)s with what its device %(device)s tells, as it is read now."
    ),
    "finding_unresolved": gettext_lazy(
        "Validation found what blocks the billing of meter %(serial)s: %(count)s unresolved, the first is %(finding)s."
    ),
    "no_price_on_day": gettext_lazy("No price terms hold on %(day)s."),
    "no_reading_at": gettext_lazy("Meter %(serial)s has no reading near %(at)s, where a register is needed."),
    "register_fell": gettext_lazy(
        "The register of meter %(serial)s fell from %(before)s to %(after)s kWh and no exchange is recorded."
    ),
    "estimate_outdated": gettext_lazy(
        "Readings arrived for time whose heat is estimated: %(heat)s kWh would be billed twice."
    ),
    "figures_changed": gettext_lazy("The records changed since the draft was reviewed."),
}
REMEDIES: Final[dict[str, Any]] = {
    "month_still_open": gettext_lazy("Run the billing again once it is over."),
    "not_settled": gettext_lazy("Settlement runs every few minutes; run the billing again after it."),
    "too_little_measured": gettext_lazy("Import the missing readings from the meter's own memory, or wait for them."),
    "no_meter": gettext_lazy("Record which meter stands at the delivery point, and since when."),
    "verification_expired": gettext_lazy("Record the new verification, or exchange the meter."),
    "meter_fault": gettext_lazy("Have the meter examined; correct the readings concerned."),
    "device_not_accepted": gettext_lazy("Look at the device, type what the display shows, and accept it."),
    "finding_unresolved": gettext_lazy("Resolve it in the review queue: correct, estimate or accept."),
    "no_price_on_day": gettext_lazy("Add price terms to the contract."),
    "no_reading_at": gettext_lazy("Import or enter the meter's register at that time."),
    "register_fell": gettext_lazy("Record the exchange with both registers, or correct the reading."),
    "estimate_outdated": gettext_lazy("Withdraw the estimate; if something is still missing, estimate that anew."),
    "figures_changed": gettext_lazy("Draft it again and review it."),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """A blocked bill's reason as a person reads it, with the page that helps."""

    code: str
    sentence: str
    remedy: str
    url: str
    label: str

    @property
    def is_substitutable(self) -> bool:
        """Whether somebody may answer for billing nevertheless."""
        return self.code in substitutions.SUBSTITUTABLE


def reason_of(code: str, facts: dict[str, Any], contract: Contract) -> Reason:
    """The reason in words, in the reader's language and the contract's time zone."""
    words = {name: _fact(name, fact, contract) for name, fact in facts.items()}
    sentence = SENTENCES.get(code)
    text = str(sentence) % words if sentence else code.replace("_", " ")
    url, label = _help(code, facts, contract)
    return Reason(code, text, str(REMEDIES.get(code, "")), url, label)


def _fact(name: str, fact: Any, contract: Contract) -> str:
    """A fact as people write it: times in the contract's zone, shares in percent."""
    if name in {"actual", "needed"}:
        return formats.number_format(Decimal(fact) * 100, 1)
    if name in {"until", "at"} and (at := parse_datetime(str(fact))):
        return formats.date_format(at.astimezone(contract.zone), "DATETIME_FORMAT")
    if name in {"on", "day"} and (day := parse_date(str(fact))):
        return formats.date_format(day, "DATE_FORMAT")
    if name == "finding":
        return str(Rule(fact).label)
    if name in {"before", "after", "heat"}:
        return formats.number_format(Decimal(fact), 1)
    return str(fact)


def _help(code: str, facts: dict[str, Any], contract: Contract) -> tuple[str, str]:
    """The page where the block can be removed, and the words on its button."""
    point = contract.delivery_point_id
    if code == "device_not_accepted" and facts.get("device_id"):
        return reverse("thermal:device_commissioning", args=[facts["device_id"]]), _("Commission the device")
    if code == "finding_unresolved":
        return f"{reverse('thermal:finding_list')}?meter={facts['meter_id']}", _("Review the findings")
    pages: dict[str, tuple[str, list[int], str]] = {
        "estimate_outdated": ("thermal:correction_detail", [facts.get("correction_id", 0)], _("Open the estimate")),
        "no_meter": ("hosting:deliverypoint_detail", [point], _("Open the delivery point")),
        "verification_expired": ("hosting:deliverypoint_detail", [point], _("Open the meter")),
        "meter_fault": ("hosting:deliverypoint_detail", [point], _("Open the meter")),
        "device_not_accepted": ("hosting:deliverypoint_detail", [point], _("Open the meter")),
        "no_reading_at": ("hosting:deliverypoint_detail", [point], _("Open the meter")),
        "register_fell": ("hosting:deliverypoint_detail", [point], _("Open the meter")),
        "too_little_measured": ("hosting:deliverypoint_detail", [point], _("Open the delivery point")),
        "no_price_on_day": ("contracts:priceterms_create", [contract.pk], _("Add price terms")),
    }
    name, args, label = pages.get(code, ("", [], ""))
    try:
        return (reverse(name, args=args), label) if name else ("", "")
    except NoReverseMatch:
        return "", ""
