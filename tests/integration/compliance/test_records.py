"""Samples are judged, incidents told, documents kept."""

import datetime as dt
import hashlib
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import Error, transaction

from compliance.models import Document, Incident, Task, WaterLimit
from compliance.models.water import Parameter
from compliance.services import evidence, response, treatment
from compliance.services.treatment import Figure
from contracts.services import faults
from tests.makers import accounts, compliance, contracts, hosting, thermal
from thermal.models.alarms import Priority

pytestmark = pytest.mark.django_db
NOW = compliance.NOW


# ---- water -------------------------------------------------------------------------------------------


def test_a_sample_is_judged_by_the_limits_of_its_day_and_keeps_them() -> None:
    circuit = compliance.make_circuit(hosting.make_site(country="NL"))
    old = compliance.make_limit(valid_until=dt.date(2026, 6, 1))
    new = compliance.make_limit(valid_from=dt.date(2026, 6, 1), lowest_value="8.8", highest_value="9.2")
    before = compliance.make_sample(circuit, ph="9.6", taken_at=dt.datetime(2026, 5, 31, 12, tzinfo=dt.UTC))
    after = compliance.make_sample(circuit, ph="9.6", taken_at=dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC))
    assert (before.verdict, before.results.get().limit) == ("in_limit", old)
    assert (after.verdict, after.results.get().limit) == ("out", new)
    assert after.results.get().highest_value == Decimal("9.2")


def test_a_countrys_own_limit_stands_before_the_general_one() -> None:
    circuit = compliance.make_circuit(hosting.make_site(country="NL"))
    own = compliance.make_limit(highest_value="8.6")
    assert compliance.make_sample(circuit, ph="9.0").results.get().limit == own


def test_the_shipped_limits_say_that_nobody_verified_them() -> None:
    shipped = WaterLimit.objects.filter(valid_from=dt.date(2000, 1, 1))
    assert shipped.count() >= 30
    assert not shipped.filter(verified=True).exists()
    assert not shipped.exclude(source__contains="unverified default").exists()


def test_out_of_limit_opens_one_task_to_correct_and_sample_again() -> None:
    sample = compliance.make_sample(ph="11")
    task = treatment.open_corrective_task(sample=sample, now=NOW)
    assert list(sample.tasks.all()) == [task]
    assert (task.origin, task.subject, task.due_on) == ("water", "water", NOW.date() + dt.timedelta(14))


def test_a_sample_in_limit_opens_nothing_and_fulfils_its_task() -> None:
    circuit = compliance.make_circuit()
    task = compliance.make_task(circuit.site, circuit=circuit)
    sample = compliance.make_sample(circuit, task=task)
    task.refresh_from_db()
    assert (task.state, task.outcome, task.done_on) == ("done", "passed", sample.taken_on)
    assert Task.objects.count() == 1


def test_a_figure_below_detection_is_kept_with_its_sign() -> None:
    circuit = compliance.make_circuit()
    sample = compliance.make_sample(circuit, figures=[Figure(Parameter.OXYGEN, Decimal("0.05"), "<")])
    assert (str(sample.results.get()), sample.verdict) == ("dissolved oxygen, mg/l: <0.05", "in_limit")


def test_the_same_sample_twice_ahead_or_empty_is_refused() -> None:
    circuit, taken_at = compliance.make_circuit(), NOW - dt.timedelta(hours=1)
    compliance.make_sample(circuit, taken_at=taken_at)
    with pytest.raises(treatment.SampleIsRecorded):
        compliance.make_sample(circuit, taken_at=taken_at)
    with pytest.raises(treatment.SampleIsAhead):
        compliance.make_sample(circuit, taken_at=NOW + dt.timedelta(minutes=1))
    with pytest.raises(treatment.SampleHasNoResult):
        compliance.make_sample(circuit, figures=[])


def test_a_limit_that_judged_is_ended_and_never_changed() -> None:
    officer = accounts.compliance_officer()
    limit = compliance.make_limit()
    compliance.make_sample(compliance.make_circuit(hosting.make_site(country="NL")))
    limit.highest_value = Decimal(11)
    with pytest.raises(treatment.LimitIsInUse):
        treatment.save_limit(limit=limit, by=officer, now=NOW)
    limit.refresh_from_db()
    limit.valid_until, limit.verified = dt.date(2027, 1, 1), True
    treatment.save_limit(limit=limit, by=officer, now=NOW)


# ---- incidents ---------------------------------------------------------------------------------------


def test_an_alarm_of_high_priority_opens_one_incident_however_often_the_news_comes() -> None:
    alarm = thermal.make_alarm(priority=Priority.HIGH, raised_at=NOW)
    first, again = (response.open_from_alarm(alarm=alarm, now=NOW) for _ in range(2))
    assert first == again == Incident.objects.get()
    assert first is not None
    assert first.entries.count() == 1
    assert response.open_missing(now=NOW) == 0


def test_the_schedule_opens_what_the_news_missed_and_leaves_lesser_alarms_alone() -> None:
    thermal.make_alarm(priority=Priority.HIGH, raised_at=NOW)
    thermal.make_alarm(priority=Priority.MEDIUM, raised_at=NOW)
    assert response.open_missing(now=NOW) == 1
    assert Incident.objects.count() == 1


