"""What compliance does about news from the floors below."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from compliance.services import response
from contracts.models import FaultReport
from contracts.signals import fault_reported
from thermal.models import Alarm
from thermal.signals import alarm_raised


@receiver(alarm_raised, dispatch_uid="compliance.open_incident")
def open_incident(alarm: Alarm, **_news: Any) -> None:
    """Open the incident of an alarm of high priority, once."""
    response.open_from_alarm(alarm=alarm, now=timezone.now())


@receiver(fault_reported, dispatch_uid="compliance.open_incident_of_fault")
def open_incident_of_fault(report: FaultReport, **_news: Any) -> None:
    """Open the incident of what an offtaker reports, so that somebody answers."""
    response.open_from_fault(report=report, now=timezone.now())
