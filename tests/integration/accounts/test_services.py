"""Long work told step by step, and what the database itself refuses about people."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from accounts.models import ApiToken, Audience, DemoMark, Invitation, Job, User
from accounts.services import audiences, jobs, people
from kernel.errors import Refusal
from tests.makers import accounts as cast
from tests.makers import hosting as inventory

pytestmark = pytest.mark.django_db
NOW = cast.NOW


def running(total_count: int | None = 4) -> Job:
    job = jobs.queue(kind="test", title="Counting", by=None, now=NOW, total_count=total_count)
    return jobs.start(job_id=job.pk, now=NOW)


def test_job_goes_from_waiting_to_done() -> None:
    job = jobs.queue(kind="test", title="Counting", by=None, now=NOW, total_count=4)
    assert (job.state, job.share_percent) == (Job.State.QUEUED, 0)
    jobs.start(job_id=job.pk, now=NOW)
    jobs.advance(job_id=job.pk, done_count=1, now=NOW, message="one of four")
    job.refresh_from_db()
    assert (job.state, job.share_percent, job.message) == (Job.State.RUNNING, 25, "one of four")
    done = jobs.finish(job_id=job.pk, now=NOW, result_url="/result/")
    assert (done.state, done.share_percent, done.is_over) == (Job.State.DONE, 100, True)


def test_job_whose_total_is_unknown_has_no_share() -> None:
    job = running(total_count=None)
    jobs.advance(job_id=job.pk, done_count=17, now=NOW)
    job.refresh_from_db()
    assert (job.done_count, job.share_percent) == (17, None)


def test_cancelled_job_stops_its_worker_at_the_next_step() -> None:
    job = running()
    jobs.cancel(job=job, by=cast.stranger(), now=NOW)
    with pytest.raises(jobs.JobWasCancelled):
        jobs.advance(job_id=job.pk, done_count=1, now=NOW)


@pytest.mark.parametrize("end", ["finish", "fail", "start", "cancel"])
def test_what_is_over_does_not_end_again(end: str) -> None:
    job = running()
    jobs.finish(job_id=job.pk, now=NOW)
    calls: dict[str, Any] = {
        "finish": lambda: jobs.finish(job_id=job.pk, now=NOW),
        "fail": lambda: jobs.fail(job_id=job.pk, error="late", now=NOW),
        "start": lambda: jobs.start(job_id=job.pk, now=NOW),
        "cancel": lambda: jobs.cancel(job=job, by=cast.stranger(), now=NOW),
    }
    with pytest.raises(jobs.JobIsOver):
        calls[end]()
    with pytest.raises(jobs.JobIsOver):
        jobs.advance(job_id=job.pk, done_count=1, now=NOW)


def test_second_delivery_of_a_task_takes_over_where_a_worker_died() -> None:
    job = running()
    jobs.advance(job_id=job.pk, done_count=3, now=NOW)
    again = jobs.start(job_id=job.pk, now=NOW + timedelta(minutes=5), total_count=4)
    assert (again.state, again.started_at, again.done_count) == (Job.State.RUNNING, NOW, 0)


def test_job_without_sign_of_life_is_given_up() -> None:
    silent, alive = running(), running()
    later = NOW + jobs.SILENT_AFTER + timedelta(seconds=1)
    jobs.advance(job_id=alive.pk, done_count=1, now=later)
    assert jobs.fail_silent(now=later) == 1
    silent.refresh_from_db()
    alive.refresh_from_db()
    assert (silent.state, alive.state) == (Job.State.FAILED, Job.State.RUNNING)
    assert "silent" in silent.error


def test_task_delivered_again_after_its_job_was_given_up_takes_it_over() -> None:
    job = running()
    later = NOW + timedelta(hours=1)
    jobs.fail_silent(now=later)
    jobs.start(job_id=job.pk, now=later)
    assert jobs.finish(job_id=job.pk, now=later).state == Job.State.DONE


def test_failed_job_says_why() -> None:
    job = jobs.fail(job_id=running().pk, error="The broker is gone.", now=NOW)
    assert (job.state, job.error, job.finished_at) == (Job.State.FAILED, "The broker is gone.", NOW)


def test_grants_are_given_on_anchors_only() -> None:
    audience = audiences.create_audience(name="Pool", by=None, now=NOW)
    with pytest.raises(audiences.NotAnAnchor):
        audiences.grant(audience=audience, anchors=[inventory.make_delivery_point()], by=None, now=NOW)


def test_nobody_locks_themselves_out_or_widens_their_own_access() -> None:
    admin = cast.administrator()
    with pytest.raises(people.NotOnYourself):
        people.deactivate(person=admin, by=admin, now=NOW)
    with pytest.raises(people.NotOnYourself):
        people.change_access(person=admin, audiences=[], access_until=None, by=admin, now=NOW)


def test_refusal_leaves_nothing_half_done() -> None:
    person = cast.operator()
    with pytest.raises(Refusal):
        people.change_roles(person=person, role_keys=["billing", "approver"], by=None, now=NOW)
    assert User.objects.get(pk=person.pk).role_keys == ["operator"]


def invitation(**fields: Any) -> Invitation:
    defaults = {"email": "a@example.org", "token_hash": "0", "created_at": NOW, "expires_at": NOW + timedelta(days=1)}
    return Invitation(**(defaults | fields))


def token(**fields: Any) -> ApiToken:
    defaults = {"user": cast.stranger(), "token_hash": "0", "created_at": NOW, "expires_at": NOW + timedelta(days=1)}
    return ApiToken(**(defaults | fields))


WRONG: dict[str, Any] = {
    "user_email_lower_case": lambda: User(email="Ada@example.org"),
    "user_email_given": lambda: User(email=""),
    "user_theme_known": lambda: User(email="a@example.org", theme="pink"),
    "audience_name_given": lambda: Audience(name="", group_id=cast.operator().groups.get().pk),
    "invitation_expires_after_it_is_made": lambda: invitation(expires_at=NOW),
    "invitation_to_an_address_unless_first": lambda: invitation(email="", invited_by=cast.stranger()),
    "invitation_accepted_by_someone_or_revoked": lambda: invitation(accepted_at=NOW),
    "api_token_expires_after_it_is_made": lambda: token(expires_at=NOW),
    "api_token_scope_known": lambda: token(scope="all"),
    "demo_mark_single": lambda: DemoMark(id=2, marked_at=NOW),
    "job_done_within_total": lambda: Job(kind="x", title="x", done_count=2, total_count=1),
    "job_finished_when_over": lambda: Job(kind="x", title="x", state=Job.State.DONE),
}


@pytest.mark.parametrize("constraint", WRONG)
def test_database_refuses_what_must_not_be(constraint: str) -> None:
    row = WRONG[constraint]()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        row.save(force_insert=True)


def test_one_address_is_one_person_however_it_is_written() -> None:
    User.objects.create_user("ada@example.org")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ADA@example.org")


@pytest.mark.parametrize("model", [User, Audience, Invitation, ApiToken, DemoMark, Job])
def test_every_constraint_has_a_case_that_breaks_it(model: Any) -> None:
    checks = {constraint.name for constraint in model._meta.constraints}
    assert checks <= set(WRONG)
