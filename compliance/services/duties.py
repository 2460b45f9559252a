"""Recurring duties become tasks; tasks are done with evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.core.files.base import File
from django.db import transaction
from django.db.models import DateField, Exists, ExpressionWrapper, F, IntegerField, Max, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from compliance.domain import recurrence
from compliance.models import MaintenancePlan, Permit, Subject, Task
from compliance.services import evidence
from hosting.models import MeterPlacement, Site
from kernel.errors import Refusal
from kernel.periods import local_date

HORIZON: Final = timedelta(days=60)
VERIFICATION_LEAD_DAYS: Final = 90
_BATCH: Final = 1000


class TaskIsClosed(Refusal):
    """What is done or cancelled stays so."""


class EvidenceIsMissing(Refusal):
    """Some duties are done only with a document."""


class DoneInTheFuture(Refusal):
    """Nothing is done tomorrow."""


class ReasonIsMissing(Refusal):
    """A duty is not dropped without a reason."""


# ---- making tasks ahead ------------------------------------------------------------------------------


@transaction.atomic
def plan_tasks(*, now: datetime) -> int:
    """The number of tasks made for duties, permits and meter verifications that fall due soon; no task twice."""
    withdraw_moot_tasks(now=now)
    made = 0
    plans = MaintenancePlan.objects.filter(active=True).exclude(site__lifecycle=Site.Lifecycle.RETIRED)
    for plan in plans.select_related("site").annotate(planned_until=Max("tasks__due_on")).iterator(chunk_size=_BATCH):
        made += _make(_tasks_of_plan(plan, plan.planned_until, now))
    made += _make(_renewals(now))
    return made + _make(_verifications(now))


def plan_tasks_of_permits(*, now: datetime) -> int:
    """The number of tasks made and withdrawn to match the permits as they are now."""
    return withdraw_moot_tasks(now=now) + _make(_renewals(now))


def plan_tasks_of(*, plan: MaintenancePlan, now: datetime) -> int:
    """The number of tasks made for one plan, as it is now."""
    planned_until = plan.tasks.aggregate(last=Max("due_on"))["last"]
    return _make(_tasks_of_plan(plan, planned_until, now)) if plan.active else 0


def _tasks_of_plan(plan: MaintenancePlan, planned_until: date | None, now: datetime) -> Iterator[Task]:
    """A task for each due day that has no task yet, up to the horizon; missed days of an outage included."""
    since = planned_until + timedelta(1) if planned_until else plan.starts_on
    until = local_date(now, plan.site.zone) + HORIZON + timedelta(plan.lead_days)
    until = min(until, plan.ends_on) if plan.ends_on else until
    for due_on in recurrence.due_days(plan.interval, plan.starts_on, since=since, until=until):
        yield Task(
            site_id=plan.site_id,
            subject=plan.subject,
            origin=Task.Origin.PLAN,
            plan=plan,
            title=plan.title,
            instructions=plan.instructions,
            due_on=due_on,
            lead_days=plan.lead_days,
            responsible_id=plan.responsible_id,
            needs_document=plan.needs_document,
            equipment_id=plan.equipment_id,
            circuit_id=plan.circuit_id,
            created_at=now,
        )


def _renewals(now: datetime) -> Iterator[Task]:
    """A task for each granted permit whose renewal has to start; due on the last day with the permit."""
    expiring = Permit.objects.filter(status=Permit.Status.GRANTED, expires_on__isnull=False)
    known = set(Task.objects.filter(origin=Task.Origin.PERMIT).values_list("permit", "due_on"))
    for permit in expiring.select_related("site").order_by("pk").iterator(chunk_size=_BATCH):
        if permit.expires_on is None:
            continue
        due_on = permit.expires_on - timedelta(1)
        starts_on = permit.expires_on - timedelta(permit.renewal_lead_days)
        if local_date(now, permit.site.zone) < starts_on or (permit.pk, due_on) in known:
            continue
        yield Task(
            site_id=permit.site_id,
            subject=Subject.PERMITS,
            origin=Task.Origin.PERMIT,
            permit=permit,
            title=gettext("Renew %(permit)s") % {"permit": permit},
            due_on=due_on,
            lead_days=min(permit.renewal_lead_days, 366),
            created_at=now,
        )


def _verifications(now: datetime) -> Iterator[Task]:
    """A task for each placed meter whose verification ends soon; due on the last day that may be billed."""
    known = set(Task.objects.filter(origin=Task.Origin.METER).values_list("meter", "site", "due_on"))
    soon = now.date() + timedelta(VERIFICATION_LEAD_DAYS + 1)
    standing = _standing_now(now).filter(meter__verified_until_on__lte=soon)
    for placement in standing.select_related("meter", "site").order_by("pk").iterator(chunk_size=_BATCH):
        if placement.meter.verified_until_on is None:
            continue
        due_on = placement.meter.verified_until_on - timedelta(1)
        if (placement.meter_id, placement.site_id, due_on) in known:
            continue
        yield Task(
            site_id=placement.site_id,
            subject=Subject.METERS,
            origin=Task.Origin.METER,
            meter=placement.meter,
            title=gettext("Verify or exchange meter %(serial)s") % {"serial": placement.meter.serial},
            due_on=due_on,
            lead_days=VERIFICATION_LEAD_DAYS,
            created_at=now,
        )


def _standing_now(now: datetime) -> QuerySet[MeterPlacement]:
    standing: QuerySet[MeterPlacement] = MeterPlacement.objects.filter(valid_from__lte=now).exclude(
        valid_until__lte=now
    )
    return standing


def _make(tasks: Iterable[Task]) -> int:
    """The number of tasks stored; one that somebody else stored meanwhile is left alone by its constraint."""
    batch = list(tasks)
    before = Task.objects.count() if batch else 0
    Task.objects.bulk_create(batch, ignore_conflicts=True, batch_size=_BATCH)
    return Task.objects.count() - before if batch else 0


@transaction.atomic
def withdraw_moot_tasks(*, now: datetime) -> int:
    """The number of open tasks cancelled because the permit was renewed or the meter exchanged or verified."""
    open_tasks = Task.objects.filter(state=Task.State.OPEN)
    granted = Q(permit__status=Permit.Status.GRANTED, permit__expires_on=_day_after_due())
    renewals = open_tasks.filter(origin=Task.Origin.PERMIT).exclude(granted)
    still = Q(pk__in=_still_to_verify(now))
    verifications = open_tasks.filter(origin=Task.Origin.METER).exclude(still)
    closing = {"state": Task.State.CANCELLED, "done_at": now}
    moot = renewals.update(**closing, note=gettext("The permit no longer expires on this day."))
    return moot + verifications.update(**closing, note=gettext("The meter no longer needs it by this day."))


def withdraw_tasks_of(*, plans: QuerySet[MaintenancePlan], note: str, now: datetime) -> int:
    """The number of open tasks of these plans that were cancelled."""
    open_tasks = Task.objects.filter(plan__in=plans, state=Task.State.OPEN)
    return open_tasks.update(state=Task.State.CANCELLED, done_at=now, note=note)


def _day_after_due() -> Any:
    return ExpressionWrapper(F("due_on") + Value(1, output_field=IntegerField()), output_field=DateField())


def _still_to_verify(now: datetime) -> QuerySet[Any]:
    """The ids of verification tasks whose meter stands where it stood and still ends that day."""
    standing = _standing_now(now).filter(meter=OuterRef("meter"), site=OuterRef("site"))
    return (
        Task.objects.filter(origin=Task.Origin.METER, meter__verified_until_on=_day_after_due())
        .filter(Exists(standing))
        .values("pk")
    )


# ---- what people do ----------------------------------------------------------------------------------


@transaction.atomic
def save_plan(*, plan: MaintenancePlan, by: User, now: datetime) -> MaintenancePlan:
    """The stored plan, its tasks made up to the horizon; open tasks of a changed rhythm are withdrawn first."""
    plan.save()
    plan.tasks.filter(state=Task.State.OPEN, documents__isnull=True).exclude(
        due_on__lt=local_date(now, plan.site.zone)
    ).delete()
    plan_tasks_of(plan=plan, now=now)
    return plan


@transaction.atomic
def add_task(*, task: Task, by: User, now: datetime) -> Task:
    """The stored task, asked for by a person."""
    task.created_at = now
    task.save()
    return task


@transaction.atomic
def complete_task(
    *,
    task: Task,
    outcome: str,
    done_on: date,
    by: User,
    now: datetime,
    note: str = "",
    uploads: Iterable[File[bytes]] = (),
) -> Task:
    """The task, done, with its evidence stored beside it."""
    task = _open_task(task)
    if done_on > local_date(now, task.site.zone):
        raise DoneInTheFuture(_("The day it was done has not come yet."))
    for upload in uploads:
        evidence.store_document(
            site=task.site, record=task, upload=upload, title="", evidence_on=done_on, by=by, now=now
        )
    if task.needs_document and not task.documents.exists():
        raise EvidenceIsMissing(_("This task is done only with a document: attach the report or a photo."))
    return close_as_done(task=task, outcome=outcome, done_on=done_on, note=note, by=by, now=now)


@transaction.atomic
def close_as_done(*, task: Task, outcome: str, done_on: date, note: str, by: User, now: datetime) -> Task:
    """The task, done; its evidence is stored already, here or with the record that it asked for."""
    task = _open_task(task)
    task.state, task.outcome, task.note = Task.State.DONE, outcome, note
    task.done_on, task.done_at, task.done_by = done_on, now, by
    task.save()
    return task


@transaction.atomic
def cancel_task(*, task: Task, reason: str, by: User, now: datetime) -> Task:
    """The task, cancelled, with the reason."""
    task = _open_task(task)
    if not reason.strip():
        raise ReasonIsMissing(_("Say why the task is not needed."))
    task.state, task.note, task.done_at, task.done_by = Task.State.CANCELLED, reason, now, by
    task.save()
    return task


def _open_task(task: Task) -> Task:
    locked = Task.objects.select_for_update(of=("self",)).select_related("site").get(pk=task.pk)
    if locked.state != Task.State.OPEN:
        raise TaskIsClosed(_("The task is closed already."))
    return locked
