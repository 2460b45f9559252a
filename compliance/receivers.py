"""What compliance does about news from the floors below."""

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from compliance.services import response
from thermal.models import Alarm
from thermal.signals import alarm_raised


@receiver(alarm_raised, dispatch_uid="compliance.open_incident")
def open_incident(alarm: Alarm, **_news: Any) -> None:
    """Open the incident of an alarm of high priority, once."""
    response.open_from_alarm(alarm=alarm, now=timezone.now())
