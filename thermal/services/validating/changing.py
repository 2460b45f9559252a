"""Changing thresholds: what held until yesterday stays on record, from a day on something else holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from hosting.models import Site
from kernel.errors import Refusal
from thermal.domain.validation import checked_thresholds
from thermal.models import ValidationRule


class ThresholdIsNoNumber(Refusal):
    sentence = "Threshold “%(name)s” is not a number."


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

    Raises
    ------
    UnknownThreshold, ThresholdIsNoNumber
        Where a threshold has no such name or is no number.
    RuleUnchanged
        Where later rules of the scope would be overlapped.
    """
    limits = {name: _number(name, value) for name, value in checked_thresholds(rule, thresholds).items()}
    scope = {"rule": rule, "country": country, "accuracy_class": accuracy_class, "site": site}
    of_site = {"site__isnull": True} if site is None else {"site": site}
    rows = (
        ValidationRule.objects.order_by()
        .select_for_update()
        .filter(rule=rule, country=country, accuracy_class=accuracy_class, **of_site)
    )
    if rows.filter(valid_from__gt=valid_from).exists():
        raise RuleUnchanged(_("A later change of this rule is on record; choose a later day."))
    fields = {
        "thresholds": limits, "severity": severity, "grave_severity": max(grave_severity, severity),
        "enabled": enabled, "source": source, "is_verified": True, "changed_by": by,
    }  # fmt: skip
    same_day = rows.filter(valid_from=valid_from).first()
    if same_day is not None:
        for name, value in fields.items():
            setattr(same_day, name, value)
        same_day.save()
        return same_day
    rows.filter(valid_until__isnull=True).update(valid_until=valid_from)
    return ValidationRule.objects.create(**scope, **fields, valid_from=valid_from)


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ThresholdIsNoNumber(name=name)
    return int(value) if value == int(value) else float(value)
