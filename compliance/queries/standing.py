"""How the sites stand: what is due and what is late, by subject."""

from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from compliance.models import Incident, Task

DUE = "due"
OVERDUE = "overdue"
INCIDENTS = "incidents"


def is_overdue(today: date) -> Q:
    """The condition that an open task's day has passed."""
    return Q(state=Task.State.OPEN, due_on__lt=today)


def is_due(today: date) -> Q:
    """The condition that an open task's lead has begun and its day has not passed."""
    return Q(state=Task.State.OPEN, alert_on__lte=today, due_on__gte=today)


def with_standing(sites: QuerySet[Any], *, today: date, now: datetime) -> QuerySet[Any]:
    """The sites, each with its counts by subject as `task_counts` and `incident_counts`, in the same one query."""
    by_subject = (
        Task.objects.filter(is_due(today) | is_overdue(today), site=OuterRef("pk"))
        .order_by()
        .values("subject")
        .annotate(due=Count("pk", filter=is_due(today)), overdue=Count("pk", filter=is_overdue(today)))
    )
    late = Q(report_due_at__lt=now, reported_at__isnull=True)
    open_incidents = (
        Incident.objects.filter(site=OuterRef("pk"))
        .exclude(state=Incident.State.CLOSED)
        .order_by()
        .values("site")
        .annotate(due=Count("pk", filter=~late), overdue=Count("pk", filter=late))
    )
    counts = JSONObject(subject=F("subject"), due=F("due"), overdue=F("overdue"))
    counted: QuerySet[Any] = sites.annotate(
        task_counts=ArraySubquery(by_subject.values(json=counts)),
        incident_counts=ArraySubquery(open_incidents.values(json=JSONObject(due=F("due"), overdue=F("overdue")))),
    )
    return counted


def totals(tasks: QuerySet[Any], *, today: date) -> dict[str, int]:
    """How many of the tasks are due and how many are late."""
    return tasks.aggregate(due=Count("pk", filter=is_due(today)), overdue=Count("pk", filter=is_overdue(today)))


def missing_evidence(tasks: QuerySet[Any]) -> QuerySet[Any]:
    """The tasks that are done without any document."""
    return tasks.filter(state=Task.State.DONE, documents__isnull=True, sample__isnull=True)
