"""Keeping what rules found: new findings, changed ones, and those whose cause is gone."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from kernel.periods import Period
from thermal.domain.validation import Evidence
from thermal.models import FindingTransition, ValidationFinding
from thermal.queries.rule_book import Limits

State = ValidationFinding.State
Subject = tuple[int | None, int | None, int]
"""Meter, delivery point and site."""

MOVING_FIELDS = (
    "severity", "state", "starts_at", "ends_at", "values", "before_at", "before_version", "after_at", "after_version",
    "judged_by", "seen_at", "resolved_at", "resolved_by", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a subject: which rules were asked about which time, and what they found there."""

    subject: Subject
    window: Period
    rules: frozenset[str]
    found: list[tuple[Evidence, Limits]]


@dataclass(slots=True)
class Kept:
    """What became of findings: how many are new or open again, changed, and closed."""

    opened: int = 0
    changed: int = 0
    closed: int = 0


def keep(looks: Sequence[Look], now: dt.datetime) -> Kept:
    """What became of the findings of the subjects, after these looks at them."""
    known = _known(looks)
    book = _Book(now)
    for look in looks:
        _compare(look, [one for one in known[look.subject] if _is_looked_at(one, look)], book)
    book.write()
    return book.kept


def overlapping(subject_ids: Iterable[int], field: str, windows: dict[int, Period]) -> dict[int, Period]:
    """The windows, begun early enough that no finding that reaches into them is cut."""
    rows = ValidationFinding.objects.filter(**{f"{field}__in": list(subject_ids)}).exclude(state=State.CLOSED)
    for owner, starts_at, ends_at in rows.order_by("-starts_at").values_list(f"{field}_id", "starts_at", "ends_at"):
        window = windows[owner]
        if starts_at < window.start <= ends_at:
            windows[owner] = Period(starts_at, window.end)
    return windows


def _known(looks: Sequence[Look]) -> dict[Subject, list[ValidationFinding]]:
    """The findings of the subjects that can be what a rule finds now."""
    meters = {look.subject[0] for look in looks} - {None}
    points = {look.subject[1] for look in looks} - {None}
    sites = {look.subject[2] for look in looks if look.subject[:2] == (None, None)}
    whose = Q(meter__in=meters) | Q(delivery_point__in=points)
    whose |= Q(site__in=sites, meter__isnull=True, delivery_point__isnull=True)
    first = min((look.window.start for look in looks), default=None)
    last = max((look.window.end for look in looks), default=None)
    if first is None or last is None:
        return defaultdict(list)
    rows = ValidationFinding.objects.select_for_update().filter(
        whose, is_told=False, starts_at__lt=last, ends_at__gt=first - dt.timedelta(days=1)
    )
    found: dict[Subject, list[ValidationFinding]] = defaultdict(list)
    for row in rows.order_by("pk"):
        found[(row.meter_id, row.delivery_point_id, row.site_id)].append(row)
    return found


def _is_looked_at(finding: ValidationFinding, look: Look) -> bool:
    return finding.rule in look.rules and finding.starts_at < look.window.end and finding.ends_at > look.window.start


def _compare(look: Look, known: list[ValidationFinding], book: _Book) -> None:
    """Match what was found with what is known; what is left over is new, or gone."""
    left = list(known)
    for evidence, limits in look.found:
        match = _match(evidence, left)
        if match is None:
            book.add(look.subject, evidence, limits)
        else:
            left.remove(match)
            book.see(match, evidence, limits)
    for gone in left:
        # What began before the window was not looked at as a whole.
        if gone.state == State.OPEN and gone.starts_at >= look.window.start:
            book.close(gone)


def _match(evidence: Evidence, known: list[ValidationFinding]) -> ValidationFinding | None:
    """The finding that this is: of the same beginning, or else one of its kind at the same time."""
    alike = [one for one in known if (one.rule, one.kind) == (evidence.rule, evidence.kind)]
    for one in alike:
        if one.starts_at == evidence.starts_at:
            return one
    for one in alike:
        if one.state != State.CLOSED and one.starts_at < evidence.ends_at and one.ends_at > evidence.starts_at:
            return one
    return None


class _Book:
    """Rows to be written, together."""

    def __init__(self, now: dt.datetime) -> None:
        self.now = now
        self.kept = Kept()
        self._new: list[ValidationFinding] = []
        self._moved: list[ValidationFinding] = []
        self._steps: list[FindingTransition] = []

    def add(self, subject: Subject, evidence: Evidence, limits: Limits) -> None:
        """A finding that nobody has seen before."""
        meter_id, point_id, site_id = subject
        finding = ValidationFinding(
            rule=evidence.rule, kind=evidence.kind, meter_id=meter_id, delivery_point_id=point_id, site_id=site_id,
            found_at=self.now, **_facts(evidence, limits, self.now),
        )  # fmt: skip
        self._new.append(finding)
        self._step(finding, "", State.OPEN)
        self.kept.opened += 1

    def see(self, finding: ValidationFinding, evidence: Evidence, limits: Limits) -> None:
        """A finding that is still, or again, there; a decision on other values than these no longer holds."""
        facts = _facts(evidence, limits, self.now)
        judged = ("starts_at", "ends_at", "values", "severity", "after_version", "before_version")
        differs = any(getattr(finding, name) != facts[name] for name in judged)
        again = finding.state == State.CLOSED or (finding.state != State.OPEN and differs)
        if not differs and not again:
            return
        for name, value in facts.items():
            setattr(finding, name, value)
        if again:
            self._step(finding, finding.state, State.OPEN, _("The values differ from those decided on."))
            finding.state, finding.resolved_at, finding.resolved_by, finding.note = State.OPEN, None, None, ""
            self.kept.opened += 1
        else:
            self.kept.changed += 1
        self._moved.append(finding)

    def close(self, finding: ValidationFinding) -> None:
        """A finding whose cause is gone."""
        self._step(finding, finding.state, State.CLOSED)
        finding.state, finding.resolved_at = State.CLOSED, self.now
        self._moved.append(finding)
        self.kept.closed += 1

    def write(self) -> None:
        """Write it all."""
        ValidationFinding.objects.bulk_create(self._new, batch_size=500)
        ValidationFinding.objects.bulk_update(self._moved, MOVING_FIELDS, batch_size=500)
        FindingTransition.objects.bulk_create(self._steps, batch_size=500)

    def _step(self, finding: ValidationFinding, before: str, after: str, note: str = "") -> None:
        step = FindingTransition(finding=finding, at=self.now, from_state=before, to_state=after, note=note)
        self._steps.append(step)


def _facts(evidence: Evidence, limits: Limits, now: dt.datetime) -> dict[str, Any]:
    before, after = evidence.before, evidence.after
    return {
        "severity": limits.grave_severity if evidence.is_grave else limits.severity,
        "starts_at": evidence.starts_at,
        "ends_at": evidence.ends_at,
        "values": {**evidence.values, "limits": dict(limits.thresholds)},
        "before_at": before.at if before else None,
        "before_version": before.version if before else None,
        "after_at": after.at if after else None,
        "after_version": after.version if after else None,
        "judged_by": limits.rule,
        "seen_at": now,
    }
