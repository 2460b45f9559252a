"""What a pack would lack: seen before it is built, not by the auditor."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from compliance.models import Incident, Permit, Task
from compliance.queries import holdings, standing
from compliance.queries.scope import Scope
from contracts.models import Invoice
from hosting.models import DeliveryPoint
from kernel.periods import quarter_start
from thermal.models.ledger import Quality


@dataclass(frozen=True)
class Gap:
    """Something that an auditor would ask about."""

    what: Any
    count: int
    url: str = ""


def gaps(scope: Scope, *, now: datetime) -> list[Gap]:
    """Everything that is missing, late or unproven in the scope; empty when the pack is complete."""
    return [gap for gap in _found(scope, now) if gap.count]


def _found(scope: Scope, now: datetime) -> Iterator[Gap]:
    tasks = holdings.tasks(scope)
    late = tasks.filter(state=Task.State.OPEN, due_on__lt=now.astimezone(scope.zone).date())
    yield Gap(_("tasks overdue"), late.count(), _list("task", standing="overdue"))
    unproven = standing.missing_evidence(tasks)
    yield Gap(_("tasks done without a document"), unproven.count(), _list("task", standing="unproven"))
    bad = holdings.samples(scope).filter(tasks__origin=Task.Origin.WATER, tasks__state=Task.State.OPEN)
    yield Gap(
        _("water samples out of limit that are still to be corrected"), bad.count(), _list("sample", verdict="out")
    )
    expired = holdings.permits(scope).filter(status=Permit.Status.GRANTED, expires_on__lte=now.date())
    yield Gap(_("permits expired without a renewal"), expired.count(), _list("permit", status="granted"))
    unclosed = holdings.incidents(scope).exclude(state=Incident.State.CLOSED)
    yield Gap(_("incidents not closed"), unclosed.count(), _list("incident", open="true"))
    unverified = scope.meters().filter(_verification_ended(scope))
    yield Gap(_("meters whose verification ended in the period"), unverified.count())
    yield Gap(_("quarter hours without settled heat"), _unsettled(scope, now))
    unissued = _unissued(scope)
    yield Gap(_("invoices drafted and not issued"), unissued.count())


def _list(noun: str, **state: str) -> str:
    return f"{reverse(f'compliance:{noun}_list')}?{urlencode(state)}"


def _verification_ended(scope: Scope) -> Q:
    return Q(kind="heat", verified_until_on__lt=scope.until_on)


def _unissued(scope: Scope) -> QuerySet[Any]:
    drafted = holdings.of_contracts(Invoice)(scope).exclude(state=Invoice.State.ISSUED)
    found: QuerySet[Any] = drafted.filter(starts_at__lt=scope.period.end, ends_at__gt=scope.period.start)
    return found


def _unsettled(scope: Scope, now: datetime) -> int:
    """Quarter hours of delivery points with a contract for which the ledger has no heat."""
    running = holdings.contracts(scope).select_related("delivery_point")
    return sum(_unsettled_at(contract.delivery_point, scope, now) for contract in running)


def _unsettled_at(point: DeliveryPoint, scope: Scope, now: datetime) -> int:
    end = min(scope.period.end, quarter_start(now))
    expected = max(0, (end - scope.period.start) // timedelta(minutes=15))
    rows = point.intervals.filter(start__gte=scope.period.start, start__lt=end)
    return max(0, expected - rows.exclude(quality=Quality.MISSING).count())
