"""News of thermal for the floors above; sent after the transaction has committed."""

from django.dispatch import Signal

# alarm: the Alarm that now asks for attention, or that asks again.
alarm_raised = Signal()
# alarm: the Alarm whose condition is gone.
alarm_returned = Signal()
