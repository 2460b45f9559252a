"""Decisions on findings: accepted by a person, or resolved by an estimate or a corrected reading."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from kernel.errors import Refusal
from thermal.models import FindingTransition, MeterReading, ValidationFinding
from thermal.models.validation import Severity

State = ValidationFinding.State
CORRECT = "thermal.correct_validationfinding"
APPROVE = "thermal.approve_validationfinding"


class FindingIsResolved(Refusal):
    """Somebody has decided on it, or its cause is gone."""

    sentence = "This finding is resolved already."


class ReasonIsMissing(Refusal):
    """Nobody accepts without saying why."""

    sentence = "Give a reason; it stays with the finding."


class NotYourDecision(Refusal):
    """The decision belongs to somebody else."""


def permission_for(finding: ValidationFinding) -> str:
    """The permission to accept it: what blocks billing needs an approver."""
    return APPROVE if finding.severity == Severity.BLOCK else CORRECT


def may_accept(finding: ValidationFinding, user: User) -> bool:
    """Whether the person's role lets them accept it."""
    return user.has_perm(permission_for(finding))


@transaction.atomic
def accept(*, finding: ValidationFinding, by: User, reason: str, now: dt.datetime) -> ValidationFinding:
    """The finding, accepted as it is: the readings stay, and are billed.

    Raises
    ------
    NotYourDecision
        Where the role does not reach, or the readings are the person's own.
    FindingIsResolved, ReasonIsMissing
    """
    if not may_accept(finding, by):
        raise NotYourDecision(_("What blocks billing is accepted by an approver, everything else by an engineer."))
    if finding.severity == Severity.BLOCK and _told(finding, by):
        raise NotYourDecision(_("These readings are yours; somebody else must accept them."))
    return resolve(finding=finding, state=State.ACCEPTED, by=by, reason=reason, now=now)


@transaction.atomic
def resolve(*, finding: ValidationFinding, state: str, by: User, reason: str, now: dt.datetime) -> ValidationFinding:
    """The finding, resolved: accepted, estimated or edited, by whom and why.

    Estimates and corrected readings call it in their own transaction.
    """
    finding = ValidationFinding.objects.select_for_update().get(pk=finding.pk)
    if finding.state != State.OPEN:
        raise FindingIsResolved
    if not reason.strip():
        raise ReasonIsMissing
    FindingTransition.objects.create(
        finding=finding, at=now, from_state=finding.state, to_state=state, by=by, note=reason[:300]
    )
    finding.state, finding.resolved_at, finding.resolved_by, finding.note = state, now, by, reason[:300]
    finding.save(update_fields=["state", "resolved_at", "resolved_by", "note"])
    return finding


def _told(finding: ValidationFinding, user: User) -> bool:
    """Whether the person imported or entered a reading that it rests on."""
    if finding.meter_id is None:
        return False
    ends = [at for at in (finding.before_at, finding.after_at) if at is not None]
    return MeterReading.objects.filter(meter=finding.meter_id, at__in=ends, author=user).exists()
