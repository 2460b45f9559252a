"""Changing thresholds: what held until yesterday stays on record, from a day on something else holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from hosting.models import Site
from kernel.errors import Refusal
from thermal.domain.validation import checked_thresholds
from thermal.models import ValidationRule
from thermal.models.validation import Rule
from thermal.queries.rule_book import settlement_power_ratio


class ThresholdIsNoNumber(Refusal):
    sentence = "Threshold “%(name)s” is not a number."


class PowerRatioTooLarge(Refusal):
    """A rule that would be silent about heat that settlement does not count."""

    sentence = (
        "Settlement counts no heat above %(most)s times the greatest power, and what it does not count is always "
        "found: enter at most that."
    )


class RuleUnchanged(Refusal):
    """A change that changes nothing."""


@transaction.atomic
def set_rule(
    *,
    rule: str,
    thresholds: Mapping[str, float],
    severity: int,
    grave_severity: int,
    valid_from: dt.date,
    by: User | None,
    now: dt.datetime,
    country: str = "",
    accuracy_class: str = "",
    site: Site | None = None,
    enabled: bool = True,
    source: str = "",
) -> ValidationRule:
    """The rule that holds from the day on in its scope; the one that held until then ends there.

    Refused are thresholds that the rule does not have or that are no numbers, and a day before a later change.
    """
    limits = {name: _number(name, value) for name, value in checked_thresholds(rule, thresholds).items()}
    if rule == Rule.MAXIMUM and limits["power_ratio"] > settlement_power_ratio():
        raise PowerRatioTooLarge(most=settlement_power_ratio())
    rows = _rows(rule, country, accuracy_class, site)
    if rows.filter(valid_from__gt=valid_from).exists():
        raise RuleUnchanged(_("A later change of this rule is on record; choose a later day."))
    changed = rows.filter(valid_from=valid_from).first()
    if changed is None:
        rows.filter(valid_until__isnull=True).update(valid_until=valid_from)
        scope = {"rule": rule, "country": country, "accuracy_class": accuracy_class, "site": site}
        changed = ValidationRule(**scope, valid_from=valid_from)
    changed.thresholds, changed.enabled, changed.source = limits, enabled, source
    changed.severity, changed.grave_severity = severity, max(grave_severity, severity)
    changed.is_verified, changed.changed_by = True, by
    changed.save()
    return changed


def _rows(rule: str, country: str, accuracy_class: str, site: Site | None) -> QuerySet[ValidationRule]:
    """The rules of one scope, locked."""
    of_site = {"site__isnull": True} if site is None else {"site": site}
    rows = ValidationRule.objects.order_by().select_for_update()
    return rows.filter(rule=rule, country=country, accuracy_class=accuracy_class, **of_site)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ThresholdIsNoNumber(name=name)
    return int(value) if value == int(value) else float(value)
