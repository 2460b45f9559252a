"""Permits: recorded, their conditions checked by plans, renewed or ended."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from compliance.models import MaintenancePlan, Permit, PermitCondition, Subject
from compliance.services import duties
from kernel.errors import Refusal


class PermitIsNotInForce(Refusal):
    """Only what was granted can be renewed."""


class PermitHasEnded(Refusal):
    """What was given up or replaced gets no further conditions."""


@dataclass(frozen=True, slots=True)
class Check:
    """How often it is looked whether a condition is kept."""

    starts_on: date
    interval_months: int = 0
    interval_days: int = 0


@transaction.atomic
def save_permit(*, permit: Permit, by: User, now: datetime) -> Permit:
    """The stored permit; the task to renew it appears when its lead begins."""
    if not permit.pk:
        permit.created_at = now
    permit.save()
    duties.plan_tasks_of_permits(now=now)
    return permit


@transaction.atomic
def add_condition(
    *, permit: Permit, number: str, text: str, by: User, now: datetime, check: Check | None = None
) -> PermitCondition:
    """The stored condition, with a plan of its own when it is checked by the calendar."""
    if permit.status in {Permit.Status.REPLACED, Permit.Status.ENDED}:
        raise PermitHasEnded(_("The permit is no longer in force."))
    plan = _check_plan(permit, number=number, text=text, check=check, by=by, now=now) if check else None
    return PermitCondition.objects.create(permit=permit, number=number, text=text, plan=plan)


def _check_plan(permit: Permit, *, number: str, text: str, check: Check, by: User, now: datetime) -> MaintenancePlan:
    title = gettext("Check condition %(number)s of %(permit)s") % {"number": number, "permit": permit}
    plan = MaintenancePlan(
        site=permit.site,
        subject=Subject.PERMITS,
        title=title[:160],
        interval_months=check.interval_months,
        interval_days=check.interval_days,
        starts_on=check.starts_on,
        instructions=text,
        source=f"{permit.authority} {permit.reference}"[:200],
    )
    return duties.save_plan(plan=plan, by=by, now=now)


@transaction.atomic
def renew_permit(
    *, permit: Permit, reference: str, issued_on: date, expires_on: date | None, by: User, now: datetime
) -> Permit:
    """The renewal, in force; the old permit is replaced, its conditions and their checks pass over."""
    permit = Permit.objects.select_for_update(of=("self",)).select_related("site").get(pk=permit.pk)
    if permit.status != Permit.Status.GRANTED:
        raise PermitIsNotInForce(_("Only a granted permit can be renewed."))
    permit.status = Permit.Status.REPLACED
    permit.save()
    renewal = Permit.objects.create(
        site=permit.site,
        kind=permit.kind,
        authority=permit.authority,
        reference=reference,
        scope=permit.scope,
        issued_on=issued_on,
        expires_on=expires_on,
        renewal_lead_days=permit.renewal_lead_days,
        replaces=permit,
        created_at=now,
    )
    for condition in permit.conditions.select_related("plan"):
        _pass_over(condition, renewal)
    _close_renewal_tasks(permit, renewal, by, now)
    return renewal


def _pass_over(condition: PermitCondition, renewal: Permit) -> None:
    """The renewal carries the condition and its check; the old permit keeps the words."""
    plan, condition.plan = condition.plan, None
    condition.save()
    PermitCondition.objects.create(permit=renewal, number=condition.number, text=condition.text, plan=plan)


def _close_renewal_tasks(permit: Permit, renewal: Permit, by: User, now: datetime) -> None:
    note = gettext("Renewed as %(reference)s.") % {"reference": renewal.reference}
    done_on = now.astimezone(permit.site.zone).date()
    for task in permit.tasks.filter(origin="permit", state="open"):
        duties.close_as_done(task=task, outcome="passed", done_on=done_on, note=note, by=by, now=now)


@transaction.atomic
def end_permit(*, permit: Permit, by: User, now: datetime) -> Permit:
    """The permit, given up; its checks stop and their open tasks are withdrawn."""
    permit = Permit.objects.select_for_update().get(pk=permit.pk)
    permit.status = Permit.Status.ENDED
    permit.save()
    plans = MaintenancePlan.objects.filter(permit_condition__permit=permit)
    plans.update(active=False)
    note = gettext("The permit %(reference)s ended.") % {"reference": permit.reference}
    duties.withdraw_tasks_of(plans=plans, note=note, now=now)
    duties.withdraw_moot_tasks(now=now)
    return permit
