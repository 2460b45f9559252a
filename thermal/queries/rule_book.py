"""Which thresholds hold for a meter or a site on a day: the narrowest rule that stands in the database."""

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from hosting.models import Site
from thermal.domain.differences import POWER_RATIO
from thermal.domain.validation import SPECS, Thresholds, checked_thresholds
from thermal.models import ValidationRule
from thermal.models.validation import Rule


def settlement_power_ratio() -> Decimal:
    """The share of a meter's greatest power up to which settlement counts what its register rose."""
    return Decimal(str(getattr(settings, "THERMAL_POWER_RATIO", POWER_RATIO)))


@dataclass(frozen=True, slots=True)
class Limits:
    """The thresholds of a rule, what its findings call for, and the row that says so; None where none does."""

    thresholds: Thresholds
    severity: int
    grave_severity: int
    rule: ValidationRule | None
    enabled: bool = True


class RuleBook:
    """All rules, read once: a site's own before those of the accuracy class, the country and all."""

    def __init__(self) -> None:
        self._rows: dict[str, list[ValidationRule]] = defaultdict(list)
        for row in ValidationRule.objects.order_by("rule", "-valid_from"):
            self._rows[row.rule].append(row)

    def limits(self, rule: str, site: Site, on: dt.date, accuracy_class: str = "") -> Limits:
        """What holds on the day; the proposed defaults where nobody has said anything."""
        held = [
            row
            for row in self._rows[rule]
            if row.valid_from <= on and (row.valid_until is None or row.valid_until > on)
        ]
        found = [(breadth, row) for row in held if (breadth := _breadth(row, site, accuracy_class)) is not None]
        spec = SPECS[rule]
        if not found:
            return Limits(spec.thresholds, int(spec.severity), int(spec.worst), None)
        row = min(found, key=lambda pair: pair[0])[1]
        thresholds = checked_thresholds(rule, row.thresholds)
        return Limits(thresholds, row.severity, row.grave_severity, row, row.enabled)

    def pace(self, site: Site, on: dt.date, accuracy_class: str = "") -> tuple[float, float]:
        """From how many intervals on a pause is a gap, and from how many seconds on a clock has jumped."""
        gap, clock = (self.limits(rule, site, on, accuracy_class).thresholds for rule in (Rule.GAP, Rule.CLOCK))
        return gap["gap_factor"], clock["warn_s"]


def _breadth(row: ValidationRule, site: Site, accuracy_class: str) -> int | None:
    """How wide a rule reaches, 0 for one site; None where it does not reach this one."""
    if row.site_id is not None:
        return 0 if row.site_id == site.pk else None
    if row.accuracy_class:
        return 1 if row.accuracy_class == accuracy_class else None
    if row.country:
        return 2 if row.country == site.country else None
    return 3