def test_what_an_offtaker_reports_becomes_an_incident_that_somebody_answers(
    django_capture_on_commit_callbacks: Any,
) -> None:
    contract = contracts.make_contract()
    offtaker = accounts.offtaker_viewer(contract)
    with django_capture_on_commit_callbacks(execute=True):
        report = faults.report_fault(contract=contract, what="The pool is cold.", by=offtaker, now=NOW, phone="112")
    incident = Incident.objects.get()
    assert (incident.site, incident.fault_report) == (contract.delivery_point.site, report)
    assert "The pool is cold." in incident.entries.get().text
    assert response.open_from_fault(report=report, now=NOW) == incident
    Incident.objects.update(fault_report=None)
    assert response.open_missing(now=NOW) == 1, "the schedule opens what the news missed"


def test_the_time_line_grows_and_nothing_in_it_changes() -> None:
    officer, incident = accounts.operator(), compliance.make_incident()
    entry = response.add_entry(incident=incident, text="Pump restarted.", state="contained", by=officer, now=NOW)
    incident.refresh_from_db()
    assert incident.state == "contained"
    for change in (lambda: type(entry).objects.filter(pk=entry.pk).update(text="Nothing."), entry.delete):
        with pytest.raises(Error), transaction.atomic():
            change()


def test_an_incident_closes_with_a_cause_and_stays_closed() -> None:
    officer, incident = accounts.operator(), compliance.make_incident()
    with pytest.raises(response.CauseIsMissing):
        response.close_incident(incident=incident, cause="", by=officer, now=NOW)
    response.close_incident(incident=incident, cause="A worn bearing.", by=officer, now=NOW)
    with pytest.raises(response.IncidentIsClosed):
        response.add_entry(incident=incident, text="More.", by=officer, now=NOW)


def test_classifying_starts_the_clock_of_the_class() -> None:
    officer, incident = accounts.compliance_officer(), compliance.make_incident()
    aware_at = NOW - dt.timedelta(hours=1)
    told = response.classify(
        incident=incident, kind="availability", severity="major", aware_at=aware_at, by=officer, now=NOW
    )
    assert told.report_due_at == aware_at + dt.timedelta(hours=24)
    told = response.classify(incident=incident, kind="supply", severity="major", aware_at=None, by=officer, now=NOW)
    assert told.report_due_at is None


def test_the_time_line_does_not_tell_the_future() -> None:
    with pytest.raises(response.EntryIsAhead):
        response.add_entry(
            incident=compliance.make_incident(),
            text="It will rain.",
            at=NOW + dt.timedelta(hours=1),
            by=accounts.operator(),
            now=NOW,
        )


# ---- documents ---------------------------------------------------------------------------------------


def test_a_document_is_kept_as_it_came_and_known_by_its_hash() -> None:
    content = compliance.PDF * 50
    document = compliance.make_document(upload=compliance.make_upload("..\\evil/../Bericht Öl.pdf", content))
    assert document.sha256 == hashlib.sha256(content).hexdigest()
    assert (document.file_name, document.media_type, document.size_bytes) == (
        "Bericht Öl.pdf",
        "application/pdf",
        len(content),
    )
    with default_storage.open(document.storage_name) as stored:
        assert stored.read() == content
    for change in (lambda: Document.objects.filter(pk=document.pk).update(title="x"), document.delete):
        with pytest.raises(Error), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("run.exe", b"MZ", evidence.TypeIsNotAccepted),
        ("page.html", b"<script>", evidence.TypeIsNotAccepted),
        ("image.svg", b"<svg/>", evidence.TypeIsNotAccepted),
        ("noname", b"x", evidence.TypeIsNotAccepted),
        ("report.pdf", b"<html>", evidence.ContentIsNotItsType),
        ("photo.png", b"\xff\xd8\xff", evidence.ContentIsNotItsType),
        ("table.csv", b"a,b\0c", evidence.ContentIsNotItsType),
        ("book.xlsx", b"PK\x03\x04 and no more", evidence.ContentIsNotItsType),
        ("report.pdf", b"", evidence.FileIsEmpty),
        ("report.pdf", b"%PDF-" + bytes(evidence.LARGEST_BYTES), evidence.FileIsTooLarge),
    ],
)
def test_what_is_no_evidence_is_refused(name: str, content: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        compliance.make_document(upload=compliance.make_upload(name, content))


def test_a_newer_version_replaces_the_newest_one_only() -> None:
    task = compliance.make_task()
    first = compliance.make_document(task.site, record=task)
    second = compliance.make_document(task.site, replaces=first)
    assert (second.version, second.task) == (2, task)
    with pytest.raises(evidence.VersionIsReplaced):
        compliance.make_document(task.site, replaces=first)


def test_evidence_does_not_speak_of_tomorrow() -> None:
    with pytest.raises(evidence.EvidenceIsAhead):
        compliance.make_document(evidence_on=NOW.date() + dt.timedelta(1))
