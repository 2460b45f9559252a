"""Incidents: opened by people or by an alarm, told line by line, closed with a cause."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from compliance.models import Incident, IncidentEntry
from contracts.models import FaultReport
from hosting.models import Site
from kernel.errors import Refusal
from thermal.models import Alarm
from thermal.models.alarms import Priority

# How long a report may take once somebody is aware, in hours; the shortest duty of each class (NIS2 Art. 23 early
# warning, GDPR Art. 33). An unverified default for whoever is not bound by them: the day can be changed.
REPORT_WITHIN: Final = {
    Incident.Kind.AVAILABILITY: timedelta(hours=24),
    Incident.Kind.PERSONAL_DATA: timedelta(hours=72),
}


class IncidentIsClosed(Refusal):
    """A closed incident's story is told."""


class CauseIsMissing(Refusal):
    """Nothing is closed before somebody knows why it happened."""


class EntryIsEmpty(Refusal):
    """A line of the time line says something."""


class EntryIsAhead(Refusal):
    """The time line tells what happened, not what will."""


@transaction.atomic
def open_incident(
    *, site: Site, title: str, kind: str, severity: str, detected_at: datetime, text: str, by: User, now: datetime
) -> Incident:
    """The stored incident, with the first line of its time line."""
    if detected_at > now:
        raise EntryIsAhead(_("The time of detection has not come yet."))
    incident = Incident.objects.create(
        site=site, title=title, kind=kind, severity=severity, detected_at=detected_at, opened_by=by, created_at=now
    )
    _write(incident, text or title, at=detected_at, by=by, now=now, state=Incident.State.OPEN)
    return incident


@transaction.atomic
def open_from_alarm(*, alarm: Alarm, now: datetime) -> Incident | None:
    """The one incident of a high-priority alarm, opened now or before; None for lesser alarms."""
    if alarm.priority != Priority.HIGH:
        return None
    incident, created = Incident.objects.get_or_create(
        alarm=alarm,
        defaults={
            "site_id": alarm.site_id,
            "title": alarm.message[:200],
            "severity": Incident.Severity.MAJOR,
            "detected_at": alarm.raised_at,
            "created_at": now,
        },
    )
    if created:
        text = gettext("Opened by an alarm of high priority: %(message)s") % {"message": alarm.message}
        _write(incident, text, at=min(alarm.raised_at, now), by=None, now=now, state=Incident.State.OPEN)
    return incident


@transaction.atomic
def open_from_fault(*, report: FaultReport, now: datetime) -> Incident:
    """The one incident of what an offtaker reported, opened now or before."""
    site = report.contract.delivery_point.site
    incident, created = Incident.objects.get_or_create(
        fault_report=report,
        defaults={
            "site": site,
            "title": gettext("Reported by the offtaker: %(what)s") % {"what": report.what[:150]},
            "detected_at": report.reported_at,
            "opened_by": report.reported_by,
            "created_at": now,
        },
    )
    if created:
        words = {"what": report.what, "phone": report.phone or "–", "contract": report.contract.number}
        text = gettext("%(what)s (contract %(contract)s, telephone %(phone)s)") % words
        _write(incident, text, at=report.reported_at, by=report.reported_by, now=now, state=Incident.State.OPEN)
    return incident


def open_missing(*, now: datetime) -> int:
    """The number of incidents opened for alarms and fault reports of the last day whose news never arrived."""
    yesterday = now - timedelta(days=1)
    alarms = Alarm.objects.filter(priority=Priority.HIGH, raised_at__gt=yesterday, incident=None)
    reports = FaultReport.objects.filter(reported_at__gt=yesterday, incident=None)
    from_alarms = [open_from_alarm(alarm=alarm, now=now) for alarm in alarms]
    from_reports = [open_from_fault(report=report, now=now) for report in reports]
    return sum(incident is not None for incident in (*from_alarms, *from_reports))


@transaction.atomic
def add_entry(
    *, incident: Incident, text: str, by: User, now: datetime, at: datetime | None = None, state: str = ""
) -> IncidentEntry:
    """The new line of the time line; with a state, the incident is in it from then on."""
    incident = _open(incident)
    if state and state != incident.state:
        incident.state = state
        incident.save(update_fields=["state"])
    else:
        state = ""
    return _write(incident, text, at=at or now, by=by, now=now, state=state)


@transaction.atomic
def classify(
    *, incident: Incident, kind: str, severity: str, aware_at: datetime | None, by: User, now: datetime
) -> Incident:
    """The incident, classified; a reporting clock starts where its class has one."""
    incident = _open(incident)
    incident.kind, incident.severity = kind, severity
    incident.aware_at = aware_at or incident.aware_at or now
    incident.classified_at = now
    within = REPORT_WITHIN.get(Incident.Kind(kind))
    incident.report_due_at = incident.aware_at + within if within else None
    incident.save()
    words: dict[str, Any] = {"kind": incident.get_kind_display(), "severity": incident.get_severity_display()}
    _write(incident, gettext("Classified as %(kind)s, %(severity)s.") % words, at=now, by=by, now=now)
    return incident


@transaction.atomic
def record_report(*, incident: Incident, receipt: str, reported_at: datetime, by: User, now: datetime) -> Incident:
    """The incident, with the proof that the authority was told."""
    incident = Incident.objects.select_for_update().get(pk=incident.pk)
    incident.reported_at, incident.report_receipt = reported_at, receipt
    incident.save(update_fields=["reported_at", "report_receipt"])
    _write(incident, gettext("Reported: %(receipt)s") % {"receipt": receipt}, at=reported_at, by=by, now=now)
    return incident


@transaction.atomic
def close_incident(*, incident: Incident, cause: str, by: User, now: datetime) -> Incident:
    """The incident, closed, with its cause."""
    incident = _open(incident)
    if not cause.strip():
        raise CauseIsMissing(_("Say what caused it; “unknown after examination” is an answer, too."))
    incident.state, incident.cause, incident.closed_at = Incident.State.CLOSED, cause, now
    incident.save()
    text = gettext("Closed. Cause: %(cause)s") % {"cause": cause}
    _write(incident, text, at=now, by=by, now=now, state=Incident.State.CLOSED)
    return incident


def _open(incident: Incident) -> Incident:
    locked = Incident.objects.select_for_update(of=("self",)).get(pk=incident.pk)
    if locked.state == Incident.State.CLOSED:
        raise IncidentIsClosed(_("The incident is closed; open a new one if it happened again."))
    return locked


def _write(
    incident: Incident, text: str, *, at: datetime, by: User | None, now: datetime, state: str = ""
) -> IncidentEntry:
    if not text.strip():
        raise EntryIsEmpty(_("Say what happened."))
    if at > now:
        raise EntryIsAhead(_("The time of the entry has not come yet."))
    return IncidentEntry.objects.create(incident=incident, at=at, recorded_at=now, by=by, state=state, text=text)
