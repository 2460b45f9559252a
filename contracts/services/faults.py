"""What offtakers say is wrong."""

from datetime import datetime

from django.db import transaction

from accounts.models import User
from contracts import signals
from contracts.models import Contract, FaultReport


@transaction.atomic
def report_fault(*, contract: Contract, what: str, by: User, now: datetime, phone: str = "") -> FaultReport:
    """The report, recorded and announced to the floors above."""
    report = FaultReport.objects.create(contract=contract, what=what, phone=phone, reported_by=by, reported_at=now)
    transaction.on_commit(lambda: signals.fault_reported.send(sender=FaultReport, report=report))
    return report
