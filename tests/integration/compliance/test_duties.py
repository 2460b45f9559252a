"""Duties become tasks, once each, and are done with evidence."""

import datetime as dt

import pytest

from compliance.models import MaintenancePlan, Task
from compliance.services import duties, permits
from tests.makers import accounts, compliance, hosting

pytestmark = pytest.mark.django_db
NOW = compliance.NOW
TODAY = NOW.date()


def test_tasks_are_made_ahead_and_never_twice() -> None:
    plan = compliance.make_plan(starts_on=dt.date(2026, 8, 31), interval_months=1)
    first, again = duties.plan_tasks(now=NOW), duties.plan_tasks(now=NOW)
    days = list(plan.tasks.order_by("due_on").values_list("due_on", flat=True))
    assert (first, again) == (5, 0)
    assert days == [dt.date(2026, month, day) for month, day in ((8, 31), (9, 30), (10, 31), (11, 30), (12, 31))]


def test_a_month_of_silence_is_made_up_for() -> None:
    plan = compliance.make_plan(starts_on=TODAY, interval_days=7)
    duties.plan_tasks(now=NOW)
    later = NOW + dt.timedelta(days=200)
    duties.plan_tasks(now=later)
    days = list(plan.tasks.order_by("due_on").values_list("due_on", flat=True))
    assert days == [TODAY + dt.timedelta(7 * turn) for turn in range(len(days))]
    assert days[-1] > later.date()


def test_inactive_plans_and_retired_sites_make_no_tasks() -> None:
    compliance.make_plan(active=False)
    compliance.make_plan(hosting.make_site(lifecycle="retired"))
    assert duties.plan_tasks(now=NOW) == 0


def test_a_plan_ends_before_its_end() -> None:
    plan = compliance.make_plan(starts_on=TODAY, interval_days=1, ends_on=TODAY + dt.timedelta(3))
    duties.plan_tasks(now=NOW)
    assert plan.tasks.count() == 3


def test_changing_the_rhythm_replaces_only_what_lies_ahead() -> None:
    officer = accounts.compliance_officer()
    plan = compliance.make_plan(starts_on=dt.date(2026, 10, 1), interval_months=1)
    duties.plan_tasks(now=NOW)
    plan.interval_months, plan.interval_days = 0, 10
    duties.save_plan(plan=plan, by=officer, now=NOW)
    days = list(plan.tasks.order_by("due_on").values_list("due_on", flat=True)[:3])
    # What fell due already stays; what lies ahead follows the new rhythm, counted from the first day.
    assert days == [dt.date(2026, 10, 1), dt.date(2026, 11, 1), dt.date(2026, 11, 10)]


def test_a_permit_asks_for_its_renewal_when_the_lead_begins() -> None:
    permit = compliance.make_permit(expires_on=TODAY + dt.timedelta(90), renewal_lead_days=90)
    compliance.make_permit(expires_on=TODAY + dt.timedelta(91), renewal_lead_days=90)
    assert duties.plan_tasks(now=NOW) == 1
    (task,) = Task.objects.all()
    assert (task.permit, task.origin, task.due_on) == (permit, "permit", TODAY + dt.timedelta(89))


def test_renewing_a_permit_closes_its_task_and_passes_the_conditions_on() -> None:
    officer = accounts.compliance_officer()
    permit = compliance.make_permit(expires_on=TODAY + dt.timedelta(20))
    check = permits.Check(starts_on=TODAY, interval_months=6)
    permits.add_condition(permit=permit, number="1", text="Quiet nights.", check=check, by=officer, now=NOW)
    duties.plan_tasks(now=NOW)
    renewal = permits.renew_permit(
        permit=permit, reference="N-new", issued_on=TODAY, expires_on=None, by=officer, now=NOW
    )
    permit.refresh_from_db()
    assert permit.status == "replaced"
    assert Task.objects.get(origin="permit").state == "done"
    assert renewal.conditions.get().plan is not None
    assert permit.conditions.get().plan is None


def test_a_replaced_permit_is_not_renewed_again() -> None:
    officer = accounts.compliance_officer()
    permit = compliance.make_permit(status="ended")
    with pytest.raises(permits.PermitIsNotInForce):
        permits.renew_permit(permit=permit, reference="x", issued_on=TODAY, expires_on=None, by=officer, now=NOW)


def test_ending_a_permit_stops_its_checks() -> None:
    officer = accounts.compliance_officer()
    permit = compliance.make_permit(expires_on=TODAY + dt.timedelta(20))
    check = permits.Check(starts_on=TODAY, interval_days=30)
    permits.add_condition(permit=permit, number="1", text="Quiet nights.", check=check, by=officer, now=NOW)
    duties.plan_tasks(now=NOW)
    permits.end_permit(permit=permit, by=officer, now=NOW)
    assert not Task.objects.filter(state="open").exists()
    assert not MaintenancePlan.objects.get().active


def test_a_meter_asks_for_verification_until_it_is_exchanged() -> None:
    meter = hosting.make_meter(verified_until_on=TODAY + dt.timedelta(60))
    placement = hosting.make_placement(meter=meter)
    assert duties.plan_tasks(now=NOW) == 1
    task = Task.objects.get()
    assert (task.meter, task.site, task.due_on) == (meter, placement.site, TODAY + dt.timedelta(59))
    meter.verified_until_on = TODAY + dt.timedelta(2000)
    meter.save()
    assert duties.plan_tasks(now=NOW) == 0
    task.refresh_from_db()
    assert task.state == "cancelled"


def test_a_task_is_done_with_its_evidence_beside_it() -> None:
    officer = accounts.operator()
    task = compliance.make_task(needs_document=True)
    uploads = [compliance.make_upload("report.pdf")]
    done = duties.complete_task(task=task, outcome="passed", done_on=TODAY, by=officer, now=NOW, uploads=uploads)
    (document,) = done.documents.all()
    assert (done.state, done.done_by, done.done_at) == ("done", officer, NOW)
    assert (document.evidence_on, document.uploaded_at) == (TODAY, NOW)


def test_a_task_that_needs_a_document_is_not_done_without() -> None:
    task = compliance.make_task(needs_document=True)
    with pytest.raises(duties.EvidenceIsMissing):
        duties.complete_task(task=task, outcome="passed", done_on=TODAY, by=accounts.operator(), now=NOW)


def test_nothing_is_done_tomorrow_and_nothing_twice() -> None:
    officer, task = accounts.operator(), compliance.make_task()
    with pytest.raises(duties.DoneInTheFuture):
        duties.complete_task(task=task, outcome="passed", done_on=TODAY + dt.timedelta(1), by=officer, now=NOW)
    duties.complete_task(task=task, outcome="passed", done_on=TODAY, by=officer, now=NOW)
    with pytest.raises(duties.TaskIsClosed):
        duties.cancel_task(task=task, reason="no", by=officer, now=NOW)


def test_a_duty_is_not_dropped_without_a_reason() -> None:
    with pytest.raises(duties.ReasonIsMissing):
        duties.cancel_task(task=compliance.make_task(), reason=" ", by=accounts.operator(), now=NOW)
