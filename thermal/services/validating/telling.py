"""Findings that an import tells, because only the file shows them: no later look at the readings can."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from hosting.models import Meter, MeterPlacement
from thermal.models import FindingTransition, ValidationFinding
from thermal.models.validation import Rule
from thermal.queries.rule_book import RuleBook

Kind = ValidationFinding.Kind
State = ValidationFinding.State


@transaction.atomic
def tell_contradiction(
    *, meter: Meter, first_at: dt.datetime, last_at: dt.datetime, values: dict[str, Any], now: dt.datetime
) -> ValidationFinding | None:
    """The finding that two exports tell different registers from one instant to another; None without a place."""
    return _tell(meter, (Rule.OVERLAP, Kind.OVERLAP), (first_at, last_at), values, now)


@transaction.atomic
def tell_clock_step(*, meter: Meter, at: dt.datetime, back: dt.timedelta, now: dt.datetime) -> ValidationFinding | None:
    """The finding that the times of a file go back although its register went on; None without a place."""
    values = {"offset_s": round(back.total_seconds()), "in_file": True}
    return _tell(meter, (Rule.CLOCK, Kind.CLOCK_JUMP), (at, at + max(back, dt.timedelta(seconds=1))), values, now)


def _tell(
    meter: Meter,
    what: tuple[Rule, Kind],
    ends: tuple[dt.datetime, dt.datetime],
    values: dict[str, Any],
    now: dt.datetime,
) -> ValidationFinding | None:
    rule, kind = what
    placement = _placement(meter, ends[0])
    if placement is None:
        return None
    site = placement.site
    limits = RuleBook().limits(rule, site, ends[0].astimezone(site.zone).date(), meter.accuracy_class)
    finding, is_new = ValidationFinding.objects.get_or_create(
        rule=rule, kind=kind, meter=meter, site=site, delivery_point=None, starts_at=ends[0],
        defaults={
            "ends_at": max(ends[1], ends[0] + dt.timedelta(seconds=1)), "values": values, "is_told": True,
            "severity": limits.grave_severity, "judged_by": limits.rule, "found_at": now, "seen_at": now,
        },
    )  # fmt: skip
    if is_new:
        FindingTransition.objects.create(finding=finding, at=now, from_state="", to_state=State.OPEN)
    return finding


def _placement(meter: Meter, at: dt.datetime) -> MeterPlacement | None:
    rows = MeterPlacement.objects.filter(meter=meter).select_related("site").order_by("-valid_from")
    return next((row for row in rows if row.valid_from <= at), None)
